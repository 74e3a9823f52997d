//! Where messages go by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::Utc;
use sip::glance::Glance;
use sip::mask::mask;
use sip::transport::{Flow, Transport};
use tokio::sync::mpsc;

use super::book::Book;
use super::config::LadderConfig;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::ladder::{Ladder, LadderMessage, LadderTransport, Way};
use crate::domain::redacted::Redacted;
use crate::telemetry::hep::{Carrier, HepSender, Report, ReportKind};
use crate::telemetry::metrics::Metrics;

/// Sees every message of SIP. Without anything that wants them it costs nothing.
#[derive(Debug, Default)]
pub struct Tap {
    ladders: Option<Ladders>,
    collector: Option<HepSender>,
}

#[derive(Debug)]
struct Ladders {
    book: LadderBook,
    finished: mpsc::Sender<Ladder>,
    metrics: Metrics,
}

/// The ladders of calls that run, for whoever wants to look; clones show the same.
#[derive(Clone, Debug)]
pub struct LadderBook(Arc<Mutex<Book>>);

impl LadderBook {
    /// An empty one.
    #[must_use]
    pub fn new(config: LadderConfig) -> Self {
        Self(Arc::new(Mutex::new(Book::new(config.bounds()))))
    }

    /// The ladder of a call that runs or has just ended, and whether it still runs.
    #[must_use]
    pub fn read(&self, org: &OrgId, call: &CallId) -> Option<(Ladder, bool)> {
        self.book().read(org, call)
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap {
    /// One that puts down ladders, and hands on those that are complete.
    #[must_use]
    pub fn with_ladders(mut self, book: LadderBook, finished: mpsc::Sender<Ladder>, metrics: Metrics) -> Self {
        self.ladders = Some(Ladders { book, finished, metrics });
        self
    }

    /// One that also tells a collector, of whatever goes by.
    #[must_use]
    pub fn with_collector(mut self, collector: HepSender) -> Self {
        self.collector = Some(collector);
        self
    }

    /// A message goes by.
    pub fn see(&self, way: Way, flow: Flow, message: &[u8]) {
        if self.ladders.is_none() && self.collector.is_none() {
            return;
        }
        let glance = Glance::at(message);
        let ladders = self.ladders.as_ref().filter(|ladders| ladders.book.book().wants(&glance));
        if ladders.is_none() && self.collector.is_none() {
            return;
        }
        let mut octets = message.to_vec();
        mask(&mut octets);
        let message = LadderMessage {
            at: Utc::now(),
            way,
            transport: transport(flow.transport),
            local: Redacted::new(flow.local),
            remote: Redacted::new(flow.remote),
            octets: Redacted::new(octets),
        };
        if let Some(collector) = &self.collector {
            tell(collector, &message, glance.call_id);
        }
        if let Some(ladders) = ladders {
            ladders.book.book().put(glance.call_id, message);
        }
    }

    /// A call has begun, or is tried anew, under a Call-ID of SIP.
    pub fn begin(&self, call: &CallId, org: &OrgId, sip_call_id: Option<&str>) {
        let Some(name) = sip_call_id else { return };
        if let Some(collector) = &self.collector {
            collector.begin(call, name);
        }
        let Some(ladders) = &self.ladders else { return };
        if !ladders.book.book().begin(call, org, name) {
            ladders.metrics.sip_ladder_dropped("calls");
        }
    }

    /// A call is over.
    pub fn end(&self, now: Instant, call: &CallId) {
        if let Some(collector) = &self.collector {
            collector.end(call);
        }
        if let Some(ladders) = &self.ladders {
            ladders.book.book().end(now, call);
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.ladders.as_ref().and_then(|ladders| ladders.book.book().due())
    }

    /// Hands on what is complete.
    pub fn handle_timeout(&self, now: Instant) {
        let Some(Ladders { book, finished, metrics }) = &self.ladders else { return };
        loop {
            let Some(ladder) = book.book().take(now) else { return };
            if let Err(mpsc::error::TrySendError::Full(ladder) | mpsc::error::TrySendError::Closed(ladder)) = finished.try_send(ladder) {
                metrics.sip_ladder_dropped("queue");
                book.book().forget(&ladder.id);
            }
        }
    }

    /// Hands on everything, and waits for the queue: there is no more signalling to hold up.
    pub async fn close(self) {
        let Some(Ladders { book, finished, .. }) = self.ladders else { return };
        loop {
            let Some(ladder) = book.book().take_running() else { return };
            if finished.send(ladder).await.is_err() {
                return;
            }
        }
    }
}

fn tell(collector: &HepSender, message: &LadderMessage, call_id: &str) {
    let (from, to) = message.ends();
    let carrier = if message.transport == LadderTransport::Udp { Carrier::Udp } else { Carrier::Tcp };
    let payload = message.octets.expose();
    collector.tell(&Report { from, to, carrier, at: message.at, kind: ReportKind::Sip, correlation: call_id, payload });
}

const fn transport(transport: Transport) -> LadderTransport {
    match transport {
        Transport::Udp => LadderTransport::Udp,
        Transport::Tcp => LadderTransport::Tcp,
        Transport::Tls => LadderTransport::Tls,
        Transport::Ws => LadderTransport::Ws,
        Transport::Wss => LadderTransport::Wss,
    }
}
