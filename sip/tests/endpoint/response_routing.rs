//! Where responses go, and what the topmost Via then says (RFC 3261 §18.2, RFC 3581).

use sip::header::HeaderName;

use crate::scripted_peer::{ScriptedPeer, parsed_response, request};

/// Whither, and the topmost Via.
fn answered(via: &str, from: &str) -> (String, String) {
    let mut peer = ScriptedPeer::new();
    peer.flow.remote = from.parse().unwrap();
    peer.send(&request("OPTIONS", "a", 1, "", "", "").replace("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa;rport", via));
    let transmit = peer.received.remove(0);
    let response = parsed_response(&transmit).unwrap();
    (transmit.flow.remote.to_string(), response.headers().value(HeaderName::Via).unwrap().to_owned())
}

#[test]
fn rport_sends_it_back_to_the_source_port() {
    let (remote, via) = answered("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa", "198.51.100.7:40000");
    assert_eq!(remote, "198.51.100.7:40000");
    assert_eq!(via, "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;received=198.51.100.7;rport=40000");
}

#[test]
fn without_rport_the_port_of_via_counts() {
    let (remote, via) = answered("SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa", "198.51.100.7:40000");
    assert_eq!(remote, "198.51.100.7:5070");
    assert_eq!(via, "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa;received=198.51.100.7");
}

#[test]
fn a_truthful_via_stays_as_it_is() {
    let (remote, via) = answered("SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa", "198.51.100.7:40000");
    assert_eq!((remote.as_str(), via.as_str()), ("198.51.100.7:5060", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa"));
}

#[test]
fn a_forged_received_is_replaced() {
    let (_, via) = answered("SIP/2.0/UDP 10.0.0.1;received=203.0.113.9;branch=z9hG4bKa", "198.51.100.7:5060");
    assert_eq!(via, "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;received=198.51.100.7");
}

#[test]
fn maddr_sends_no_answer_to_another_host_or_a_group() {
    for maddr in ["127.0.0.1", "198.51.100.8", "224.0.1.75", "[::1]"] {
        let via = format!("SIP/2.0/UDP 10.0.0.1;maddr={maddr};branch=z9hG4bKa");
        assert_eq!(answered(&via, "198.51.100.7:5060").0, "198.51.100.7:5060", "{maddr}");
    }
}

#[test]
fn lower_vias_keep_their_order() {
    let mut peer = ScriptedPeer::new();
    peer.send(
        &request("OPTIONS", "a", 1, "", "", "")
            .replace(";rport\r\n", ", SIP/2.0/UDP b;branch=z9hG4bKb\r\nv: SIP/2.0/TCP c;branch=z9hG4bKc\r\n"),
    );
    let response = peer.response();
    let branches: Vec<_> = response.headers().elements(HeaderName::Via).map(|via| via.rsplit('=').next().unwrap().to_owned()).collect();
    assert_eq!(branches, ["z9hG4bKa", "z9hG4bKb", "z9hG4bKc"]);
}
