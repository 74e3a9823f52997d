//! A hostile agent: messages of any bytes, in any state of the connection, between commands of the call.
//!
//! The input is cut at line ends, so that a corpus of real messages can be written and shrunk by hand. The first byte of
//! a line that is no brace chooses a command instead. The very first byte chooses the protocol, and whether the agent is ready.

#![no_main]

use std::time::{Duration, Instant};

use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use auricle::agent::model::{AgentCommand, AgentEvent, AgentMessage, BargeInCause, PlaybackState};
use auricle::agent::session::{AgentSession, CallFacts};
use auricle::domain::call_record::Direction;
use auricle::domain::ids::CallId;
use libfuzzer_sys::fuzz_target;
use media::frame::{AudioChunk, AudioFormat, ItemId};

/// Protocols that are spoken in JSON, with what makes an agent ready. The first is the most likely.
const SPOKEN: [(Protocol, WireFormat, &str); 5] = [
    (Protocol::OpenAi, WireFormat::Pcmu, READY),
    (Protocol::Ultravox, WireFormat::Pcm8k, r#"{"type":"call_started","callId":"c"}"#),
    (Protocol::ElevenLabs, WireFormat::Pcmu, r#"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c","agent_output_audio_format":"ulaw_8000"}}"#),
    (Protocol::Deepgram, WireFormat::Pcmu, r#"{"type":"SettingsApplied"}"#),
    (Protocol::Gemini, WireFormat::Pcm24k, r#"{"setupComplete":{}}"#),
];

const READY: &str = r#"{"type":"session.updated","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}},"output":{"format":{"type":"audio/pcmu"}}}}}"#;

fuzz_target!(|input: &[u8]| {
    let mut now = Instant::now();
    let first = input.first().copied().unwrap_or_default();
    let (protocol, format, ready) = SPOKEN[usize::from(first >> 1 & 7) % SPOKEN.len()];
    let config = AgentConfig { protocol, format, greet_first: true, ..AgentConfig::at("ws://127.0.0.1/") };
    let format = AudioFormat::from(format);
    let facts = CallFacts { now, unix_time: Duration::from_secs(1_795_000_000), call: CallId::derived("fuzz"), direction: Direction::Inbound, from: String::new().into(), to: String::new().into() };
    let mut session = AgentSession::new(&config, facts);
    session.handle_connected(now);
    if first & 1 == 0 {
        session.handle_message(now, AgentMessage::Text(ready));
    }
    let mut received = 0u64;
    for line in input.split(|&byte| byte == b'\n') {
        match line.first() {
            Some(b'b') => session.handle_command(now, AgentCommand::BargeIn(BargeInCause::Operator)),
            Some(b'p') => {
                let played_ms = u64::from(line.get(1).copied().unwrap_or_default()) * 10;
                let item = ItemId(u32::from(line.get(2).copied().unwrap_or(1)));
                session.handle_command(now, AgentCommand::Playback { item, played_ms, state: PlaybackState::Cleared });
            }
            Some(b'a') => session.push_audio(now, AudioChunk { format, bytes: line }),
            Some(b't') => {
                now += Duration::from_secs(1);
                session.handle_timeout(now);
            }
            _ => match std::str::from_utf8(line) {
                Ok(text) => session.handle_message(now, AgentMessage::Text(text)),
                Err(_) => session.handle_message(now, AgentMessage::Binary(line)),
            },
        }
        while let Some(event) = session.poll_event() {
            if let AgentEvent::Audio { chunk, .. } = event {
                received += chunk.samples();
            }
        }
        // Whatever is said, it is said in JSON, audio alone in bytes where that is the protocol's way; nobody has heard more than there was.
        while let Some(transmit) = session.poll_transmit() {
            let AgentMessage::Text(text) = transmit.message else {
                assert!(matches!(protocol, Protocol::Ultravox | Protocol::Deepgram), "only text is sent");
                continue;
            };
            assert!(text.starts_with('{') && text.ends_with('}'));
            if let Some((_, rest)) = text.split_once(r#""audio_end_ms":"#) {
                let end_ms: u64 = rest.trim_end_matches('}').parse().expect("a number ends the message");
                assert!(end_ms <= received / 8, "{end_ms} ms of {received} samples");
            }
        }
    }
    assert_eq!(session.stats().undrained, 0);
});
