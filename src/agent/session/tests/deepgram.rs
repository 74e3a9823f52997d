//! Deepgram Voice Agent.

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};
use serde_json::json;

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, WireFormat};
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentState, BargeInCause, ClearCause, ClearScope, ContextRole, SpeechEdge, TranscriptKind,
};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

const WELCOME: &str = r#"{"type":"Welcome","request_id":"req-1"}"#;
const APPLIED: &str = r#"{"type":"SettingsApplied"}"#;
const USER_SPEAKS: &str = r#"{"type":"UserStartedSpeaking"}"#;
const AUDIO_DONE: &str = r#"{"type":"AgentAudioDone"}"#;

fn config() -> AgentConfig {
    AgentConfig {
        protocol: Protocol::Deepgram,
        format: WireFormat::Pcmu,
        model: Some("anthropic/claude-4".into()),
        voice: Some("aura-2-thalia-en".into()),
        instructions: Some("Speak of appointments.".into()),
        greet_first: true,
        greeting: Some("Good morning.".into()),
        ..AgentConfig::at("wss://agent.example/v1/agent/converse")
    }
}

fn ready() -> Line {
    let mut line = Line::new(&config());
    line.connect();
    line.hear(WELCOME);
    line.hear(APPLIED);
    line.sent.clear();
    line.events.clear();
    line
}

#[test]
fn settings_go_after_the_welcome_and_make_it_ready_once_applied() {
    let mut line = Line::new(&config());
    line.connect();
    assert!(line.sent.is_empty());
    line.hear(WELCOME);
    assert_eq!(
        line.sent,
        [json!({"type": "Settings",
            "audio": {"input": {"encoding": "mulaw", "sample_rate": 8000},
                "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"}},
            "agent": {"greeting": "Good morning.",
                "listen": {"provider": {"type": "deepgram", "model": "nova-3"}},
                "think": {"provider": {"type": "anthropic", "model": "claude-4"}, "prompt": "Speak of appointments."},
                "speak": {"provider": {"type": "deepgram", "model": "aura-2-thalia-en"}}}})]
    );
    line.hear(APPLIED);
    assert!(matches!(&line.events[..], [Heard::Event(AgentEvent::Ready { session, .. })] if session == "req-1"));
}

#[test]
fn an_error_before_the_settings_are_applied_ends_the_connection() {
    let mut line = Line::new(&config());
    line.connect();
    line.hear(WELCOME);
    line.hear(r#"{"type":"Error","code":"INVALID_SETTINGS","description":"no"}"#);
    let closed = line.session.poll_close().expect("it is over");
    assert!(!closed.retryable);
}

#[test]
fn audio_goes_as_bytes_both_ways_and_an_utterance_lasts_to_its_done() {
    let mut line = ready();
    line.push(AudioFormat::Ulaw8k, &[1; 160]);
    assert_eq!(line.sent_bytes, [vec![1; 160]]);
    line.hear_bytes(&[2; 320]);
    line.hear_bytes(&[3; 100]);
    line.hear(AUDIO_DONE);
    line.hear_bytes(&[4; 10]);
    assert_eq!(
        line.take_events(),
        [
            Heard::Audio(ItemId(1), vec![2; 320]),
            Heard::Audio(ItemId(1), vec![3; 100]),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) }),
            Heard::Event(AgentEvent::State(AgentState::Listening)),
            Heard::Audio(ItemId(2), vec![4; 10]),
        ]
    );
}

#[test]
fn what_still_comes_of_an_interrupted_utterance_is_late_until_another_begins() {
    let mut line = ready();
    line.push(AudioFormat::Ulaw8k, &[1; 8_000]);
    line.hear_bytes(&[2; 320]);
    line.take_events();
    line.hear(USER_SPEAKS);
    line.hear_bytes(&[3; 320]);
    assert_eq!(
        line.take_events(),
        [
            Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech }),
            Heard::Event(AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms: 1_000 }),
        ]
    );
    line.hear(r#"{"type":"AgentStartedSpeaking","total_latency":0.5}"#);
    line.hear_bytes(&[4; 320]);
    assert!(line.take_events().contains(&Heard::Audio(ItemId(2), vec![4; 320])));
    assert_eq!(line.session.stats().adapter.late_audio_messages, 1);
}

#[test]
fn words_are_final_and_those_of_the_agent_belong_to_its_utterance() {
    let mut line = ready();
    line.hear(r#"{"type":"ConversationText","role":"user","content":"Is the doctor in?"}"#);
    line.hear(r#"{"type":"ConversationText","role":"assistant","content":"She is."}"#);
    line.hear_bytes(&[2; 8]);
    let words = |speaker, text: &str, item| {
        Heard::Event(AgentEvent::Transcript { speaker, kind: TranscriptKind::Final, text: Redacted::new(text.to_owned()), item })
    };
    assert_eq!(
        line.take_events(),
        [
            words(Speaker::Caller, "Is the doctor in?", None),
            words(Speaker::Agent, "She is.", Some(ItemId(1))),
            Heard::Audio(ItemId(1), vec![2; 8])
        ]
    );
}

#[test]
fn a_tool_of_ours_is_called_once_and_answered_by_its_name() {
    let mut line = ready();
    let request = r#"{"type":"FunctionCallRequest","functions":[
        {"id":"f1","name":"book","arguments":"{\"day\":1}","client_side":true},{"id":"f2","name":"theirs","arguments":"{}","client_side":false}]}"#;
    line.hear(request);
    line.hear(request);
    line.hear(r#"{"type":"FunctionCallCancelled","functions":[{"id":"f1","name":"book"}]}"#);
    let events = line.take_events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(matches!(&events[0], Heard::Event(AgentEvent::ToolCall { call_id, name, .. }) if call_id == "f1" && name == "book"));
    assert_eq!(events[1], Heard::Event(AgentEvent::ToolCancelled { call_id: "f1".into() }));
    let answer =
        |is_error| AgentCommand::ToolResult { call_id: "f1".into(), output: Redacted::new("booked".into()), is_error, proceed: true };
    line.command(answer(false));
    line.command(answer(true));
    assert_eq!(
        line.sent,
        [
            json!({"type": "FunctionCallResponse", "id": "f1", "name": "book", "content": "booked"}),
            json!({"type": "FunctionCallResponse", "id": "f1", "name": "book", "content": "{\"error\":\"booked\"}"}),
        ]
    );
}

#[test]
fn keys_and_texts_are_put_into_the_conversation() {
    let mut line = ready();
    let text = |role, speak| AgentCommand::ContextText { role, text: Redacted::new("x".into()), speak };
    line.command(AgentCommand::Dtmf { digit: '5', duration: Duration::from_millis(80) });
    line.command(text(ContextRole::System, false));
    line.command(text(ContextRole::System, true));
    line.command(text(ContextRole::User, false));
    assert_eq!(line.take_sent_types(), ["InjectUserMessage", "UpdatePrompt", "InjectUserMessage", "InjectUserMessage"]);
    line.command(AgentCommand::BargeIn(BargeInCause::Operator));
    assert!(line.sent.is_empty(), "the service has no word for it");
}

#[test]
fn a_sign_of_life_goes_where_no_audio_does() {
    let mut line = ready();
    line.wait(Duration::from_secs(4));
    line.push(AudioFormat::Ulaw8k, &[1; 160]);
    line.wait(Duration::from_secs(4));
    assert!(line.sent.is_empty(), "audio was sign enough");
    line.wait(Duration::from_secs(1));
    assert_eq!(line.take_sent_types(), ["KeepAlive"]);
    assert!(line.session.poll_timeout().is_some_and(|at| at == line.now + Duration::from_secs(5)));
}
