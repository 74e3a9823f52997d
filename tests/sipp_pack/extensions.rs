//! RFC 3262, 3311, 4028, and offers within a call.

use sip::transport::Transport;

use crate::pack::{Pack, over_both};
use crate::scenario::{OFFER, Scenario};

fn up(name: &'static str, headers: &str) -> Scenario {
    Scenario::new(name).invite(headers).ringing().expect(200, &[]).ack()
}

#[test]
fn who_requires_reliable_responses_gets_the_answer_after_its_prack() {
    over_both(|| {
        let scenario =
            Scenario::new("prack").invite("Require: 100rel\n").maybe(100).expect(180, &[("Require", "100rel"), ("RSeq", "[0-9]+")]);
        let scenario = scenario.keep("RSeq", "rseq").request("PRACK", "RAck: [$rseq] 1 INVITE\n").expect(200, &[]);
        // That of the PRACK and that of the INVITE, in either order: a 180 without a description holds no answer back (RFC 3262 §3).
        scenario.expect(200, &[]).ack().pause(200).bye()
    });
}

#[test]
fn a_prack_of_nothing_does_not_exist() {
    over_both(|| up("stray_prack", "").request("PRACK", "RAck: 9 1 INVITE\n").expect(481, &[]).bye());
}

#[test]
fn an_update_without_an_offer_is_a_sign_of_life() {
    over_both(|| up("update", "").request("UPDATE", "").expect(200, &[("Contact", "<sip:"), ("CSeq", "UPDATE")]).bye());
}

#[test]
fn an_update_with_an_offer_is_answered() {
    over_both(|| up("update_offer", "").request_with("UPDATE", "", OFFER).expect(200, &[("body", "m=audio [0-9]+ RTP/AVP 0")]).bye());
}

#[test]
fn a_reinvite_with_the_same_offer_is_answered_as_before() {
    over_both(|| up("reinvite", "").invite("").maybe(100).expect(200, &[("body", "m=audio [0-9]+ RTP/AVP 0")]).ack().pause(100).bye());
}

#[test]
fn a_reinvite_that_cannot_be_taken_leaves_the_call() {
    let offer = OFFER.replace("RTP/AVP 0 101", "RTP/AVP 18").replace("a=rtpmap:0 PCMU/8000\n", "a=rtpmap:18 G729/8000\n");
    over_both(|| {
        let scenario = up("reinvite_488", "").invite_with("", &offer).maybe(100).expect(488, &[]).ack_refusal_within();
        scenario.request("OPTIONS", "").expect(200, &[]).bye()
    });
}

#[test]
fn a_caller_that_refreshes_keeps_that_role() {
    over_both(|| {
        let scenario = Scenario::new("timer_uac").invite("Supported: timer\nSession-Expires: 120;refresher=uac\nMin-SE: 90\n").ringing();
        let scenario = scenario.expect(200, &[("Session-Expires", "120;refresher=uac"), ("Require", "timer")]).ack();
        let update = "Supported: timer\nSession-Expires: 120;refresher=uac\n";
        scenario.request("UPDATE", update).expect(200, &[("Session-Expires", "120;refresher=uac")]).bye()
    });
}

#[test]
fn too_short_a_life_is_refused_with_the_shortest() {
    over_both(|| {
        Scenario::new("timer_422")
            .invite("Supported: timer\nSession-Expires: 60\n")
            .maybe(100)
            .expect(422, &[("Min-SE", "90")])
            .ack_refusal()
    });
}

#[test]
fn the_gateway_refreshes_where_the_caller_leaves_it_to_us() {
    if std::env::var_os("AURICLE_FULL").is_none() {
        return;
    }
    let Some(pack) = Pack::start("", "") else { return };
    let scenario = Scenario::new("timer_uas")
        .invite("Supported: timer\nAllow: UPDATE, INVITE, BYE, ACK\nSession-Expires: 90;refresher=uas\n")
        .ringing();
    let scenario = scenario.expect(200, &[("Session-Expires", "90;refresher=uas")]).ack();
    let scenario = scenario.receive_within("UPDATE", 60_000, &[("Session-Expires", "90")]);
    pack.run(Transport::Udp, &scenario.reply("200 OK", "Session-Expires: 90;refresher=uac\nRequire: timer\n").pause(200).bye());
}
