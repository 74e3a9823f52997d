//! A leg that is listened to: a caller with one tone, an agent with another.

use std::f64::consts::TAU;

use media::codec::g711::encode_ulaw;
use media::codec::{Codec, rms_dbfs};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtcp::{NtpBase, ReporterConfig};
use media::rtp::{RtpHeader, RtpPacket, RtpSeed};
use media::sdp::CodecPolicy;
use media::transport::{Flow, Protocol};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

use super::super::plan::{LegPlan, PlannedLeg};
use super::super::{Leg, LegEvent};
use super::*;

const CALLER_HZ: f64 = 400.0;
const AGENT_HZ: f64 = 1_000.0;

/// A line in slots of 20 ms, over which the caller's packets take some time.
struct Bench {
    leg: PlannedLeg,
    now: Instant,
    slot: u64,
    link: Vec<(u64, u64)>,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        let offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 50000 RTP/AVP 0 101\r\n\
                     a=rtpmap:101 telephone-event/8000\r\n";
        let mut leg = PlannedLeg::answering(now, plan(now), offer.as_bytes()).unwrap();
        leg.open(now, now);
        Self { leg, now, slot: 0, link: Vec::new() }
    }

    fn leg(&mut self) -> &mut Leg {
        self.leg.agreed().unwrap()
    }

    /// Runs for so many slots; in slot n the caller says whether it speaks and how many milliseconds its packet takes,
    /// and the agent whether it speaks. Returns what a listener hears meanwhile.
    fn run(&mut self, slots: u64, listener: ListenerId, caller: impl Fn(u64) -> (bool, u64), agent: impl Fn(u64) -> bool) -> Vec<i16> {
        let mut heard = Vec::new();
        for _ in 0..slots {
            let n = self.slot;
            self.slot += 1;
            let (speaks, delay) = caller(n);
            self.link.push((n * 20 + delay, if speaks { n } else { u64::MAX - n }));
            self.link.sort_unstable();
            while let Some(&(at, packet)) = self.link.first().filter(|(at, _)| *at <= n * 20) {
                self.link.remove(0);
                let place = packet.min(u64::MAX - packet);
                self.receive(at, place, packet == place);
            }
            if agent(n) {
                let now = self.now;
                let bytes: Vec<u8> = (n * 160..n * 160 + 160).map(|n| encode_ulaw(tone(AGENT_HZ, n))).collect();
                self.leg.push(now, ItemId(1), AudioChunk { format: AudioFormat::Ulaw8k, bytes: &bytes });
            }
            let now = self.now;
            let leg = self.leg();
            leg.handle_timeout(now);
            while leg.poll_audio().is_some() {}
            while leg.poll_transmit().is_some() {}
            while let Some(frame) = leg.poll_heard(listener) {
                heard.extend_from_slice(frame.samples);
            }
            self.now += Duration::from_millis(20);
        }
        heard
    }

    /// The caller holds the 5; the report comes in a stream of its own, as some gateways have it.
    fn report_key(&mut self, n: u16, end: bool) {
        let duration = ((n + 1) * 160).to_be_bytes();
        let payload = [5, if end { 0x8a } else { 0x0a }, duration[0], duration[1]];
        let header = RtpHeader {
            payload_type: PayloadType::from_low_bits(101),
            sequence: SequenceNumber(n),
            timestamp: RtpTimestamp(1_000),
            ssrc: Ssrc(8),
            marker: n == 0,
        };
        let mut datagram = Vec::new();
        RtpPacket { header, payload: &payload }.write(&mut datagram);
        let flow = Flow { protocol: Protocol::Udp, local: ours(), remote: "127.0.0.1:50000".parse().unwrap() };
        let now = self.now;
        assert!(self.leg().handle_datagram(now, flow, &datagram), "a stream beside the audio's");
    }

    fn receive(&mut self, at_ms: u64, place: u64, speaks: bool) {
        let payload: Vec<u8> = (place * 160..place * 160 + 160).map(|n| encode_ulaw(if speaks { tone(CALLER_HZ, n) } else { 0 })).collect();
        let header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(place as u16),
            timestamp: RtpTimestamp((place * 160) as u32),
            ssrc: Ssrc(7),
            marker: false,
        };
        let mut datagram = Vec::new();
        RtpPacket { header, payload: &payload }.write(&mut datagram);
        let flow = Flow { protocol: Protocol::Udp, local: ours(), remote: "127.0.0.1:50000".parse().unwrap() };
        let late = Duration::from_millis((self.slot - 1) * 20 - at_ms);
        let at = self.now - late;
        assert!(self.leg().handle_datagram(at, flow, &datagram));
    }
}

fn ours() -> std::net::SocketAddr {
    "127.0.0.1:40000".parse().unwrap()
}

fn plan(now: Instant) -> LegPlan {
    let rtp = ours();
    let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
    let reporter = ReporterConfig::new(seed.ssrc, "test".to_owned(), Codec::Pcmu, NtpBase { at: now, ntp: 0 }, 1);
    let plan = LegPlan::new(CodecPolicy::new(vec![Codec::Pcmu]), rtp, seed, reporter, AudioFormat::Ulaw8k);
    LegPlan { gap_wait_max: Duration::from_millis(40), ..plan }
}

fn tone(hz: f64, n: u64) -> i16 {
    (8_000.0 * (n as f64 * hz * TAU / 8_000.0).sin()) as i16
}

/// How much of `audio` is the tone, in dBFS.
fn level_of(hz: f64, audio: &[i16], rate: SampleRate) -> f64 {
    let step = hz * TAU / f64::from(rate.hz());
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in audio.iter().enumerate() {
        re += f64::from(sample) * (n as f64 * step).cos();
        im += f64::from(sample) * (n as f64 * step).sin();
    }
    10.0 * (2.0 * (re * re + im * im) / (audio.len() as f64 * 32_768.0).powi(2)).log10()
}

/// The levels of the caller's tone and of the agent's.
fn levels(audio: &[i16], rate: SampleRate) -> (f64, f64) {
    (level_of(CALLER_HZ, audio, rate), level_of(AGENT_HZ, audio, rate))
}

/// The two channels apart.
fn apart(heard: &[i16]) -> (Vec<i16>, Vec<i16>) {
    heard.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
}

fn always(_: u64) -> bool {
    true
}

fn even(_: u64) -> (bool, u64) {
    (true, 5)
}

#[test]
fn a_listener_hears_whom_it_asked_for() {
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000] {
        for (mix, caller, agent) in [(ListenerMix::Caller, true, false), (ListenerMix::Agent, false, true), (ListenerMix::Both, true, true)]
        {
            let mut bench = Bench::new();
            let id = bench.leg().attach(ListenerSetup { rate, mix }).unwrap();
            bench.run(50, id, even, always);
            let heard = bench.run(50, id, even, always);
            assert_eq!(heard.len() as u64, rate.samples(Duration::from_secs(1)), "{mix:?} at {rate}");
            let found = levels(&heard, rate);
            assert_eq!((found.0 > -20.0, found.1 > -20.0), (caller, agent), "{mix:?} at {rate}: {found:?}");
        }
    }
}

#[test]
fn each_voice_stands_in_its_own_channel() {
    let (rate, mut bench) = (SampleRate::HZ_16000, Bench::new());
    let id = bench.leg().attach(ListenerSetup { rate, mix: ListenerMix::Separate }).unwrap();
    bench.run(50, id, even, always);
    let (left, right) = apart(&bench.run(50, id, even, always));
    let (caller, agent) = (levels(&left, rate), levels(&right, rate));
    assert!(caller.0 > -20.0 && caller.1 < -55.0, "{caller:?}");
    assert!(agent.1 > -20.0 && agent.0 < -55.0, "{agent:?}");
}

#[test]
fn what_is_said_together_is_heard_together_however_long_the_callers_words_wait() {
    for jitter in [0, 60, 150] {
        let (rate, mut bench) = (SampleRate::HZ_8000, Bench::new());
        let id = bench.leg().attach(ListenerSetup { rate, mix: ListenerMix::Separate }).unwrap();
        let delay = move |n: u64| if n.is_multiple_of(5) { 5 + jitter } else { 5 };
        // Long enough to know the line; then both pause, and both begin in the same slot.
        bench.run(150, id, |n| (true, delay(n)), |_| false);
        bench.run(50, id, |n| (false, delay(n)), |_| false);
        let (left, right) = apart(&bench.run(50, id, |n| (true, delay(n)), always));
        let begin = |audio: &[i16]| audio.chunks(40).position(|piece| rms_dbfs(piece) > -25.0).unwrap() as i64 * 5;
        let (caller, agent) = (begin(&left), begin(&right));
        let stats = bench.leg().listener_stats(id).unwrap();
        assert!((caller - agent).abs() <= 35, "caller at {caller} ms, agent at {agent} ms of {jitter} ms: {stats:?}");
        assert!(stats.caller.current >= Duration::from_millis(jitter), "{stats:?}");
    }
}

#[test]
fn nothing_is_kept_once_nobody_listens() {
    let mut bench = Bench::new();
    let setup = ListenerSetup { rate: SampleRate::HZ_8000, mix: ListenerMix::Both };
    let ids: Vec<_> = (0..MOST).map(|_| bench.leg().attach(setup).unwrap()).collect();
    assert!(matches!(bench.leg().attach(setup), Err(AttachError::Full { limit: MOST })));
    bench.run(10, ids[0], even, always);
    for id in ids {
        assert!(bench.leg().listener_stats(id).is_some());
        bench.leg().detach(id);
        assert!(bench.leg().poll_heard(id).is_none());
    }
    assert!(bench.leg().listeners.is_none());
    assert!(bench.leg().attach(setup).is_ok(), "there is room again");
}

#[test]
fn what_is_not_fetched_for_two_hundred_milliseconds_goes_the_oldest_first() {
    let mut bench = Bench::new();
    let setup = ListenerSetup { rate: SampleRate::HZ_8000, mix: ListenerMix::Caller };
    let (read, unread) = (bench.leg().attach(setup).unwrap(), bench.leg().attach(setup).unwrap());
    bench.run(30, read, even, always);
    let stats = bench.leg().listener_stats(unread).unwrap();
    assert_eq!((stats.frames, stats.frames_dropped), (30, 20));
    let first = bench.leg().poll_heard(unread).map(|frame| frame.position);
    assert_eq!(first, Some(20 * 160), "the place tells what is missing");
    let rest = std::iter::from_fn(|| bench.leg().poll_heard(unread).map(|frame| frame.samples.len())).count();
    assert_eq!(rest, 9);
}

#[test]
fn a_key_is_heard_by_nobody() {
    let (rate, mut bench) = (SampleRate::HZ_8000, Bench::new());
    let early = bench.leg().attach(ListenerSetup { rate, mix: ListenerMix::Caller }).unwrap();
    bench.run(50, early, even, always);
    let late = std::cell::OnceCell::new();
    let mut heard = Vec::new();
    // A gateway that makes events of tones leaves the tones in the audio.
    for n in 0..30u8 {
        bench.report_key(u16::from(n), false);
        if n == 10 {
            late.set(bench.leg().attach(ListenerSetup { rate, mix: ListenerMix::Caller }).unwrap()).unwrap();
        }
        heard.extend(bench.run(1, if n < 20 { early } else { late.get().copied().unwrap() }, even, always));
    }
    let settled = 10 * 160;
    assert!(levels(&heard[settled..20 * 160], rate).0 < -55.0, "{:?}", levels(&heard[settled..20 * 160], rate));
    assert!(levels(&heard[20 * 160..], rate).0 < -55.0, "who came meanwhile: {:?}", levels(&heard[20 * 160..], rate));
    bench.report_key(30, true);
    bench.run(15, early, even, always);
    assert!(levels(&bench.run(20, early, even, always), rate).0 > -20.0);
    let told: Vec<_> = std::iter::from_fn(|| bench.leg().poll_event()).filter(|event| matches!(event, LegEvent::Digit(_))).collect();
    assert_eq!(told.len(), 2, "pressed once and let go once: {told:?}");
}
