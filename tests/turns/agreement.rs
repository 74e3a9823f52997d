//! Audio of an organisation that is covered goes to agents with an agreement alone, whoever is first in the list and whoever fails.

use std::fmt::Write as _;
use std::future::ready;
use std::iter::repeat_n;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use auricle::agent::simulator::{Behaviour, Config, Faults};

use crate::agents::Agent;
use crate::caller::{Caller, FRAME, plain};
use crate::server::{Server, Wanted};

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

/// The text of every file in a folder.
fn text_below(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).expect("the audit log").flatten().filter(|file| file.path().is_file());
    files.map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).expect("a file")).into_owned()).collect()
}
