//! What a session says in a call in which everything happens, and whether the vendor's types know it.

use std::process::Command;
use std::time::{Duration, Instant};

use auricle::agent::client::{AgentEndpoint, Incoming, establish_invited};
use auricle::agent::config::AgentConfig;
use auricle::agent::model::{AgentCommand, AgentMessage, BargeInCause, ContextRole, Handover, Owed, PlaybackState, Said};
use auricle::agent::session::{AgentSession, CallFacts, Transmit};
use auricle::agent::simulator::{self, Config};
use auricle::agent::tools::{BuiltIn, OwnTool, ToolsConfig};
use auricle::domain::call_record::{Direction, Speaker};
use auricle::domain::ids::CallId;
use auricle::domain::redacted::Redacted;
use media::frame::{AudioChunk, ItemId};

use crate::tools;

/// The text messages of a call: `opening` makes the agent ready and lets it speak, then everything is asked of it, and it says
/// `ending`. A tool call `call_1` may be answered.
pub(crate) fn in_a_call(config: &AgentConfig, opening: &[&str], ending: &[&str]) -> Vec<String> {
    let now = Instant::now();
    let mut session = AgentSession::new(config, facts(now));
    let chunk = AudioChunk { format: config.format.into(), bytes: &[0x55; 960] };
    session.push_audio(now, chunk);
    session.handle_connected(now);
    for message in opening {
        session.handle_message(now, AgentMessage::Text(message));
    }
    session.push_audio(now, chunk);
    let text = |role, speak| AgentCommand::ContextText { role, text: Redacted::new("It rains.".into()), speak };
    let tool = |is_error| AgentCommand::ToolResult {
        call_id: "call_1".into(),
        output: Redacted::new("nine o'clock".into()),
        is_error,
        proceed: true,
    };
    for command in [
        AgentCommand::TurnStarted { ago: Duration::ZERO },
        AgentCommand::BargeIn(BargeInCause::LocalVad),
        AgentCommand::Playback { item: ItemId(1), played_ms: 0, state: PlaybackState::Cleared },
        AgentCommand::Dtmf { digit: '5', duration: Duration::from_millis(80) },
        text(ContextRole::System, false),
        text(ContextRole::User, false),
        text(ContextRole::Developer, false),
        tool(false),
        tool(true),
    ] {
        session.handle_command(now, command);
    }
    session.push_audio(now, chunk);
    for message in ending {
        session.handle_message(now, AgentMessage::Text(message));
    }
    session.handle_timeout(now + Duration::from_secs(20));
    let mut said = Vec::new();
    drain(&mut session, &mut said);
    for owed in [Owed::Answer, Owed::Rest] {
        // Another connection of the same call.
        let mut next = session.successor(config, handover(owed), session.next_item());
        next.handle_connected(now);
        for message in opening {
            next.handle_message(now, AgentMessage::Text(message));
        }
        drain(&mut next, &mut said);
    }
    session.handle_command(now, AgentCommand::Close);
    drain(&mut session, &mut said);
    said
}

fn facts(now: Instant) -> CallFacts {
    CallFacts {
        now,
        unix_time: Duration::from_secs(1_795_000_000),
        call: CallId::random(),
        direction: Direction::Inbound,
        from: Redacted::new("+15550100".to_owned()),
        to: Redacted::new("+15550199".to_owned()),
    }
}

/// The type that a message names.
pub(crate) fn kind(line: &str) -> String {
    let message: serde_json::Value = serde_json::from_str(line).unwrap();
    message.get("type").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// What an agent is asked before it is dialled.
pub(crate) fn invitation(config: &AgentConfig) -> Option<String> {
    AgentSession::new(config, facts(Instant::now())).invitation(config)
}

/// What a simulator says to `messages` until it has been silent for a second.
pub(crate) async fn by_simulator(agent: AgentConfig, path: &str, config: Config, messages: &[AgentMessage<'_>]) -> Vec<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent = AgentConfig { url: path.replace("HERE", &listener.local_addr().unwrap().to_string()), ..agent };
    let config = Config { protocol: agent.protocol, format: agent.format.into(), ..config };
    tokio::spawn(simulator::serve(listener, config, std::future::pending()));
    let endpoint = AgentEndpoint::new(&agent).unwrap();
    let mut socket = establish_invited(&endpoint, invitation(&agent).as_deref()).await.unwrap().upgrade().await.unwrap();
    for message in messages {
        socket.send(Transmit { message: *message, live_audio: None }).unwrap();
    }
    let mut lines = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(3), socket.receive()).await {
            Ok(Incoming::Text(text)) => lines.push(text.to_string()),
            Ok(Incoming::Binary(_)) => {}
            Ok(_) | Err(_) => return lines,
        }
    }
}

fn handover(owed: Owed) -> Handover {
    let say = |speaker, text: &str| Said { speaker, text: Redacted::new(text.to_owned()) };
    let history = vec![say(Speaker::Agent, "Good morning."), say(Speaker::Caller, "Are you open?")];
    Handover { history, owed, audio: Redacted::new(vec![0x55; 960]), in_turn: false, has_begun: true }
}

fn drain(session: &mut AgentSession, said: &mut Vec<String>) {
    while let Some(transmit) = session.poll_transmit() {
        if let AgentMessage::Text(text) = transmit.message {
            said.push(text.to_owned());
        }
    }
}

/// What the script ends with where a vendor's package is not installed.
const NO_TYPES: i32 = 3;

/// Asks the vendor's types of every line.
pub(crate) fn validate(vendor: &str, lines: &[String]) {
    let Some(python) = tools::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/validate_agent_messages.py");
    let outcome = Command::new(python).arg(script).arg(vendor).arg(&file).output().unwrap();
    if outcome.status.code() == Some(NO_TYPES) {
        return tools::skip(&format!(
            "{} {vendor} messages are not checked: {}",
            lines.len(),
            String::from_utf8_lossy(&outcome.stderr).trim()
        ));
    }
    tools::assert_success(vendor, &outcome);
}

/// All of the gateway's tools, and one of an operator's whose arguments use every rule that is known.
pub(crate) fn tools() -> ToolsConfig {
    let parameters = serde_json::json!({"type": "object", "required": ["day"], "additionalProperties": false, "properties": {
        "day": {"type": "string", "minLength": 1, "maxLength": 10, "description": "Which day."},
        "persons": {"type": "integer", "minimum": 1, "maximum": 4}, "kind": {"enum": ["visit", "call"]},
        "times": {"type": "array", "items": {"type": "string"}, "maxItems": 3, "uniqueItems": true}}});
    let (name, url) = ("free_times".to_owned(), "https://practice.example/free_times".to_owned());
    let own = OwnTool { name, url, description: "Free times of a day.".to_owned(), parameters, ..OwnTool::default() };
    ToolsConfig {
        built_in: vec![BuiltIn::EndCall, BuiltIn::TransferCall, BuiltIn::SendDtmf, BuiltIn::Hold],
        own: vec![own],
        ..ToolsConfig::default()
    }
}
