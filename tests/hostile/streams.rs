//! An agent whose stream is an attack, against the built program: a message without an end, ten thousand messages a second, audio for hours, text
//! that means nothing. And next to those what only looks like one: an answer that comes all at once.

use std::iter::repeat_with;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use base64_simd::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::agents::route;
use crate::caller::{Caller, FRAME, STALL, plain};
use crate::server::{Server, Wanted};
use crate::speech::{Room, decode};

/// What the agent does once it has taken our settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// One frame that says that it is 1 GiB long, and keeps its word as long as somebody reads.
    Gibibyte,
    /// One message in pieces, of which none is the last.
    Endless,
    /// Ten thousand messages a second of next to nothing.
    Tiny,
    /// Audio as fast as it is taken.
    Babble,
    /// Messages that are none, in every way that there is.
    Nonsense,
    /// Bytes that are no text where text is said to be.
    NotText,
    /// Ten seconds of sound within 50 ms, and in 2 s that the caller speaks.
    Burst,
    /// The same in one message of 2 MB.
    Large,
}

type Socket = WebSocketStream<TcpStream>;

/// An agent that takes every connection and does `stream` on it.
async fn agent(stream: Stream) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(tcp).await else { return };
                // A gateway that has had enough closes; that is no fault of this side.
                if greet(&mut socket, stream).await.is_some() {
                    let _closed = attack(&mut socket, stream).await;
                }
            });
        }
    });
    address
}

/// Takes the settings as they are.
async fn greet(socket: &mut Socket, stream: Stream) -> Option<()> {
    let format = match stream {
        Stream::Large => json!({"type": "audio/pcm", "rate": 24_000}),
        _ => json!({"type": "audio/pcmu"}),
    };
    loop {
        let Message::Text(text) = socket.next().await?.ok()? else { continue };
        if text.contains("\"session.update\"") {
            let audio = json!({"input": {"format": format}, "output": {"format": format}});
            return say(socket, &json!({"type": "session.updated", "session": {"id": "s", "audio": audio}})).await;
        }
    }
}

async fn attack(socket: &mut Socket, stream: Stream) -> Option<()> {
    match stream {
        Stream::Gibibyte => {
            let mut header = vec![0x81, 127];
            header.extend((1_u64 << 30).to_be_bytes());
            raw(socket, &header).await?;
            for _ in 0..1 << 14 {
                raw(socket, &[b'x'; 1 << 16]).await?;
            }
        }
        Stream::Endless => {
            raw(socket, &[0x01, 1, b'"']).await?;
            for _ in 0..1 << 14 {
                raw(socket, &[&[0x00, 126, 0xFF, 0xFF][..], &[b'x'; 0xFFFF]].concat()).await?;
            }
        }
        Stream::Tiny => {
            let until = Instant::now() + ATTACK;
            let mut next = Instant::now();
            while next < until {
                for _ in 0..25 {
                    socket.feed(Message::text("{}")).await.ok()?;
                    socket.feed(Message::binary(Vec::new())).await.ok()?;
                    socket.feed(Message::text(r#"{"type":"x"}"#)).await.ok()?;
                    socket.feed(Message::Ping(Vec::new().into())).await.ok()?;
                }
                socket.flush().await.ok()?;
                next += Duration::from_millis(10);
                sleep_until(next).await;
            }
        }
        Stream::Babble => {
            let second = STANDARD.encode_to_string([0x20; 8_000]);
            say(socket, &json!({"type": "response.created", "response": {"id": "resp_1"}})).await?;
            for _ in 0..7_200 {
                say(socket, &delta("resp_1", "item_1", &second)).await?;
            }
        }
        Stream::Nonsense => {
            for text in nonsense() {
                socket.feed(Message::text(text)).await.ok()?;
            }
            socket.flush().await.ok()?;
        }
        Stream::NotText => raw(socket, &[0x81, 4, 0xC3, 0x28, 0xF0, 0x9F]).await?,
        Stream::Burst => {
            say(socket, &json!({"type": "response.created", "response": {"id": "resp_1"}})).await?;
            for piece in sound().chunks(8_000) {
                say(socket, &delta("resp_1", "item_1", &STANDARD.encode_to_string(piece))).await?;
            }
            interrupt(socket).await?;
        }
        Stream::Large => {
            say(socket, &json!({"type": "response.created", "response": {"id": "resp_1"}})).await?;
            // 31 s of a square wave of 500 Hz.
            let wave: Vec<u8> = (0..750_000_u32).flat_map(|at| if at / 24 % 2 == 0 { 6_000_i16 } else { -6_000 }.to_le_bytes()).collect();
            let message = delta("resp_1", "item_1", &STANDARD.encode_to_string(wave));
            assert!(message.to_string().len() > 2_000_000);
            say(socket, &message).await?;
            interrupt(socket).await?;
        }
    }
    while socket.next().await?.is_ok() {}
    None
}

/// What comes behind the whole answer stops it.
async fn interrupt(socket: &mut Socket) -> Option<()> {
    say(socket, &json!({"type": "response.done", "response": {"id": "resp_1", "status": "completed"}})).await?;
    sleep(STOP_AFTER).await;
    say(socket, &json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0})).await
}

async fn say(socket: &mut Socket, message: &Value) -> Option<()> {
    socket.send(Message::text(message.to_string())).await.ok()
}

async fn raw(socket: &mut Socket, bytes: &[u8]) -> Option<()> {
    socket.get_mut().write_all(bytes).await.ok()
}

fn delta(response: &str, item: &str, audio: &str) -> Value {
    json!({"type": "response.output_audio.delta", "response_id": response, "item_id": item, "delta": audio})
}

/// Ten seconds of μ-law in which no packet is like another.
fn sound() -> Vec<u8> {
    (0..80_000_u32).map(|at| 0x10 + (at / FRAME as u32 % 32) as u8 + (at % 2 * 0x80) as u8).collect()
}

fn nonsense() -> Vec<String> {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let audio = STANDARD.encode_to_string([0x20; 160]);
    let mut texts: Vec<String> =
        ["", "{", "null", "[]", "\"", "{\"type\":null}", "{\"type\":[\"a\"]}", "\u{0}"].map(str::to_owned).to_vec();
    texts.push(nested(100_000));
    texts.push(format!(r#"{{"type":"response.output_audio.delta","delta":{}}}"#, nested(10_000)));
    for broken in ["====", "a", "%%%%", "AAAA\u{0}", "////=/", &"A".repeat(100_001)] {
        texts.push(delta("resp_1", "item_1", broken).to_string());
    }
    // Of what nobody ever spoke of, and numbers beyond all measure.
    texts.push(delta("nobody", "nothing", &audio).to_string());
    for (kind, field) in [("speech_started", "audio_start_ms"), ("speech_stopped", "audio_end_ms")] {
        for number in ["-1", "18446744073709551615", "1e308", "\"7\"", "null"] {
            texts.push(format!(r#"{{"type":"input_audio_buffer.{kind}","{field}":{number}}}"#));
        }
    }
    for index in 0..2_000 {
        texts.push(json!({"type": "response.created", "response": {"id": format!("resp_{index}")}}).to_string());
        texts.push(delta(&format!("resp_{index}"), &format!("item_{index}"), "AA==").to_string());
        texts.push(json!({"type": "error", "error": {"type": "invalid_request_error", "code": "x".repeat(500)}}).to_string());
    }
    texts
}

/// One gateway, a number a stream, and callers of each.
async fn gateway(streams: &[Stream]) -> Server {
    let mut agents = String::new();
    for (place, stream) in streams.iter().enumerate() {
        let format = if *stream == Stream::Large { "pcm24k" } else { "pcmu" };
        route(&mut agents, &format!("100{place}"), agent(*stream).await, format, "when_agent_ready", "");
    }
    Server::start(&Wanted { agents, log_level: "info", log_format: "text" })
}

async fn call(server: &Server, place: usize, index: usize, seconds: usize) -> Caller {
    let address = IpAddr::V4(Ipv4Addr::new(127, 77, 70 + place as u8, 10 + index as u8));
    let mut caller = Caller::invite(server.sip, &format!("100{place}"), address, plain).await.expect("the call is answered");
    caller.acknowledge().await;
    let mut room = Room::new((place * 16 + index) as u32);
    caller.talk(repeat_with(|| room.frame()).take(seconds * 50)).await;
    caller
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_agent_sends_the_calls_live_or_end_with_a_reason_and_the_memory_stays() {
    let _alone = crate::ALONE.lock().await;
    const STREAMS: [Stream; 6] = [Stream::Gibibyte, Stream::Endless, Stream::Tiny, Stream::Babble, Stream::Nonsense, Stream::NotText];
    let mut server = gateway(&STREAMS).await;
    for (place, stream) in STREAMS.iter().enumerate() {
        let before = server.resident_bytes();
        let calls: Vec<_> = futures_util::future::join_all((0..CALLS).map(|index| call(&server, place, index, 5))).await;
        let grown = server.resident_bytes().saturating_sub(before) / CALLS as u64;
        eprintln!("RESULT hostile_stream_{stream:?}_memory_per_call_bytes={grown}");
        assert!(grown <= 8 << 20, "{stream:?}: {grown} bytes a call");
        assert!(server.is_alive(), "{stream:?}");
        for mut caller in calls {
            let (heard, stall) = (caller.heard(), caller.longest_stall());
            let span = heard[heard.len() - 1].timestamp.wrapping_sub(heard[0].timestamp) / FRAME as u32;
            let least = if stall > STALL { 125 } else { 200 };
            assert!(
                span >= 200 && heard.len() >= least,
                "{stream:?}: the line went on: {} packets of {span}, held up for {stall:?}",
                heard.len()
            );
            caller.hang_up().await;
        }
    }
    let records = server.records(STREAMS.len() * CALLS);
    for record in &records {
        assert_eq!(record["termination"]["reason"], "hung_up", "{record:#}");
        assert!(record["timeline"].as_array().is_some_and(|entries| entries.len() <= TIMELINE), "{record:#}");
    }
    let log = server.log();
    assert!(!log.contains("panick"), "{log}");
    // Each in its own way was told of, not passed over.
    let of = |place: usize, event: &str| {
        let of_number = records.iter().filter(|record| record["to"] == format!("100{place}").as_str());
        of_number.filter(|record| record["timeline"].to_string().contains(event)).count()
    };
    for (place, event) in [(0, "agent_lost"), (1, "agent_lost"), (3, "agent_audio_overflow"), (5, "agent_lost")] {
        assert_eq!(of(place, event), CALLS, "{event} of {:?}", STREAMS.get(place));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_all_at_once_plays_untouched_and_can_be_stopped() {
    let _alone = crate::ALONE.lock().await;
    let server = gateway(&[Stream::Burst, Stream::Large]).await;
    let (mut burst, mut large) = tokio::join!(call(&server, 0, 0, 8), call(&server, 1, 0, 8));
    let heard: Vec<u8> = burst.heard().iter().flat_map(|packet| packet.payload.iter().copied()).collect();
    let wanted = sound();
    let begins = heard.windows(FRAME).position(|window| window == &wanted[..FRAME]).expect("it begins with its first packet");
    let same = heard[begins..].iter().zip(&wanted).take_while(|(heard, wanted)| heard == wanted).count();
    let stopped = STOP_AFTER.as_millis() as usize * 8;
    assert!((stopped / 2..stopped * 2).contains(&same), "{same} samples to the letter, stopped after {stopped}");
    let rest = decode(&heard[begins + same + FADE..]);
    assert!(rest.iter().all(|sample| sample.unsigned_abs() < 200), "nothing of it after the stop");
    let heard: Vec<i16> = decode(&large.heard().iter().flat_map(|packet| packet.payload.iter().copied()).collect::<Vec<_>>());
    let loud = heard.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
    assert!((stopped / 2..stopped * 2).contains(&loud), "{loud} samples of the wave, stopped after {stopped}");
    let last = heard.iter().rposition(|sample| sample.unsigned_abs() > 1_000).expect("the wave");
    assert!(heard.len() - last > 8_000, "silence after the stop");
    for caller in [&mut burst, &mut large] {
        caller.hang_up().await;
    }
    for record in server.records(2) {
        let events = record["timeline"].to_string();
        assert!(events.contains("barge_in") && !events.contains("overflow"), "{record:#}");
    }
}

const CALLS: usize = 5;
const ATTACK: Duration = Duration::from_secs(4);
const STOP_AFTER: Duration = Duration::from_secs(2);
/// Samples of a fade, and of the packet that it stands in.
const FADE: usize = 2 * FRAME;
/// Entries of a timeline, with what tells that it is full and how the call ended.
const TIMELINE: usize = 4_002;
