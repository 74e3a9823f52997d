//! Tells a collector such as Homer what signalling says, as it happens: HEP version 3 over UDP.
//!
//! What is told leaves this machine in the clear, numbers and addresses and all; passwords, keys and tokens are masked before. Whoever tells
//! never waits: what finds the queue full is dropped and counted, and what the network loses is lost.

mod config;
mod packet;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

pub use self::config::HepConfig;
pub use self::packet::{Agent, Carrier, Report, ReportKind, encode};
use super::metrics::Metrics;
use crate::domain::redacted::Redacted;

/// The way to the collector; clones share one queue.
#[derive(Clone, Debug)]
pub struct HepSender {
    id: u32,
    key: Arc<Redacted<String>>,
    queue: mpsc::Sender<Vec<u8>>,
    metrics: Metrics,
}

/// Sends what waits.
#[derive(Debug)]
pub struct HepTask {
    collector: SocketAddr,
    packets: mpsc::Receiver<Vec<u8>>,
    metrics: Metrics,
}

impl HepSender {
    /// A sender and the task behind it, where a collector is configured; run the task on a control thread.
    #[must_use]
    pub fn new(config: &HepConfig, metrics: Metrics) -> Option<(Self, HepTask)> {
        let collector = config.collector?;
        let (queue, packets) = mpsc::channel(QUEUE_LEN);
        let key = Arc::new(config.password.clone().unwrap_or_default());
        Some((Self { id: config.capture_id, key, queue, metrics: metrics.clone() }, HepTask { collector, packets, metrics }))
    }

    /// Tells of a message. Never waits.
    pub fn tell(&self, report: &Report<'_>) {
        let packet = encode(Agent { id: self.id, key: self.key.expose() }, report);
        if packet.is_none_or(|packet| self.queue.try_send(packet).is_err()) {
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
        while let Some(packet) = self.packets.recv().await {
            // A collector that is away says so by ICMP, if at all; it is told on, and what it misses is counted.
            if socket.send_to(&packet, self.collector).await.is_err() {
                self.metrics.hep_dropped();
            }
        }
    }
}

/// Packets that may wait for the socket.
const QUEUE_LEN: usize = 4_096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::Utc;

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
}
