//! The keys of a leg, both ways: as telephone-events (RFC 4733), and as tones in the audio (ITU-T Q.23, Q.24).
//!
//! In: what comes either way is told once, and while a key is down nobody hears the caller, where that is wanted. Tones
//! are detected by the ingress, which hears the line before it is silenced. Out: events in the place of audio packets
//! where the far end takes them, tones otherwise; what the agent says waits meanwhile, so that none of it is lost.
//!
//! Keys that signalling brings (SIP INFO) are told once with the others. No way costs anything before its first key. Left
//! out on purpose: what a key means.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::dtmf::{
    Cadence, DialError, Digit, DigitEvent, Edge, Generator, Levels, Mask, Merger, Receiver, ReceiverOutput, Sender, Source, ToneEvent,
};
use media::egress::Egress;
use media::rtp::{RtpHeader, RtpPacket};
use media::sdp::Negotiated;
use media::units::{ClockRate, PayloadType, RtpTimestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LegEvent;

/// What becomes of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// When the audio is listened to for keys.
    pub tones: ToneRule,
    /// Whether the caller is silenced for the agent and for listeners while a key is down.
    pub hidden: bool,
}

/// When the audio is listened to for keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToneRule {
    /// Where the far end sends no telephone-events.
    #[default]
    WithoutEvents,
    /// Always: for far ends that agree to telephone-events and send tones.
    Always,
    /// Never.
    Never,
}

impl ToneRule {
    /// Whether audio is listened to beside telephone-events of this clock, or where there are none.
    const fn applies(self, events: Option<ClockRate>) -> bool {
        match self {
            Self::WithoutEvents => events.is_none(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Why keys are not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendDtmfError {
    /// The far end does not want to hear us.
    #[error("the far end is not listening")]
    OnHold,
    /// More than may wait.
    #[error(transparent)]
    TooMany(#[from] DialError),
}

/// The keys of both directions.
#[derive(Debug)]
pub(super) struct Keypad {
    rules: KeyRules,
    agreed: Agreed,
    inward: Option<Box<Inward>>,
    outward: Option<Box<Sender>>,
    /// When the last key that waits to be sent will have been.
    busy_until: Option<Instant>,
}

/// What the two sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Agreed {
    send: Option<PayloadType>,
    receive: Option<PayloadType>,
    /// Of events, where they were agreed on.
    events: Option<ClockRate>,
    /// Of audio.
    stream: ClockRate,
}

/// What hears keys; there is one from the first key on.
#[derive(Debug)]
struct Inward {
    receiver: Receiver,
    merger: Merger,
    mask: Mask,
    due: Option<Instant>,
}

impl Default for KeyRules {
    fn default() -> Self {
        Self { tones: ToneRule::default(), hidden: true }
    }
}

impl Keypad {
    pub(super) fn new(rules: KeyRules, negotiated: &Negotiated) -> Self {
        Self { rules, agreed: Agreed::of(negotiated), inward: None, outward: None, busy_until: None }
    }

    /// Takes what was agreed anew. Where that is something else a key that is down ends, and keys that wait are not sent.
    pub(super) fn renegotiate(&mut self, now: Instant, negotiated: &Negotiated, egress: &mut Egress, out: &mut VecDeque<LegEvent>) {
        let agreed = Agreed::of(negotiated);
        if agreed != self.agreed {
            self.close(now, out);
            if self.outward.is_some() && self.is_dialling(now) {
                // Nor is the silence that stands in their place.
                egress.clear_insertion();
                self.busy_until = None;
            }
            (self.agreed, self.inward, self.outward) = (agreed, None, None);
        }
    }

    /// Takes a packet; false when it is no telephone-event, and none of this file's business.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>, out: &mut VecDeque<LegEvent>) -> bool {
        if self.agreed.receive != Some(packet.header.payload_type) {
            return false;
        }
        let inward = self.inward();
        inward.receiver.handle_packet(now, packet);
        inward.drain(out);
        true
    }

    /// Takes a key that was heard in the audio; `timestamp` is that of its edge.
    pub(super) fn handle_tone(&mut self, now: Instant, tone: ToneEvent, timestamp: RtpTimestamp, out: &mut VecDeque<LegEvent>) {
        self.inward().tell(tone.heard(now, timestamp), out);
    }

    /// Takes a key that signalling brought, whole.
    pub(super) fn handle_signalled(&mut self, now: Instant, digit: Digit, duration: Duration, out: &mut VecDeque<LegEvent>) {
        for edge in [Edge::Began, Edge::Ended { duration }] {
            self.inward().tell(DigitEvent { digit, edge, source: Source::Signalled, at: now, timestamp: RtpTimestamp(0) }, out);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<LegEvent>) {
        if let Some(inward) = &mut self.inward {
            inward.receiver.handle_timeout(now);
            inward.drain(out);
        }
    }

    /// The call is over: what is down is let go.
    pub(super) fn close(&mut self, now: Instant, out: &mut VecDeque<LegEvent>) {
        if let Some(inward) = &mut self.inward {
            inward.receiver.close(now);
            inward.drain(out);
        }
    }

    /// Presses keys after those that wait. The agent's audio waits for as long as that takes.
    pub(super) fn dial(&mut self, now: Instant, egress: &mut Egress, digits: &[Digit]) -> Result<(), DialError> {
        let (cadence, ptime) = (Cadence::default(), egress.codec().ptime);
        // A key begins with a slot, so that each takes up whole ones.
        let slots = (cadence.tone() + cadence.pause()).as_nanos().div_ceil(ptime.as_nanos().max(1));
        let each = ptime * u32::try_from(slots).unwrap_or(u32::MAX);
        let waiting = self.busy_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let before = usize::try_from(waiting.as_nanos().div_ceil(each.as_nanos().max(1))).unwrap_or(usize::MAX);
        let free = Sender::BOUND.saturating_sub(before);
        if digits.len() > free {
            return Err(DialError { asked: digits.len(), free });
        }
        let as_events = self.agreed.events.zip(self.agreed.send);
        if let Some((events, payload_type)) = as_events {
            let stream = self.agreed.stream;
            let sender = self.outward.get_or_insert_with(|| Box::new(Sender::new(payload_type, events).in_stream_of(stream)));
            sender.dial_at(digits, cadence)?;
        }
        insert(now, egress, digits, cadence, each, as_events.is_none())?;
        self.busy_until = Some(now + waiting + each * u32::try_from(digits.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    /// What goes in the place of an audio packet of so many ticks.
    pub(super) fn replace(&mut self, audio: &RtpHeader, ticks: u32) -> Option<RtpPacket<'_>> {
        self.outward.as_mut()?.replace(audio, ticks)
    }

    /// Whether keys are being sent.
    pub(super) fn is_dialling(&self, now: Instant) -> bool {
        self.busy_until.is_some_and(|until| now < until) || self.outward.as_ref().is_some_and(|sender| !sender.is_idle())
    }

    /// Whether the audio is to be listened to for keys.
    pub(super) const fn wants_tones(&self) -> bool {
        self.rules.tones.applies(self.agreed.events)
    }

    /// Whether it will be, once this is agreed on.
    pub(super) const fn will_want_tones(&self, negotiated: &Negotiated) -> bool {
        self.rules.tones.applies(negotiated.telephone_event_clock)
    }

    /// Whether nobody else shall hear keys.
    pub(super) const fn hides(&self) -> bool {
        self.rules.hidden
    }

    /// Whether nobody shall hear the caller now.
    pub(super) fn is_muted(&self, now: Instant) -> bool {
        self.rules.hidden && self.inward.as_ref().is_some_and(|inward| inward.mask.is_muted(now))
    }

    /// The payload type of events that come.
    pub(super) const fn receives(&self) -> Option<PayloadType> {
        self.agreed.receive
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.inward.as_ref().and_then(|inward| inward.due)
    }

    fn inward(&mut self) -> &mut Inward {
        let clock = self.agreed.events.unwrap_or(self.agreed.stream);
        self.inward.get_or_insert_with(|| {
            Box::new(Inward { receiver: Receiver::new(clock), merger: Merger::new(), mask: Mask::new(clock), due: None })
        })
    }
}

impl Inward {
    fn drain(&mut self, out: &mut VecDeque<LegEvent>) {
        self.due = loop {
            match self.receiver.poll_output() {
                ReceiverOutput::Event(event) => self.tell(event, out),
                ReceiverOutput::Timeout(due) => break due,
            }
        };
    }

    /// A key of any source: told unless another has told it.
    fn tell(&mut self, event: DigitEvent, out: &mut VecDeque<LegEvent>) {
        self.mask.handle(&event);
        if self.merger.admit(&event) {
            out.push_back(LegEvent::Digit(event));
        }
    }
}

impl Agreed {
    fn of(negotiated: &Negotiated) -> Self {
        Self {
            send: negotiated.send_payload_types.telephone_event,
            receive: negotiated.receive_payload_types.telephone_event,
            events: negotiated.telephone_event_clock,
            stream: negotiated.codec.clock_rate(),
        }
    }
}

/// Puts the tones of `digits`, each with its pause `each` long, or as much silence, in the place of the agent's audio.
fn insert(now: Instant, egress: &mut Egress, digits: &[Digit], cadence: Cadence, each: Duration, audible: bool) -> Result<(), DialError> {
    let rate = egress.sample_rate();
    let mut generator = Generator::new(rate, Levels::default());
    let mut sound = vec![0; rate.samples(each) as usize];
    for &digit in digits {
        sound.fill(0);
        if audible {
            generator.dial(&[digit], cadence)?;
            generator.fill(&mut sound);
        }
        // There is room for the most that may wait: 64 times 300 ms.
        egress.insert(now, &sound);
    }
    Ok(())
}
