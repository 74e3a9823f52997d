//! The phone itself, without a socket or a clock: one call, from INVITE to the answer of its BYE.
//!
//! Its timers: patience while it rings, the first key after the answer, the end of the talk. Left out on purpose: calls to it
//! (486), and what a far end offers anew within the call (488: the call goes on as it was).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::rtcp::ReporterConfig;
use media::sdp::{self, CodecPolicy, Negotiated, RemoteRule, SessionDescription, TransportPolicy};
use media::transport::{Flow, PathConfig, Protocol, SourceRule};
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, InviteOptions, OutgoingInvite, Output};
use sip::header::{NameAddr, StatusCode, Uri};

use super::PhoneError;
use super::analysis;
use super::line::{Line, LineSetup};
use super::report::{CallEnd, PhoneReport};
use super::setup::{Datagram, PhoneOutput, PhoneSetup};

/// A telephone in the middle of its one call. After any input poll [`Phone::poll_output`] until it is no datagram any more.
pub struct Phone {
    setup: PhoneSetup,
    endpoint: Endpoint,
    invite: InviteId,
    codecs: CodecPolicy,
    transport: TransportPolicy,
    offer: SessionDescription,
    stage: Stage,
    started: Instant,
    setup_time: Option<Duration>,
    line: Option<Line>,
    end: Option<CallEnd>,
    keys_refused: bool,
    outbox: VecDeque<Datagram>,
    signalling_due: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// INVITE is out; given up at the instant.
    Calling { until: Instant },
    /// Answered; hung up at the instant.
    Talking { dial_at: Option<Instant>, until: Instant },
    /// BYE or CANCEL is out, or the far end's BYE came.
    Leaving,
    /// Nothing will come any more.
    Over,
}

impl Phone {
    /// Calls.
    ///
    /// # Errors
    /// When the target is not a SIP URI.
    pub fn call(now: Instant, setup: PhoneSetup) -> Result<Self, PhoneError> {
        let codecs = CodecPolicy::new(setup.codecs.clone());
        let remote = RemoteRule::Signalling(setup.remote_sip.ip());
        let transport = TransportPolicy::new(setup.local_rtp, setup.seeds.session, remote);
        let offer = sdp::offer(&codecs, &transport);
        let own = Uri::parse(&format!("sip:phone@{}", setup.local_sip))?;
        let mut endpoint = Endpoint::new(EndpointConfig {
            user_agent: concat!("auricle-phone/", env!("CARGO_PKG_VERSION")).to_owned(),
            seed: setup.seeds.identifiers,
            ..EndpointConfig::default()
        });
        let invite = endpoint.invite(
            now,
            OutgoingInvite {
                flow: sip::transport::Flow::udp(setup.local_sip, setup.remote_sip),
                alternatives: Vec::new(),
                registered: false,
                request_uri: setup.target.clone(),
                from: NameAddr::from(own.clone()),
                to: NameAddr::from(setup.target.clone()),
                contact: own,
                account: None,
                asserted: None,
                body: Bytes::from(offer.to_string()),
                options: InviteOptions::default(),
            },
        )?;
        let mut phone = Self {
            stage: Stage::Calling { until: now + setup.patience },
            setup,
            endpoint,
            invite,
            codecs,
            transport,
            offer,
            started: now,
            setup_time: None,
            line: None,
            end: None,
            keys_refused: false,
            outbox: VecDeque::new(),
            signalling_due: None,
        };
        phone.drain(now);
        Ok(phone)
    }

    /// Takes a datagram that came to `local`, one of our sockets.
    pub fn handle_datagram(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr, datagram: &[u8]) {
        if local == self.setup.local_sip {
            self.endpoint.handle_message(now, sip::transport::Flow::udp(local, remote), Bytes::copy_from_slice(datagram));
        } else if let (Stage::Talking { .. }, Some(line)) = (self.stage, &mut self.line) {
            line.handle_datagram(now, Flow { protocol: Protocol::Udp, local, remote }, datagram);
        }
        self.drain(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        match self.stage {
            Stage::Calling { until } if until <= now => self.leave(now, CallEnd::Unanswered),
            Stage::Talking { until, .. } if until <= now => self.leave(now, CallEnd::Completed),
            Stage::Talking { dial_at, until } => {
                if let Some(line) = &mut self.line {
                    if dial_at.is_some_and(|at| at <= now) {
                        self.keys_refused = !line.dial(&self.setup.digits);
                        self.stage = Stage::Talking { dial_at: None, until };
                    }
                    line.handle_timeout(now);
                }
            }
            Stage::Calling { .. } | Stage::Leaving | Stage::Over => {}
        }
        self.drain(now);
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> PhoneOutput {
        if let Some(datagram) = self.outbox.pop_front() {
            return PhoneOutput::Transmit(datagram);
        }
        let (own, line) = match self.stage {
            Stage::Calling { until } => (Some(until), None),
            Stage::Talking { dial_at, until } => {
                (Some(dial_at.map_or(until, |at| at.min(until))), self.line.as_ref().and_then(Line::poll_timeout))
            }
            Stage::Leaving => (None, None),
            Stage::Over => return PhoneOutput::Over,
        };
        PhoneOutput::Timeout([own, line, self.signalling_due].into_iter().flatten().min())
    }

    /// What was heard since the answer, at 8 kHz.
    #[must_use]
    pub fn recording(&self) -> &[i16] {
        self.line.as_ref().map_or(&[], Line::heard)
    }

    /// What the call has come to so far; takes some milliseconds to reckon.
    #[must_use]
    pub fn report(&self) -> PhoneReport {
        let heard = self.recording();
        let stats = self.line.as_ref().map(Line::stats).unwrap_or_default();
        PhoneReport {
            setup_ms: self.setup_time.map(whole_ms),
            first_audio_ms: analysis::first_active(heard).map(whole_ms),
            packets_sent: stats.packets_sent,
            packets_received: stats.packets_received,
            lost: stats.lost,
            jitter_ms: (stats.packets_received > 0).then(|| rounded(stats.jitter_ms, 3)),
            codec: self.line.as_ref().map(|line| line.codec().name()),
            rms_dbfs: analysis::active_level_dbfs(heard).map(|level| rounded(level.into(), 1)),
            correlation: self
                .line
                .as_ref()
                .and_then(|line| analysis::correlation(line.sent(), heard))
                .map(|correlation| rounded(correlation.into(), 3)),
            end: self.end.unwrap_or(CallEnd::Unanswered),
            keys_refused: self.keys_refused,
        }
    }

    fn drain(&mut self, now: Instant) {
        self.signalling_due = loop {
            match self.endpoint.poll_output() {
                Output::Transmit(sip) => {
                    self.outbox.push_back(Datagram { local: sip.flow.local, remote: sip.flow.remote, bytes: sip.bytes });
                }
                Output::Event(event) => self.handle_event(now, event),
                Output::Timeout(due) => break due,
            }
        };
        if let Some(line) = &mut self.line {
            line.take_transmits(&mut self.outbox);
        }
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        if let Event::Incoming { id, .. } = event {
            self.endpoint.reject(now, id, StatusCode::BUSY_HERE, None);
        }
        if event.id() != self.invite {
            return;
        }
        match event {
            Event::Answered { sdp, .. } => self.handle_answer(now, &sdp),
            Event::Offered { id, offer, .. } => self.endpoint.reject_offer(now, id, offer, StatusCode::NOT_ACCEPTABLE_HERE),
            Event::Refused { status, .. } => self.end = Some(CallEnd::Refused(status.code())),
            Event::TimedOut { .. } | Event::Unreachable { .. } => self.end = Some(CallEnd::Unreachable),
            Event::HungUp { .. } => {
                self.end = Some(CallEnd::RemoteHungUp);
                self.close_line(now);
            }
            Event::Ended { .. } => self.stage = Stage::Over,
            // The rest tells of ringing, or happens to who is called.
            _ => {}
        }
    }

    fn handle_answer(&mut self, now: Instant, answer: &[u8]) {
        match self.agree(answer).and_then(|negotiated| self.open_line(now, &negotiated)) {
            Some(line) => {
                self.line = Some(line);
                self.setup_time = Some(now.saturating_duration_since(self.started));
                let dial_at = (!self.setup.digits.is_empty()).then(|| now + FIRST_KEY);
                self.stage = Stage::Talking { dial_at, until: now + self.setup.talk };
            }
            None => self.leave(now, CallEnd::NoAgreement),
        }
    }

    fn agree(&self, answer: &[u8]) -> Option<Negotiated> {
        let answer = SessionDescription::parse(answer).ok()?;
        sdp::accept(&self.offer, &answer, &self.codecs, &self.transport).ok()
    }

    fn open_line(&mut self, now: Instant, negotiated: &Negotiated) -> Option<Line> {
        let PhoneSetup { local_rtp, local_rtcp, seeds, ntp, talk, .. } = self.setup;
        let cname = format!("{:016x}", seeds.session);
        let reporter = ReporterConfig::new(seeds.rtp.ssrc, cname, negotiated.codec, ntp, seeds.reports).agreed(negotiated);
        let local_rtcp = if negotiated.rtcp_mux { local_rtp } else { local_rtcp };
        let sockets = PathConfig { local_rtp, local_rtcp, source: SourceRule::Address };
        Line::open(
            now,
            LineSetup { negotiated, sockets, seed: seeds.rtp, reporter, play: std::mem::take(&mut self.setup.play), longest: talk },
        )
        .ok()
    }

    /// Hangs up, for this reason.
    fn leave(&mut self, now: Instant, end: CallEnd) {
        self.end = Some(end);
        self.endpoint.hang_up(now, self.invite);
        self.close_line(now);
    }

    fn close_line(&mut self, now: Instant) {
        self.stage = Stage::Leaving;
        if let Some(line) = &mut self.line {
            line.close(now);
        }
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}

/// From the answer to the first key: by then the far end listens.
const FIRST_KEY: Duration = Duration::from_millis(500);
