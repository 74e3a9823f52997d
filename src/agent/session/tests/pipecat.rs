//! A Pipecat bot: frames of bytes, RTVI in them.

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};
use serde_json::{Value, json};

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, WireFormat};
use crate::agent::model::{AgentCommand, AgentEvent, BargeInCause, ClearCause, ClearScope, ContextRole, SpeechEdge, TranscriptKind};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

fn open() -> Line {
    let mut line =
        Line::new(&AgentConfig { protocol: Protocol::Pipecat, format: WireFormat::Pcm16k, ..AgentConfig::at("wss://bot.example/") });
    line.connect();
    line
}

/// A message as a bot wraps it: short enough for a length of one byte each, or of two.
fn wrap(field: u8, body: &[u8]) -> Vec<u8> {
    let length = match body.len() {
        short @ 0..128 => vec![short as u8],
        long => vec![(long & 0x7F) as u8 | 0x80, (long >> 7) as u8],
    };
    [&[field << 3 | 2][..], &length, body].concat()
}

fn rtvi(line: &mut Line, kind: &str, content: &Value) {
    let json = json!({"label": "rtvi-ai", "type": kind, "id": "x", "data": content}).to_string();
    line.hear_bytes(&wrap(4, &wrap(1, json.as_bytes())));
}

fn speak(line: &mut Line, audio: &[u8], rate: [u8; 2]) {
    let body = [&wrap(3, audio)[..], &[0x20, rate[0], rate[1], 0x28, 1]].concat();
    line.hear_bytes(&wrap(2, &body));
}

/// 16 000 and 8 000 as protocol buffers write them.
const HZ_16000: [u8; 2] = [0x80, 0x7D];
const HZ_8000: [u8; 2] = [0xC0, 0x3E];

/// The JSON in the frames that were sent.
fn said(line: &Line) -> Vec<Value> {
    let json = |bytes: &Vec<u8>| serde_json::from_slice(&bytes[bytes.iter().position(|&byte| byte == b'{')?..]).ok();
    line.sent_bytes.iter().filter_map(json).collect()
}

#[test]
fn the_handshake_is_offered_and_not_waited_for() {
    let mut line = Line::new(&AgentConfig { protocol: Protocol::Pipecat, format: WireFormat::Pcm16k, ..AgentConfig::at("wss://b/") });
    line.push(AudioFormat::from(WireFormat::Pcm16k), &[3; 640]);
    line.connect();
    assert_eq!(said(&line)[0]["type"], "client-ready");
    assert!(matches!(line.events[0], Heard::Event(AgentEvent::Ready { .. })));
    // What was said meanwhile follows, with its rate and one channel.
    let audio = &line.sent_bytes[1];
    assert!(audio.ends_with(&[&[0x20][..], &HZ_16000, &[0x28, 1]].concat()) && audio.len() > 640);
}

#[test]
fn speech_is_played_until_the_bot_stops_or_is_interrupted() {
    let mut line = open();
    line.take_events();
    speak(&mut line, &[1; 640], HZ_16000);
    rtvi(&mut line, "bot-stopped-speaking", &Value::Null);
    speak(&mut line, &[2; 640], HZ_16000);
    line.hear_bytes(&[0x2A, 0]);
    rtvi(&mut line, "bot-interrupted", &Value::Null);
    speak(&mut line, &[3; 640], HZ_16000);
    let events = line.take_events();
    let items: Vec<_> = events.iter().filter_map(|heard| if let Heard::Audio(item, _) = heard { Some(item.0) } else { None }).collect();
    assert_eq!(items, [1, 2, 3]);
    assert!(events.contains(&Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) })));
    let clear = Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech });
    assert_eq!(events.iter().filter(|event| **event == clear).count(), 2);
}

#[test]
fn a_bot_that_speaks_at_another_rate_is_told_of_once_and_not_played_too_fast() {
    let mut line = open();
    line.take_events();
    for _ in 0..3 {
        speak(&mut line, &[1; 320], HZ_8000);
    }
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Warning { code: "audio_format_not_agreed".into() })]);
}

#[test]
fn words_that_come_by_several_messages_count_once() {
    let mut line = open();
    line.take_events();
    rtvi(&mut line, "user-started-speaking", &Value::Null);
    rtvi(&mut line, "user-transcription", &json!({"text": "hello", "user_id": "u", "timestamp": "t", "final": true}));
    rtvi(&mut line, "stt-raw-text", &json!({"text": "hello", "user_id": "u", "timestamp": "t", "final": true}));
    rtvi(&mut line, "bot-output", &json!({"text": "good morning", "spoken": true, "output_type": "sentence"}));
    rtvi(&mut line, "bot-transcription", &json!({"text": "good morning"}));
    let words = |speaker, text: &str, item| {
        Heard::Event(AgentEvent::Transcript { speaker, kind: TranscriptKind::Final, text: Redacted::new(text.into()), item })
    };
    assert_eq!(
        line.take_events(),
        [
            Heard::Event(AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms: 0 }),
            words(Speaker::Caller, "hello", None),
            words(Speaker::Agent, "good morning", Some(ItemId(1))),
        ]
    );
}

#[test]
fn keys_texts_results_and_interruptions_are_told_as_rtvi_has_them() {
    let mut line = open();
    line.sent_bytes.clear();
    line.command(AgentCommand::Dtmf { digit: '5', duration: Duration::from_millis(80) });
    line.command(AgentCommand::ContextText { role: ContextRole::System, text: Redacted::new("It rains.".into()), speak: true });
    rtvi(&mut line, "llm-function-call", &json!({"function_name": "book", "tool_call_id": "c1", "args": {"day": 1}}));
    line.command(AgentCommand::ToolResult { call_id: "c1".into(), output: Redacted::new("done".into()), is_error: false, proceed: true });
    let said = said(&line);
    assert_eq!((&said[0]["type"], &said[0]["data"]), (&json!("dtmf"), &json!({"buttons": ["5"]})));
    assert_eq!(said[1]["data"], json!({"content": "It rains.", "options": {"run_immediately": true, "audio_response": true}}));
    assert_eq!((&said[2]["type"], &said[2]["data"]["function_name"]), (&json!("llm-function-call-result"), &json!("book")));
    line.sent_bytes.clear();
    line.command(AgentCommand::BargeIn(BargeInCause::Operator));
    assert_eq!(line.sent_bytes, [vec![0x2A, 0]]);
}

#[test]
fn what_cannot_be_read_is_counted_and_the_call_goes_on() {
    let mut line = open();
    line.take_events();
    line.hear_bytes(&[0xFF; 40]);
    line.hear_bytes(&wrap(4, &wrap(1, b"{not json")));
    line.hear_bytes(&[0x32, 0]);
    line.hear(r#"{"label":"rtvi-ai"}"#);
    let stats = line.session.stats().adapter;
    assert_eq!((stats.malformed_messages, stats.unknown_events), (2, 2));
    assert!(line.take_events().is_empty());
}
