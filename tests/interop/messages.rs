//! What the gateway says to its agent, held against the provider's own types (PyPI `openai`).

use std::iter::repeat_n;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::gateway::Gateway;
use crate::support::{sound, tools};

#[test]
fn every_message_of_a_call_with_an_interruption_is_one_that_the_provider_knows() {
    let (Some(python), Some([(_, speech), _])) = (tools::python(), sound::speakers()) else { return };
    let gateway = Gateway::start("parrot");
    // Two seconds said, a pause in which the parrot begins to repeat them, then words into its sentence.
    let words = &speech[..16_000];
    let played: Vec<i16> =
        words.iter().copied().chain(repeat_n(0, 12_000)).chain(words.iter().copied()).chain(repeat_n(0, 16_000)).collect();
    let (spoken, recorded) = (gateway.folder().join("spoken.wav"), gateway.folder().join("recorded.wav"));
    sound::write(&spoken, &played);
    let files = [spoken.to_string_lossy(), recorded.to_string_lossy()];
    let (succeeded, report) =
        gateway.phone(&["--to", &gateway.uri("1000"), "--play", &files[0], "--record", &files[1], "--expect", "any"], 8);
    assert!(succeeded, "{report:#}\n{}", gateway.log());

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/check_messages.py");
    let checked = tools::run(Command::new(python).arg(script).arg(gateway.received_by_agent()), Duration::from_secs(60));
    tools::assert_success("the provider's types", &checked);
    let counts: Value = serde_json::from_slice(&checked.stdout).expect("counts by type");
    for kind in ["session.update", "input_audio_buffer.append", "conversation.item.truncate"] {
        assert!(counts[kind].as_u64() > Some(0), "no {kind} in {counts}\n{}", gateway.log());
    }
}
