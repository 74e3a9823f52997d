//! How many calls are taken: a full trunk and a full tenant are busy (486), too many new calls at once are for later (480), and the gateway
//! alone says 503, which carriers take for the whole of it, with Retry-After.

use crate::flow::{Flow, Sipp, has_header, lacks_header, sdp};
use crate::pack::end;
use crate::support::gateway::Gateway;
use crate::support::http::Answer;

#[test]
fn a_trunk_that_has_its_calls_is_busy_until_one_ends() {
    let pbx = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\nmax_calls = 2\n";
    let gateway = Gateway::start_over("echo", "", pbx, "");
    assert_full_at_two(&gateway, "486", "busy");
}

#[test]
fn a_tenant_that_has_its_calls_is_busy_by_whichever_trunk() {
    let tenant = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\n[tenants.org_default]\nmax_calls_in = 2\n";
    let gateway = Gateway::start_over("echo", "", tenant, "");
    assert_full_at_two(&gateway, "486", "busy");
}

#[test]
fn a_gateway_that_is_full_says_when_to_come_again() {
    let narrow = |configuration: String| configuration.replace("max_concurrent = 400", "max_concurrent = 2");
    let gateway = Gateway::start_changed("echo", "", "", "", narrow);
    assert_full_at_two(&gateway, "503", "unavailable");
}

#[test]
fn too_many_new_calls_of_a_trunk_are_for_later() {
    let pbx = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\nmax_calls_per_second = 1\n";
    let gateway = Gateway::start_over("echo", "", pbx, "");
    assert_too_fast(&gateway, "480", "temporarily_unavailable");
}

#[test]
fn too_many_new_calls_of_a_tenant_are_for_later() {
    let tenant = "[tenants.org_default]\nmax_calls_in_per_second = 1\n";
    let gateway = Gateway::start_over("echo", "", tenant, "");
    assert_too_fast(&gateway, "480", "temporarily_unavailable");
}

#[test]
fn too_many_new_calls_of_everybody_are_told_when_to_come_again() {
    let slow = |configuration: String| configuration.replace("max_calls_per_second = 0", "max_calls_per_second = 1");
    let gateway = Gateway::start_changed("echo", "", "", "", slow);
    assert_too_fast(&gateway, "503", "unavailable");
}

/// Two calls are up; more are refused, leave no record, and are taken once there is room again.
fn assert_full_at_two(gateway: &Gateway, status: &str, counted_as: &str) {
    let up = |name: &str| Flow::up().hung_up().start(name, gateway, "1000");
    let Some(first) = up("first") else { return };
    let Some(second) = up("second") else { return };
    gateway.wait_for_calls("two calls are up", |calls| calls.iter().filter(|call| call["session_status"] == "running").count() == 2);
    for name in ["third", "fourth"] {
        refused(status).start(name, gateway, "1000").expect("sipp").finish(gateway);
    }
    assert_eq!(gateway.calls().len(), 2, "who is refused leaves no record");
    assert!(counts(&gateway.get("/metrics"), counted_as, 2), "{}", gateway.get("/metrics").body);
    end(gateway);
    [first, second].into_iter().for_each(|sipp: Sipp| sipp.finish(gateway));
    gateway.wait_for_calls("both are over", |calls| calls.iter().all(|call| !call["ended_at"].is_null()));
    Flow::up().bye().start("fifth", gateway, "1000").expect("sipp").finish(gateway);
}

/// Of two calls within a second one is taken; a second later the next one is.
fn assert_too_fast(gateway: &Gateway, status: &str, counted_as: &str) {
    let Some(first) = Flow::up().pause(200).bye().start("first", gateway, "1000") else { return };
    gateway.wait_for_calls("one call", |calls| calls.len() == 1);
    refused(status).start("second", gateway, "1000").expect("sipp").finish(gateway);
    first.finish(gateway);
    assert_eq!(gateway.calls().len(), 1, "who is refused leaves no record");
    assert!(counts(&gateway.get("/metrics"), counted_as, 1), "{}", gateway.get("/metrics").body);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    Flow::up().bye().start("third", gateway, "1000").expect("sipp").finish(gateway);
}

/// A call that is refused so, with Retry-After where it is for the whole gateway, and there alone.
fn refused(status: &str) -> Flow {
    let check = if status == "503" { has_header("Retry-After", "[0-9]+") } else { lacks_header("Retry-After") };
    Flow::calling(&sdp("sendrecv", 1), "").expect("100", true, "").expect(status, false, &check).ack_refusal()
}

fn counts(metrics: &Answer, cause: &str, calls: u32) -> bool {
    let line = format!("auricle_call_refused_total{{reason=\"{cause}\"}} {calls}");
    metrics.body.lines().any(|text| text == line)
}
