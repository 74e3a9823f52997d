//! Offers that are left to us (RFC 3261 §13.2.1, §14), also in a reliable early response (RFC 3262 §5).

use crate::flow::{Flow, call_that, has_body, has_header, sdp};
use crate::support::gateway::Gateway;

#[test]
fn an_invite_without_an_offer_gets_ours_and_answers_it_in_the_ack() {
    let gateway = Gateway::start("echo");
    let flow = Flow::calling("", "").expect("100", true, "").expect("183", true, "").expect("180", true, "");
    let flow = flow.answered(&has_body("m=audio")).ack(&sdp("sendrecv", 1)).pause(500).bye();
    let Some(sipp) = flow.start("delayed_offer", &gateway, "1000") else { return };
    sipp.finish(&gateway);
    call_that(&gateway, "completed");
}

#[test]
fn a_caller_that_insists_on_reliable_responses_acknowledges_each_and_answers_our_offer_by_prack() {
    let gateway = Gateway::start("echo");
    let reliable = |flow: Flow, status: &str, body: &str, answer: &str| {
        let number = r#"<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="3"/>"#;
        let learn = r#"<ereg regexp=".*" search_in="hdr" header="To:" assign_to="1"/><ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="2"/>"#;
        let checks = format!("{number}{learn}{}{body}", has_header("Require", "100rel"));
        flow.expect(status, false, &checks).send("PRACK", "application/sdp", answer, "RAck: [$3] 1 INVITE\n").expect("200", false, "")
    };
    let flow = Flow::calling("", "Require: 100rel\nSupported: 100rel\n").expect("100", true, "");
    let flow = reliable(flow, "183", &has_body("m=audio"), &sdp("sendrecv", 1));
    let flow = reliable(flow, "180", "", "").expect("200", false, "").send_ack_of_invite().pause(500).bye();
    let Some(sipp) = flow.start("reliable_offer", &gateway, "1000") else { return };
    sipp.finish(&gateway);
    call_that(&gateway, "completed");
}

#[test]
fn a_reinvite_without_an_offer_gets_what_stands_and_its_answer_counts() {
    let gateway = Gateway::start("echo");
    let flow = Flow::up().pause(300).send("INVITE", "", "", "").expect("100", true, "").expect("200", false, &has_body("a=sendrecv"));
    let flow = flow.ack(&sdp("sendonly", 2)).pause(300).reinvite(&sdp("sendrecv", 3), "a=sendrecv").bye();
    let Some(sipp) = flow.start("empty_reinvite", &gateway, "1000") else { return };
    sipp.finish(&gateway);
    call_that(&gateway, "completed");
}
