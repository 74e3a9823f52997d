//! Protected datagrams of the peer, whole, changed, doubled and late: an unchanged one is heard at most once, a changed
//! one never, and the stream goes on whatever came between.
#![no_main]

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::srtp::{CryptoSuite, KeySeed, MasterKey, SdesKeys, Sender};
use media::transport::{Flow, Inbound, PathConfig, Protocol, SdesSrtp, SourceRule, Transport};

fuzz_target!(|input: &[u8]| {
    let [suite, first_high, first_low, steps @ ..] = input else { return };
    let suite = CryptoSuite::ALL[usize::from(suite % 4)];
    let key = |line| MasterKey::generate(suite, &KeySeed::new([7; 32]), 0, line);
    let keys = SdesKeys { local: key(1), remote: key(2) };
    let local_rtp: SocketAddr = (Ipv4Addr::new(192, 0, 2, 1), 16_384).into();
    let remote: SocketAddr = (Ipv4Addr::new(198, 51, 100, 7), 4_000).into();
    let config = PathConfig { local_rtp, local_rtcp: (local_rtp.ip(), 16_385).into(), source: SourceRule::Address };
    let mut transport = Transport::Sdes(SdesSrtp::new(config, &keys));
    transport.set_remote(remote, remote);
    let flow = Flow { protocol: Protocol::Udp, local: local_rtp, remote };

    let (mut peer, mut sequence) = (Sender::new(&keys.remote), u16::from_be_bytes([*first_high, *first_low]));
    let (mut now, mut sent, mut heard) = (Instant::now(), Vec::new(), HashSet::new());
    for step in steps.chunks_exact(4) {
        let [what, a, b, c] = [step[0], step[1], step[2], step[3]];
        now += Duration::from_millis(u64::from(c));
        // What the peer sends next, skipping up to 255 packets.
        sequence = sequence.wrapping_add(1 + u16::from(if what & 0x10 == 0 { 0 } else { a }));
        let mut datagram = vec![0x80, if what & 0x20 == 0 { 0 } else { 201 }];
        if what & 0x20 == 0 {
            datagram.extend_from_slice(&sequence.to_be_bytes());
            datagram.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 9]);
            datagram.extend(std::iter::repeat_n(b, usize::from(c)));
            peer.seal_rtp(&mut datagram).expect("a packet");
        } else {
            datagram.extend_from_slice(&[0, 1, 0, 0, 0, 9]);
            peer.seal_rtcp(&mut datagram).expect("a compound");
        }
        sent.push(datagram);
        // Which of all that was sent comes now, and what happened to it on the way.
        let at = sent.len() - 1 - usize::from(if what & 0x40 == 0 { 0 } else { b }).min(sent.len() - 1);
        let mut came = sent[at].clone();
        match what & 7 {
            0 => came.truncate(came.len().saturating_sub(usize::from(a % 64))),
            1 => came.extend_from_slice(&[a]),
            2 => {
                let octet = usize::from(b) % came.len();
                came[octet] ^= a;
            }
            3 => came = step.to_vec(),
            _ => {}
        }
        let taken = transport.handle_datagram(now, flow, &came).is_ok();
        if taken {
            assert_eq!(came, sent[at], "a changed datagram was heard");
            assert!(heard.insert(came), "a datagram was heard twice");
        }
        match transport.poll_inbound() {
            Some(Inbound::Rtp(packet)) => assert!(taken && packet.header.ssrc.0 == 9),
            Some(Inbound::Rtcp(compound)) => assert!(taken && compound.len() == 8),
            None => assert!(!taken),
        }
    }
    assert_eq!(transport.discards().inbound(), (steps.len() / 4 - heard.len()) as u64);
});
