//! From the open socket until the agent is ready.

use super::*;
use crate::agent::config::{Eagerness, TurnDetection};
use crate::agent::model::{AgentFault, Closed, FaultClass, Handover};

#[test]
fn settings_go_out_as_soon_as_the_socket_is_open() {
    let config = AgentConfig {
        voice: Some("marin".into()),
        instructions: Some("Be \"brief\".".into()),
        transcription_model: Some("gpt-transcribe".into()),
        language: Some("en".into()),
        ..AgentConfig::at("ws://127.0.0.1/")
    };
    let mut line = Line::new(&config);
    line.connect();
    let expected = serde_json::json!([{
        "type": "session.update", "event_id": "settings_1",
        "session": {"type": "realtime", "output_modalities": ["audio"], "instructions": "Be \"brief\".",
            "audio": {
                "input": {"format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": {"model": "gpt-transcribe", "language": "en"},
                    "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
                        "create_response": true, "interrupt_response": true}},
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}}}}]);
    assert_eq!(Value::Array(line.sent), expected);
}

#[test]
fn turns_found_by_words_have_settings_of_their_own() {
    let mut line = Line::new(&AgentConfig { turn_detection: TurnDetection::SemanticVad { eagerness: Eagerness::High }, ..pcmu() });
    line.connect();
    assert_eq!(
        line.sent[0]["session"]["audio"]["input"]["turn_detection"],
        serde_json::json!({"type": "semantic_vad", "eagerness": "high", "create_response": true, "interrupt_response": true})
    );
    assert_eq!(line.sent[0]["session"]["audio"]["input"]["format"], serde_json::json!({"type": "audio/pcmu"}));
}

#[test]
fn ready_comes_with_session_updated_and_not_before() {
    let mut line = Line::new(&pcmu());
    line.connect();
    line.hear(r#"{"type":"session.created","event_id":"event_1","session":{"type":"realtime","id":"sess_1"}}"#);
    assert_eq!(line.take_events(), []);
    line.hear(&updated(WireFormat::Pcmu));
    let ready = AgentEvent::Ready {
        session: "sess_1".into(),
        input: AudioFormat::Ulaw8k,
        output: AudioFormat::Ulaw8k,
        expires_in: Some(Duration::from_secs(3600)),
    };
    assert_eq!(line.take_events(), [Heard::Event(ready)]);
    assert_eq!(line.session.poll_close(), None);
}

#[test]
fn formats_other_than_ours_end_the_connection_for_good() {
    let mut line = Line::new(&pcmu());
    line.connect();
    line.hear(&updated(WireFormat::Pcma));
    let fault = AgentFault { class: FaultClass::Refused, code: "format_not_taken".into() };
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Error(fault))]);
    assert_eq!(line.session.poll_close(), Some(Closed { code: Some(1000), retryable: false, hung_up: false }));
}

#[test]
fn settings_that_are_refused_end_the_wait_at_once() {
    let mut line = Line::new(&pcmu());
    line.connect();
    line.hear(r#"{"type":"error","event_id":"e","error":{"type":"invalid_request_error","code":"invalid_value","message":"no such voice","param":"session.audio.output.voice","event_id":"settings_1"}}"#);
    let fault = AgentFault { class: FaultClass::Refused, code: "invalid_value".into() };
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Error(fault))]);
    assert_eq!(line.session.poll_close().map(|closed| closed.retryable), Some(false));
}

#[test]
fn an_agent_that_is_not_ready_in_time_is_given_up_and_may_be_tried_again() {
    let mut line = Line::new(&pcmu());
    line.connect();
    assert_eq!(line.session.poll_timeout(), Some(line.now + Duration::from_secs(3)));
    line.wait(Duration::from_secs(3));
    let fault = AgentFault { class: FaultClass::Provider, code: "ready_timeout".into() };
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Error(fault))]);
    assert_eq!(line.session.poll_close(), Some(Closed { code: Some(1000), retryable: true, hung_up: false }));
    assert_eq!(line.session.poll_timeout(), None);
    line.hear(&updated(WireFormat::Pcmu));
    assert_eq!(line.take_events(), []);
}

#[test]
fn the_greeting_is_asked_for_once_the_agent_is_ready() {
    let config = AgentConfig { greet_first: true, greeting: Some("Say good morning.".into()), ..pcmu() };
    let mut line = Line::new(&config);
    line.connect();
    assert_eq!(line.take_sent_types(), ["session.update"]);
    line.hear(&updated(WireFormat::Pcmu));
    assert_eq!(
        line.sent,
        [serde_json::json!({"type": "response.create", "event_id": "response_2", "response": {"instructions": "Say good morning."}})]
    );
}

#[test]
fn the_end_of_the_session_is_announced_a_minute_ahead() {
    let mut line = Line::ready(&pcmu());
    assert_eq!(line.session.poll_timeout(), Some(line.now + Duration::from_secs(3540)));
    line.wait(Duration::from_secs(3540));
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Expiring { left: Duration::from_secs(60) })]);
    assert_eq!(line.session.poll_timeout(), None);
}

#[test]
fn the_next_connection_counts_its_items_on_and_hears_what_it_is_handed() {
    let config = pcmu();
    let mut line = Line::ready(&config);
    line.hear(&delta("resp_1", "item_1", &[1; 80]));
    assert!(line.session.handle_closed(line.now, None).retryable);
    let handover = Handover { audio: vec![3; 160].into(), ..Handover::default() };
    line.session = line.session.successor(&config, handover, line.session.next_item());
    line.connect();
    line.hear(&updated(WireFormat::Pcmu));
    assert_eq!(line.take_sent_types(), ["session.update", "input_audio_buffer.append"]);
    line.take_events();
    line.hear(&delta("resp_1", "item_1", &[2; 80]));
    assert_eq!(line.take_events().first(), Some(&Heard::Audio(ItemId(2), vec![2; 80])));
}
