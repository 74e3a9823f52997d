//! Agents that beep for 20 ms whenever a message with caller audio comes, in two protocols: who hears the beep knows that both ways are open.

use std::net::{Ipv4Addr, SocketAddr};

use base64_simd::STANDARD;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Callback, ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// What a beeper speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// OpenAI Realtime, μ-law.
    OpenAi,
    /// `auricle.v1`, 24 kHz.
    Auricle,
}

/// Starts a beeper, and says where.
pub(crate) async fn beeper(tongue: Tongue) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(converse(tcp, tongue));
        }
    });
    address
}

async fn converse(tcp: TcpStream, tongue: Tongue) {
    let _quick = tcp.set_nodelay(true);
    let Ok(mut socket) = accept_hdr_async(tcp, Subprotocol(tongue)).await else { return };
    let beep = beep(tongue);
    while let Some(Ok(message)) = socket.next().await {
        let answers = match (tongue, &message) {
            (Tongue::OpenAi, Message::Text(text)) if text.contains("input_audio_buffer.append") => vec![beep.clone()],
            (Tongue::OpenAi, Message::Text(text)) if text.contains("session.update") => {
                vec![Message::text(UPDATED), Message::text(r#"{"type":"response.created","response":{"id":"r"}}"#)]
            }
            (Tongue::Auricle, Message::Text(text)) if text.contains(r#""type":"start""#) => vec![Message::text(r#"{"type":"ready"}"#)],
            (Tongue::Auricle, Message::Binary(_)) => vec![beep.clone()],
            _ => Vec::new(),
        };
        for answer in answers {
            if socket.send(answer).await.is_err() {
                return;
            }
        }
    }
}

fn beep(tongue: Tongue) -> Message {
    match tongue {
        Tongue::OpenAi => {
            let audio = STANDARD.encode_to_string([0x9A; 160]);
            Message::text(format!(r#"{{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"{audio}"}}"#))
        }
        // A square of 500 Hz.
        Tongue::Auricle => {
            Message::binary((0..480_i32).flat_map(|n| if n / 24 % 2 == 0 { 6_000_i16 } else { -6_000 }.to_le_bytes()).collect::<Vec<u8>>())
        }
    }
}

/// Takes the subprotocol that is offered.
struct Subprotocol(Tongue);

impl Callback for Subprotocol {
    fn on_request(self, _request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        if self.0 == Tongue::Auricle {
            response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("auricle.v1"));
        }
        Ok(response)
    }
}

const UPDATED: &str = concat!(
    r#"{"type":"session.updated","session":{"id":"s","audio":{"input":{"format":{"type":"audio/pcmu"}},"#,
    r#""output":{"format":{"type":"audio/pcmu"}}}}}"#
);
