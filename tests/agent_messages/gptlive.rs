//! OpenAI GPT-Live.

use std::collections::BTreeSet;

use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use serde_json::Value;

use crate::said::{self, validate};

#[test]
fn every_message_we_send_is_known_to_the_vendors_types() {
    let plain = AgentConfig { protocol: Protocol::GptLive, model: Some("gpt-live-1".into()), ..AgentConfig::at("wss://a.example/") };
    let full = AgentConfig {
        voice: Some("marin".into()),
        instructions: Some("Speak of appointments only.".into()),
        greet_first: true,
        greeting: Some("Say good morning.".into()),
        ..plain.clone()
    };
    let mut lines = Vec::new();
    for format in [WireFormat::Pcmu, WireFormat::Pcma, WireFormat::Pcm16k, WireFormat::Pcm24k] {
        for config in [&plain, &full] {
            let config = AgentConfig { format, ..config.clone() };
            lines.extend(said::in_a_call(&config, &[r#"{"type":"session.started","event_id":"e","session":{"id":"live_1"}}"#], &[]));
        }
    }
    let types: BTreeSet<String> =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned()).collect();
    let expected = ["session.close", "session.input_audio.append", "session.instructions.append", "session.start"];
    assert!(types.iter().eq(expected.iter()), "{types:?}");
    validate("openai-live", &lines);
}
