//! Keys by INFO, as the field writes them.

use crate::flow::{Flow, call_that, moments};
use crate::support::gateway::Gateway;

#[test]
fn keys_by_info_reach_the_agent_in_both_spellings() {
    let gateway = Gateway::start("echo");
    let press = |flow: Flow, kind: &str, body: &str| flow.send("INFO", kind, body, "").expect("200", false, "").pause(150);
    let flow = press(Flow::up().pause(300), "application/dtmf-relay", "Signal=7\nDuration=160");
    let flow = press(press(flow, "application/dtmf", "3"), "application/dtmf-relay", "Signal=#\nDuration=90");
    let Some(sipp) = flow.pause(300).bye().start("keys_by_info", &gateway, "1000") else { return };
    sipp.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert_eq!(moments(&record, "key_pressed").len(), 3, "{record:#}");
    let received = std::fs::read_to_string(gateway.received_by_agent()).expect("what the agent received");
    let told: String = received.split("pressed the key ").skip(1).filter_map(|rest| rest.chars().next()).collect();
    assert_eq!(told, "73#");
}
