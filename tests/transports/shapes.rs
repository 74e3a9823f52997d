//! Messages in the shapes that have brought other servers down, over every transport: answered or dropped, and the next client is served.

use std::io::Write as _;
use std::net::Shutdown;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use sip::transport::Transport;

use crate::client::{status_of, tcp};
use crate::messages;
use crate::spoken::Spoken;

#[test]
fn messages_that_have_brought_others_down_are_answered_or_dropped_over_every_transport() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss] {
        let spoken = Spoken::start("");
        let mut answered = 0;
        for message in messages::every("127.0.0.1:9", transport.uri_name()) {
            let message = message.replace("SIP/2.0/UDP", &format!("SIP/2.0/{}", transport.via_name()));
            let mut peer = spoken.connect(transport);
            // The other end may close in the middle of what is too long.
            let _taken = peer.send(message.as_bytes());
            let Some(status) = peer.receive(Duration::from_millis(300)).as_deref().and_then(status_of) else { continue };
            answered += 1;
            assert!(status == 100 || (400..700).contains(&status) || status == 200, "{transport:?}: {status} to\n{message:.300}");
        }
        assert!(answered > 10, "{transport:?}: only {answered} were answered");
        assert_alive(&spoken, transport);
    }
}

#[test]
fn every_beginning_of_an_invite_and_then_nothing_leaves_the_gateway_alive() {
    let spoken = Spoken::start("");
    let invite = messages::sound("127.0.0.1:9", "cut");
    for transport in [Transport::Tcp, Transport::Ws] {
        let own = invite
            .replace("SIP/2.0/UDP", &format!("SIP/2.0/{}", transport.via_name()))
            .replace("z9hG4bKcut", &format!("z9hG4bK{transport:?}"));
        for length in (0..own.len()).step_by(7) {
            let mut peer = spoken.connect(transport);
            let _taken = peer.send(&own.as_bytes()[..length]);
        }
        assert_alive(&spoken, transport);
    }
}

#[test]
fn a_connection_that_is_reset_in_the_middle_of_a_call_leaves_the_gateway_alive_and_no_call() {
    let spoken = Spoken::start("");
    for number in 0..50 {
        let mut stream = tcp("127.0.0.1", spoken.address(Transport::Tcp)).expect("a connection");
        let invite =
            messages::sound("127.0.0.1:9", &format!("reset{number}")).replace("nobody", "1000").replace("SIP/2.0/UDP", "SIP/2.0/TCP");
        stream.write_all(invite.as_bytes()).expect("the INVITE is taken");
        std::thread::sleep(Duration::from_millis(number % 10));
        if number % 2 == 0 {
            // A reset instead of an end.
            set_socket_linger(&stream, Some(Duration::ZERO)).expect("no lingering");
        } else {
            let _ended = stream.shutdown(Shutdown::Both);
        }
    }
    assert_alive(&spoken, Transport::Tcp);
    // Nobody acknowledges: each call that came about ends by itself, 64 x T1 after its answer.
    std::thread::sleep(Duration::from_secs(20));
    spoken.gateway.wait_for_calls("every call is over", |calls| calls.iter().all(|call| !call["ended_at"].is_null()));
}

#[test]
fn white_space_before_a_colon_smuggles_no_identity() {
    let spoken = Spoken::start("");
    for (number, name) in
        ["P-Asserted-Identity\t", "P-Asserted-Identity ", "P-Asserted-Identity\0", " P-Asserted-Identity", "P-Asserted-Identity\u{b}"]
            .iter()
            .enumerate()
    {
        let mut peer = spoken.connect(Transport::Udp);
        let invite = messages::sound("127.0.0.1:9", &format!("smuggle{number}"));
        peer.send(invite.replace("Max-Forwards:", &format!("{name}: <sip:smuggler@127.0.0.1>\r\nMax-Forwards:")).as_bytes()).expect("sent");
        let status = peer.receive(Duration::from_secs(2)).as_deref().and_then(status_of);
        // Dropped, called malformed, or served without what was smuggled.
        assert!(matches!(status, None | Some(100 | 400 | 404)), "{name:?}: {status:?}");
    }
    assert_alive(&spoken, Transport::Udp);
    assert!(!spoken.gateway.log().contains("smuggler"), "{}", spoken.gateway.log());
    assert!(spoken.gateway.calls().iter().all(|call| !call.to_string().contains("smuggler")), "a record shows a smuggled identity");
}

fn assert_alive(spoken: &Spoken, transport: Transport) {
    let served = spoken.connect(transport).options(transport, &format!("alive{transport:?}"));
    let log = spoken.gateway.log();
    assert!(served.is_some(), "{transport:?}: nobody is served any more\n{log}");
    assert!(!log.contains("panicked"), "{transport:?}: a panic\n{log}");
}
