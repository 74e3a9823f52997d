//! Hold and resume, by sipp, by us, and by both (RFC 3264 §8.4, RFC 5359 §2.1).

use crate::flow::{Flow, call_that, has_body, id_of, moments, sdp};
use crate::support::gateway::Gateway;

#[test]
fn a_caller_holds_and_takes_us_off_hold() {
    let gateway = Gateway::start("echo");
    let flow = Flow::up().pause(500).reinvite(&sdp("sendonly", 2), "a=recvonly");
    let flow = flow.reinvite(&sdp("inactive", 3), "a=inactive").reinvite(&sdp("sendrecv", 4), "a=sendrecv").pause(300).bye();
    let Some(sipp) = flow.start("caller_holds", &gateway, "1000") else { return };
    sipp.finish(&gateway);
    call_that(&gateway, "completed");
}

#[test]
fn a_caller_is_put_on_hold_and_taken_off_it() {
    let gateway = Gateway::start("echo");
    let flow = Flow::up().request("INVITE", &has_body("a=sendonly")).reply("200 OK", &sdp("recvonly", 2), "").request("ACK", "");
    let flow = flow.request("INVITE", &has_body("a=sendrecv")).reply("200 OK", &sdp("sendrecv", 3), "").request("ACK", "");
    let Some(sipp) = flow.pause(300).bye().start("caller_is_held", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    assert_eq!(gateway.ask("POST", &format!("/v1/calls/{id}/hold")).status, 202);
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(gateway.ask("POST", &format!("/v1/calls/{id}/resume")).status, 202);
    sipp.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert_eq!((moments(&record, "held").len(), moments(&record, "resumed").len()), (1, 1));
}

#[test]
fn a_held_caller_who_holds_us_too_is_answered_inactive() {
    let gateway = Gateway::start("echo");
    let flow = Flow::up().request("INVITE", &has_body("a=sendonly")).reply("200 OK", &sdp("recvonly", 2), "").request("ACK", "");
    let flow = flow.pause(300).reinvite(&sdp("sendonly", 3), "a=inactive").reinvite(&sdp("sendrecv", 4), "a=sendonly").bye();
    let Some(sipp) = flow.start("both_hold", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    assert_eq!(gateway.ask("POST", &format!("/v1/calls/{id}/hold")).status, 202);
    sipp.finish(&gateway);
}

#[test]
fn a_caller_that_refuses_to_be_held_is_still_in_the_call_and_the_record_says_so() {
    let gateway = Gateway::start("echo");
    let flow = Flow::up().request("INVITE", &has_body("a=sendonly")).reply("488 Not Acceptable Here", "", "").request("ACK", "");
    let Some(sipp) = flow.pause(500).bye().start("refuses_hold", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    assert_eq!(gateway.ask("POST", &format!("/v1/calls/{id}/hold")).status, 202);
    sipp.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert!(moments(&record, "warning").iter().any(|entry| entry["code"] == "hold_refused"), "{record:#}");
}
