//! Calls that sipp makes (RFC 3261 §9, §13, §15).

use sip::transport::Transport;

use crate::pack::{self, Pack, over_both, over_both_while};
use crate::scenario::Scenario;

#[test]
fn a_call_is_answered_and_ended_by_its_caller() {
    over_both(|| {
        let checks = [
            ("Contact", "<sip:"),
            ("Allow", "INVITE.*BYE"),
            ("Supported", "100rel"),
            ("To", ";tag="),
            ("body", "m=audio [0-9]+ RTP/AVP 0"),
        ];
        Scenario::new("basic").invite("").ringing().expect(200, &checks).ack().pause(300).bye()
    });
}

#[test]
fn a_call_is_ended_by_the_gateway() {
    let scenario =
        || Scenario::new("bye_in").invite("").ringing().expect(200, &[]).ack().receive("BYE", &[("CSeq", "BYE")]).reply("200 OK", "");
    over_both_while(scenario, pack::hang_up);
}

#[test]
fn a_call_that_rings_is_called_off() {
    // An agent that takes connections and never says anything: the caller hears ringing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = silent.local_addr().expect("an address");
    let sections = format!("[agents.silent]\nurl = \"ws://{address}/\"\n[numbers.1007]\nagent = \"silent\"\n");
    let Some(pack) = Pack::start("", &sections) else { return };
    for transport in [Transport::Udp, Transport::Tcp] {
        let scenario = Scenario::new("cancel")
            .invite("")
            .maybe(100)
            .expect(180, &[("To", ";tag=")])
            .pause(200)
            .cancel()
            .expect(200, &[("CSeq", "CANCEL")]);
        let scenario = scenario.expect(487, &[("CSeq", "INVITE")]).ack_refusal();
        pack.run(transport, &scenario.calling("1007"));
    }
}

#[test]
fn a_question_is_answered_with_what_we_can_do() {
    over_both(|| {
        let checks = [("Allow", "INVITE.*PRACK.*UPDATE"), ("Accept", "application/sdp"), ("Supported", "timer"), ("Supported", "replaces")];
        Scenario::new("options").outside("OPTIONS", "", ("", "")).expect(200, &checks)
    });
}

#[test]
fn a_question_within_a_call_is_answered_and_changes_nothing() {
    over_both(|| {
        let scenario = Scenario::new("options_within").invite("").ringing().expect(200, &[]).ack();
        scenario.request("OPTIONS", "").expect(200, &[("Allow", "INVITE")]).bye()
    });
}

#[test]
fn a_number_that_nobody_has_is_not_found() {
    over_both(|| Scenario::new("unknown").invite("").maybe(100).expect(404, &[("To", ";tag=")]).ack_refusal().calling("4711"));
}

#[test]
fn an_offer_without_a_codec_of_ours_is_not_acceptable() {
    let offer = "v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 18\na=rtpmap:18 G729/8000\n";
    over_both(|| Scenario::new("no_codec").invite_with("", offer).maybe(100).expect(488, &[]).ack_refusal());
}

#[test]
fn a_late_ack_is_taken_whatever_was_repeated_meanwhile() {
    let Some(pack) = Pack::start("", "") else { return };
    // Over UDP alone: the 200 comes again until its ACK, and sipp steps over copies.
    let scenario = Scenario::new("late_ack").invite("").ringing().expect(200, &[]).pause(2_500).ack();
    pack.run(Transport::Udp, &scenario.pause(300).bye());
}
