//! Audio of an organisation that is covered goes to agents with an agreement alone, whoever is first in the list and whoever fails.

use std::fmt::Write as _;
use std::future::ready;
use std::iter::repeat_n;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use auricle::agent::simulator::{Behaviour, Config, Faults};
use serde_json::json;

use crate::agents::Agent;
use crate::caller::{Caller, FRAME, plain};
use crate::server::{Server, Wanted, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_without_an_agreement_hears_nobody_who_is_covered() {
    let _alone = crate::ALONE.lock().await;
    let without = Agent::start(Config::new(Behaviour::Echo), ready(())).await;
    // It breaks off, and is dialled again: the other one is no way out.
    let faults = Faults { drop_after_ms: Some(700), ..Faults::default() };
    let with = Agent::start(Config { faults, ..Config::new(Behaviour::Echo) }, ready(())).await;
    let mut toml = String::from("[egress]\ncovered = [\"org_default\"]\n");
    for (name, agent, agreement) in [("without", &without, ""), ("with", &with, "agreement = [\"org_default\"]")] {
        write!(toml, "[agents.{name}]\nurl = \"ws://{}/\"\nformat = \"pcmu\"\n{agreement}\n", agent.address).expect("a string takes it");
    }
    toml.push_str("[numbers.\"1\"]\nagent = \"without\"\nfallback_agents = [\"with\"]\n");
    let server = Server::start(&Wanted { agents: toml, log_level: "info", log_format: "text" });

    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut caller = Caller::invite(server.sip, "1", here, plain).await.expect("the call is answered");
    caller.acknowledge().await;
    let heard = || with.seen.sessions().iter().filter(|session| session.appended_bytes > 0).count();
    for _ in 0..50 {
        caller.talk(repeat_n([0x9A; FRAME], 10)).await;
        if heard() >= 2 {
            break;
        }
    }
    caller.hang_up().await;
    assert_eq!(server.records(1)[0]["agent"], "with");
    assert!(heard() >= 2, "it was dialled again, and heard");

    let refused = server.ask("POST", "/v1/calls", r#"{"to": "sip:anybody@127.0.0.1:9", "agent": "without"}"#);
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(without.seen.sessions().is_empty(), "it was not even dialled");
    // The entry is written behind the answer.
    let folder = server.leave_once(|folder| text_below(&folder.join("store/audit")).contains("no_agreement"));
    let audit = text_below(&folder.path().join("store").join("audit"));
    let entry = audit.lines().find(|line| line.contains("no_agreement")).expect("the audit log says why");
    for part in ["\"send_audio\"", "\"denied\"", "\"without\"", "org_default"] {
        assert!(entry.contains(part), "{part} is not in {entry}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_states_of_an_agent_of_its_own_that_there_is_an_agreement() {
    let _alone = crate::ALONE.lock().await;
    let without = Agent::start(Config::new(Behaviour::Echo), ready(())).await;
    let faults = Faults { drop_after_ms: Some(700), ..Faults::default() };
    let with = Agent::start(Config { faults, ..Config::new(Behaviour::Echo) }, ready(())).await;
    let toml = format!(
        "[egress]\ncovered = [\"org_default\"]\n[https_client]\nallowed_networks = [\"127.0.0.0/8\"]\nplain_http = true\nports = [{}, {}]\n",
        without.address.port(),
        with.address.port(),
    );
    let server = Server::start(&Wanted { agents: toml, log_level: "info", log_format: "text" });
    let make = |path: &str, body: serde_json::Value| {
        let made = server.ask("POST", path, &body.to_string());
        assert_eq!(made.status, 201, "{}", made.body);
        text(&made.json, "id").to_owned()
    };
    let agent = |name: &str, agent: &Agent, agreement: serde_json::Value| {
        let url = format!("ws://{}/", agent.address);
        make("/v1/agents", json!({"name": name, "url": url, "format": "pcmu", "agreement": agreement}))
    };
    agent("without", &without, json!(null));
    let stated = agent("with", &with, json!(["org_default"]));
    make("/v1/numbers", json!({"number": "1", "agent": "with", "fallback_agents": ["without"]}));
    make("/v1/numbers", json!({"number": "2", "agent": "without", "fallback_agents": ["with"]}));
    make("/v1/numbers", json!({"number": "3", "agent": "without"}));
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for (number, sessions) in [("1", 2), ("2", 4)] {
        let mut caller = Caller::invite(server.sip, number, here, plain).await.expect("the call is answered");
        caller.acknowledge().await;
        for _ in 0..50 {
            caller.talk(repeat_n([0x9A; FRAME], 10)).await;
            if with.seen.sessions().len() >= sessions {
                break;
            }
        }
        caller.hang_up().await;
    }
    let records = server.records(2);
    assert!(records.iter().all(|record| record["agent"] == "with"), "{records:#?}");
    assert!(with.seen.sessions().len() >= 4, "each call lost it and had it again");
    assert_eq!(Caller::invite(server.sip, "3", here, plain).await.err(), Some(480));

    let withdrawn = server.ask("PATCH", &format!("/v1/agents/{stated}"), r#"{"agreement": null}"#);
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.body);
    assert_eq!(Caller::invite(server.sip, "1", here, plain).await.err(), Some(480), "the next call has nobody any more");
    assert!(without.seen.sessions().is_empty(), "it was not even dialled");
    let folder = server.leave_once(|folder| text_below(&folder.join("store/audit")).matches("no_agreement").count() >= 3);
    let audit = text_below(&folder.path().join("store").join("audit"));
    let of = |parts: &[&str]| audit.lines().filter(|line| parts.iter().all(|part| line.contains(&format!("\"{part}\"")))).count();
    assert_eq!(of(&["send_audio", "denied", "no_agreement", "without"]), 2, "{audit}");
    assert_eq!(of(&["send_audio", "denied", "no_agreement", "with"]), 1, "{audit}");
    for said in ["state_agreement", "withdraw_agreement"] {
        assert_eq!((of(&[said, "intended", &stated]), of(&[said, "success", &stated])), (1, 1), "{audit}");
    }
}

/// The text of every file in a folder.
fn text_below(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).expect("the audit log").flatten().filter(|file| file.path().is_file());
    files.map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).expect("a file")).into_owned()).collect()
}
