//! The telephone side of a call: one transport and both pipelines, without a socket.
//!
//! A [`Leg`] takes datagrams and gives caller audio; it takes agent audio and gives datagrams, one every slot once the
//! line is open. RTCP runs beside them. The order of the stages stands in `media::ingress` and `media::egress`.
//! After any input poll `poll_audio`, `poll_event`, `poll_transmit` until each is empty, then `poll_timeout`.

mod agreement;
mod attach;
mod browser;
pub mod browser_config;
pub mod codecs;
pub mod config;
mod dtmf;
pub mod hearing;
pub mod keypad;
pub mod line_rules;
pub mod listeners;
pub mod plan;
pub mod reports;
mod silence;
mod speaking;
mod statistics;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::dtmf::DigitEvent;
use media::egress::{Egress, EgressCodec, EgressConfig, EgressEvent, EgressOutput};
use media::enhancement::Enhancement;
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::ingress::{Ingress, IngressConfig, IngressOutput, IngressStats};
use media::pipeline::PipelineError;
use media::rtcp::{Reporter, ReporterConfig};
use media::rtp::RtpSeed;
use media::sdp::Negotiated;
use media::transport::{Flow, Inbound, Transmit, Transport};
use media::units::Ssrc;

use agreement::egress_codec;
use dtmf::hear_tones;
use keypad::{KeyRules, Keypad};
use listeners::Listeners;
use reports::{ReportWatch, heed_reports, playout};
use silence::Silence;

/// One telephone leg.
#[derive(Debug)]
pub struct Leg {
    transport: Transport,
    ingress: Ingress,
    egress: Egress,
    reporter: Reporter,
    keypad: Keypad,
    negotiated: Negotiated,
    /// Where our stream began.
    seed: RtpSeed,
    events: VecDeque<LegEvent>,
    seen: Seen,
    due: Due,
    /// What hears the line; nothing where nobody asked for it.
    hearing: Option<Box<hearing::Hearing>>,
    /// Whoever is shown reports; nothing while nobody is.
    watch: Option<Box<ReportWatch>>,
    /// Whoever listens; nothing while nobody does.
    listeners: Option<Box<Listeners>>,
    /// A key is pressed that nobody shall hear.
    muted: bool,
    /// We have put the far end on hold.
    held: bool,
    /// What goes out while the agent says nothing.
    silence: Silence,
    /// The stream of the far end's audio.
    heard: Option<Ssrc>,
    /// What of the agent's nobody interrupts.
    protected: Option<ItemId>,
}

/// How a leg is made.
#[derive(Debug)]
pub struct LegSetup {
    /// What was agreed with the far end.
    pub negotiated: Negotiated,
    /// The packets' way in and out.
    pub transport: Transport,
    /// Where our stream begins.
    pub seed: RtpSeed,
    /// RTCP's settings.
    pub reporter: ReporterConfig,
    /// The longest that a gap in the sequence is waited for.
    pub gap_wait_max: Duration,
    /// What becomes of keys.
    pub keys: KeyRules,
    /// Whether silence is left out toward a far end that agreed to that.
    pub silence_suppression: bool,
    /// What is made of the caller's audio before the agent hears it.
    pub enhancement: Enhancement,
    /// What the agent hears.
    pub agent_hears: AudioFormat,
    /// What the agent speaks.
    pub agent_speaks: AudioFormat,
}

/// What a leg has to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LegEvent {
    /// The first valid packet came.
    FirstRtpIn,
    /// The first packet went.
    FirstRtpOut,
    /// The caller pressed a key, or let it go.
    Digit(DigitEvent),
    /// Something about the agent's audio.
    Egress(EgressEvent),
    /// A turn begins, ends, or is in doubt; for a doubt the agent is paused already.
    Turn(media::barge_in::Decision),
    /// The line has a fault.
    Fault(media::analysis::Warning),
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    rtp_in: bool,
    rtp_out: bool,
}

/// When each part wants to be woken.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    ingress: Option<Instant>,
    egress: Option<Instant>,
    reporter: Option<Instant>,
}

impl Leg {
    /// A leg whose line is not open yet: it hears, but does not speak.
    ///
    /// # Errors
    /// When no resampler exists between the leg's rate and the agent's.
    pub fn new(now: Instant, setup: LegSetup) -> Result<Self, PipelineError> {
        let LegSetup {
            negotiated,
            transport,
            seed,
            reporter,
            gap_wait_max,
            keys,
            silence_suppression,
            enhancement,
            agent_hears,
            agent_speaks,
        } = setup;
        let ingress = IngressConfig::new(negotiated.codec, negotiated.receive_payload_types, agent_hears);
        let ingress = Ingress::new(IngressConfig { gap_wait_max, enhancement, ..ingress })?;
        let egress = Egress::new(EgressConfig::new(egress_codec(&negotiated), agent_speaks, seed))?;
        let mut reporter = Reporter::new(now, reporter.agreed(&negotiated));
        reporter.set_playout(playout(negotiated.ptime, gap_wait_max));
        let keypad = Keypad::new(keys, &negotiated);
        let mut leg = Self {
            transport,
            ingress,
            egress,
            reporter,
            keypad,
            negotiated,
            seed,
            events: VecDeque::with_capacity(4),
            seen: Seen::default(),
            due: Due::default(),
            watch: None,
            listeners: None,
            muted: false,
            held: false,
            silence: Silence::new(silence_suppression),
            heard: None,
            protected: None,
            hearing: None,
        };
        leg.obey_keys();
        leg.obey_silence(false);
        leg.obey_direction(now);
        leg.settle_listeners();
        Ok(leg)
    }

    /// Takes a datagram. True when it held valid RTP.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> bool {
        if self.transport.handle_datagram(now, flow, datagram).is_err() {
            // Counted by the transport; a bad packet is no reason to do anything else.
            return false;
        }
        let mut rtp = false;
        while let Some(inbound) = self.transport.poll_inbound() {
            match inbound {
                Inbound::Rtp(packet) => {
                    rtp = true;
                    let is_event = self.keypad.handle_packet(now, &packet, &mut self.events);
                    if is_event && self.heard.is_some_and(|heard| heard != packet.header.ssrc) {
                        // Keys in a stream of their own, of which the audio's books know nothing.
                        continue;
                    }
                    self.heard = Some(packet.header.ssrc);
                    self.muted = self.keypad.is_muted(now);
                    self.ingress.mute(self.muted);
                    self.reporter.handle_rtp_received(now, &packet);
                    let late = self.ingress.late();
                    self.ingress.handle_packet(now, &packet);
                    if self.ingress.late() > late {
                        self.reporter.handle_rtp_discarded(&packet.header);
                    }
                    hear_tones(now, &mut self.ingress, &mut self.keypad, &mut self.events);
                    self.muted = self.keypad.is_muted(now);
                    // While on hold, what still comes is nobody's to hear.
                    if let Some(listeners) = self.listeners.as_mut().filter(|_| self.negotiated.receive && !self.held) {
                        listeners.mute(self.muted || self.ingress.hides_tone());
                        listeners.handle_packet(now, &packet);
                    }
                }
                Inbound::Rtcp(compound) => {
                    Self::see_report(&mut self.watch, now, flow, compound);
                    // A malformed report is dropped; the next one will do.
                    let _ = self.reporter.handle_rtcp(now, compound);
                    heed_reports(&self.reporter, &mut self.egress);
                }
            }
        }
        if rtp {
            self.hear(now);
        }
        if rtp && !self.seen.rtp_in {
            self.seen.rtp_in = true;
            self.events.push_back(LegEvent::FirstRtpIn);
        }
        self.drain_reporter(now);
        rtp
    }

    /// Opens the line: from `first_slot` on one packet a slot goes out.
    pub fn open(&mut self, now: Instant, first_slot: Instant) {
        self.egress.start(first_slot);
        self.drain_egress(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.due.egress) {
            self.egress.handle_timeout(now);
            self.drain_egress(now);
            self.note_slot(now);
        }
        if is_due(self.due.ingress) {
            self.ingress.handle_timeout(now);
            hear_tones(now, &mut self.ingress, &mut self.keypad, &mut self.events);
        }
        if self.hearing.is_some() {
            self.hear(now);
        }
        if is_due(self.due.reporter) {
            self.reporter.handle_timeout(now);
        }
        if is_due(self.keypad.poll_timeout()) {
            self.keypad.handle_timeout(now, &mut self.events);
        }
        if is_due(self.transport.poll_timeout()) {
            self.transport.handle_timeout(now);
        }
        self.drain_reporter(now);
    }

    /// The far end has gone: one last report.
    pub fn close(&mut self, now: Instant) {
        self.close_tones(now);
        self.keypad.close(now, &mut self.events);
        self.reporter.goodbye(now, "call ended");
        self.drain_reporter(now);
        if let Some(browser) = self.browser_mut() {
            browser.close(now);
        }
    }

    /// Caller audio for the agent.
    pub fn poll_audio(&mut self) -> Option<AudioChunk<'_>> {
        match self.ingress.poll_output() {
            IngressOutput::Audio(chunk) => Some(chunk),
            IngressOutput::Timeout(due) => {
                self.due.ingress = due;
                None
            }
            IngressOutput::Tap(_) => None,
        }
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<LegEvent> {
        self.events.pop_front()
    }

    /// A datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.transport.poll_transmit()
    }

    /// When [`Self::handle_timeout`] wants to be called; up to date once `poll_audio` has answered with nothing.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let Due { ingress, egress, reporter } = self.due;
        let hearing = self.hearing.as_ref().and_then(|hearing| hearing.poll_timeout());
        [hearing, ingress, egress, reporter, self.keypad.poll_timeout(), self.transport.poll_timeout()].into_iter().flatten().min()
    }

    /// What was agreed with the far end.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// How the caller's audio fares, to the packet and the sample.
    #[must_use]
    pub fn ingress_stats(&self) -> IngressStats {
        self.ingress.stats()
    }

    /// Packets go out as they come from the egress, noted by RTCP on their way.
    fn drain_egress(&mut self, now: Instant) {
        let EgressCodec { codec, ptime, .. } = self.egress.codec();
        let ticks = u32::try_from(codec.clock_rate().ticks(ptime)).unwrap_or(u32::MAX);
        loop {
            match self.egress.poll_output() {
                EgressOutput::Packet(packet) => {
                    if let Some(listeners) = &mut self.listeners {
                        listeners.handle_slot(now);
                    }
                    if !self.seen.rtp_out {
                        self.seen.rtp_out = true;
                        self.events.push_back(LegEvent::FirstRtpOut);
                    }
                    let packet = self.keypad.replace(&packet.header, ticks).unwrap_or(packet);
                    self.reporter.handle_rtp_sent(now, &packet);
                    self.transport.send_rtp(now, &packet);
                }
                EgressOutput::Event(event) => {
                    self.note_end(&event);
                    self.events.push_back(LegEvent::Egress(event));
                }
                EgressOutput::Tap(frame) => {
                    self.ingress.handle_sent(&frame);
                    if let Some(hearing) = &mut self.hearing {
                        hearing.handle_sent(&frame);
                    }
                    if let Some(listeners) = &mut self.listeners {
                        listeners.handle_reference(&frame);
                    }
                }
                EgressOutput::Silent(_) => {
                    self.ingress.handle_silent_slot(ptime);
                    if let Some(hearing) = &mut self.hearing {
                        hearing.handle_silent_slot(ptime);
                    }
                    if let Some(listeners) = &mut self.listeners {
                        listeners.handle_slot(now);
                    }
                }
                EgressOutput::Timeout(due) => {
                    self.due.egress = due;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "cancelling_tests.rs"]
mod cancelling_tests;
