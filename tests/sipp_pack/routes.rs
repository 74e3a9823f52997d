//! Route sets (RFC 3261 §12, §16.12.1.2): what a proxy has recorded, requests of the gateway within the call take.

use crate::pack::{self, over_both_while};
use crate::scenario::Scenario;

#[test]
fn a_loose_route_is_given_back_and_taken() {
    let scenario = || {
        let route = "Record-Route: <sip:[local_ip]:[local_port];transport=[transport];lr>\n";
        let scenario = Scenario::new("loose").invite(route).ringing().expect(200, &[("Record-Route", ";lr>")]).ack();
        // The request names whom it is for, and takes the route.
        scenario
            .receive("BYE", &[("Route", "<sip:127.0.0.1:[0-9]+;transport=[A-Z]+;lr>"), ("body", "^BYE sip:sipp@127")])
            .reply("200 OK", "")
    };
    over_both_while(scenario, pack::hang_up);
}

#[test]
fn a_strict_router_finds_itself_in_the_request_line_and_the_target_last_in_the_route() {
    let scenario = || {
        let route = "Record-Route: <sip:router@[local_ip]:[local_port];transport=[transport]>\n";
        let scenario = Scenario::new("strict").invite(route).ringing().expect(200, &[("Record-Route", "<sip:router@")]).ack();
        scenario.receive("BYE", &[("body", "^BYE sip:router@127"), ("Route", "<sip:sipp@127")]).reply("200 OK", "")
    };
    over_both_while(scenario, pack::hang_up);
}
