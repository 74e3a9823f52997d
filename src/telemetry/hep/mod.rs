//! Tells a collector such as Homer what signalling says and how media fares (RTCP), as it happens: HEP version 3 over UDP.
//!
//! What is told leaves this machine in the clear, numbers and addresses and all; passwords, keys and tokens are masked before. Whoever tells
//! never waits: what finds the queue full is dropped and counted, and what the network loses is lost. Media threads hand over octets and no
//! more; what they mean, and which Call-ID they belong to, is found where they are sent.

mod config;
mod names;
mod packet;
mod rtcp;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use media::rtcp::ReportSummary;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

pub use self::config::HepConfig;
use self::names::Names;
pub use self::packet::{Agent, Carrier, Report, ReportKind, encode};
use super::metrics::Metrics;
use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;

/// The way to the collector; clones share one queue.
#[derive(Clone, Debug)]
pub struct HepSender {
    agent: Arc<Reporter>,
    names: Names,
    queue: mpsc::Sender<Told>,
    metrics: Metrics,
}

/// Sends what waits.
#[derive(Debug)]
pub struct HepTask {
    collector: SocketAddr,
    agent: Arc<Reporter>,
    names: Names,
    told: mpsc::Receiver<Told>,
    metrics: Metrics,
}

/// Who we are to the collector.
#[derive(Debug)]
struct Reporter {
    id: u32,
    key: Redacted<String>,
}

/// What waits.
#[derive(Debug)]
enum Told {
    Packet(Vec<u8>),
    /// Of a media thread, which neither reads it nor looks for its Call-ID.
    Reports {
        call: CallId,
        from: SocketAddr,
        to: SocketAddr,
        at: DateTime<Utc>,
        octets: Box<[u8]>,
    },
}

impl HepSender {
    /// A sender and the task behind it, where a collector is configured; run the task on a control thread.
    #[must_use]
    pub fn new(config: &HepConfig, metrics: Metrics) -> Option<(Self, HepTask)> {
        let collector = config.collector?;
        let (queue, told) = mpsc::channel(QUEUE_LEN);
        let agent = Arc::new(Reporter { id: config.capture_id, key: config.password.clone().unwrap_or_default() });
        let names = Names::default();
        let task = HepTask { collector, agent: Arc::clone(&agent), names: names.clone(), told, metrics: metrics.clone() };
        Some((Self { agent, names, queue, metrics }, task))
    }

    /// Tells of a message. Never waits.
    pub fn tell(&self, report: &Report<'_>) {
        match encode(self.agent.as_ref().into(), report) {
            Some(packet) => self.queue(Told::Packet(packet)),
            None => self.metrics.hep_dropped(),
        }
    }

    /// Tells of a call's RTCP, in the clear as it stands in a datagram. Never waits.
    pub fn tell_reports(&self, call: &CallId, from: SocketAddr, to: SocketAddr, octets: Box<[u8]>) {
        self.queue(Told::Reports { call: call.clone(), from, to, at: Utc::now(), octets });
    }

    /// From now on a call's RTCP belongs to this Call-ID.
    pub fn begin(&self, call: &CallId, call_id: &str) {
        self.names.begin(call, call_id);
    }

    /// A call is over; its last reports still find their Call-ID.
    pub fn end(&self, call: &CallId) {
        self.names.end(call);
    }

    fn queue(&self, told: Told) {
        if self.queue.try_send(told).is_err() {
            self.metrics.hep_dropped();
        }
    }
}

impl HepTask {
    /// Sends until the last sender is gone.
    pub async fn run(mut self) {
        let any = if self.collector.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = match UdpSocket::bind(SocketAddr::new(any, 0)).await {
            Ok(socket) => socket,
            Err(error) => return tracing::error!(%error, "hep_has_no_socket"),
        };
        while let Some(told) = self.told.recv().await {
            let Some(packet) = self.packet(told) else { continue };
            // A collector that is away says so by ICMP, if at all; it is told on, and what it misses is counted.
            if socket.send_to(&packet, self.collector).await.is_err() {
                self.metrics.hep_dropped();
            }
        }
    }

    /// What goes out for it: nothing for RTCP in which nobody reports.
    fn packet(&self, told: Told) -> Option<Vec<u8>> {
        let (call, from, to, at, octets) = match told {
            Told::Packet(packet) => return Some(packet),
            Told::Reports { call, from, to, at, octets } => (call, from, to, at, octets),
        };
        let summary = ReportSummary::read(&octets).ok()??;
        let (name, payload) = (self.names.of(&call), rtcp::json(&summary));
        let (kind, correlation) = (ReportKind::Rtcp, name.as_deref().unwrap_or_default());
        let report = Report { from, to, carrier: Carrier::Udp, at, kind, correlation, payload: &payload };
        encode(self.agent.as_ref().into(), &report)
    }
}

impl<'a> From<&'a Reporter> for Agent<'a> {
    fn from(reporter: &'a Reporter) -> Self {
        Self { id: reporter.id, key: reporter.key.expose() }
    }
}

/// Packets that may wait for the socket.
const QUEUE_LEN: usize = 4_096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_is_told_arrives_and_what_finds_the_queue_full_is_counted() {
        let collector = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let config = HepConfig { collector: Some(collector.local_addr().unwrap()), ..HepConfig::default() };
        let metrics = Metrics::new();
        let (sender, task) = HepSender::new(&config, metrics.clone()).unwrap();
        let from = "192.0.2.1:5060".parse().unwrap();
        let report =
            Report { from, to: from, carrier: Carrier::Udp, at: Utc::now(), kind: ReportKind::Sip, correlation: "c", payload: b"OPTIONS" };
        (0..QUEUE_LEN + 3).for_each(|_| sender.tell(&report));
        assert!(metrics.render().contains("auricle_hep_packets_dropped_total 3"));
        tokio::spawn(task.run());
        let mut packet = [0; 512];
        let length = tokio::time::timeout(Duration::from_secs(5), collector.recv(&mut packet)).await.unwrap().unwrap();
        assert!(packet[..length].starts_with(b"HEP3") && packet[..length].ends_with(b"OPTIONS"));
        assert!(HepSender::new(&HepConfig::default(), metrics).is_none(), "off until there is a collector");
    }

    #[test]
    fn reports_are_told_under_the_call_id_of_their_call_and_what_reports_nothing_is_not() {
        let config = HepConfig { collector: Some("127.0.0.1:9".parse().unwrap()), ..HepConfig::default() };
        let (sender, mut task) = HepSender::new(&config, Metrics::new()).unwrap();
        let (call, end) = (CallId::random(), "192.0.2.1:5061".parse().unwrap());
        sender.begin(&call, "sip-call-1");
        sender.end(&call);
        // An empty receiver report, a goodbye, and no RTCP at all.
        for octets in [&[0x80, 201, 0, 1, 0, 0, 0, 7][..], &[0x81, 203, 0, 1, 0, 0, 0, 7], b"RTP?"] {
            sender.tell_reports(&call, end, end, octets.into());
        }
        let told: Vec<_> = std::iter::from_fn(|| task.told.try_recv().ok()).collect();
        let packets: Vec<_> = told.into_iter().map(|told| task.packet(told)).collect();
        let [Some(packet), None, None] = packets.as_slice() else { panic!("{packets:?}") };
        let text = String::from_utf8_lossy(packet);
        assert!(text.contains("sip-call-1") && text.contains(r#""ssrc":7"#), "{text}");
    }
}
