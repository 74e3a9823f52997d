//! The gateway as a carrier that sends audio as bytes: Vonage, jambonz.

use std::time::Duration;

use media::egress::MarkId;
use media::frame::AudioFormat;
use serde_json::json;

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, WireFormat};
use crate::agent::model::{AgentCommand, AgentEvent, ClearCause, ClearScope};

fn open(protocol: Protocol) -> Line {
    let config = AgentConfig {
        protocol,
        format: WireFormat::Pcm16k,
        tell_numbers: true,
        parameters: [("event".to_owned(), "a parameter takes nobody's place".to_owned()), ("practice".to_owned(), "north".to_owned())]
            .into(),
        ..AgentConfig::at("wss://bot.example/ws")
    };
    let mut line = Line::new(&config);
    line.connect();
    line
}

fn mark_of(line: &mut Line) -> MarkId {
    match line.take_events().pop() {
        Some(Heard::Event(AgentEvent::MarkRequest { mark })) => mark,
        other => panic!("a mark is asked for, not {other:?}"),
    }
}

const CLEAR: Heard = Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::Bot });

#[test]
fn vonage_says_the_format_and_sends_twenty_milliseconds_at_a_time() {
    let mut line = open(Protocol::Vonage);
    let first = line.sent.remove(0);
    assert_eq!((&first["event"], &first["content-type"]), (&json!("websocket:connected"), &json!("audio/l16;rate=16000")));
    assert_eq!((&first["practice"], &first["from"]), (&json!("north"), &json!("+15550100")));
    line.push(AudioFormat::from(WireFormat::Pcm16k), &[1; 1_000]);
    line.push(AudioFormat::from(WireFormat::Pcm16k), &[2; 920]);
    assert_eq!(line.sent_bytes.iter().map(Vec::len).collect::<Vec<_>>(), [640, 640, 640]);
    line.command(AgentCommand::Dtmf { digit: '#', duration: Duration::from_millis(260) });
    assert_eq!(line.sent, [json!({"event": "websocket:dtmf", "digit": "#", "duration": 260})]);
}

#[test]
fn vonage_gives_a_notification_back_with_what_it_held_and_answers_a_clear() {
    let mut line = open(Protocol::Vonage);
    line.sent.clear();
    line.hear_bytes(&[0; 640]);
    line.hear(r#"{"action":"notify","payload":{"turn":7,"words":["a"]}}"#);
    let played = mark_of(&mut line);
    line.hear(r#"{"action":"notify"}"#);
    let cleared = mark_of(&mut line);
    line.hear(r#"{"action":"clear"}"#);
    assert_eq!(line.take_events(), [CLEAR]);
    line.command(AgentCommand::MarkReached { mark: played, cleared: false });
    line.command(AgentCommand::MarkReached { mark: cleared, cleared: true });
    assert_eq!(
        line.sent,
        [json!({"event": "websocket:cleared"}), json!({"event": "websocket:notify", "payload": {"turn": 7, "words": ["a"]}})]
    );
}

#[test]
fn half_a_sample_is_malformed() {
    let mut line = open(Protocol::Vonage);
    line.take_events();
    line.hear_bytes(&[0; 641]);
    assert_eq!((line.take_events(), line.session.stats().adapter.malformed_messages), (vec![], 1));
}

#[test]
fn jambonz_begins_with_the_call_and_takes_clips_and_streams() {
    let mut line = open(Protocol::Jambonz);
    let first = line.sent.remove(0);
    assert_eq!((&first["sampleRate"], &first["mixType"]), (&json!(16_000), &json!("mono")));
    assert_eq!((&first["metadata"]["practice"], &first["direction"]), (&json!("north"), &json!("inbound")));
    line.take_events();
    line.hear_bytes(&[0; 320]);
    line.hear(r#"{"type":"playAudio","data":{"audioContent":"AAAA/w==","audioContentType":"raw","sampleRate":"16000"}}"#);
    let heard = line.take_events();
    assert!(matches!(&heard[..], [Heard::Audio(one, _), Heard::Audio(other, clip)] if one == other && clip.len() == 4), "{heard:?}");
    line.hear(r#"{"type":"playAudio","data":{"audioContent":"AAAA","audioContentType":"wav","sampleRate":16000}}"#);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Warning { code: "audio_format_not_agreed".into() })]);
    line.command(AgentCommand::Dtmf { digit: '2', duration: Duration::from_millis(200) });
    assert_eq!(line.sent, [json!({"event": "dtmf", "dtmf": "2", "duration": "1600"})]);
}

#[test]
fn jambonz_says_whether_a_mark_was_played_and_hangs_up_when_told() {
    let mut line = open(Protocol::Jambonz);
    line.sent.clear();
    line.hear_bytes(&[0; 320]);
    line.hear(r#"{"type":"mark","data":{"name":"one"}}"#);
    let mark = mark_of(&mut line);
    line.hear(r#"{"type":"killAudio"}"#);
    assert_eq!(line.take_events(), [CLEAR]);
    line.command(AgentCommand::MarkReached { mark, cleared: true });
    assert_eq!(line.sent, [json!({"type": "mark", "data": {"name": "one", "event": "cleared"}})]);
    line.hear(r#"{"type":"disconnect"}"#);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Hangup)]);
}
