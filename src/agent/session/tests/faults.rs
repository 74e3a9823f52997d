//! What goes wrong, and that the call goes on.

use super::*;
use crate::agent::model::{AgentFault, Closed, FaultClass};

fn fault(class: FaultClass, code: &str) -> Heard {
    Heard::Event(AgentEvent::Error(AgentFault { class, code: code.into() }))
}

fn warning(code: &str) -> Heard {
    Heard::Event(AgentEvent::Warning { code: code.into() })
}

#[test]
fn an_error_is_told_and_ends_nothing() {
    let mut line = Line::ready(&pcmu());
    line.hear(
        r#"{"type":"error","event_id":"e","error":{"type":"server_error","code":null,"message":"oops","param":null,"event_id":null}}"#,
    );
    assert_eq!(line.take_events(), [fault(FaultClass::Provider, "server_error")]);
    assert_eq!(line.session.poll_close(), None);
    line.push(AudioFormat::Ulaw8k, &[1; 160]);
    assert_eq!(line.take_sent_types(), ["input_audio_buffer.append"]);
}

#[test]
fn an_expired_session_is_a_fault_and_its_close_may_be_dialled_again() {
    let mut line = Line::ready(&pcmu());
    line.hear(r#"{"type":"error","error":{"type":"invalid_request_error","code":"session_expired","message":"Your session hit the maximum duration of 60 minutes."}}"#);
    assert_eq!(line.take_events(), [fault(FaultClass::Expired, "session_expired")]);
    assert_eq!(line.session.handle_closed(line.now, Some(1001)), Closed { code: Some(1001), retryable: true, hung_up: false });
    assert_eq!(line.session.poll_close(), None);
}

#[test]
fn a_truncate_beyond_the_audio_is_only_a_warning() {
    let mut line = Line::ready(&pcmu());
    line.hear(r#"{"type":"error","error":{"type":"invalid_request_error","code":"invalid_value","message":"Audio content of 1200ms is already shorter than 1300ms","event_id":"truncate_9"}}"#);
    assert_eq!(line.take_events(), [warning("truncate_beyond_audio")]);
}

#[test]
fn a_response_that_failed_or_was_cut_short_is_told() {
    let mut line = Line::ready(&pcmu());
    line.hear(r#"{"type":"response.done","response":{"id":"r1","status":"failed","status_details":{"type":"failed","error":{"type":"insufficient_quota","code":"insufficient_quota"}}}}"#);
    line.hear(r#"{"type":"response.done","response":{"id":"r2","status":"incomplete","status_details":{"type":"incomplete","reason":"max_output_tokens"}}}"#);
    line.hear(r#"{"type":"response.done","response":{"id":"r3","status":"failed"}}"#);
    let told: Vec<_> = line.take_events().into_iter().filter(|event| !matches!(event, Heard::Event(AgentEvent::State(_)))).collect();
    assert_eq!(
        told,
        [
            fault(FaultClass::Limited, "insufficient_quota"),
            warning("response_incomplete_max_output_tokens"),
            fault(FaultClass::Provider, "response_failed")
        ]
    );
}

#[test]
fn a_limit_that_is_reached_is_told_and_one_that_is_not_is_not() {
    let mut line = Line::ready(&pcmu());
    line.hear(r#"{"type":"rate_limits.updated","rate_limits":[{"name":"requests","limit":1000,"remaining":999,"reset_seconds":0.1},{"name":"tokens","limit":50000,"remaining":0,"reset_seconds":1.5}]}"#);
    assert_eq!(line.take_events(), [warning("rate_limit_reached_tokens")]);
}

#[test]
fn what_is_not_known_is_counted_and_let_pass() {
    let mut line = Line::ready(&pcmu());
    line.hear(r#"{"type":"response.sung","melody":[[[]]]}"#);
    line.hear(r#"{"type":"conversation.item.added","item":{}}"#);
    line.hear("not JSON");
    line.session.handle_message(line.now, AgentMessage::Binary(&[1, 2, 3]));
    assert_eq!(line.take_events(), []);
    let stats = line.session.stats().adapter;
    assert_eq!((stats.unknown_events, stats.malformed_messages), (2, 1));
}

#[test]
fn a_message_beyond_the_bound_is_not_looked_at() {
    let mut line = Line::ready(&pcmu());
    let text = format!(r#"{{"type":"error","pad":"{}"}}"#, "x".repeat(4 * 1024 * 1024));
    line.hear(&text);
    assert_eq!(line.session.stats().oversized_messages, 1);
}

#[test]
fn a_transport_that_broke_may_be_dialled_again_and_a_refusal_may_not() {
    assert!(Line::ready(&pcmu()).session.handle_closed(Instant::now(), None).retryable);
    assert!(!Line::ready(&pcmu()).session.handle_closed(Instant::now(), Some(4000)).retryable);
    assert!(!Line::ready(&pcmu()).session.handle_closed(Instant::now(), Some(1008)).retryable);
}

#[test]
fn ten_thousand_items_and_responses_are_forgotten_again() {
    let mut line = Line::ready(&pcmu());
    for number in 0..10_000 {
        line.hear(&response_created(&format!("resp_{number}")));
        line.hear(&delta(&format!("resp_{number}"), &format!("item_{number}"), &[1]));
        line.hear(SPEECH_STARTED);
        line.events.clear();
    }
    line.cleared(1, 0);
    assert_eq!(line.sent, [] as [Value; 0], "the first item is long forgotten");
}

#[test]
fn a_name_that_is_too_long_to_be_kept_names_nothing() {
    let mut line = Line::ready(&pcmu());
    let long = "x".repeat(129);
    line.hear(&response_created(&long));
    line.hear(&delta(&long, &long, &[1; 160]));
    assert_eq!(line.session.stats().adapter.malformed_messages, 1);
    line.command(AgentCommand::BargeIn(crate::agent::model::BargeInCause::LocalVad));
    assert_eq!(line.sent.len(), 0, "nothing is asked of a response whose name we do not know");
    line.take_events();
    line.hear(&delta("r", "i", &[1; 160]));
    assert!(line.take_events().contains(&Heard::Audio(ItemId(1), vec![1; 160])));
}
