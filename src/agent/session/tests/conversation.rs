//! Words, tools and texts.

use super::*;
use crate::agent::model::{AgentState, ContextRole, SpeechEdge, TranscriptKind};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

const ARGUMENTS: &str = r#"{"type":"response.function_call_arguments.done","event_id":"e","response_id":"resp_1","item_id":"item_f","output_index":0,"call_id":"call_1","name":"look_up","arguments":"{\"day\":\"Monday\"}"}"#;

fn result(proceed: bool, is_error: bool) -> AgentCommand {
    AgentCommand::ToolResult { call_id: "call_1".into(), output: Redacted::new("nine".into()), is_error, proceed }
}

#[test]
fn both_sides_are_written_down() {
    let mut line = Line::ready(&pcmu());
    line.hear(&delta("resp_1", "item_1", &[1]));
    line.take_events();
    line.hear(r#"{"type":"conversation.item.input_audio_transcription.delta","item_id":"item_c","content_index":0,"delta":"good"}"#);
    line.hear(r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"item_c","content_index":0,"transcript":"good morning","usage":{}}"#);
    line.hear(r#"{"type":"response.output_audio_transcript.done","response_id":"resp_1","item_id":"item_1","transcript":"hello \u00e9"}"#);
    let said = |speaker, kind, text: &str, item| {
        Heard::Event(AgentEvent::Transcript { speaker, kind, text: Redacted::new(text.to_owned()), item })
    };
    assert_eq!(
        line.take_events(),
        [
            said(Speaker::Caller, TranscriptKind::Partial, "good", None),
            said(Speaker::Caller, TranscriptKind::Final, "good morning", None),
            said(Speaker::Agent, TranscriptKind::Final, "hello é", Some(ItemId(1))),
        ]
    );
}

#[test]
fn the_end_of_speech_comes_with_its_place_on_the_timeline() {
    let mut line = Line::ready(&pcmu());
    line.hear(r#"{"type":"input_audio_buffer.speech_stopped","event_id":"e","audio_end_ms":2980,"item_id":"item_c"}"#);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::UserSpeech { edge: SpeechEdge::Stopped, input_ms: 2980 })]);
}

#[test]
fn a_tool_is_called_once_when_its_response_completed() {
    let mut line = Line::ready(&pcmu());
    line.hear(&response_created("resp_1"));
    line.hear(ARGUMENTS);
    line.hear(ARGUMENTS);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::State(AgentState::Thinking))]);
    line.hear(&response_done("resp_1", "completed"));
    line.hear(ARGUMENTS);
    line.hear(&response_done("resp_1", "completed"));
    let calls: Vec<_> = line.take_events().into_iter().filter(|event| matches!(event, Heard::Event(AgentEvent::ToolCall { .. }))).collect();
    let call =
        AgentEvent::ToolCall { call_id: "call_1".into(), name: "look_up".into(), arguments: Redacted::new(r#"{"day":"Monday"}"#.into()) };
    assert_eq!(calls, [Heard::Event(call)]);
}

#[test]
fn a_tool_of_an_interrupted_response_is_never_called() {
    let mut line = Line::ready(&pcmu());
    line.hear(&response_created("resp_1"));
    line.hear(ARGUMENTS);
    line.hear(&response_done("resp_1", "cancelled"));
    assert!(!line.take_events().iter().any(|event| matches!(event, Heard::Event(AgentEvent::ToolCall { .. }))));
}

#[test]
fn the_answer_to_a_tool_waits_for_the_response_to_end() {
    let mut line = Line::ready(&pcmu());
    line.hear(&response_created("resp_1"));
    line.command(result(true, false));
    assert_eq!(line.sent[0]["item"], serde_json::json!({"type": "function_call_output", "call_id": "call_1", "output": "nine"}));
    assert_eq!(line.take_sent_types(), ["conversation.item.create"]);
    line.hear(&response_done("resp_1", "completed"));
    assert_eq!(line.take_sent_types(), ["response.create"]);
}

#[test]
fn two_wishes_make_one_response() {
    let mut line = Line::ready(&pcmu());
    line.command(result(true, false));
    line.command(result(true, false));
    assert_eq!(line.take_sent_types(), ["conversation.item.create", "response.create", "conversation.item.create"]);
    line.hear(&response_created("resp_1"));
    line.hear(&response_done("resp_1", "completed"));
    assert_eq!(line.take_sent_types(), ["response.create"], "the second answer is not in the first response");
}

#[test]
fn a_wish_refused_because_another_response_runs_is_repeated_after_it() {
    let mut line = Line::ready(&pcmu());
    line.command(result(true, false));
    let event_id = line.sent[1]["event_id"].as_str().unwrap().to_owned();
    line.take_sent_types();
    line.hear(&response_created("resp_auto"));
    line.hear(&format!(r#"{{"type":"error","error":{{"type":"invalid_request_error","code":"conversation_already_has_active_response","message":"","event_id":"{event_id}"}}}}"#));
    line.hear(&response_done("resp_auto", "completed"));
    assert_eq!(line.take_sent_types(), ["response.create"]);
}

#[test]
fn a_failed_tool_says_so() {
    let mut line = Line::ready(&pcmu());
    line.command(result(false, true));
    assert_eq!(line.sent[0]["item"]["output"], r#"{"error":"nine"}"#);
    assert_eq!(line.take_sent_types(), ["conversation.item.create"]);
}

#[test]
fn keys_and_texts_enter_the_conversation() {
    let mut line = Line::ready(&pcmu());
    line.command(AgentCommand::Dtmf { digit: '#', duration: Duration::from_millis(100) });
    line.command(AgentCommand::ContextText { role: ContextRole::Developer, text: Redacted::new("It rains.".into()), speak: true });
    assert_eq!(line.sent[0]["item"]["role"], "user");
    assert!(line.sent[0]["item"]["content"][0]["text"].as_str().unwrap().contains('#'));
    assert_eq!(
        line.sent[1]["item"],
        serde_json::json!({"type": "message", "role": "system", "content": [{"type": "input_text", "text": "It rains."}]})
    );
    assert_eq!(line.take_sent_types(), ["conversation.item.create", "conversation.item.create", "response.create"]);
}
