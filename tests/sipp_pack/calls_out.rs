//! Calls that the gateway makes to sipp.

use sip::transport::Transport;

use crate::pack::{self, Pack, over_both, over_both_while};
use crate::scenario::{OFFER, Scenario, TAG};

fn called(name: &'static str) -> Scenario {
    Scenario::new(name)
        .receive("INVITE", &[("Contact", "<sip:"), ("Allow", "PRACK.*UPDATE"), ("Supported", "100rel"), ("body", "m=audio [0-9]+ RTP")])
}

#[test]
fn sipp_answers_and_hangs_up() {
    over_both(|| {
        let scenario = called("basic_out").reply("100 Trying", "").reply_as(TAG, "180 Ringing", "", "").reply_as(TAG, "200 OK", "", OFFER);
        scenario.receive("ACK", &[]).pause(300).bye()
    });
}

#[test]
fn sipp_answers_and_the_gateway_hangs_up() {
    let scenario = || {
        called("bye_out")
            .reply_as(TAG, "200 OK", "", OFFER)
            .receive("ACK", &[])
            .receive("BYE", &[("To", ";tag=callee")])
            .reply("200 OK", "")
    };
    over_both_while(scenario, pack::hang_up);
}

#[test]
fn a_call_that_rings_is_called_off_by_cancel() {
    let scenario = || {
        let scenario = called("cancel_out").reply_as(TAG, "180 Ringing", "", "").receive("CANCEL", &[("CSeq", "CANCEL")]);
        scenario.reply("200 OK", "").reply_to_invite("487 Request Terminated", "").receive("ACK", &[])
    };
    over_both_while(scenario, |gateway| {
        std::thread::sleep(std::time::Duration::from_millis(800));
        pack::end(gateway);
    });
}

#[test]
fn a_busy_sipp_is_acknowledged() {
    over_both(|| called("busy").reply_as(TAG, "486 Busy Here", "", "").receive("ACK", &[]));
}

#[test]
fn a_sipp_that_redirects_is_acknowledged_and_nobody_else_is_called() {
    over_both(|| called("redirected").reply_as(TAG, "302 Moved", "Contact: <sip:other@127.0.0.1:9>\n", "").receive("ACK", &[]));
}

#[test]
fn a_sipp_that_challenges_without_an_account_of_ours_gets_no_credentials() {
    over_both(|| {
        let challenge = "WWW-Authenticate: Digest realm=\"stranger\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\n";
        called("challenged").reply_as(TAG, "401 Unauthorized", challenge, "").receive("ACK", &[("!body", "Authorization")])
    });
}

#[test]
fn a_reliable_ringing_is_acknowledged_by_prack() {
    over_both(|| {
        let scenario = called("prack_out").reply_as(TAG, "180 Ringing", "Require: 100rel\nRSeq: 7\n", "");
        let scenario = scenario.receive("PRACK", &[("RAck", "7 [0-9]+ INVITE")]).reply("200 OK", "");
        scenario.reply_to_invite("200 OK", OFFER).receive("ACK", &[]).pause(200).bye()
    });
}

#[test]
fn an_answer_by_two_branches_is_one_call_and_the_other_is_hung_up() {
    let scenario = || {
        let scenario = called("fork").reply_as(TAG, "180 Ringing", "", "").reply_as("other", "180 Ringing", "", "");
        let scenario = scenario.reply_as(TAG, "200 OK", "", OFFER).receive("ACK", &[("To", "tag=callee")]);
        // Both are acknowledged; the second, which nobody waits for any more, ends.
        let scenario = scenario.reply_to_invite_as("other", "200 OK", OFFER).receive("ACK", &[("To", "tag=other")]);
        let scenario = scenario.receive("BYE", &[("To", "tag=other")]).reply("200 OK", "");
        scenario.receive("BYE", &[("To", "tag=callee")]).reply("200 OK", "")
    };
    over_both_while(scenario, pack::hang_up);
}

#[test]
fn a_longer_life_is_asked_for_again_where_the_far_end_wants_it() {
    over_both(|| {
        let scenario = called("interval").reply_as(TAG, "422 Session Interval Too Small", "Min-SE: 3600\n", "").receive("ACK", &[]);
        let scenario = scenario.receive("INVITE", &[("Session-Expires", "3600"), ("Min-SE", "3600")]);
        scenario
            .reply_as(TAG, "200 OK", "Session-Expires: 3600;refresher=uac\nRequire: timer\n", OFFER)
            .receive("ACK", &[])
            .pause(200)
            .bye()
    });
}

#[test]
fn the_gateway_refreshes_the_session_of_its_own_call() {
    if std::env::var_os("AURICLE_FULL").is_none() {
        return;
    }
    let Some(pack) = Pack::start("", "") else { return };
    let allow = "Session-Expires: 90;refresher=uac\nRequire: timer\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE\n";
    let scenario = called("refresh_out").reply_as(TAG, "200 OK", allow, OFFER).receive("ACK", &[]);
    let scenario = scenario.receive_within("UPDATE", 60_000, &[("Session-Expires", "90;refresher=uac")]);
    pack.run(Transport::Udp, &scenario.reply("200 OK", "Session-Expires: 90;refresher=uac\nRequire: timer\n").pause(200).bye());
}
