//! What is refused, and with what (RFC 3261 §8.2, §21).

use sip::transport::Transport;

use crate::pack::{Pack, over_both};
use crate::scenario::Scenario;

#[test]
fn a_body_that_is_no_sdp_is_unsupported() {
    over_both(|| {
        Scenario::new("415")
            .outside_invite("", ("text/plain", "hello\n"))
            .maybe(100)
            .expect(415, &[("Accept", "application/sdp")])
            .ack_refusal()
    });
}

#[test]
fn a_caller_that_takes_no_sdp_is_not_acceptable() {
    over_both(|| Scenario::new("406").invite("Accept: text/plain\n").maybe(100).expect(406, &[]).ack_refusal());
}

#[test]
fn an_extension_that_nobody_knows_is_named_back() {
    over_both(|| Scenario::new("420").invite("Require: teleport\n").maybe(100).expect(420, &[("Unsupported", "teleport")]).ack_refusal());
}

#[test]
fn a_scheme_that_nobody_dials_is_unsupported() {
    over_both(|| {
        let options = "OPTIONS http://127.0.0.1/ SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n\
                       From: <sip:sipp@127.0.0.1>;tag=1\nTo: <sip:1000@127.0.0.1>\nCall-ID: [call_id]\nCSeq: {cseq} OPTIONS\nContent-Length: 0\n\n";
        Scenario::new("416").raw(options).expect(416, &[])
    });
}

#[test]
fn methods_of_others_are_not_allowed_and_never_reach_anybody() {
    for (name, method, headers) in [
        ("message", "MESSAGE", ""),
        ("subscribe", "SUBSCRIBE", "Event: presence\nExpires: 600\n"),
        ("publish", "PUBLISH", "Event: presence\nExpires: 600\n"),
    ] {
        let Some(pack) = Pack::start("", "") else { return };
        for transport in [Transport::Udp, Transport::Tcp] {
            pack.run(transport, &Scenario::new(name).outside(method, headers, ("", "")).expect(405, &[("Allow", "INVITE")]));
        }
        assert!(pack.gateway.calls().is_empty());
    }
}

#[test]
fn a_method_of_nobody_is_not_implemented() {
    over_both(|| Scenario::new("501").outside("TELEPORT", "", ("", "")).expect(501, &[("Allow", "INVITE")]));
}

#[test]
fn requests_of_no_call_do_not_exist() {
    for (name, method, headers) in [
        ("481_bye", "BYE", ""),
        ("481_update", "UPDATE", ""),
        ("481_info", "INFO", ""),
        ("481_prack", "PRACK", "RAck: 1 1 INVITE\n"),
        ("481_cancel", "CANCEL", ""),
    ] {
        over_both(|| Scenario::new(name).outside(method, headers, ("", "")).expect(481, &[]));
    }
}

#[test]
fn nobody_outside_a_call_has_us_call_somebody() {
    over_both(|| Scenario::new("403_refer").outside("REFER", "Refer-To: <sip:x@127.0.0.1>\n", ("", "")).expect(403, &[]));
}

#[test]
fn a_message_larger_than_any_is_too_large() {
    let Some(pack) = Pack::start("", "") else { return };
    // A datagram cannot hold it.
    let message = "OPTIONS sip:1000@127.0.0.1 SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n\
                   From: <sip:sipp@127.0.0.1>;tag=1\nTo: <sip:1000@127.0.0.1>\nCall-ID: [call_id]\nCSeq: {cseq} OPTIONS\nContent-Length: 70000\n\n";
    pack.run(Transport::Tcp, &Scenario::new("513").raw(message).expect(513, &[]));
}
