//! Reports on their way: two ends of a call, each a transport and a reporter, on two ports and on one (RFC 5761).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where its scene cannot be set")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::rtcp::{ExtendedReports, NtpBase, Reporter, ReporterConfig, ReporterEvent, ReporterOutput};
use media::rtp::{RtpHeader, RtpPacket};
use media::transport::{Flow, Inbound, PathConfig, Plain, SourceRule, Transport};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);
/// One way.
const PATH: Duration = Duration::from_millis(35);

/// A port for RTP, and another for RTCP or the same.
#[derive(Clone, Copy)]
struct Ports {
    rtp: SocketAddr,
    rtcp: SocketAddr,
}

struct End {
    ssrc: Ssrc,
    ports: Ports,
    transport: Transport,
    reporter: Reporter,
    events: Vec<ReporterEvent>,
    /// Ports from which reports went.
    reported_from: Vec<SocketAddr>,
}

/// A datagram that is still under way.
struct Travelling {
    due: Instant,
    flow: Flow,
    bytes: Vec<u8>,
}

impl End {
    fn new(now: Instant, ssrc: u32, ports: Ports, peer: Ports, options: impl FnOnce(&mut ReporterConfig)) -> Self {
        let config = PathConfig { local_rtp: ports.rtp, local_rtcp: ports.rtcp, source: SourceRule::Address };
        let mut transport = Transport::Plain(Plain::new(config));
        transport.set_remote(peer.rtp, peer.rtcp);
        // The two clocks have nothing to do with each other.
        let ntp = NtpBase { at: now, ntp: u64::from(ssrc) * 0x1234_5678_9abc };
        let mut config = ReporterConfig::new(Ssrc(ssrc), format!("end-{ssrc}"), Codec::Pcmu, ntp, u64::from(ssrc));
        options(&mut config);
        let reporter = Reporter::new(now, config);
        Self { ssrc: Ssrc(ssrc), ports, transport, reporter, events: Vec::new(), reported_from: Vec::new() }
    }

    fn speak(&mut self, now: Instant, n: u16) {
        let (sequence, timestamp) = (SequenceNumber(n), RtpTimestamp(u32::from(n) * 160));
        let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: self.ssrc, marker: false };
        let packet = RtpPacket { header, payload: &[0xff; 160] };
        self.reporter.handle_rtp_sent(now, &packet);
        self.transport.send_rtp(now, &packet);
    }

    fn receive(&mut self, now: Instant, travelling: &Travelling) {
        let Flow { protocol, local, remote } = travelling.flow;
        let flow = Flow { protocol, local: remote, remote: local };
        self.transport.handle_datagram(now, flow, &travelling.bytes).unwrap();
        match self.transport.poll_inbound() {
            Some(Inbound::Rtp(packet)) => self.reporter.handle_rtp_received(now, &packet),
            Some(Inbound::Rtcp(compound)) => self.reporter.handle_rtcp(now, compound).unwrap(),
            None => panic!("a datagram was taken and nothing came of it"),
        }
    }

    /// What is to go out now.
    fn drain(&mut self, now: Instant, wire: &mut Vec<Travelling>) {
        loop {
            match self.reporter.poll_output() {
                ReporterOutput::Packet(compound) => self.transport.send_rtcp(now, compound),
                ReporterOutput::Event(event) => self.events.push(event),
                ReporterOutput::Timeout(_) => break,
            }
        }
        while let Some(transmit) = self.transport.poll_transmit() {
            if matches!(transmit.bytes, [_, 192..=223, ..]) {
                self.reported_from.push(transmit.flow.local);
            }
            wire.push(Travelling { due: now + PATH, flow: transmit.flow, bytes: transmit.bytes.to_vec() });
        }
    }
}

/// A call of half a minute, which `ours` ends.
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn call(rtcp_offset: u16, options: impl Fn(&mut ReporterConfig)) -> [End; 2] {
    let now = Instant::now();
    let ports = |host: u8| {
        let at = |port| SocketAddr::from(([192, 0, 2, host], port));
        Ports { rtp: at(16_384), rtcp: at(16_384 + rtcp_offset) }
    };
    let mut ends = [End::new(now, 1, ports(1), ports(2), &options), End::new(now, 2, ports(2), ports(1), &options)];
    let mut wire = Vec::new();
    // In steps of a millisecond, so that the reports' own moments are kept to that.
    for step in 0..30_000u32 {
        let now = now + Duration::from_millis(u64::from(step));
        for travelling in wire.extract_if(.., |travelling: &mut Travelling| travelling.due <= now) {
            let to = ends.iter_mut().find(|end| end.ports.rtp.ip() == travelling.flow.remote.ip());
            to.unwrap().receive(now, &travelling);
        }
        for end in &mut ends {
            if step % PTIME.as_millis() as u32 == 0 {
                end.speak(now, (step / 20) as u16);
            }
            end.reporter.handle_timeout(now);
            if step == 29_900 && end.ssrc == Ssrc(1) {
                end.reporter.goodbye(now, "call ended");
            }
            end.drain(now, &mut wire);
        }
    }
    ends
}

fn assert_both_know_each_other(ends: &[End; 2]) {
    for end in ends {
        let stats = end.reporter.stats();
        let trip = end.reporter.round_trip().unwrap();
        assert!(trip.abs_diff(PATH * 2) <= Duration::from_millis(2), "{trip:?}");
        assert_eq!((stats.lost, stats.remote.unwrap().lost, stats.reflected_reports), (0, 0, 0));
        for quality in [stats.quality, stats.remote_quality] {
            assert!(quality.unwrap().mos_conversational.unwrap() > 4.3, "{quality:?}");
        }
    }
    assert_eq!(ends[1].events, [ReporterEvent::Goodbye { ssrc: Ssrc(1) }]);
    assert_eq!(ends[0].events, []);
}

#[test]
fn reports_go_and_come_on_a_port_of_their_own() {
    let ends = call(1, |_| {});
    assert_both_know_each_other(&ends);
    assert!(ends.iter().all(|end| end.reported_from.len() > 4 && end.reported_from.iter().all(|port| *port == end.ports.rtcp)));
}

#[test]
fn reports_go_and_come_on_the_port_of_rtp() {
    let ends = call(0, |_| {});
    assert_both_know_each_other(&ends);
    assert!(ends.iter().all(|end| end.reported_from.len() > 4 && end.reported_from.iter().all(|port| *port == end.ports.rtp)));
}

#[test]
fn extended_reports_of_reduced_size_go_and_come_on_the_port_of_rtp() {
    let ends = call(0, |config| (config.reduced_size, config.extended) = (true, ExtendedReports::ALL));
    assert_both_know_each_other(&ends);
    let metrics = ends[1].reporter.stats().remote_metrics.unwrap();
    assert!((metrics.round_trip_ms.unwrap() - 70.0).abs() <= 2.0 && metrics.mos_conversational.unwrap() >= 4.3, "{metrics:?}");
}
