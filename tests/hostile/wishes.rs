//! An agent that wants everything: a storm of tool calls, arguments without an end, names that are nobody's, a transfer to a number that costs.

use std::future::ready;
use std::iter::once;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use auricle::agent::simulator::{Behaviour, Config, Step};
use serde_json::{Value, json};

use crate::agents::{Agent, route};
use crate::caller::{Caller, FRAME, STALL, plain};
use crate::server::{Server, Wanted};
use crate::speech::{Room, decode, level};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_wants_everything_gets_nothing_and_the_calls_live() {
    let _alone = crate::ALONE.lock().await;
    let agent = Agent::start(Config::new(Behaviour::Script(wishes())), ready(())).await;
    let mut agents = String::new();
    let settings = "transfer_targets = [\"+4930901820\"]\n[agents.for-1000.tools]\nbuilt_in = [\"transfer_call\", \"end_call\"]\n";
    route(&mut agents, "1000", agent.address, "pcmu", "when_agent_ready", settings);
    let server = Server::start(&Wanted { agents, log_level: "info", log_format: "text" });
    let before = server.resident_bytes();
    let callers = talk(&server).await;
    let grown = server.resident_bytes().saturating_sub(before);
    eprintln!("RESULT hostile_wishes_memory_per_call_bytes={}", grown / u64::from(CALLS));
    assert!(grown <= u64::from(CALLS) * 8 * 1_024 * 1_024, "{grown} bytes for {CALLS} calls");
    for mut caller in callers {
        goes_on(&caller);
        caller.hang_up().await;
    }
    for record in server.records(CALLS.into()) {
        assert_eq!(record["termination"]["reason"], "hung_up", "{record:#}");
        let events: Vec<_> = record["timeline"].as_array().expect("a timeline").iter().map(|entry| entry["event"].as_str()).collect();
        assert!(!events.contains(&Some("transfer_asked")) && !events.contains(&Some("tool_called")), "{events:?}");
        assert!(events.len() < 200, "{} entries", events.len());
    }
    let folder = server.leave_once(|folder| denied(folder).len() >= DENIED);
    let denied = denied(folder.path());
    let of = |reason: &str| denied.iter().filter(|denied| denied.ends_with(reason)).count();
    assert!(of("transfer_call target_not_allowed") == usize::from(CALLS), "{denied:?}");
    for reason in ["unknown_tool", "arguments_refused", "tool_call_unfit", "too_many_in_turn"] {
        assert!(of(reason) >= usize::from(CALLS), "{reason}: {}", of(reason));
    }
    let counted = denied.iter().filter(|denied| denied.starts_with("ignored ")).count();
    assert_eq!((denied.len(), counted), (DENIED, usize::from(CALLS)), "each of them, up to a bound, and then their number");
}

/// Calls, and talks until what the agent says behind all of its wishes is heard: by then they have been seen to.
async fn talk(server: &Server) -> Vec<Caller> {
    let mut calls = Vec::new();
    for index in 0..CALLS {
        let address = IpAddr::V4(Ipv4Addr::new(127, 77, 67, 10 + index));
        let mut caller = Caller::invite(server.sip, "1000", address, plain).await.expect("the call is answered");
        caller.acknowledge().await;
        calls.push(tokio::spawn(async move {
            let mut room = Room::new(u32::from(index));
            for _ in 0..PATIENCE_FRAMES {
                if caller.heard().last().is_some_and(|packet| level(&decode(&packet.payload)) > 1_000.0) {
                    break;
                }
                caller.talk(once(room.frame())).await;
            }
            caller
        }));
    }
    let mut callers = Vec::new();
    for call in calls {
        callers.push(call.await.expect("a call goes on"));
    }
    callers
}

/// The line went on meanwhile: its clock all the time, and its packets unless the machine held up both ends of it.
fn goes_on(caller: &Caller) {
    let (heard, sent) = (caller.heard(), caller.sent());
    let last = heard.last().expect("packets came");
    assert!(level(&decode(&last.payload)) > 1_000.0, "the agent came to the end of its wishes within {sent} packets");
    let span = last.timestamp.wrapping_sub(heard[0].timestamp) / FRAME as u32;
    assert!(span + 50 > sent, "{span} slots of {sent}");
    let percent = if caller.longest_stall() > STALL { 70 } else { 95 };
    let stall = caller.longest_stall();
    assert!(
        heard.len() as u32 * 100 + 2_500 >= sent * percent,
        "the line went on: {} packets of {sent}, held up for {stall:?}",
        heard.len()
    );
}

/// Why agents were refused something, as the audit log has it.
fn denied(folder: &Path) -> Vec<String> {
    let mut denied = Vec::new();
    let entries = std::fs::read_dir(folder.join("store/audit")).expect("the audit log");
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")) {
        let text = std::fs::read_to_string(path).expect("it can be read");
        let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|line| line["entry"].clone());
        let of_agents = entries.filter(|entry| entry["action"] == "use_tool" && entry["outcome"] == "denied");
        denied.extend(of_agents.map(|entry| entry["reason"].as_str().unwrap_or_default().to_owned()));
    }
    denied
}

fn wishes() -> Vec<Step> {
    let mut number = 0;
    let mut ask = |id: &str, name: &str, arguments: &str| {
        number += 1;
        let response = format!("resp_{number}");
        let id = if id.is_empty() { format!("call_{number}") } else { id.to_owned() };
        let messages = [
            json!({"type": "response.created", "event_id": "e", "response": {"id": response}}),
            json!({"type": "response.function_call_arguments.done", "event_id": "e", "response_id": response, "item_id": "i", "output_index": 0,
                "call_id": id, "name": name, "arguments": arguments}),
            json!({"type": "response.done", "event_id": "e", "response": {"id": response, "status": "completed"}}),
        ];
        messages.map(|message| Step::Send { text: message.to_string() })
    };
    let long = "x".repeat(1_000_000);
    let deep = format!(r#"{{"target":{}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let mut steps = vec![Step::Wait { ms: 200 }];
    steps.extend(ask("", "transfer_call", r#"{"target":"+19005550100"}"#));
    steps.extend(ask("", "format_disk", "{}"));
    steps.extend(ask("", "end_call", &deep));
    for _ in 0..8 {
        steps.extend(ask("", "transfer_call", &format!(r#"{{"target":"{long}"}}"#)));
        steps.extend(ask(&long, "end_call", "{}"));
        steps.extend(ask("", &long, "{}"));
    }
    // Of what nobody ever said.
    for text in [
        json!({"type": "response.output_audio.delta", "response_id": "nobody", "item_id": long, "delta": "////"}),
        json!({"type": "response.done", "response": {"id": "nobody", "status": "completed"}}),
        json!({"type": "conversation.item.truncated", "item_id": "nobody", "content_index": 0, "audio_end_ms": 1}),
    ] {
        steps.push(Step::Send { text: text.to_string() });
    }
    for _ in 0..3_000 {
        steps.extend(ask("", "end_call", r#"{"reason":7}"#));
    }
    steps.push(Step::SayTone { hz: 440.0, ms: 400 });
    steps
}

const CALLS: u8 = 10;
/// Entries of the audit log: 64 of each call, and how many more there were.
const DENIED: usize = CALLS as usize * 65;
/// A minute.
const PATIENCE_FRAMES: u32 = 3_000;
