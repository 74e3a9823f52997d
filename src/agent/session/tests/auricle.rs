//! `auricle.v1`.

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};
use serde_json::json;

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, TurnDetection, WireFormat};
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentState, BargeInCause, ClearCause, ClearScope, ContextRole, PlaybackState, SpeechEdge, TranscriptKind,
};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

fn config() -> AgentConfig {
    AgentConfig { protocol: Protocol::Auricle, format: WireFormat::Pcmu, ..AgentConfig::at("ws://127.0.0.1/") }
}

fn ready() -> Line {
    let mut line = Line::new(&config());
    line.connect();
    line.hear(r#"{"type":"ready","session":"mine"}"#);
    line.sent.clear();
    line.events.clear();
    line
}

#[test]
fn it_starts_with_whose_call_it_is_and_how_audio_is_written() {
    let mut line = Line::new(&AgentConfig { format: WireFormat::Pcm16k, language: Some("es".into()), ..config() });
    line.connect();
    let call = line.sent[0]["call_id"].clone();
    assert!(call.as_str().unwrap().starts_with("call_"));
    assert_eq!(
        line.sent,
        [json!({"type": "start", "version": 1, "call_id": call, "direction": "inbound",
            "audio": {"encoding": "pcm_s16le", "sample_rate": 16000}, "turns": "agent", "language": "es", "greet_first": false})]
    );
    line.hear(r#"{"type":"ready","expires_in_ms":90000}"#);
    line.take_events();
    line.wait(Duration::from_secs(30));
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Expiring { left: Duration::from_secs(60) })]);
}

#[test]
fn an_error_instead_of_ready_refuses_the_call() {
    let mut line = Line::new(&config());
    line.connect();
    line.hear(r#"{"type":"error","code":"no_room"}"#);
    assert!(line.session.poll_close().is_some_and(|closed| !closed.retryable));
}

#[test]
fn audio_is_bytes_and_utterances_have_the_agents_names_or_numbers() {
    let mut line = ready();
    line.push(AudioFormat::Ulaw8k, &[9; 160]);
    assert_eq!(line.sent_bytes, [vec![9; 160]]);
    line.hear_bytes(&[1; 8]);
    line.hear(r#"{"type":"item","item":"second"}"#);
    line.hear_bytes(&[2; 8]);
    line.hear(r#"{"type":"item_end"}"#);
    assert_eq!(
        line.take_events(),
        [
            Heard::Audio(ItemId(1), vec![1; 8]),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) }),
            Heard::Audio(ItemId(2), vec![2; 8]),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(2) }),
        ]
    );
    for (item, state) in [(1, PlaybackState::Finished), (2, PlaybackState::Cleared)] {
        line.command(AgentCommand::Playback { item: ItemId(item), played_ms: 1, state });
    }
    assert_eq!(
        line.sent,
        [
            json!({"type": "playback", "item": "#1", "played_ms": 1, "state": "finished"}),
            json!({"type": "playback", "item": "second", "played_ms": 1, "state": "cleared"}),
        ]
    );
}

#[test]
fn what_it_clears_is_all_or_up_to_one_of_its_own() {
    let mut line = ready();
    line.hear(r#"{"type":"item","item":"a"}"#);
    line.hear_bytes(&[1; 8]);
    line.take_events();
    line.hear(r#"{"type":"clear","item":"a"}"#);
    line.hear(r#"{"type":"clear","by_caller":true}"#);
    line.hear(r#"{"type":"clear","item":"nobody"}"#);
    line.hear_bytes(&[2; 8]);
    assert_eq!(
        line.take_events(),
        [
            Heard::Event(AgentEvent::Clear { scope: ClearScope::UpTo(ItemId(1)), cause: ClearCause::Bot }),
            Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech }),
            Heard::Event(AgentEvent::Warning { code: "clear_of_unknown_item".into() }),
            Heard::Audio(ItemId(2), vec![2; 8]),
        ]
    );
}

#[test]
fn everything_it_may_say_reaches_the_call() {
    let mut line = ready();
    line.push(AudioFormat::Ulaw8k, &[0; 8_000]);
    for said in [
        r#"{"type":"speech_started"}"#,
        r#"{"type":"speech_stopped"}"#,
        r#"{"type":"transcript","speaker":"caller","kind":"final","text":"hi"}"#,
        r#"{"type":"tool_call","call_id":"t","name":"book","arguments":{"day":1}}"#,
        r#"{"type":"tool_call","call_id":"t","name":"book","arguments":{"day":1}}"#,
        r#"{"type":"tool_cancelled","call_id":"t"}"#,
        r#"{"type":"state","state":"thinking"}"#,
        r#"{"type":"send_dtmf","digits":"12#"}"#,
        r#"{"type":"transfer","target":"desk"}"#,
        r#"{"type":"warning","code":"slow down!"}"#,
        r#"{"type":"expiring","left_ms":1000}"#,
        r#"{"type":"hangup"}"#,
        r#"{"type":"novelty","x":[1]}"#,
        r#"{"type":"state","state":"asleep"}"#,
    ] {
        line.hear(said);
    }
    let text = Redacted::new("hi".to_owned());
    let expected = [
        AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms: 1_000 },
        AgentEvent::UserSpeech { edge: SpeechEdge::Stopped, input_ms: 1_000 },
        AgentEvent::Transcript { speaker: Speaker::Caller, kind: TranscriptKind::Final, text, item: None },
        AgentEvent::ToolCall { call_id: "t".into(), name: "book".into(), arguments: Redacted::new(r#"{"day":1}"#.to_owned()) },
        AgentEvent::ToolCancelled { call_id: "t".into() },
        AgentEvent::State(AgentState::Thinking),
        AgentEvent::SendDtmf { digits: "12#".into() },
        AgentEvent::Transfer { target: Redacted::new("desk".to_owned()) },
        AgentEvent::Warning { code: "slowdown".into() },
        AgentEvent::Expiring { left: Duration::from_secs(1) },
        AgentEvent::Hangup,
    ];
    assert_eq!(line.take_events(), expected.map(Heard::Event));
    let stats = line.session.stats().adapter;
    assert_eq!((stats.unknown_events, stats.malformed_messages), (1, 1));
}

#[test]
fn turns_of_the_gateway_and_all_else_are_told() {
    let gateway = TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 };
    let mut line = Line::new(&AgentConfig { turn_detection: gateway, ..config() });
    line.connect();
    assert_eq!(line.sent[0]["turns"], "gateway");
    line.hear(r#"{"type":"ready"}"#);
    line.sent.clear();
    line.command(AgentCommand::TurnStarted { ago: Duration::ZERO });
    line.command(AgentCommand::BargeIn(BargeInCause::LocalVad));
    line.command(AgentCommand::TurnEnded);
    line.command(AgentCommand::Dtmf { digit: '5', duration: Duration::from_millis(80) });
    line.command(AgentCommand::ToolResult { call_id: "t".into(), output: Redacted::new("ok".into()), is_error: false, proceed: true });
    line.command(AgentCommand::ContextText { role: ContextRole::Developer, text: Redacted::new("x".into()), speak: true });
    assert_eq!(
        line.sent,
        [
            json!({"type": "turn_started"}),
            json!({"type": "barge_in", "cause": "local_vad"}),
            json!({"type": "turn_ended"}),
            json!({"type": "dtmf", "digit": "5", "duration_ms": 80}),
            json!({"type": "tool_result", "call_id": "t", "output": "ok", "is_error": false, "proceed": true}),
            json!({"type": "context", "role": "developer", "text": "x", "speak": true}),
        ]
    );
}
