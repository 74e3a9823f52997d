//! An agent that stops reading: nothing waits for it, and little is kept.

use std::time::{Duration, Instant};

use auricle::agent::client::{Incoming, SendError};
use auricle::agent::config::WireFormat;
use auricle::agent::model::AgentMessage;
use auricle::agent::session::Transmit;
use auricle::agent::simulator::{Behaviour, Config, Step};
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::link::{agent_at, open_socket, simulate};

const FRAME: Duration = Duration::from_millis(20);

fn live(text: &str) -> Transmit<'_> {
    Transmit { message: AgentMessage::Text(text), live_audio: Some(FRAME) }
}

#[tokio::test]
async fn sending_to_an_agent_that_does_not_read_never_waits_and_keeps_a_second() {
    let (address, _) = simulate(Config::new(Behaviour::Script(vec![Step::Stall]))).await;
    let mut config = agent_at(address, WireFormat::Pcm24k);
    config.connect_timeout_ms = 2_000;
    let mut socket = open_socket(&config).await.unwrap();
    let settings = r#"{"type":"session.update","session":{"type":"realtime"}}"#;
    socket.send(Transmit { message: AgentMessage::Text(settings), live_audio: None }).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let text = "x".repeat(60_000);
    let begun = Instant::now();
    for _ in 0..1_000 {
        socket.send(live(&text)).unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "a thousand sends took {:?}", begun.elapsed());
    assert_eq!(socket.queued_ms(), 1_000);
    assert!(socket.dropped_ms() > 5_000, "{} ms dropped", socket.dropped_ms());
}

#[tokio::test]
async fn what_must_arrive_is_refused_in_the_end_and_not_forgotten() {
    let (address, _) = simulate(Config::new(Behaviour::Script(vec![Step::Stall]))).await;
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcm24k)).await.unwrap();
    let settings = r#"{"type":"session.update","session":{"type":"realtime"}}"#;
    socket.send(Transmit { message: AgentMessage::Text(settings), live_audio: None }).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let text = "x".repeat(200_000);
    let outcome = (0..1_000).map(|_| socket.send(Transmit { message: AgentMessage::Text(&text), live_audio: None })).find(Result::is_err);
    assert_eq!(outcome, Some(Err(SendError::Stalled)));
    // The agent lives and answers no ping yet; what it was to hear is lost all the same.
    assert_eq!(socket.receive().now_or_never(), Some(Incoming::Stalled));
    assert_eq!(socket.send(live("{}")), Err(SendError::Closed));
}

#[tokio::test]
async fn an_agent_that_reads_again_gets_the_latest_second_in_order() {
    use futures_util::StreamExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (resume, resumed) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(tcp).await.unwrap();
        resumed.await.unwrap();
        let mut numbers = Vec::new();
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            numbers.push(text.trim_start_matches('x').parse::<u32>().unwrap());
            if numbers.last() == Some(&999) {
                break;
            }
        }
        (numbers, socket)
    });
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcm24k)).await.unwrap();
    for number in 0..1_000 {
        socket.send(live(&format!("{}{number}", "x".repeat(60_000)))).unwrap();
    }
    let dropped = socket.dropped_ms() / 20;
    resume.send(()).unwrap();
    let numbers = tokio::select! {
        served = server => served.unwrap().0,
        incoming = socket.receive() => panic!("{incoming:?}"),
    };
    assert_eq!(numbers.len() as u64 + dropped, 1_000);
    assert!(numbers.is_sorted());
    assert!(numbers.ends_with(&(950..1_000).collect::<Vec<_>>()), "the latest second is whole");
    assert_eq!(socket.queued_ms(), 0);
}

#[tokio::test]
async fn a_message_beyond_every_bound_is_not_taken() {
    let (address, _) = simulate(Config::new(Behaviour::Echo)).await;
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
    let text = "x".repeat(5 * 1024 * 1024);
    assert_eq!(socket.send(live(&text)), Err(SendError::TooLong { len_bytes: text.len() }));
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_given_up_30_s_after_the_first_while_nobody_speaks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let socket = accept_async(tcp).await.unwrap();
        std::future::pending::<()>().await;
        drop(socket);
    });
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
    // From here on nothing but the clock moves.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    assert_eq!(socket.receive().await, Incoming::Stalled);
    assert_eq!(begun.elapsed().as_secs(), 31);
    server.abort();
}

#[tokio::test]
async fn an_agent_of_which_nothing_comes_while_audio_flows_is_gone_within_three_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let socket = accept_async(tcp).await.unwrap();
        // Takes what comes into its buffers, and does nothing about it.
        std::future::pending::<()>().await;
        drop(socket);
    });
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
    // From here on nothing but the clock moves.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let incoming = loop {
        socket.send(live("{}")).unwrap();
        if let Ok(incoming) = tokio::time::timeout(FRAME, socket.receive()).await {
            break incoming;
        }
    };
    assert_eq!((&incoming, socket.receive().await), (&Incoming::Stalled, Incoming::Stalled), "said again whenever asked");
    let took = begun.elapsed();
    assert!((Duration::from_millis(2_500)..Duration::from_secs(3)).contains(&took), "after {took:?}");
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_agent_that_has_answered_while_we_were_away_is_not_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        use futures_util::StreamExt;
        let (tcp, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(tcp).await.unwrap();
        // Reading answers pings.
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
    });
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
    // Our thread is busy, until the first ping goes out and again while its answer comes.
    for busy_ms in [0, 1_010, 1_800] {
        socket.send(live("{}")).unwrap();
        std::thread::sleep(Duration::from_millis(busy_ms));
        assert_eq!(socket.receive().now_or_never(), None);
    }
    server.abort();
}
