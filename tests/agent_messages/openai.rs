//! OpenAI Realtime, both directions.

use std::collections::BTreeSet;
use std::time::Duration;

use auricle::agent::client::{AgentEndpoint, Incoming, establish};
use auricle::agent::config::{AgentConfig, Eagerness, TurnDetection, WireFormat};
use auricle::agent::model::AgentMessage;
use auricle::agent::session::Transmit;
use auricle::agent::simulator::{self, Behaviour, Config, Step};
use serde_json::Value;

use crate::said::{self, validate};

#[test]
fn every_message_we_send_is_known_to_the_vendors_types() {
    let mut lines = Vec::new();
    for format in [WireFormat::Pcm24k, WireFormat::Pcmu, WireFormat::Pcma] {
        for turn_detection in [TurnDetection::default(), TurnDetection::SemanticVad { eagerness: Eagerness::Low }, both()] {
            lines.extend(everything_said(&AgentConfig { format, turn_detection, ..full_config() }));
        }
    }
    lines.extend(everything_said(&AgentConfig::at("ws://127.0.0.1/")));
    let types: BTreeSet<String> =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned()).collect();
    let expected = [
        "conversation.item.create",
        "conversation.item.truncate",
        "input_audio_buffer.append",
        "response.cancel",
        "response.create",
        "session.update",
    ];
    assert!(types.iter().eq(expected.iter()), "{types:?}");
    validate("openai-client", &lines);
}

#[tokio::test]
async fn every_event_of_the_simulator_is_known_to_the_vendors_types() {
    let script = vec![Step::SayTone { hz: 440.0, ms: 100 }, Step::Error { code: "rate_limit_exceeded".into() }];
    let mut lines = Vec::new();
    for behaviour in [Behaviour::Echo, Behaviour::Greeter, Behaviour::Script(script)] {
        lines.extend(everything_heard(Config::new(behaviour)).await);
    }
    let types: BTreeSet<String> =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned()).collect();
    for expected in
        ["session.created", "session.updated", "response.output_audio.delta", "response.done", "error", "conversation.item.truncated"]
    {
        assert!(types.contains(expected), "{expected} is missing in {types:?}");
    }
    validate("openai-server", &lines);
}

fn both() -> TurnDetection {
    TurnDetection::Both { threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500, doubt_ms: 700, confirm_speech_ms: 400 }
}

fn full_config() -> AgentConfig {
    AgentConfig {
        voice: Some("marin".into()),
        instructions: Some("Speak of appointments only.".into()),
        tools: said::tools(),
        transfer_targets: vec!["+4930901820".into()],
        language: Some("en".into()),
        transcription_model: Some("gpt-transcribe".into()),
        greet_first: true,
        greeting: Some("Say good morning.".into()),
        ..AgentConfig::at("ws://127.0.0.1/")
    }
}

/// What a session says in a call in which everything happens.
fn everything_said(config: &AgentConfig) -> Vec<String> {
    let format = match config.format {
        WireFormat::Pcmu => r#"{"type":"audio/pcmu"}"#,
        WireFormat::Pcma => r#"{"type":"audio/pcma"}"#,
        _ => r#"{"type":"audio/pcm","rate":24000}"#,
    };
    said::in_a_call(
        config,
        &[
            &format!(
                r#"{{"type":"session.updated","session":{{"id":"sess_1","audio":{{"input":{{"format":{format}}},"output":{{"format":{format}}}}}}}}}"#
            ),
            r#"{"type":"response.created","response":{"id":"resp_1"}}"#,
            r#"{"type":"response.output_audio.delta","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"AAAAAAAA"}"#,
        ],
        &[r#"{"type":"response.done","response":{"id":"resp_1","status":"cancelled"}}"#],
    )
}

/// What a simulator says until it has been silent for a second.
async fn everything_heard(config: Config) -> Vec<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent = AgentConfig::at(format!("ws://{}/", listener.local_addr().unwrap()));
    tokio::spawn(simulator::serve(listener, config, std::future::pending()));
    let mut socket = establish(&AgentEndpoint::new(&agent).unwrap()).await.unwrap().upgrade().await.unwrap();
    for text in [
        r#"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"transcription":{"model":"any"}}}}}"#,
        r#"{"type":"input_audio_buffer.append","audio":"AAAAAAAA"}"#,
        r#"{"type":"input_audio_buffer.commit"}"#,
        r#"{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}}"#,
        r#"{"type":"response.create"}"#,
        r#"{"type":"conversation.item.truncate","item_id":"item_1","content_index":0,"audio_end_ms":0}"#,
        r#"{"type":"input_audio_buffer.clear"}"#,
        r#"{"type":"nonsense"}"#,
    ] {
        socket.send(Transmit { message: AgentMessage::Text(text), live_audio: None }).unwrap();
    }
    let mut lines = Vec::new();
    while let Ok(Incoming::Text(text)) = tokio::time::timeout(Duration::from_secs(3), socket.receive()).await {
        lines.push(text.to_string());
    }
    lines
}
