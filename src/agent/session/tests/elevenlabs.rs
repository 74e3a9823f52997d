//! ElevenLabs Agents.

use std::time::Duration;

use base64_simd::STANDARD;
use media::frame::{AudioFormat, ItemId};
use serde_json::json;

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, WireFormat};
use crate::agent::model::{AgentCommand, AgentEvent, AgentState, BargeInCause, ClearCause, ClearScope, TranscriptKind};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

fn config() -> AgentConfig {
    AgentConfig {
        protocol: Protocol::ElevenLabs,
        format: WireFormat::Pcmu,
        ..AgentConfig::at("wss://api.example/v1/convai/conversation?agent_id=a1")
    }
}

fn metadata(output: &str, input: &str) -> String {
    format!(
        r#"{{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{{"conversation_id":"conv_1","agent_output_audio_format":"{output}","user_input_audio_format":"{input}"}}}}"#
    )
}

fn audio(event_id: i64, bytes: &[u8]) -> String {
    format!(r#"{{"type":"audio","audio_event":{{"audio_base_64":"{}","event_id":{event_id}}}}}"#, STANDARD.encode_to_string(bytes))
}

fn says(words: &str) -> String {
    format!(r#"{{"type":"agent_response","agent_response_event":{{"agent_response":"{words}","event_id":1}}}}"#)
}

fn ready() -> Line {
    let mut line = Line::new(&config());
    line.connect();
    line.hear(&metadata("ulaw_8000", "ulaw_8000"));
    line.sent.clear();
    line.events.clear();
    line
}

#[test]
fn only_what_is_set_is_put_over_the_agents_own_settings() {
    let mut line = Line::new(&config());
    line.connect();
    assert_eq!(line.sent, [json!({"type": "conversation_initiation_client_data"})]);
    let mut line = Line::new(&AgentConfig {
        instructions: Some("Be brief.".into()),
        language: Some("es".into()),
        voice: Some("v1".into()),
        greet_first: true,
        greeting: Some("Hola.".into()),
        ..config()
    });
    line.connect();
    assert_eq!(
        line.sent,
        [json!({"type": "conversation_initiation_client_data", "conversation_config_override": {
            "agent": {"prompt": {"prompt": "Be brief."}, "first_message": "Hola.", "language": "es"}, "tts": {"voice_id": "v1"}}})]
    );
}

#[test]
fn an_agent_that_was_set_up_for_other_audio_is_refused() {
    for (output, input) in [("pcm_16000", "ulaw_8000"), ("ulaw_8000", "pcm_16000")] {
        let mut line = Line::new(&config());
        line.connect();
        line.hear(&metadata(output, input));
        assert!(line.session.poll_close().is_some_and(|closed| !closed.retryable), "{output} {input}");
    }
}

#[test]
fn the_callers_audio_is_one_key_and_a_ping_gets_its_pong() {
    let mut line = ready();
    line.push(AudioFormat::Ulaw8k, &[0, 1, 2, 253, 254, 255, 7]);
    line.hear(r#"{"type":"ping","ping_event":{"event_id":42,"ping_ms":50}}"#);
    assert_eq!(line.sent, [json!({"user_audio_chunk": "AAEC/f7/Bw=="}), json!({"type": "pong", "event_id": 42})]);
}

#[test]
fn an_utterance_lasts_until_the_caller_or_other_words_of_the_agent() {
    let mut line = ready();
    line.hear(&audio(1, &[1; 8]));
    line.hear(&says("One."));
    line.hear(&audio(2, &[2; 8]));
    line.hear(&says("Two."));
    line.hear(&audio(3, &[3; 8]));
    line.hear(r#"{"type":"user_transcript","user_transcription_event":{"user_transcript":"Thanks."}}"#);
    let words = |speaker, text: &str, item| {
        Heard::Event(AgentEvent::Transcript { speaker, kind: TranscriptKind::Final, text: Redacted::new(text.to_owned()), item })
    };
    assert_eq!(
        line.take_events(),
        [
            Heard::Audio(ItemId(1), vec![1; 8]),
            Heard::Event(AgentEvent::State(AgentState::Speaking)),
            words(Speaker::Agent, "One.", Some(ItemId(1))),
            Heard::Audio(ItemId(1), vec![2; 8]),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) }),
            words(Speaker::Agent, "Two.", Some(ItemId(2))),
            Heard::Audio(ItemId(2), vec![3; 8]),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(2) }),
            Heard::Event(AgentEvent::State(AgentState::Listening)),
            words(Speaker::Caller, "Thanks.", None),
        ]
    );
}

#[test]
fn an_interruption_voids_what_was_sent_up_to_its_number_and_no_more() {
    let mut line = ready();
    line.hear(&audio(5, &[1; 8]));
    line.take_events();
    line.hear(r#"{"type":"interruption","interruption_event":{"event_id":6}}"#);
    line.hear(&audio(6, &[2; 8]));
    line.hear(&audio(7, &[3; 8]));
    assert_eq!(
        line.take_events(),
        [
            Heard::Event(AgentEvent::State(AgentState::Listening)),
            Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech }),
            Heard::Audio(ItemId(2), vec![3; 8]),
            Heard::Event(AgentEvent::State(AgentState::Speaking)),
        ]
    );
    assert_eq!(line.session.stats().adapter.late_audio_messages, 1);
    line.hear(
        r#"{"type":"agent_response_correction","agent_response_correction_event":{"original_agent_response":"One two","corrected_agent_response":"One","event_id":6}}"#,
    );
    assert!(matches!(&line.take_events()[..], [Heard::Event(AgentEvent::Transcript { kind: TranscriptKind::Correction, .. })]));
}

#[test]
fn tools_keys_and_texts_have_messages_of_their_own() {
    let mut line = ready();
    line.hear(
        r#"{"type":"client_tool_call","client_tool_call":{"tool_name":"book","tool_call_id":"t1","parameters":{"day": 1},"event_id":3}}"#,
    );
    assert!(matches!(&line.take_events()[..], [Heard::Event(AgentEvent::ToolCall { name, arguments, .. })]
        if name == "book" && arguments.expose() == r#"{"day": 1}"#));
    let text = |speak| AgentCommand::ContextText { role: crate::agent::model::ContextRole::System, text: Redacted::new("x".into()), speak };
    line.command(AgentCommand::ToolResult { call_id: "t1".into(), output: Redacted::new("no".into()), is_error: true, proceed: true });
    line.command(AgentCommand::Dtmf { digit: '#', duration: Duration::from_millis(80) });
    line.command(text(false));
    line.command(text(true));
    line.command(AgentCommand::BargeIn(BargeInCause::LocalVad));
    assert_eq!(line.sent[0], json!({"type": "client_tool_result", "tool_call_id": "t1", "result": "no", "is_error": true}));
    line.sent.remove(0);
    assert_eq!(line.take_sent_types(), ["contextual_update", "contextual_update", "user_message", "user_activity"]);
}

#[test]
fn it_is_dialled_again_after_its_own_failures_alone() {
    for (code, retryable) in [(None, true), (Some(1002), true), (Some(1011), true), (Some(1000), false), (Some(1008), false)] {
        assert_eq!(ready().session.handle_closed(std::time::Instant::now(), code).retryable, retryable, "{code:?}");
    }
}
