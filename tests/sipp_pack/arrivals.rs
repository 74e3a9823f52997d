//! What networks say of how a call came here: Diversion (RFC 5806), History-Info (RFC 7044), User-to-User (RFC 7433), Privacy (RFC 3323),
//! believed of trunks whose word is taken and of no other.

use serde_json::{Value, json};

use crate::flow::{Flow, call_that, sdp};
use crate::support::gateway::Gateway;

const DIVERTED: &str = "Diversion: <sip:+4930901829@127.0.0.1>;reason=no-answer, <tel:+4930901820>;reason=unconditional\n\
    User-to-User: 56a390f3d2b7310023a2;encoding=hex\nPrivacy: id\nP-Asserted-Identity: <tel:+4989123456>\n";

#[test]
fn who_was_called_first_and_what_was_sent_along_stand_in_the_record_where_the_trunk_is_trusted() {
    let record = called(true, DIVERTED);
    let arrival = json!({
        "diverted_from": "+4930901820", "diversion_reason": "unconditional", "user_to_user": "56a390f3d2b7310023a2", "wants_privacy": true
    });
    assert_eq!((&record["arrival"], &record["from"]), (&arrival, &json!("+4989123456")), "{record:#}");
}

#[test]
fn the_first_entry_of_the_history_is_who_was_called_first() {
    let history = "History-Info: <sip:+4930901820@127.0.0.1?Reason=SIP%3Bcause%3D302>;index=1, <sip:1000@127.0.0.1>;index=1.1\n";
    let arrival = json!({ "diverted_from": "+4930901820", "diversion_reason": null, "user_to_user": null, "wants_privacy": false });
    assert_eq!(called(true, history)["arrival"], arrival);
    // One entry alone is the call to us.
    assert_eq!(called(true, "History-Info: <sip:1000@127.0.0.1>;index=1\n")["arrival"], Value::Null);
}

#[test]
fn nobody_else_is_believed() {
    let record = called(false, DIVERTED);
    assert_eq!((&record["arrival"], &record["from"]), (&Value::Null, &json!("sipp")), "{record:#}");
}

/// The record of a call with these headers.
fn called(trusted: bool, headers: &str) -> Value {
    let trunk = format!("[trunks.pbx]\naddresses = [\"127.0.0.1\"]\ntrusted_identity = {trusted}\n");
    let gateway = Gateway::start_over("echo", "", &trunk, "");
    let flow = Flow::calling(&sdp("sendrecv", 1), headers).expect("100", true, "").expect("180", true, "").answered("").ack("");
    flow.bye().start("diverted", &gateway, "1000").expect("sipp").finish(&gateway);
    call_that(&gateway, "completed")
}
