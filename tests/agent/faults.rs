//! Hostile and broken servers.

use std::time::Duration;

use auricle::agent::client::Incoming;
use auricle::agent::config::WireFormat;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::link::{Link, agent_at, open_socket};

/// A server that does what it is told after the WebSocket handshake.
async fn hostile<F, Fut>(act: F) -> std::net::SocketAddr
where
    F: FnOnce(tokio_tungstenite::WebSocketStream<TcpStream>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        act(accept_async(tcp).await.unwrap()).await;
    });
    address
}

#[tokio::test]
async fn a_frame_that_claims_a_gibibyte_ends_the_connection_before_a_byte_of_it_is_kept() {
    let address = hostile(|mut socket| async move {
        let tcp = socket.get_mut();
        // Text, 2³⁰ bytes.
        tcp.write_all(&[0x81, 127, 0, 0, 0, 0, 0x40, 0, 0, 0]).await.unwrap();
        let _ = tcp.write_all(&vec![b'x'; 1 << 20]).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    })
    .await;
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
    assert_eq!(socket.receive().await, Incoming::Closed(None));
    assert_eq!(socket.receive().await, Incoming::Closed(None), "said again whenever asked");
}

#[tokio::test]
async fn a_message_of_many_small_frames_is_bounded_too() {
    let address = hostile(|mut socket| async move {
        let tcp = socket.get_mut();
        let mut frame = vec![0x01, 126, 0xFF, 0xFF];
        frame.extend(vec![b'x'; 0xFFFF]);
        for _ in 0..80 {
            if tcp.write_all(&frame).await.is_err() {
                return;
            }
            frame[0] = 0x00;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    })
    .await;
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
    assert_eq!(socket.receive().await, Incoming::Closed(None));
}

#[tokio::test]
async fn the_peers_close_code_is_told_and_1005_where_it_gave_none() {
    for (frame, expected) in [(&[0x88, 0x02, 0x0F, 0xA0][..], 4000), (&[0x88, 0x02, 0x03, 0xE9], 1001), (&[0x88, 0x00], 1005)] {
        let address = hostile(move |mut socket| async move {
            socket.get_mut().write_all(frame).await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
        })
        .await;
        let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
        assert_eq!(socket.receive().await, Incoming::Closed(Some(expected)));
    }
}

#[tokio::test]
async fn text_that_is_no_utf8_ends_the_connection() {
    let address = hostile(|mut socket| async move {
        socket.get_mut().write_all(&[0x81, 0x02, 0xC3, 0x28]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    })
    .await;
    let mut socket = open_socket(&agent_at(address, WireFormat::Pcmu)).await.unwrap();
    assert_eq!(socket.receive().await, Incoming::Closed(None));
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_not_ready_in_time_and_the_connection_is_closed() {
    use futures_util::{SinkExt, StreamExt};
    let address = hostile(|mut socket| async move {
        for text in ["", "null", "[[[[", r#"{"type":"session.updated"}"#, r#"{"type":7}"#] {
            socket.send(Message::text(text)).await.unwrap();
        }
        socket.send(Message::binary(vec![0; 100])).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let mut config = agent_at(address, WireFormat::Pcmu);
    config.ready_timeout_ms = 2_000;
    let mut link = Link::open(&config).await;
    link.until("the end", |link| link.closed.is_some()).await;
    assert_eq!(link.heard.errors, ["ready_timeout"]);
    assert_eq!(link.session.stats().adapter.malformed_messages, 5);
}
