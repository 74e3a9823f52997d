//! Ultravox.

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};
use media::units::SampleRate;
use serde_json::{Value, json};

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, WireFormat};
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentState, BargeInCause, ClearCause, ClearScope, ContextRole, Handover, Owed, Said, TranscriptKind,
};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

const STARTED: &str = r#"{"type":"call_started","callId":"c-1"}"#;
const PCM8K: AudioFormat = AudioFormat::S16 { rate: SampleRate::HZ_8000 };

fn config() -> AgentConfig {
    AgentConfig { protocol: Protocol::Ultravox, format: WireFormat::Pcm8k, ..AgentConfig::at("https://api.example/api/calls") }
}

fn ready(config: &AgentConfig) -> Line {
    let mut line = Line::new(config);
    line.connect();
    assert!(line.sent.is_empty(), "all of it stands in the call that was made");
    line.hear(STARTED);
    assert!(matches!(&line.events[..], [Heard::Event(AgentEvent::Ready { session, .. })] if session == "c-1"));
    line.events.clear();
    line
}

fn state(line: &mut Line, state: &str) {
    line.hear(&json!({"type": "state", "state": state}).to_string());
}

fn words(speaker: Speaker, kind: TranscriptKind, text: &str, item: Option<ItemId>) -> Heard {
    Heard::Event(AgentEvent::Transcript { speaker, kind, text: Redacted::new(text.to_owned()), item })
}

#[test]
fn a_call_is_asked_for_with_what_is_set_and_the_agent_waits_in_it() {
    let asked = |config: &AgentConfig| {
        serde_json::from_str::<Value>(&Line::new(config).session.invitation(config).expect("it is asked for")).unwrap()
    };
    let messages = json!({"pong": true, "state": true, "transcript": true, "clientToolInvocation": true, "playbackClearBuffer": true,
        "callStarted": true});
    let medium = |hz: u32| {
        json!({"serverWebSocket": {"inputSampleRate": hz, "outputSampleRate": hz, "clientBufferSizeMs": 30_000,
        "dataMessages": messages}})
    };
    assert_eq!(asked(&config()), json!({"firstSpeakerSettings": {"user": {}}, "medium": medium(8_000)}));
    let full = AgentConfig {
        format: WireFormat::Pcm16k,
        model: Some("ultravox-v0.7".into()),
        voice: Some("Mark".into()),
        instructions: Some("Be brief.".into()),
        language: Some("es".into()),
        greet_first: true,
        greeting: Some("Hola.".into()),
        ..config()
    };
    assert_eq!(
        asked(&full),
        json!({"systemPrompt": "Be brief.", "model": "ultravox-v0.7", "voice": "Mark", "languageHint": "es",
            "firstSpeakerSettings": {"user": {}}, "medium": medium(16_000)})
    );
    let other = AgentConfig::at("wss://a.example/");
    assert_eq!(Line::new(&other).session.invitation(&other), None, "others are dialled straight");
}

#[test]
fn a_greeting_goes_once_the_caller_hears_it_by_its_words_or_in_the_agents_own() {
    let greets = AgentConfig { greet_first: true, ..config() };
    let line = ready(&greets);
    assert_eq!(line.sent, [json!({"type": "user_text_message", "text": "The caller is on the line. Greet.", "urgency": "immediate"})]);
    let line = ready(&AgentConfig { greeting: Some("Good morning.".into()), ..greets });
    assert_eq!(line.sent, [json!({"type": "forced_agent_message", "content": "Good morning.", "urgency": "immediate"})]);
}

#[test]
fn audio_goes_as_bytes_both_ways_and_an_utterance_lasts_to_another_state() {
    let mut line = ready(&config());
    line.push(PCM8K, &[1; 320]);
    assert_eq!(line.sent_bytes, [vec![1; 320]]);
    state(&mut line, "speaking");
    line.hear_bytes(&[2; 320]);
    line.hear_bytes(&[3; 100]);
    state(&mut line, "listening");
    line.hear_bytes(&[4; 10]);
    assert_eq!(
        line.take_events(),
        [
            Heard::Event(AgentEvent::State(AgentState::Speaking)),
            Heard::Audio(ItemId(1), vec![2; 320]),
            Heard::Audio(ItemId(1), vec![3; 100]),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) }),
            Heard::Event(AgentEvent::State(AgentState::Listening)),
            Heard::Audio(ItemId(2), vec![4; 10]),
        ]
    );
}

#[test]
fn a_clear_stops_what_was_sent_and_what_comes_behind_it_is_new() {
    let mut line = ready(&config());
    line.hear_bytes(&[2; 320]);
    line.take_events();
    line.hear(r#"{"type":"playback_clear_buffer"}"#);
    line.hear_bytes(&[3; 320]);
    assert_eq!(
        line.take_events(),
        [Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech }), Heard::Audio(ItemId(2), vec![3; 320])]
    );
}

#[test]
fn what_still_comes_after_the_gateways_interruption_is_late_until_the_agent_does_something_else() {
    let mut line = ready(&config());
    line.hear_bytes(&[2; 320]);
    line.take_events();
    line.command(AgentCommand::BargeIn(BargeInCause::Operator));
    line.hear_bytes(&[3; 320]);
    assert_eq!((line.take_events(), line.session.stats().adapter.late_audio_messages), (vec![], 1));
    state(&mut line, "thinking");
    line.hear_bytes(&[4; 320]);
    assert!(line.take_events().contains(&Heard::Audio(ItemId(2), vec![4; 320])));
}

#[test]
fn words_come_in_pieces_or_whole_and_are_final_once() {
    let mut line = ready(&config());
    let hear = |line: &mut Line, role: &str, more: Value| {
        let mut message = json!({"type": "transcript", "role": role, "medium": "voice"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line.hear(&message.to_string());
    };
    hear(&mut line, "user", json!({"text": "Is the", "final": false, "ordinal": 0}));
    hear(&mut line, "user", json!({"text": "Is the doctor in?", "final": true, "ordinal": 0}));
    line.hear_bytes(&[2; 8]);
    hear(&mut line, "agent", json!({"delta": "She ", "final": false, "ordinal": 1}));
    state(&mut line, "listening");
    hear(&mut line, "agent", json!({"delta": "is.", "final": true, "ordinal": 1}));
    hear(&mut line, "agent", json!({"delta": "", "final": true, "ordinal": 1}));
    let told = line.take_events();
    assert_eq!(
        told,
        [
            words(Speaker::Caller, TranscriptKind::Partial, "Is the", None),
            words(Speaker::Caller, TranscriptKind::Final, "Is the doctor in?", None),
            Heard::Audio(ItemId(1), vec![2; 8]),
            words(Speaker::Agent, TranscriptKind::Partial, "She ", Some(ItemId(1))),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) }),
            Heard::Event(AgentEvent::State(AgentState::Listening)),
            words(Speaker::Agent, TranscriptKind::Final, "She is.", Some(ItemId(1))),
        ]
    );
}

#[test]
fn tools_keys_and_texts_have_messages_of_their_own() {
    let mut line = ready(&config());
    let call = r#"{"type":"client_tool_invocation","toolName":"book","invocationId":"t1","parameters":{"day": 1}}"#;
    line.hear(call);
    line.hear(call);
    assert!(matches!(&line.take_events()[..], [Heard::Event(AgentEvent::ToolCall { call_id, name, arguments })]
        if call_id == "t1" && name == "book" && arguments.expose() == r#"{"day": 1}"#));
    let answer =
        |is_error, proceed| AgentCommand::ToolResult { call_id: "t1".into(), output: Redacted::new("no".into()), is_error, proceed };
    let text = |speak| AgentCommand::ContextText { role: ContextRole::System, text: Redacted::new("x".into()), speak };
    for command in [
        answer(false, true),
        answer(true, false),
        AgentCommand::Dtmf { digit: '#', duration: Duration::from_millis(80) },
        text(false),
        text(true),
    ] {
        line.command(command);
    }
    assert_eq!(
        line.sent,
        [
            json!({"type": "client_tool_result", "invocationId": "t1", "result": "no", "responseType": "tool-response",
                "agentReaction": "speaks"}),
            json!({"type": "client_tool_result", "invocationId": "t1", "responseType": "tool-response", "agentReaction": "listens",
                "errorType": "implementation-error", "errorMessage": "no"}),
            json!({"type": "user_text_message", "text": "The caller pressed the key # on the telephone.", "urgency": "soon"}),
            json!({"type": "user_text_message", "text": "x", "urgency": "later"}),
            json!({"type": "user_text_message", "text": "x", "urgency": "soon"}),
        ]
    );
}

#[test]
fn whoever_takes_over_is_told_and_asked_over_the_socket() {
    let say = |speaker, text: &str| Said { speaker, text: Redacted::new(text.to_owned()) };
    let history = vec![say(Speaker::Agent, "Good morning."), say(Speaker::Caller, "Are you open?")];
    let handover = Handover { history, owed: Owed::Answer, audio: Redacted::new(Vec::new()), in_turn: false, has_begun: true };
    let config = AgentConfig { greet_first: true, ..config() };
    let mut line = Line::new(&config);
    line.session = line.session.successor(&config, handover, ItemId(7));
    line.connect();
    line.hear(STARTED);
    assert_eq!(
        line.sent,
        [
            json!({"type": "user_text_message", "text": "The line broke; this was said before:\nYou: Good morning.", "urgency": "later"}),
            json!({"type": "user_text_message", "text": "Are you open?", "urgency": "immediate"}),
        ]
    );
}

#[test]
fn a_sign_of_life_goes_where_no_audio_does_and_the_call_has_an_hour() {
    let mut line = ready(&config());
    line.push(PCM8K, &[1; 16_000]);
    line.wait(Duration::from_secs(10));
    assert_eq!(line.sent, [json!({"type": "ping", "timestamp": 1_000})]);
    line.hear(r#"{"type":"pong","timestamp":1000}"#);
    line.wait(Duration::from_secs(3_540 - 10));
    assert!(line.take_events().contains(&Heard::Event(AgentEvent::Expiring { left: Duration::from_secs(60) })));
}

#[test]
fn nonsense_is_counted_and_the_end_is_told_from_a_failure() {
    let mut line = ready(&config());
    for text in ["{", r#"{"type":"state"}"#, r#"{"type":"transcript","role":"agent"}"#, r#"{"type":"client_tool_invocation"}"#] {
        line.hear(text);
    }
    line.hear(r#"{"type":"state","state":"dancing"}"#);
    line.hear(r#"{"type":"weather"}"#);
    assert_eq!(line.take_events(), []);
    let stats = line.session.stats().adapter;
    assert_eq!((stats.malformed_messages, stats.unknown_events), (4, 1));
    for (code, retryable, hung_up) in
        [(None, true, false), (Some(1011), true, false), (Some(1000), false, true), (Some(1008), false, false)]
    {
        let closed = ready(&config()).session.handle_closed(std::time::Instant::now(), code);
        assert_eq!((closed.retryable, closed.hung_up), (retryable, hung_up), "{code:?}");
    }
}
