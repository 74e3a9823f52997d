//! STUN from anybody: only who holds the password is answered, admitted or sent anything, and no answer is longer than its question.
#![no_main]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::ice::stun::{self, Attribute, Class, Message, TransactionId};
use media::ice::{IceAgent, IceCredentials};
use media::sdp::IcePassword;
use media::sdp::trickle::Fragment;
use media::transport::{Flow, Protocol};

fuzz_target!(|input: &[u8]| {
    let _ = Fragment::parse(input);
    let credentials = |ufrag: &str| IceCredentials { ufrag: ufrag.to_owned(), password: IcePassword::new("a password of twenty-four") };
    let mut agent = IceAgent::new(credentials("route001gen0"), credentials("peer"), [7; 32]);
    let (mut now, mut rest) = (Instant::now(), input);
    // Pieces of the input, each behind two octets with its length and its source.
    while let [len, source, behind @ ..] = rest {
        let (piece, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = behind;
        let flow = flow(source & 15);
        // Now and then a question that the peer asks in earnest, so that there is a state to confuse.
        if *source > 240 {
            let mut question = Vec::new();
            let attributes = [Attribute::Username("route001gen0", "peer"), Attribute::Priority(1), Attribute::UseCandidate];
            stun::write(&mut question, Class::Request, TransactionId([*len; 12]), &attributes, b"a password of twenty-four");
            let _ = agent.handle_message(now, flow, &question);
        }
        let admitted = agent.admits(flow);
        while agent.poll_transmit().is_some() {}
        let taken = agent.handle_message(now, flow, piece).is_ok();
        let authentic = Message::parse(piece).is_ok_and(|message| message.is_authentic(b"a password of twenty-four"));
        assert!(authentic || (agent.admits(flow) == admitted && (!taken || agent.poll_transmit().is_none())));
        while let Some((_, answer)) = agent.poll_transmit() {
            assert!(authentic && answer.len() <= 200);
        }
        now += Duration::from_millis(u64::from(*len) * 20);
        agent.handle_timeout(now);
        while agent.poll_event().is_some() {}
    }
});

fn flow(source: u8) -> Flow {
    Flow {
        protocol: Protocol::Udp,
        local: SocketAddr::from(([192, 0, 2, 1], 16_000)),
        remote: SocketAddr::from(([198, 51, 100, source], 5_000)),
    }
}
