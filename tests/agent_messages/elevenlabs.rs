//! ElevenLabs Agents, both directions, by the types that the vendor makes from its AsyncAPI description.
//!
//! Every message is put into a TypeScript module as a literal of the vendor's type: the compiler then refuses keys that the type does
//! not have, at every level, and kinds and values that it does not know.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use auricle::agent::model::AgentMessage;
use auricle::agent::simulator::{Behaviour, Config, Step};
use serde_json::Value;

use crate::{said, tools};

const CLIENT: [(&str, &str); 7] = [
    ("conversation_initiation_client_data", "Outgoing.ConversationInitiationClientToOrchestratorEvent"),
    ("user_audio_chunk", "Outgoing.UserAudio"),
    ("pong", "Outgoing.PongClientToOrchestratorEvent"),
    ("client_tool_result", "Outgoing.ClientToolResultClientToOrchestratorEvent"),
    ("user_message", "Outgoing.UserMessageClientToOrchestratorEvent"),
    ("user_activity", "Outgoing.UserActivityClientToOrchestratorEvent"),
    ("contextual_update", "Outgoing.ContextualUpdateClientToOrchestratorEvent"),
];

const SERVER: [(&str, &str); 8] = [
    ("conversation_initiation_metadata", "ConversationMetadata"),
    ("ping", "Ping"),
    ("agent_response", "AgentResponse"),
    ("audio", "Audio"),
    ("user_transcript", "UserTranscript"),
    ("interruption", "Interruption"),
    ("agent_response_correction", "AgentResponseCorrection"),
    ("error", "ErrorMessage"),
];

/// The type of a message; of audio, which says none, its only key.
fn name_of(line: &str) -> String {
    let message: Value = serde_json::from_str(line).unwrap();
    message.get("type").and_then(Value::as_str).unwrap_or("user_audio_chunk").to_owned()
}

/// Asks the compiler of every line, what it says against them; none where there is none to ask.
fn compile(known: &[(&str, &str)], lines: &[String]) -> Option<String> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/node/node_modules");
    let (compiler, types) = (packages.join(".bin/tsc"), packages.join("@elevenlabs/types"));
    if !compiler.exists() || !types.exists() {
        tools::skip(&format!("{} messages of ElevenLabs are not checked: TypeScript or the vendor's types are not installed", lines.len()));
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut module = format!("import type * as Vendor from {:?};\n", types.join("dist/src/index.js"));
    for (number, line) in lines.iter().enumerate() {
        let name = name_of(line);
        let (_, wanted) = known.iter().find(|(known, _)| *known == name).expect("a message has a type");
        writeln!(module, "export const message{number}: Vendor.{wanted} = {line};").unwrap();
    }
    let file = folder.path().join("messages.mts");
    std::fs::write(&file, module).unwrap();
    let options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--types", ""];
    let outcome = Command::new(compiler).current_dir(folder.path()).args(options).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.status.success() == said.is_empty(), "{said}{}", String::from_utf8_lossy(&outcome.stderr));
    Some(said)
}

fn names(lines: &[String]) -> BTreeSet<String> {
    lines.iter().map(|line| name_of(line)).collect()
}

#[test]
fn every_message_we_send_is_known_to_the_vendors_types() {
    let plain = AgentConfig { protocol: Protocol::ElevenLabs, ..AgentConfig::at("wss://a.example/") };
    let full = AgentConfig {
        voice: Some("21m00Tcm4TlvDq8ikWAM".into()),
        instructions: Some("Speak of appointments only.".into()),
        language: Some("en".into()),
        greet_first: true,
        greeting: Some("Good morning.".into()),
        ..plain.clone()
    };
    let mut lines = Vec::new();
    for (format, name) in [(WireFormat::Pcmu, "ulaw_8000"), (WireFormat::Pcm16k, "pcm_16000")] {
        let metadata = format!(
            r#"{{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{{"conversation_id":"c","agent_output_audio_format":"{name}","user_input_audio_format":"{name}"}}}}"#
        );
        let opening = [
            &*metadata,
            r#"{"type":"ping","ping_event":{"event_id":1}}"#,
            r#"{"type":"client_tool_call","client_tool_call":{"tool_name":"book","tool_call_id":"call_1","parameters":{},"event_id":2}}"#,
        ];
        for config in [&plain, &full] {
            lines.extend(said::in_a_call(&AgentConfig { format, ..config.clone() }, &opening, &[]));
        }
    }
    assert!(names(&lines).iter().eq(CLIENT.map(|(name, _)| name).iter().collect::<BTreeSet<_>>()), "{:?}", names(&lines));
    if let Some(said) = compile(&CLIENT, &lines) {
        assert_eq!(said, "");
    }
}

#[tokio::test]
async fn every_message_of_the_simulator_is_known_to_the_vendors_types() {
    let agent = AgentConfig { protocol: Protocol::ElevenLabs, format: WireFormat::Pcm16k, ..AgentConfig::at("") };
    let script = vec![Step::SayTone { hz: 440.0, ms: 100 }, Step::Error { code: "llm_timeout".into() }];
    let mut lines = Vec::new();
    for behaviour in [Behaviour::Greeter, Behaviour::Script(script)] {
        let messages = [AgentMessage::Text(r#"{"type":"conversation_initiation_client_data"}"#)];
        lines.extend(said::by_simulator(agent.clone(), "ws://HERE/", Config::new(behaviour), &messages).await);
    }
    for expected in ["conversation_initiation_metadata", "ping", "agent_response", "audio", "error"] {
        assert!(names(&lines).contains(expected), "{expected} is missing in {:?}", names(&lines));
    }
    if let Some(said) = compile(&SERVER, &lines) {
        assert_eq!(said, "");
    }
}

#[test]
fn a_key_too_much_a_wrong_kind_and_a_missing_key_are_found() {
    for wrong in [
        r#"{"type":"pong","event_id":1,"eventId":1}"#,
        r#"{"type":"pong","event_id":"1"}"#,
        r#"{"type":"client_tool_result","tool_call_id":"c","result":"r"}"#,
        r#"{"type":"conversation_initiation_client_data","conversation_config_override":{"agent":{"prompt":{"text":"x"}}}}"#,
    ] {
        if let Some(said) = compile(&CLIENT, &[wrong.to_owned()]) {
            assert!(said.contains("error TS"), "{wrong}: {said}");
        }
    }
}
