//! Deepgram Voice Agent.

use std::collections::BTreeSet;

use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use serde_json::Value;

use crate::said::{self, validate};

#[test]
fn every_message_we_send_is_known_to_the_vendors_types() {
    let plain = AgentConfig { protocol: Protocol::Deepgram, model: Some("gpt-4o-mini".into()), ..AgentConfig::at("wss://a.example/") };
    let full = AgentConfig {
        model: Some("anthropic/claude-sonnet-4".into()),
        voice: Some("aura-2-thalia-en".into()),
        instructions: Some("Speak of appointments only.".into()),
        tools: said::tools(),
        transfer_targets: vec!["+4930901820".into()],
        language: Some("en".into()),
        transcription_model: Some("nova-3-medical".into()),
        greet_first: true,
        greeting: Some("Good morning.".into()),
        ..plain.clone()
    };
    let mut lines = Vec::new();
    for format in [WireFormat::Pcmu, WireFormat::Pcma, WireFormat::Pcm8k, WireFormat::Pcm16k, WireFormat::Pcm24k, WireFormat::Pcm48k] {
        for config in [&plain, &full] {
            lines.extend(said::in_a_call(
                &AgentConfig { format, ..config.clone() },
                &[
                    r#"{"type":"Welcome","request_id":"r"}"#,
                    r#"{"type":"SettingsApplied"}"#,
                    r#"{"type":"FunctionCallRequest","functions":[{"id":"call_1","name":"book","arguments":"{}","client_side":true}]}"#,
                ],
                &[],
            ));
        }
    }
    let types: BTreeSet<String> =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned()).collect();
    let expected = ["FunctionCallResponse", "InjectUserMessage", "KeepAlive", "Settings", "UpdatePrompt"];
    assert!(types.iter().eq(expected.iter()), "{types:?}");
    validate("deepgram", &lines);
}
