//! Gemini Live.

use std::collections::BTreeSet;

use auricle::agent::config::{AgentConfig, Protocol, TurnDetection};
use serde_json::Value;

use crate::said::{self, validate};

#[test]
fn every_message_we_send_is_known_to_the_vendors_types() {
    let plain = AgentConfig { protocol: Protocol::Gemini, model: Some("models/gemini-live".into()), ..AgentConfig::at("wss://a.example/") };
    let full = AgentConfig {
        voice: Some("Kore".into()),
        instructions: Some("Speak of appointments only.".into()),
        tools: said::tools(),
        transfer_targets: vec!["+4930901820".into()],
        language: Some("es".into()),
        greet_first: true,
        turn_detection: TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 },
        ..plain.clone()
    };
    let opening = [
        r#"{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}"#,
        r#"{"setupComplete":{}}"#,
        r#"{"toolCall":{"functionCalls":[{"id":"call_1","name":"book","args":{}}]}}"#,
    ];
    let lines: Vec<String> = [&plain, &full].into_iter().flat_map(|config| said::in_a_call(config, &opening, &[])).collect();
    let kinds: BTreeSet<String> = lines
        .iter()
        .flat_map(|line| serde_json::from_str::<Value>(line).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    assert!(kinds.iter().eq(["clientContent", "realtimeInput", "setup", "toolResponse"].iter()), "{kinds:?}");
    validate("gemini", &lines);
}
