//! When a handler fails, hangs or there are too many at once; and what is logged.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use super::house::{House, SECRET, request, send};
use crate::api::Server;
use crate::api::contract::{Access, Route, Verb};
use crate::api::error::ApiError;
use crate::api::shell;

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_hang_have_the_one_error_form() {
    let house = House::new();
    let slow = || async || tokio::time::sleep(Duration::from_secs(30)).await;
    let hanging = Route::new(Verb::Get, "/hang", "hang", "Never", slow()).access(Access::Public);
    let bulk = Route::new(Verb::Get, "/bulk", "bulk", "At last", slow()).access(Access::Public).bulk();
    let router = [hanging, bulk].into_iter().fold(Router::new(), |router, Route { operation, handler }| {
        let gate = shell::Gate { state: house.state.clone(), operation: Arc::new(operation) };
        router.route(gate.operation.path, handler.layer(from_fn_with_state(gate.clone(), shell::pass)))
    });
    let router = router
        .route("/panic", get(async || -> &'static str { panic!("+15550100") }))
        .layer(CatchPanicLayer::custom(|_| ApiError::Internal.into_response()))
        .layer(from_fn_with_state(house.state.clone(), shell::wrap))
        .with_state(house.state.clone());
    let ask = async |path: &str| send(&router, request("GET", path).body(Body::empty()).unwrap()).await;
    let panicked = ask("/panic").await;
    assert_eq!(panicked.error(), (500, "UNKNOWN_ERROR".to_owned()));
    assert!(!panicked.text.contains("15550100"));
    assert_eq!(ask("/hang").await.error(), (503, "SERVICE_UNAVAILABLE".to_owned()));
    assert_eq!(ask("/bulk").await.status.as_u16(), 200, "a bulk has longer");
}

#[tokio::test]
async fn one_request_too_many_is_refused_and_the_next_is_served_again() {
    let house = House::new();
    let places = house.state.places.clone();
    let taken: Vec<_> = std::iter::from_fn(|| places.take("127.0.0.1".parse().unwrap())).collect();
    assert_eq!(house.ask("GET", "/health").await.error(), (503, "SERVICE_UNAVAILABLE".to_owned()));
    drop(taken);
    assert_eq!(house.ask("GET", "/health").await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_log_line_names_the_route_and_the_clients_network_and_nothing_else() {
    let house = House::new();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut text = String::new();
    for _ in 0..100 {
        // Which lines are wanted at all is one cache of the process, and a test beside this one that writes its first line may have just said
        // that nobody wants any.
        tracing::callsite::rebuild_interest_cache();
        house.ask("GET", "/v1/calls/call_00000000000000000000000000?note=hidden").await;
        text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        if text.contains("http_request") {
            break;
        }
    }
    drop(guard);
    for expected in ["http_request", "\"route\":\"/v1/calls/{id}\"", "\"status\":404", "203.0.113.0/24", "req_"] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
    for hidden in ["203.0.113.77", SECRET, "hidden", "call_0000"] {
        assert!(!text.contains(hidden), "{hidden} stands in {text}");
    }
}

#[tokio::test]
async fn a_listener_serves_until_it_is_told_to_stop() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let house = House::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(Server::new(listener, house.state.clone()).run(house.state.stopped.clone()));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /v1/calls HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(house.audited()[0]["ip"], "127.0.0.1");
    house.stop.send(true).unwrap();
    server.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_client_with_slow_bodies_keeps_nobody_else_from_being_served() {
    let house = House::new();
    let router = crate::api::router::router(house.state.clone());
    let slow = |address: &str| {
        let body = Body::from_stream(futures_util::stream::pending::<Result<axum::body::Bytes, io::Error>>());
        let mut request = request("POST", "/v1/auth/login").header("content-type", "application/json").body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::new(address.parse().unwrap(), 9)));
        request
    };
    let mut hanging = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let (router, request) = (router.clone(), slow("203.0.113.1"));
        hanging.spawn(async move { send(&router, request).await });
    }
    let mut refused = 0;
    while let Ok(Some(answer)) = tokio::time::timeout(Duration::from_millis(300), hanging.join_next()).await {
        assert_eq!(answer.unwrap().error(), (503, "SERVICE_UNAVAILABLE".to_owned()));
        refused += 1;
    }
    assert_eq!((refused, house.state.places.taken()), (236, 64));
    assert_eq!(house.ask("GET", "/health").await.status.as_u16(), 200);
}
