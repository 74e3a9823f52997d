//! The caller interrupts: what is thrown away and what the provider is told.

use super::*;
use crate::agent::model::{BargeInCause, ClearCause, ClearScope, SpeechEdge};

/// A line on which the agent has sent 1 000 ms as `item_1`.
fn speaking() -> Line {
    let mut line = Line::ready(&pcmu());
    line.hear(&response_created("resp_1"));
    line.hear(&delta("resp_1", "item_1", &[1; 8_000]));
    line.take_events();
    line
}

fn truncations(line: &mut Line) -> Vec<(String, u64)> {
    line.sent
        .drain(..)
        .filter(|message| message["type"] == "conversation.item.truncate")
        .map(|message| {
            assert_eq!(message["content_index"], 0);
            (message["item_id"].as_str().unwrap().to_owned(), message["audio_end_ms"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn speech_of_the_caller_clears_first_and_tells_then() {
    let mut line = speaking();
    line.hear(SPEECH_STARTED);
    assert_eq!(
        line.take_events(),
        [
            Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech }),
            Heard::Event(AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms: 1240 }),
        ]
    );
    assert_eq!(line.take_sent_types(), [] as [&str; 0], "the server cancels by itself");
}

#[test]
fn the_provider_is_told_exactly_what_was_heard() {
    let mut line = speaking();
    line.hear(SPEECH_STARTED);
    line.cleared(1, 437);
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 437)]);
}

#[test]
fn nobody_has_heard_more_than_was_received() {
    let mut line = speaking();
    line.cleared(1, 1_500);
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 1_000)]);
}

#[test]
fn an_item_that_never_began_was_not_heard_at_all() {
    let mut line = speaking();
    line.hear(&delta("resp_1", "item_2", &[2; 800]));
    line.hear(SPEECH_STARTED);
    line.cleared(1, 250);
    line.cleared(2, 0);
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 250), ("item_2".to_owned(), 0)]);
}

#[test]
fn an_item_heard_to_its_end_needs_no_word() {
    let mut line = speaking();
    line.hear(&audio_done("resp_1", "item_1"));
    line.hear(&response_done("resp_1", "completed"));
    line.hear(SPEECH_STARTED);
    line.cleared(1, 1_000);
    assert_eq!(truncations(&mut line), []);
}

#[test]
fn an_item_still_being_made_is_truncated_even_where_all_of_it_was_heard() {
    let mut line = speaking();
    line.hear(SPEECH_STARTED);
    line.cleared(1, 1_000);
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 1_000)]);
}

#[test]
fn audio_that_came_too_late_was_not_heard() {
    let mut line = speaking();
    line.hear(SPEECH_STARTED);
    line.hear(&delta("resp_1", "item_1", &[1; 8_000]));
    line.hear(&audio_done("resp_1", "item_1"));
    line.cleared(1, 1_000);
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 1_000)]);
}

#[test]
fn a_response_that_was_finished_is_truncated_too() {
    let mut line = speaking();
    line.hear(&audio_done("resp_1", "item_1"));
    line.hear(&response_done("resp_1", "completed"));
    line.hear(SPEECH_STARTED);
    line.cleared(1, 999);
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 999)]);
}

#[test]
fn an_item_is_truncated_once() {
    let mut line = speaking();
    line.cleared(1, 300);
    line.cleared(1, 300);
    line.hear(SPEECH_STARTED);
    line.cleared(1, 310);
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 300)]);
}

#[test]
fn what_still_comes_of_an_interrupted_response_is_dropped() {
    let mut line = speaking();
    line.hear(SPEECH_STARTED);
    line.take_events();
    line.hear(&delta("resp_1", "item_1", &[1; 160]));
    line.hear(&delta("resp_1", "item_new", &[1; 160]));
    line.hear(&response_done("resp_1", "cancelled"));
    line.hear(&delta("resp_1", "item_1", &[1; 160]));
    let audio = line.take_events().iter().any(|event| matches!(event, Heard::Audio(..)));
    assert!(!audio);
    assert_eq!(line.session.stats().adapter.late_audio_messages, 3);
}

#[test]
fn the_next_response_is_heard() {
    let mut line = speaking();
    line.hear(SPEECH_STARTED);
    line.hear(&response_done("resp_1", "cancelled"));
    line.hear(&response_created("resp_2"));
    line.take_events();
    line.hear(&delta("resp_2", "item_2", &[5; 160]));
    assert_eq!(line.take_events()[0], Heard::Audio(ItemId(2), vec![5; 160]));
}

#[test]
fn an_interruption_found_by_the_gateway_cancels_the_response() {
    let mut line = speaking();
    line.command(AgentCommand::BargeIn(BargeInCause::LocalVad));
    line.cleared(1, 120);
    assert_eq!(line.sent[0]["type"], "response.cancel");
    assert_eq!(line.sent[0]["response_id"], "resp_1");
    assert_eq!(truncations(&mut line), [("item_1".to_owned(), 120)]);
}

#[test]
fn an_interruption_with_no_response_running_cancels_nothing() {
    let mut line = speaking();
    line.hear(&response_done("resp_1", "completed"));
    line.command(AgentCommand::BargeIn(BargeInCause::Dtmf));
    assert_eq!(line.take_sent_types(), [] as [&str; 0]);
}
