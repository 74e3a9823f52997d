//! A packet on its way through transport and reporter costs no allocation once both are warm.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where its scene cannot be set")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::rtcp::{NtpBase, Reporter, ReporterConfig};
use media::rtp::{RtpHeader, RtpPacket};
use media::srtp::{CryptoSuite, KeySeed, MasterKey, SdesKeys, Sender};
use media::transport::{Flow, Inbound, PathConfig, Plain, Protocol, SourceRule, Transport};
use media::units::{ClockRate, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);

/// One leg's transport and reporter, and the datagram that its peer sends next.
struct Leg {
    now: Instant,
    flow: Flow,
    transport: Transport,
    reporter: Reporter,
    /// Protects what the peer sends, where it does.
    peer: Option<Sender>,
    datagram: Vec<u8>,
    sent: u64,
}

impl Leg {
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn new(suite: Option<CryptoSuite>) -> Self {
        let now = Instant::now();
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (local_rtp, remote) = (address("192.0.2.1:16384"), address("198.51.100.7:4000"));
        let config = PathConfig { local_rtp, local_rtcp: address("192.0.2.1:16385"), source: SourceRule::Address };
        let mut transport = Transport::Plain(Plain::new(config));
        transport.set_remote(remote, address("198.51.100.7:4001"));
        let key = |suite, line| MasterKey::generate(suite, &KeySeed::new([1; 32]), 0, line);
        let keys = suite.map(|suite| SdesKeys { local: key(suite, 1), remote: key(suite, 2) });
        transport.set_keys(now, keys.as_ref());
        let peer = keys.map(|keys| Sender::new(&keys.remote));
        let reporter = Reporter::new(
            now,
            ReporterConfig {
                ssrc: Ssrc(1),
                cname: "name".to_owned(),
                interval: Duration::from_secs(5),
                ntp: NtpBase { at: now, ntp: 0 },
                clock_rate: ClockRate::HZ_8000,
                seed: 1,
            },
        );
        let flow = Flow { protocol: Protocol::Udp, local: local_rtp, remote };
        Self { now, flow, transport, reporter, peer, datagram: Vec::new(), sent: 0 }
    }

    /// Receives the peer's packet `n`, which has a source and an extension, and sends it back.
    fn echo(&mut self, n: u16) {
        self.now += PTIME;
        self.datagram.clear();
        self.datagram.extend_from_slice(&[0x91, 0]);
        self.datagram.extend_from_slice(&n.to_be_bytes());
        self.datagram.extend_from_slice(&(u32::from(n) * 160).to_be_bytes());
        self.datagram.extend_from_slice(&[0, 0, 0, 2, 0, 0, 0, 9, 0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0]);
        self.datagram.extend_from_slice(&[0xff; 160]);
        if let Some(peer) = &mut self.peer {
            peer.seal_rtp(&mut self.datagram).unwrap();
        }
        self.transport.handle_datagram(self.now, self.flow, &self.datagram).unwrap();
        let Some(Inbound::Rtp(packet)) = self.transport.poll_inbound() else { panic!("the packet was not taken") };
        self.reporter.handle_rtp_received(self.now, &packet);
        assert_eq!(packet.payload.len(), 160);
        let (sequence, timestamp) = (SequenceNumber(n), RtpTimestamp(u32::from(n) * 160));
        let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(1), marker: false };
        let packet = RtpPacket { header, payload: &[0xff; 160] };
        self.transport.send_rtp(self.now, &packet);
        self.reporter.handle_rtp_sent(self.now, &packet);
        while self.transport.poll_transmit().is_some() {
            self.sent += 1;
        }
        // Nor does a packet that comes again where it cannot be new, or a stranger's.
        let again = self.transport.handle_datagram(self.now, self.flow, &self.datagram);
        assert_eq!(again.is_err(), self.peer.is_some());
        let stranger = Flow { remote: ([203, 0, 113, 66], 4_000).into(), ..self.flow };
        assert!(self.transport.handle_datagram(self.now, stranger, &self.datagram).is_err());
    }
}

#[test]
fn a_warm_leg_allocates_nothing_for_a_packet_either_way() {
    assert_allocates_nothing(None);
}

#[test]
fn a_warm_leg_allocates_nothing_for_a_protected_packet_either_way() {
    CryptoSuite::ALL.into_iter().for_each(|suite| assert_allocates_nothing(Some(suite)));
}

fn assert_allocates_nothing(suite: Option<CryptoSuite>) {
    let mut leg = Leg::new(suite);
    let warming = allocation_counter::measure(|| (0..10).for_each(|n| leg.echo(n)));
    assert!(warming.count_total > 0, "the counter counts");
    let counted = allocation_counter::measure(|| (10..1_010).for_each(|n| leg.echo(n)));
    assert_eq!(counted.count_total, 0);
    assert_eq!(leg.sent, 1_010);
}
