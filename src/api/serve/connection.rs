//! One connection: its requests, and the times that it may let pass without one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower::ServiceExt;

use super::stall::Guarded;
use crate::supervision::told_to_stop;

/// Answers the requests of one connection until it is over.
pub(super) async fn serve_connection<S>(socket: S, peer: SocketAddr, router: Router, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let counted = Arc::clone(&activity);
    let service = service_fn(move |request| answer(router.clone(), peer, Arc::clone(&counted), request));
    let builder = builder();
    let connection = builder.serve_connection(TokioIo::new(Guarded::new(socket, WRITE_PATIENCE)), service);
    let mut connection = std::pin::pin!(connection);
    let mut beat = tokio::time::interval(BEAT);
    let (mut idle, mut seen, mut closing) = (Duration::ZERO, 0, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "http_connection_failed");
                }
                return;
            }
            () = told_to_stop(&mut stopped), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = beat.tick() => {
                let begun = activity.begun.load(Ordering::Relaxed);
                let busy = activity.running.load(Ordering::Relaxed) > 0 || begun != seen;
                seen = begun;
                idle = if busy { Duration::ZERO } else { idle + BEAT };
                if begun == 0 && idle > FIRST_REQUEST {
                    // Whoever only opens a connection is owed no answer.
                    return;
                }
                if idle > KEEP_ALIVE && !closing {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Requests of one connection: begun so far, and worked on now.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicUsize,
    running: AtomicUsize,
}

async fn answer(router: Router, peer: SocketAddr, activity: Arc<Activity>, request: Request<Incoming>) -> Result<Response, Infallible> {
    activity.begun.fetch_add(1, Ordering::Relaxed);
    activity.running.fetch_add(1, Ordering::Relaxed);
    let running = Running(activity);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let answered = router.oneshot(request).await;
    drop(running);
    answered
}

/// A request is over, also where its connection broke in the middle of it.
struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD_LEN);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_LEN)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS)
        .max_send_buf_size(MAX_SEND_LEN)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    builder
}

/// The head of a request, from its first byte to its last.
const HEAD: Duration = Duration::from_secs(10);
/// The first request of a connection has to have begun by then.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// A connection without a request is closed after this.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// An answer that nobody takes off the socket.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
const BEAT: Duration = Duration::from_secs(1);
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

const MAX_HEADERS: usize = 64;
const MAX_HEAD_LEN: usize = 32 * 1_024;
const MAX_STREAMS: u32 = 64;
const MAX_HEADER_LIST_LEN: u32 = 16 * 1_024;
/// Streams that a client opened and reset before anybody looked (CVE-2023-44487).
const MAX_RESETS: usize = 20;
/// Streams that we had to reset for a client's faults.
const MAX_LOCAL_RESETS: usize = 64;
const MAX_SEND_LEN: usize = 256 * 1_024;
