//! What the simulator refuses, and what it says when it does not.

use super::*;
use crate::agent::simulator::{Faults, Observations};
use serde_json::Value;

const UPDATE: &str = r#"{"type":"session.update","event_id":"u1","session":{"type":"realtime"}}"#;
const PCMU: &str = r#"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcmu"}},"output":{"format":{"type":"audio/pcmu"}}}}}"#;

/// A session, its clock, and what it said since the last look.
struct Talk {
    conversation: Conversation,
    observations: Observations,
    now: Instant,
}

impl Talk {
    fn new(config: Config) -> Self {
        let observations = config.observations.clone();
        let seen = observations.begin();
        let mut talk = Self { conversation: Conversation::new(Arc::new(config), seen), observations, now: Instant::now() };
        talk.said();
        talk
    }

    fn tell(&mut self, text: &str) -> Vec<Value> {
        self.conversation.handle_message(self.now, AgentMessage::Text(text));
        self.said()
    }

    fn wait(&mut self, ms: u64) -> Vec<Value> {
        self.now += Duration::from_millis(ms);
        self.conversation.handle_timeout(self.now);
        self.said()
    }

    fn said(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.conversation.poll_output())
            .map(|output| match output {
                Output::Send(text) => serde_json::from_str(&text).unwrap(),
                other => serde_json::json!({"type": format!("{other:?}")}),
            })
            .collect()
    }
}

fn kinds(said: &[Value]) -> Vec<&str> {
    said.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn code(said: &[Value]) -> &str {
    let [event] = said else { panic!("one error was expected: {said:?}") };
    event["error"]["code"].as_str().unwrap()
}

#[test]
fn an_error_names_the_message_it_is_about() {
    let mut talk = Talk::new(Config::default());
    let said = talk.tell(r#"{"type":"session.update","event_id":"u7","session":{"type":"realtime","voice":"x"}}"#);
    assert_eq!(code(&said), "unknown_parameter");
    assert_eq!(said[0]["error"]["event_id"], "u7");
    assert_eq!(talk.observations.sessions()[0].errors, ["unknown_parameter"]);
}

#[test]
fn a_truncate_beyond_the_audio_sent_is_refused_in_the_services_words() {
    let mut talk = Talk::new(Config::default());
    talk.tell(PCMU);
    talk.tell(&format!(r#"{{"type":"input_audio_buffer.append","audio":"{}"}}"#, base64_simd::STANDARD.encode_to_string([0; 800])));
    let truncate = |ms: u64| format!(r#"{{"type":"conversation.item.truncate","item_id":"item_1","content_index":0,"audio_end_ms":{ms}}}"#);
    let said = talk.tell(&truncate(101));
    assert_eq!(said[0]["error"]["message"], "Audio content of 100ms is already shorter than 101ms");
    assert_eq!(kinds(&talk.tell(&truncate(60))), ["conversation.item.truncated"]);
    assert_eq!(code(&talk.tell(&truncate(61))), "invalid_value", "what was cut does not grow again");
    let seen = talk.observations.sessions().remove(0);
    assert_eq!(
        seen.truncations.iter().map(|told| (told.audio_end_ms, told.sent_ms)).collect::<Vec<_>>(),
        [(101, 100), (60, 100), (61, 60)]
    );
}

#[test]
fn a_commit_of_nothing_is_refused() {
    let mut talk = Talk::new(Config::new(Behaviour::Parrot));
    assert_eq!(code(&talk.tell(r#"{"type":"input_audio_buffer.commit"}"#)), "input_audio_buffer_commit_empty");
}

#[test]
fn a_second_response_at_a_time_and_a_cancel_of_none_are_refused() {
    let mut talk = Talk::new(Config::new(Behaviour::Parrot));
    talk.tell(UPDATE);
    assert_eq!(code(&talk.tell(r#"{"type":"response.cancel"}"#)), "response_cancel_not_active");
    talk.tell(r#"{"type":"response.create"}"#);
    assert_eq!(code(&talk.tell(r#"{"type":"response.create"}"#)), "conversation_already_has_active_response");
    let said = talk.tell(r#"{"type":"response.cancel"}"#);
    assert_eq!(said.last().unwrap()["response"]["status_details"]["reason"], "client_cancelled");
}

#[test]
fn audio_that_is_no_base64_half_a_sample_or_too_long_is_refused() {
    let mut talk = Talk::new(Config::default());
    talk.tell(UPDATE);
    for audio in ["!", "AAAA", &"A".repeat(21_000_000)] {
        let said = talk.tell(&format!(r#"{{"type":"input_audio_buffer.append","audio":"{audio}"}}"#));
        assert_eq!(code(&said), "invalid_value");
    }
    assert_eq!(talk.observations.sessions()[0].appended_bytes, 0);
}

#[test]
fn an_echo_in_two_formats_is_none() {
    let mut talk = Talk::new(Config::default());
    let said = talk.tell(r#"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcmu"}}}}}"#);
    assert_eq!(code(&said), "invalid_value");
}

#[test]
fn a_greeter_that_is_not_asked_greets_after_a_while_and_only_once() {
    let mut talk = Talk::new(Config::new(Behaviour::Greeter));
    talk.tell(UPDATE);
    assert_eq!(kinds(&talk.wait(299)), [] as [&str; 0]);
    let said = talk.wait(1);
    assert_eq!(said.iter().filter(|event| event["type"] == "response.output_audio.delta").count(), 6);
    assert_eq!(kinds(&talk.wait(299)), [] as [&str; 0], "a quarter of 1 200 ms are needed to generate it");
    assert_eq!(talk.wait(1).last().unwrap()["response"]["status"], "completed");
    assert_eq!(kinds(&talk.wait(60_000)), [] as [&str; 0]);
}

#[test]
fn faults_are_counted_from_the_first_settings_only() {
    let faults = Faults { error_after_ms: Some(20), drop_after_ms: Some(50), ..Faults::default() };
    let mut talk = Talk::new(Config { faults, ..Config::default() });
    assert_eq!(talk.conversation.poll_timeout(), None);
    talk.tell(UPDATE);
    assert_eq!(code(&talk.wait(20)), "server_error");
    talk.tell(UPDATE);
    assert_eq!(kinds(&talk.wait(30)), ["Drop"]);
}
