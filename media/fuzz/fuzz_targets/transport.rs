//! Datagrams of the peer and of strangers: each is taken or counted, and only the peer's host is ever sent to.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::transport::{Flow, Inbound, PathConfig, Plain, Protocol, SourceRule, Transport};

fuzz_target!(|input: &[u8]| {
    let peer = Ipv4Addr::new(198, 51, 100, 7);
    let local_rtp: SocketAddr = (Ipv4Addr::new(192, 0, 2, 1), 16_384).into();
    let config = PathConfig { local_rtp, local_rtcp: (local_rtp.ip(), 16_385).into(), source: SourceRule::Address };
    let mut transport = Transport::Plain(Plain::new(config));
    transport.set_remote((peer, 4_000).into(), (peer, 4_001).into());
    // Each piece of the input stands behind two octets: whence and when it comes, and how long it is.
    let (mut now, mut rest, mut given, mut taken) = (Instant::now(), input, 0, 0);
    while let [whence, len, behind @ ..] = rest {
        let (datagram, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = behind;
        now += Duration::from_millis(u64::from(whence >> 3) * 5);
        let host = if whence & 1 == 0 { peer } else { Ipv4Addr::new(203, 0, 113, 66) };
        let remote: SocketAddr = (host, 4_000 + u16::from(whence >> 1 & 3)).into();
        let flow = Flow { protocol: Protocol::Udp, local: local_rtp, remote };
        given += 1;
        let accepted = transport.handle_datagram(now, flow, datagram).is_ok();
        assert!(!accepted || host == peer);
        taken += u64::from(accepted);
        let mut echo = Vec::new();
        match transport.poll_inbound() {
            Some(Inbound::Rtp(packet)) => {
                packet.write(&mut echo);
                let packet = media::rtp::RtpPacket::parse(&echo).expect("what was read can be written and read");
                transport.send_rtp(now, &packet);
            }
            Some(Inbound::Rtcp(compound)) => {
                echo.extend_from_slice(compound);
                transport.send_rtcp(now, &echo);
            }
            None => assert!(!accepted),
        }
        while let Some(transmit) = transport.poll_transmit() {
            assert_eq!(transmit.flow.remote.ip(), peer);
        }
    }
    assert_eq!(given, taken + transport.discards().inbound());
});
