//! Ultravox: the call that is asked for, and both directions of its socket.

use std::collections::BTreeSet;

use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use auricle::agent::model::AgentMessage;
use auricle::agent::simulator::{Behaviour, Config};

use crate::said::{self, validate};

fn configs() -> Vec<AgentConfig> {
    let plain = AgentConfig { protocol: Protocol::Ultravox, ..AgentConfig::at("https://a.example/api/calls") };
    let greets = AgentConfig { greet_first: true, ..plain.clone() };
    let full = AgentConfig {
        model: Some("ultravox-v0.7".into()),
        voice: Some("Mark".into()),
        instructions: Some("Speak of appointments only.".into()),
        language: Some("en".into()),
        greeting: Some("Good morning.".into()),
        ..greets.clone()
    };
    let formats = [WireFormat::Pcm8k, WireFormat::Pcm16k, WireFormat::Pcm24k, WireFormat::Pcm48k];
    formats.into_iter().flat_map(|format| [&plain, &greets, &full].map(|config| AgentConfig { format, ..config.clone() })).collect()
}

fn types(lines: &[String]) -> BTreeSet<String> {
    lines.iter().map(|line| said::kind(line)).collect()
}

#[test]
fn every_call_we_ask_for_is_one_of_the_vendors_description() {
    let calls: Vec<String> = configs().iter().map(|config| said::invitation(config).unwrap()).collect();
    validate("ultravox-call", &calls);
}

#[test]
fn every_message_we_send_is_of_a_known_type() {
    let opening = [
        r#"{"type":"call_started","callId":"c"}"#,
        r#"{"type":"client_tool_invocation","toolName":"book","invocationId":"call_1","parameters":{}}"#,
    ];
    let lines: Vec<String> = configs().iter().flat_map(|config| said::in_a_call(config, &opening, &[])).collect();
    let types = types(&lines);
    assert!(types.iter().eq(["client_tool_result", "forced_agent_message", "ping", "user_text_message"].iter()), "{types:?}");
    validate("ultravox", &lines);
}

#[tokio::test]
async fn every_message_of_the_simulator_is_of_a_known_type() {
    let agent = AgentConfig { protocol: Protocol::Ultravox, format: WireFormat::Pcm8k, ..AgentConfig::at("") };
    let messages =
        [AgentMessage::Text(r#"{"type":"ping","timestamp":1}"#), AgentMessage::Text(r#"{"type":"user_text_message","text":"hi"}"#)];
    let lines = said::by_simulator(agent, "http://HERE/api/calls", Config::new(Behaviour::Greeter), &messages).await;
    let types = types(&lines);
    assert!(types.iter().eq(["call_started", "pong", "state", "transcript"].iter()), "{types:?}");
    validate("ultravox", &lines);
}
