//! A leg before and after the two sides have agreed on it (RFC 3264).
//!
//! Inbound: the far end's offer is answered at once, so that media may come before our 200 is acknowledged. Outbound, and
//! toward a caller who asks us to offer: our offer waits for an answer. A call that is tried by several lines is offered
//! on each by its own rules, and the answer says which of them hold. What is renegotiated later, by either side, passes
//! here too.

mod anew;
mod browser;
mod make;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::dtmf::Digit;
use media::egress::FlushScope;
use media::enhancement::Enhancement;
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::ingress::{IngressConfig, IngressStats};
use media::pipeline::PipelineError;
use media::rtcp::ReporterConfig;
use media::rtp::RtpSeed;
use media::sdp::{AnswerError, CodecPolicy, RemoteRule, SdpError, SessionDescription, TransportPolicy};
use media::transport::SourceRule;

use super::Leg;
use super::keypad::KeyRules;
use super::statistics::statistics;
use crate::domain::call_record::MediaStatistics;

/// A leg that may not be agreed on yet.
#[derive(Debug)]
pub struct PlannedLeg {
    plan: LegPlan,
    /// Until the first answer: what was offered on each line, in the order of trying.
    offered: Vec<(LineTerms, SessionDescription)>,
    leg: Option<Box<Leg>>,
    /// Our offer within the call that is not answered yet.
    reoffered: Option<SessionDescription>,
    /// The line that the call is to go on by, and what was offered on it.
    moving: Option<(LineTerms, SessionDescription)>,
    /// Somebody is shown reports.
    watched: bool,
}

/// What of a leg depends on who is at its other end.
#[derive(Clone, Debug)]
pub struct LineTerms {
    /// What we speak.
    pub codecs: CodecPolicy,
    /// Our address, and which of the far end's we take.
    pub transport: TransportPolicy,
    /// Whose packets we take.
    pub source: SourceRule,
}

/// What the far end's new offer, or its answer to ours, makes of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The far end is to send nothing.
    pub quiet: bool,
}

/// All that a leg needs but the far end's word.
#[derive(Clone, Debug)]
pub struct LegPlan {
    /// What we speak.
    pub codecs: CodecPolicy,
    /// Our address, and which of the far end's we take.
    pub transport: TransportPolicy,
    /// Whose packets we take.
    pub source: SourceRule,
    /// Where our RTP socket is bound.
    pub local_rtp: SocketAddr,
    /// Where our RTCP socket is bound.
    pub local_rtcp: SocketAddr,
    /// Where our stream begins.
    pub seed: RtpSeed,
    /// RTCP's settings.
    pub reporter: ReporterConfig,
    /// The longest that a gap in the sequence is waited for.
    pub gap_wait_max: Duration,
    /// What becomes of keys.
    pub keys: KeyRules,
    /// What is made of the caller's audio before the agent hears it.
    pub enhancement: Enhancement,
    /// What the agent hears and speaks.
    pub agent_format: AudioFormat,
}

/// Why a leg cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LegError {
    /// The far end's session description cannot be read.
    #[error("the session description cannot be read")]
    Sdp(#[from] SdpError),
    /// It can be read, but not agreed to.
    #[error("no agreement on the media")]
    Disagreed(#[from] AnswerError),
    /// No pipeline for the codec and the rates.
    #[error("no pipeline for this codec and these rates")]
    Pipeline(#[from] PipelineError),
    /// It is an answer to nothing that we offered.
    #[error("an answer without an offer")]
    NotOffered,
    /// What was agreed anew cannot be had: the line stays as it was.
    #[error("the line cannot be changed to what was agreed")]
    Unchanged,
}

impl PlannedLeg {
    /// Answers the far end's offer.
    ///
    /// # Errors
    /// When it cannot be read or agreed to.
    pub fn answering(now: Instant, plan: LegPlan, offer: &[u8]) -> Result<Self, LegError> {
        let offer = SessionDescription::parse(offer)?;
        let negotiated = media::sdp::answer(&offer, &plan.codecs, &plan.transport)?;
        let leg = Box::new(plan.leg(now, negotiated)?);
        Ok(Self { plan, offered: Vec::new(), leg: Some(leg), reoffered: None, moving: None, watched: false })
    }

    /// Offers on the plan's own line, and on `others` where the call is tried by these next; the texts are for their
    /// INVITEs, in the same order.
    #[must_use]
    pub fn offering(plan: LegPlan, others: Vec<LineTerms>) -> (Self, Vec<Bytes>) {
        let lines = std::iter::once(plan.terms()).chain(others);
        let offered: Vec<_> = lines.map(|terms| (media::sdp::offer(&terms.codecs, &terms.transport), terms)).collect();
        let texts = offered.iter().map(|(offer, _)| Bytes::from(offer.to_string())).collect();
        let offered = offered.into_iter().map(|(offer, terms)| (terms, offer)).collect();
        (Self { plan, offered, leg: None, reoffered: None, moving: None, watched: false }, texts)
    }

    /// Takes the far end's answer to our offer on a line, counted from 0. Once one was taken, others change nothing.
    ///
    /// # Errors
    /// When it cannot be read or agreed to.
    pub fn take_answer(&mut self, now: Instant, line: usize, answer: &[u8]) -> Result<(), LegError> {
        if self.leg.is_some() {
            return Ok(());
        }
        let offered = std::mem::take(&mut self.offered);
        let Some((terms, offer)) = offered.into_iter().nth(line) else { return Err(LegError::NotOffered) };
        let answer = SessionDescription::parse(answer)?;
        self.plan.take(terms);
        let negotiated = media::sdp::accept(&offer, &answer, &self.plan.codecs, &self.plan.transport)?;
        let leg = self.leg.insert(Box::new(self.plan.leg(now, negotiated)?));
        if self.watched {
            leg.watch_reports();
        }
        Ok(())
    }

    /// From now on reports are kept for [`Leg::poll_report`], as soon as there is a leg.
    pub fn watch_reports(&mut self) {
        self.watched = true;
        self.leg.as_mut().into_iter().for_each(|leg| leg.watch_reports());
    }

    /// The leg, once there is one.
    pub fn agreed(&mut self) -> Option<&mut Leg> {
        self.leg.as_deref_mut()
    }

    /// Our side of what was agreed; until then, what we offer.
    #[must_use]
    pub fn local_description(&self) -> Option<Bytes> {
        let offered = self.offered.first().map(|(_, offer)| offer);
        let local = self.leg.as_ref().map(|leg| &leg.negotiated().local).or(offered)?;
        Some(Bytes::from(local.to_string()))
    }

    /// Whether the two sides have agreed.
    #[must_use]
    pub const fn is_agreed(&self) -> bool {
        self.leg.is_some()
    }

    /// How the caller's audio fares; nothing before the two sides agree.
    #[must_use]
    pub fn ingress_stats(&self) -> Option<IngressStats> {
        self.leg.as_ref().map(|leg| leg.ingress_stats())
    }

    /// When the leg wants to be woken.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.leg.as_ref().and_then(|leg| leg.poll_timeout())
    }

    /// Another agent hears and speaks from here on, in this format; what the former was saying is all that will come of it.
    ///
    /// # Errors
    /// When there is no way between the line's rate and the agent's; the old format stays.
    pub fn hear_and_speak(&mut self, now: Instant, format: AudioFormat) -> Result<(), PipelineError> {
        if let Some(leg) = &mut self.leg {
            leg.hear_and_speak(now, format, format != self.plan.agent_format)?;
        }
        self.plan.agent_format = format;
        Ok(())
    }

    /// Takes audio of the agent; dropped while there is no leg.
    pub fn push(&mut self, now: Instant, item: ItemId, chunk: AudioChunk<'_>) {
        if let Some(leg) = &mut self.leg {
            // A full queue and a flushed item are told by the leg's events.
            let _ = leg.push(now, item, chunk);
        }
    }

    /// Somebody has understood words of the caller.
    pub fn note_words(&mut self, now: Instant) {
        if let Some(leg) = &mut self.leg {
            leg.note_words(now);
        }
    }

    /// What the agent says in this item is heard to its end.
    pub fn protect(&mut self, item: ItemId) {
        if let Some(leg) = &mut self.leg {
            leg.protect(item);
        }
    }

    /// No more audio of this item will come.
    pub fn end(&mut self, now: Instant, item: ItemId) {
        if let Some(leg) = &mut self.leg {
            leg.end(now, item);
        }
    }

    /// Throws away what the caller has not heard, and says how much that was.
    pub fn flush(&mut self, now: Instant, scope: FlushScope) -> Duration {
        let Some(leg) = &mut self.leg else { return Duration::ZERO };
        let before = leg.queued();
        leg.flush(now, scope, false);
        before.saturating_sub(leg.queued())
    }

    /// Takes a key that signalling brought; nobody's to hear before there is a leg.
    pub fn take_key(&mut self, now: Instant, digit: Digit, duration: Duration) {
        if let Some(leg) = &mut self.leg {
            leg.take_key(now, digit, duration);
        }
    }

    /// Opens the line at a slot of the grid.
    pub fn open(&mut self, now: Instant, grid: Instant) {
        if let Some(leg) = &mut self.leg {
            let first_slot = next_slot(grid, now, leg.negotiated().ptime);
            leg.open(now, first_slot);
        }
    }

    /// Says goodbye to the far end.
    pub fn close(&mut self, now: Instant) {
        if let Some(leg) = &mut self.leg {
            leg.close(now);
        }
    }

    /// How the audio has fared.
    #[must_use]
    pub fn statistics(&self) -> MediaStatistics {
        self.leg.as_deref().map(statistics).unwrap_or_default()
    }
}

impl LegPlan {
    /// A leg at `local_rtp`, with RTCP on the port above it, that takes the far end's address from signalling and its packets
    /// from there; keys and gaps by their defaults, and nothing made of the audio.
    #[must_use]
    pub fn new(codecs: CodecPolicy, local_rtp: SocketAddr, seed: RtpSeed, reporter: ReporterConfig, agent_format: AudioFormat) -> Self {
        Self {
            codecs,
            transport: TransportPolicy::new(local_rtp, 1, RemoteRule::Signalling(local_rtp.ip())),
            source: SourceRule::Address,
            local_rtp,
            local_rtcp: SocketAddr::new(local_rtp.ip(), local_rtp.port() + 1),
            seed,
            reporter,
            gap_wait_max: IngressConfig::GAP_WAIT_MAX,
            keys: KeyRules::default(),
            enhancement: Enhancement::default(),
            agent_format,
        }
    }

    fn terms(&self) -> LineTerms {
        LineTerms { codecs: self.codecs.clone(), transport: self.transport.clone(), source: self.source }
    }

    /// Terms of another line as they are on our port, and with what is wanted of the far end.
    fn on(&self, terms: &LineTerms) -> LineTerms {
        let mut terms = terms.clone();
        terms.transport.rtp.set_port(self.transport.rtp.port());
        terms.transport.direction = self.transport.direction;
        terms
    }

    fn take(&mut self, LineTerms { codecs, transport, source }: LineTerms) {
        (self.codecs, self.transport, self.source) = (codecs, transport, source);
    }
}

/// The first place on the grid of `step` through `grid` that is not before `now`.
fn next_slot(grid: Instant, now: Instant, step: Duration) -> Instant {
    if grid >= now || step.is_zero() {
        return grid;
    }
    let past = now.duration_since(grid).as_nanos();
    let steps = past.div_ceil(step.as_nanos());
    grid + Duration::from_nanos(u64::try_from(steps * step.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use media::codec::g711::Law;
    use media::codec::{Codec, rms_dbfs};
    use media::dtmf::{Cadence, Detector, DialError, DigitEvent, Edge, Generator, Levels, Source};
    use media::rtcp::NtpBase;
    use media::rtp::{RtpHeader, RtpPacket};
    use media::sdp::{Crypto, SrtpPolicy};
    use media::srtp::{CryptoSuite, KeySeed, MasterKey, Receiver};
    use media::transport::{Flow, Protocol, Transmit};
    use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

    use super::*;
    use crate::domain::media_statistics::AgentPlayback;
    use crate::leg::LegEvent;
    use crate::leg::keypad::SendDtmfError;

    const OURS: &str = "127.0.0.1:40000";

    fn plan(now: Instant) -> LegPlan {
        let rtp: SocketAddr = OURS.parse().unwrap();
        let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
        let codecs = CodecPolicy { telephone_event: false, ..CodecPolicy::new(vec![Codec::Pcmu]) };
        let reporter = ReporterConfig::new(seed.ssrc, "test".to_owned(), Codec::Pcmu, NtpBase { at: now, ntp: 0 }, 1);
        LegPlan { gap_wait_max: Duration::from_millis(40), ..LegPlan::new(codecs, rtp, seed, reporter, AudioFormat::Ulaw8k) }
    }

    fn offer(direction: &str) -> String {
        format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 50000 RTP/AVP 0\r\na={direction}\r\n")
    }

    /// RTP packets that go out in `slots` slots from `now` on.
    fn sent(leg: &mut PlannedLeg, now: &mut Instant, slots: u32) -> usize {
        let leg = leg.agreed().unwrap();
        let mut count = 0;
        for _ in 0..slots {
            *now += Duration::from_millis(20);
            leg.handle_timeout(*now);
            while leg.poll_audio().is_some() {}
            while let Some(transmit) = leg.poll_transmit() {
                count += usize::from(transmit.flow.local == OURS.parse::<SocketAddr>().unwrap());
            }
        }
        count
    }

    /// The header of the next slot's packet.
    fn next_header(leg: &mut PlannedLeg, now: &mut Instant) -> RtpHeader {
        *now += Duration::from_millis(20);
        let leg = leg.agreed().unwrap();
        leg.handle_timeout(*now);
        let mut header = None;
        while let Some(transmit) = leg.poll_transmit() {
            if transmit.flow.local == OURS.parse::<SocketAddr>().unwrap() {
                header = RtpPacket::parse(transmit.bytes).ok().map(|packet| packet.header);
            }
        }
        header.unwrap()
    }

    #[test]
    fn a_far_end_on_hold_is_sent_nothing_and_loses_nothing_the_agent_says() {
        let mut now = Instant::now();
        let mut leg = PlannedLeg::answering(now, plan(now), offer("sendrecv").as_bytes()).unwrap();
        leg.open(now, now);
        assert_eq!(sent(&mut leg, &mut now, 4), 5);
        let before = next_header(&mut leg, &mut now);
        let (_, agreement) = leg.take_reoffer(now, offer("sendonly").as_bytes()).unwrap();
        assert!(!agreement.quiet, "it still speaks: music on hold");
        leg.push(now, ItemId(1), AudioChunk { format: AudioFormat::Ulaw8k, bytes: &[0x10; 1_600] });
        assert_eq!(sent(&mut leg, &mut now, 50), 0);
        assert_eq!(leg.agreed().unwrap().queued(), Duration::from_millis(200));
        leg.take_reoffer(now, offer("sendrecv").as_bytes()).unwrap();
        let after = next_header(&mut leg, &mut now);
        let next = RtpHeader { sequence: before.sequence.next(), timestamp: before.timestamp.advance(51 * 160), marker: true, ..before };
        assert_eq!(after, next, "time went on, and nothing looks lost");
        assert_eq!(sent(&mut leg, &mut now, 19), 19);
        assert_eq!(leg.agreed().unwrap().queued(), Duration::ZERO);
    }

    #[test]
    fn a_far_end_that_we_hold_is_sent_noise_and_what_the_agent_says_waits_whole() {
        let mut now = Instant::now();
        let mut leg = PlannedLeg::answering(now, plan(now), offer("sendrecv").as_bytes()).unwrap();
        leg.open(now, now);
        assert!(leg.agreed().unwrap().hold(now, true) && !leg.agreed().unwrap().hold(now, true));
        leg.push(now, ItemId(1), AudioChunk { format: AudioFormat::Ulaw8k, bytes: &[0x10; 1_600] });
        assert_eq!(sent(&mut leg, &mut now, 50), 51, "the stream goes on");
        assert_eq!(leg.agreed().unwrap().queued(), Duration::from_millis(200));
        // An offer that changes nothing does not end our hold.
        leg.take_reoffer(now, offer("sendrecv").as_bytes()).unwrap();
        sent(&mut leg, &mut now, 10);
        assert_eq!(leg.agreed().unwrap().queued(), Duration::from_millis(200));
        assert!(leg.agreed().unwrap().hold(now, false));
        assert_eq!(sent(&mut leg, &mut now, 20), 20);
        assert_eq!(leg.agreed().unwrap().queued(), Duration::ZERO);
    }

    /// Hands the leg the far end's packet of this number at this time, and lets it do what is due.
    fn receive(leg: &mut PlannedLeg, now: Instant, n: u16) {
        let (sequence, timestamp) = (SequenceNumber(n), RtpTimestamp(u32::from(n) * 160));
        let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(9), marker: false };
        let mut datagram = Vec::new();
        RtpPacket { header, payload: &[0x30; 160] }.write(&mut datagram);
        let flow = Flow { protocol: Protocol::Udp, local: OURS.parse().unwrap(), remote: "127.0.0.1:50000".parse().unwrap() };
        let leg = leg.agreed().unwrap();
        leg.handle_timeout(now);
        assert!(leg.handle_datagram(now, flow, &datagram));
        while leg.poll_audio().is_some() {}
    }

    #[test]
    fn the_figures_of_a_call_stand_while_it_goes_on_and_count_what_came_too_late() {
        let start = Instant::now();
        let mut leg = PlannedLeg::answering(start, plan(start), offer("sendrecv").as_bytes()).unwrap();
        assert_eq!(leg.statistics().quality, None);
        let at = |n: u16| start + Duration::from_millis(20) * u32::from(n);
        (0..100).for_each(|n| receive(&mut leg, at(n), n));
        let clean = leg.statistics();
        assert_eq!(clean.quality.map(|quality| (quality.r_factor, quality.mos_listening)), Some((93.21, 4.41)));
        assert_eq!((clean.fraction_lost, clean.jitter_over_call.map(|jitter| jitter.max_ms)), (0.0, Some(0.0)));
        // One of ten never comes, and one of ten comes 280 ms late, when its time has been filled however long a gap waits.
        for n in (100..215u16).filter(|n| n % 10 != 0) {
            if n % 10 != 5 && n < 200 {
                receive(&mut leg, at(n), n);
            }
            if n % 10 == 9 && n >= 119 {
                receive(&mut leg, at(n), n - 14);
            }
        }
        let lossy = leg.statistics();
        assert_eq!((lossy.packets_lost, lossy.packets_late, lossy.fraction_lost), (10, 10, 0.05));
        let score = lossy.quality.unwrap().mos_listening;
        assert!((3.2..3.7).contains(&score), "a tenth was not heard: {score}");
        assert!(lossy.loss_pattern.unwrap().burst_density > 0.15, "{:?}", lossy.loss_pattern);
    }

    fn offer_protected(key: &MasterKey) -> String {
        format!("{}a=crypto:{}\r\n", offer("sendrecv").replace("RTP/AVP", "RTP/SAVP"), Crypto::new(1, key))
    }

    fn key_of(text: &[u8]) -> MasterKey {
        SessionDescription::parse(text).unwrap().media[0].crypto().next().unwrap().master_key().unwrap()
    }

    #[test]
    fn a_protected_call_is_protected_and_a_new_key_of_the_far_end_gets_a_new_one_of_ours() {
        let mut now = Instant::now();
        let key = |generation| MasterKey::generate(CryptoSuite::AeadAes128Gcm, &KeySeed::new([5; 32]), generation, 1);
        let mut plan = plan(now);
        plan.transport.srtp = SrtpPolicy::Required(KeySeed::new([6; 32]));
        let mut leg = PlannedLeg::answering(now, plan, offer_protected(&key(1)).as_bytes()).unwrap();
        let first = key_of(&leg.local_description().unwrap());
        leg.open(now, now);
        let opened_with = |leg: &mut PlannedLeg, key: &MasterKey, now: &mut Instant| {
            *now += Duration::from_millis(20);
            let (leg, mut receiver, mut out) = (leg.agreed().unwrap(), Receiver::new(key), Vec::new());
            leg.handle_timeout(*now);
            let mut opened = 0;
            while let Some(transmit) = leg.poll_transmit() {
                opened += usize::from(receiver.open_rtp(*now, transmit.bytes, &mut out).is_ok());
            }
            opened
        };
        assert_eq!(opened_with(&mut leg, &first, &mut now), 2);
        // The same offer again, as a refresh: nothing changes. Another key: ours is another, too.
        let (same, _) = leg.take_reoffer(now, offer_protected(&key(1)).as_bytes()).unwrap();
        assert_eq!(key_of(&same), first);
        assert_eq!(opened_with(&mut leg, &first, &mut now), 1);
        let (renewed, _) = leg.take_reoffer(now, offer_protected(&key(2)).as_bytes()).unwrap();
        assert_ne!(key_of(&renewed), first);
        assert_eq!(opened_with(&mut leg, &key_of(&renewed), &mut now), 1);
        // What would go on in clear is refused, and the call goes on as it was.
        assert!(leg.take_reoffer(now, offer("sendrecv").as_bytes()).is_none());
        assert_eq!(opened_with(&mut leg, &key_of(&renewed), &mut now), 1);
    }

    #[test]
    fn another_codec_and_packet_time_are_taken_in_mid_call_and_what_waits_goes_over() {
        let mut now = Instant::now();
        let mut plan = plan(now);
        plan.codecs.codecs = vec![Codec::Pcmu, Codec::Pcma];
        let mut leg = PlannedLeg::answering(now, plan, offer("sendrecv").as_bytes()).unwrap();
        leg.open(now, now);
        leg.push(now, ItemId(1), AudioChunk { format: AudioFormat::Ulaw8k, bytes: &[0x10; 3_200] });
        assert_eq!(sent(&mut leg, &mut now, 5), 6);
        let reoffer = offer("sendrecv").replace("RTP/AVP 0", "RTP/AVP 8") + "a=ptime:40\r\n";
        assert!(leg.take_reoffer(now, reoffer.as_bytes()).is_some());
        let agreed = leg.agreed().unwrap();
        assert_eq!((agreed.negotiated().codec, agreed.queued()), (Codec::Pcma, Duration::from_millis(400 - 6 * 20)));
        assert_eq!(sent(&mut leg, &mut now, 10), 5);
        assert_eq!(leg.agreed().unwrap().queued(), Duration::from_millis(400 - 6 * 20 - 5 * 40));
        leg.flush(now, FlushScope::All);
        let record = leg.statistics().playback;
        let expected = AgentPlayback { played_ms: 6 * 20 + 5 * 40 + 5, flushed_ms: 75, ..record };
        assert_eq!((record, record.underruns), (expected, 0), "5 ms of what is flushed fade out");
    }

    /// RTP headers that go out in `slots` slots from `now` on, and the sources that said goodbye.
    fn headers(leg: &mut PlannedLeg, now: &mut Instant, slots: u32) -> (Vec<RtpHeader>, Vec<u32>) {
        let (mut sent, mut gone) = (Vec::new(), Vec::new());
        let leg = leg.agreed().unwrap();
        for _ in 0..slots {
            *now += Duration::from_millis(20);
            leg.handle_timeout(*now);
            while leg.poll_audio().is_some() {}
            while let Some(Transmit { flow, bytes }) = leg.poll_transmit() {
                if flow.local == OURS.parse::<SocketAddr>().unwrap() {
                    sent.push(RtpPacket::parse(bytes).unwrap().header);
                } else if let Some([a, b, c, d]) =
                    bytes.windows(8).find_map(|at| (at[0] == 0x81 && at[1] == 203).then(|| [at[4], at[5], at[6], at[7]]))
                {
                    gone.push(u32::from_be_bytes([a, b, c, d]));
                }
            }
        }
        (sent, gone)
    }

    #[test]
    fn a_codec_of_another_clock_is_taken_in_mid_call_as_another_stream_and_what_waits_goes_over() {
        let mut now = Instant::now();
        let mut plan = plan(now);
        plan.codecs = CodecPolicy::new(vec![Codec::Pcmu, Codec::Opus]).leaving_out_silence(true);
        plan.agent_format = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
        let mut leg = PlannedLeg::answering(now, plan, offer("sendrecv").as_bytes()).unwrap();
        leg.open(now, now);
        leg.push(now, ItemId(1), AudioChunk { format: AudioFormat::S16 { rate: SampleRate::HZ_24000 }, bytes: &vec![1; 24 * 2 * 800] });
        leg.end(now, ItemId(1));
        let (before, _) = headers(&mut leg, &mut now, 5);
        let waiting = leg.agreed().unwrap().queued();
        let opus = offer("sendrecv").replace("RTP/AVP 0", "RTP/AVP 96") + "a=rtpmap:96 opus/48000/2\r\n";
        assert!(leg.take_reoffer(now, opus.as_bytes()).is_some());
        let goes_over = leg.agreed().unwrap().queued();
        assert!(waiting.abs_diff(goes_over) <= Duration::from_millis(20), "{waiting:?} became {goes_over:?}");
        let (after, gone) = headers(&mut leg, &mut now, 5);
        assert_eq!(gone, [before[0].ssrc.0], "the old stream says goodbye");
        assert!(
            after.iter().all(|header| header.ssrc == after[0].ssrc && header.ssrc != before[0].ssrc && header.payload_type.get() == 96)
        );
        assert!(after[0].marker && after.array_windows().all(|[one, next]| next.timestamp.since(one.timestamp) == 960));
        // And back again: a third stream.
        assert!(leg.take_reoffer(now, offer("sendrecv").as_bytes()).is_some());
        let (back, gone) = headers(&mut leg, &mut now, 5);
        assert_eq!(gone, [after[0].ssrc.0]);
        assert!(back.iter().all(|header| ![before[0].ssrc, after[0].ssrc].contains(&header.ssrc) && header.payload_type.get() == 0));
        assert!(back.array_windows().all(|[one, next]| next.timestamp.since(one.timestamp) == 160));
    }

    fn digits(keys: &str) -> Vec<Digit> {
        keys.chars().filter_map(Digit::new).collect()
    }

    /// A leg at `rtp` whose far end is at `far_port`, with telephone-events.
    fn leg_with_events(now: Instant, rtp: &str, far_port: u16, media: &str) -> PlannedLeg {
        let (mut plan, rtp) = (plan(now), rtp.parse::<SocketAddr>().unwrap());
        (plan.local_rtp, plan.local_rtcp, plan.transport.rtp) = (rtp, SocketAddr::new(rtp.ip(), rtp.port() + 1), rtp);
        plan.codecs = CodecPolicy::new(vec![Codec::Pcmu, Codec::Opus]);
        plan.agent_format = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
        let offer = offer("sendrecv").replace("m=audio 50000 RTP/AVP 0\r\n", &format!("m=audio {far_port} {media}"));
        let mut leg = PlannedLeg::answering(now, plan, offer.as_bytes()).unwrap();
        leg.open(now, now);
        leg
    }

    #[test]
    fn keys_that_one_leg_sends_another_tells_once_each_whatever_the_clocks() {
        let beside = [
            "RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            "RTP/AVP 0 13 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            "RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/48000\r\n",
            "RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 usedtx=1\r\na=rtpmap:101 telephone-event/8000\r\n",
        ];
        for media in beside {
            let start = Instant::now();
            let mut near = leg_with_events(start, OURS, 50_000, media);
            let mut far = leg_with_events(start, "127.0.0.1:50000", 40_000, media);
            let (near, far) = (near.agreed().unwrap(), far.agreed().unwrap());
            let (mut told, mut lengths) = (String::new(), Vec::new());
            for slot in 0..130 {
                let now = start + Duration::from_millis(20) * slot;
                near.handle_timeout(now);
                if slot == 30 {
                    near.send_dtmf(now, &digits("11#!")).unwrap();
                }
                far.handle_timeout(now);
                while near.poll_audio().is_some() || far.poll_audio().is_some() {}
                while let Some(Transmit { flow, bytes }) = near.poll_transmit() {
                    far.handle_datagram(now, Flow { local: flow.remote, remote: flow.local, ..flow }, bytes);
                }
                while let Some(event) = far.poll_event() {
                    match event {
                        LegEvent::Digit(event) if event.edge == Edge::Began => told.push(event.digit.key()),
                        LegEvent::Digit(event) => lengths.push(event.edge),
                        _ => {}
                    }
                }
            }
            assert_eq!(told, "11#!", "{media}");
            assert_eq!(lengths, [Edge::Ended { duration: Duration::from_millis(160) }; 4], "{media}");
        }
    }

    #[test]
    fn silence_is_left_out_where_both_sides_agree_and_keys_fill_it_for_as_long_as_they_last() {
        let opus = |fmtp| format!("RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\n{fmtp}a=rtpmap:101 telephone-event/48000\r\n");
        let events = "a=rtpmap:101 telephone-event/8000\r\n";
        let lines = [
            (format!("RTP/AVP 0 101\r\n{events}"), true, 100..=100),
            (format!("RTP/AVP 0 13 101\r\n{events}"), true, 10..=10),
            (format!("RTP/AVP 0 13 101\r\n{events}"), false, 100..=100),
            (opus(""), true, 100..=100),
            (opus("a=fmtp:96 usedtx=1\r\n"), true, 3..=12),
            (opus("a=fmtp:96 usedtx=1\r\n"), false, 100..=100),
        ];
        for (media, allowed, expected) in lines {
            let mut now = Instant::now();
            let mut plan = plan(now);
            plan.codecs = CodecPolicy::new(vec![Codec::Pcmu, Codec::Opus]).leaving_out_silence(allowed);
            let offer = offer("sendrecv").replace("RTP/AVP 0\r\n", &media);
            let mut leg = PlannedLeg::answering(now, plan, offer.as_bytes()).unwrap();
            leg.open(now, now);
            sent(&mut leg, &mut now, 50);
            let silent = sent(&mut leg, &mut now, 100);
            assert!(expected.contains(&silent), "{silent} packets of silence: {media}");
            leg.agreed().unwrap().send_dtmf(now, &digits("12")).unwrap();
            assert_eq!(sent(&mut leg, &mut now, 26), 26, "two keys and their pauses: {media}");
            // Behind the keys' pauses, which are without any noise, Opus takes the noise for speech for up to two seconds.
            sent(&mut leg, &mut now, 150);
            let silent = sent(&mut leg, &mut now, 100);
            assert!(expected.contains(&silent), "{silent} packets of silence after the keys: {media}");
            // An offer that takes the agreement back is obeyed.
            let plainly = media.replace(" 13", "").replace("usedtx=1", "usedtx=0");
            leg.take_reoffer(now, self::offer("sendrecv").replace("RTP/AVP 0\r\n", &plainly).as_bytes()).unwrap();
            assert_eq!(sent(&mut leg, &mut now, 100), 100, "{media}");
        }
    }

    #[test]
    fn what_the_agent_says_waits_for_keys() {
        let start = Instant::now();
        let mut leg = leg_with_events(start, OURS, 50_000, "RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n");
        let speech = vec![1; 24 * 2 * 600];
        leg.push(start, ItemId(1), AudioChunk { format: AudioFormat::S16 { rate: SampleRate::HZ_24000 }, bytes: &speech });
        let leg = leg.agreed().unwrap();
        leg.send_dtmf(start, &digits("12")).unwrap();
        let before = leg.queued();
        let mut now = start;
        let mut run = |leg: &mut Leg, slots: u32| {
            for _ in 0..slots {
                leg.handle_timeout(now);
                while leg.poll_audio().is_some() || leg.poll_transmit().is_some() {}
                now += Duration::from_millis(20);
            }
        };
        // Two keys and their pauses.
        run(leg, 2 * 13);
        assert!(before - leg.queued() <= Duration::from_millis(20), "{:?} of {before:?}", leg.queued());
        run(leg, 10);
        assert!(leg.queued() <= before - Duration::from_millis(180));
    }

    #[test]
    fn a_far_end_without_telephone_events_is_sent_tones() {
        let now = Instant::now();
        let mut leg = PlannedLeg::answering(now, plan(now), offer("sendrecv").as_bytes()).unwrap();
        leg.open(now, now);
        let leg = leg.agreed().unwrap();
        leg.send_dtmf(now, &digits("80*")).unwrap();
        let (mut detector, mut heard) = (Detector::new(SampleRate::HZ_8000), Vec::new());
        for slot in 0..50 {
            leg.handle_timeout(now + Duration::from_millis(20) * slot);
            while leg.poll_audio().is_some() {}
            while let Some(Transmit { bytes, .. }) = leg.poll_transmit() {
                let Ok(packet) = RtpPacket::parse(bytes) else { continue };
                let samples: Vec<i16> = packet.payload.iter().map(|&byte| Law::Mu.decode(byte)).collect();
                detector.push(&samples, &mut heard);
            }
        }
        let told: String = heard.iter().filter(|event| event.edge == Edge::Began).map(|event| event.digit.key()).collect();
        assert_eq!(told, "80*");
    }

    #[test]
    fn keys_that_come_as_tones_are_told_and_too_little_of_them_goes_on_to_be_read_again() {
        let start = Instant::now();
        let mut leg = PlannedLeg::answering(start, plan(start), offer("sendrecv").as_bytes()).unwrap();
        let (mut generator, mut line) = (Generator::new(SampleRate::HZ_8000, Levels::default()), vec![0_i16; 8_000]);
        generator.dial(&digits("42#"), Cadence::default()).unwrap();
        let written = generator.fill(line.get_mut(1_000..).unwrap());
        assert!(written > 6_000);
        let flow = Flow { protocol: Protocol::Udp, local: OURS.parse().unwrap(), remote: "127.0.0.1:50000".parse().unwrap() };
        let (mut told, mut agent) = (String::new(), Vec::new());
        for (n, samples) in line.chunks_exact(160).enumerate() {
            let payload: Vec<u8> = samples.iter().map(|&sample| Law::Mu.encode(sample)).collect();
            let (sequence, timestamp) = (SequenceNumber(n as u16), RtpTimestamp(n as u32 * 160));
            let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(9), marker: false };
            let mut datagram = Vec::new();
            RtpPacket { header, payload: &payload }.write(&mut datagram);
            let leg = leg.agreed().unwrap();
            assert!(leg.handle_datagram(start + Duration::from_millis(20) * n as u32, flow, &datagram));
            while let Some(chunk) = leg.poll_audio() {
                agent.extend(chunk.bytes.iter().map(|&byte| Law::Mu.decode(byte)));
            }
            while let Some(event) = leg.poll_event() {
                if let LegEvent::Digit(DigitEvent { digit, edge: Edge::Began, source, .. }) = event {
                    assert_eq!(source, Source::InBand);
                    told.push(digit.key());
                }
            }
        }
        assert_eq!((told.as_str(), agent.len()), ("42#", line.len()));
        let (mut detector, mut heard) = (Detector::new(SampleRate::HZ_8000), Vec::new());
        detector.push(&agent, &mut heard);
        assert_eq!(heard, []);
        let loud = agent.chunks(80).filter(|piece| rms_dbfs(piece) > -30.0).count();
        assert!(loud <= 3 * 2, "{loud} times 10 ms of three keys went on");
    }

    #[test]
    fn more_keys_than_fit_are_refused_whole_and_so_are_keys_to_a_far_end_that_holds() {
        let now = Instant::now();
        let mut leg = PlannedLeg::answering(now, plan(now), offer("sendrecv").as_bytes()).unwrap();
        let agreed = leg.agreed().unwrap();
        agreed.send_dtmf(now, &digits(&"1".repeat(60))).unwrap();
        assert_eq!(agreed.send_dtmf(now, &digits(&"1".repeat(20))), Err(SendDtmfError::TooMany(DialError { asked: 20, free: 4 })));
        leg.take_reoffer(now, offer("inactive").as_bytes()).unwrap();
        assert_eq!(leg.agreed().unwrap().send_dtmf(now, &digits("1")), Err(SendDtmfError::OnHold));
    }

    #[test]
    fn extended_reports_go_out_where_the_far_end_asks_for_them_and_only_there() {
        for (asks, expected) in [("a=rtcp-xr:voip-metrics rcvr-rtt=all\r\n", true), ("", false)] {
            let start = Instant::now();
            let mut leg = PlannedLeg::answering(start, plan(start), (offer("sendrecv") + asks).as_bytes()).unwrap();
            let mut extended = false;
            for n in 0..500 {
                receive(&mut leg, start + Duration::from_millis(20) * u32::from(n), n);
                while let Some(transmit) = leg.agreed().unwrap().poll_transmit() {
                    let words = transmit.bytes.as_chunks::<4>().0;
                    let is_report = matches!(transmit.bytes, [_, 192..=223, ..]);
                    extended |= is_report && words.iter().any(|[_, packet_type, ..]| *packet_type == 207);
                }
            }
            assert_eq!(extended, expected, "{asks}");
        }
    }

    #[test]
    fn a_slot_lies_on_the_grid_and_not_in_the_past() {
        let grid = Instant::now();
        let step = Duration::from_millis(20);
        assert_eq!(next_slot(grid, grid + Duration::from_millis(41), step), grid + Duration::from_millis(60));
        assert_eq!(next_slot(grid, grid + Duration::from_millis(40), step), grid + Duration::from_millis(40));
        assert_eq!(next_slot(grid + step, grid, step), grid + step);
    }
}
