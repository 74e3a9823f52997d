//! One queue for every codec: what the far end decodes, what a change in the middle of a call keeps, what is tapped and inserted.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use media::codec::{Codec, Decoder, rms_dbfs};
use media::egress::{Egress, EgressCodec, EgressConfig, EgressEvent, EgressOutput, FlushScope, FrameContent, ItemPosition};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::pipeline::PipelineError;
use media::rtp::{RtpHeader, RtpSeed};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const A: ItemId = ItemId(1);
const B: ItemId = ItemId(2);
const AGENT: SampleRate = SampleRate::HZ_24000;
const INPUT: AudioFormat = AudioFormat::S16 { rate: AGENT };
const L16_16K: Codec = Codec::L16 { rate: SampleRate::HZ_16000 };
const L16_48K: Codec = Codec::L16 { rate: SampleRate::HZ_48000 };

fn agreed(codec: Codec, ptime_ms: u64) -> EgressCodec {
    let payload_type = codec.static_payload_type().unwrap_or(PayloadType::from_low_bits(96));
    EgressCodec::new(codec, payload_type, Duration::from_millis(ptime_ms))
}

fn seed(ssrc: u32) -> RtpSeed {
    RtpSeed { ssrc: Ssrc(ssrc), sequence: SequenceNumber(ssrc as u16 * 1_000), timestamp: RtpTimestamp(ssrc * 1_000_000) }
}

/// A frame that was tapped.
struct Tapped {
    samples: Vec<i16>,
    position: u64,
    slot: Instant,
    content: FrameContent,
}

/// A pipeline, what it sent, and what the far end made of it.
struct Line {
    egress: Egress,
    decoder: Decoder,
    codec: Codec,
    now: Instant,
    headers: Vec<RtpHeader>,
    heard: Vec<i16>,
    tapped: Vec<Tapped>,
    events: Vec<EgressEvent>,
}

impl Line {
    fn new(codec: Codec, ptime_ms: u64) -> Self {
        let config = EgressConfig { tap: true, catch_up: false, ..EgressConfig::new(agreed(codec, ptime_ms), INPUT, seed(1)) };
        let mut egress = Egress::new(config).unwrap();
        let now = Instant::now();
        egress.start(now);
        let decoder = Decoder::new(codec, AGENT).unwrap();
        Self { egress, decoder, codec, now, headers: vec![], heard: vec![], tapped: vec![], events: vec![] }
    }

    fn say(&mut self, item: ItemId, samples: &[i16]) {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        self.egress.push(self.now, item, AudioChunk { format: INPUT, bytes: &bytes }).unwrap();
    }

    fn position(&self, item: ItemId) -> Option<ItemPosition> {
        self.egress.position(self.now, item)
    }

    fn change(&mut self, codec: Codec, ptime_ms: u64) -> bool {
        self.decoder = Decoder::new(codec, AGENT).unwrap();
        self.codec = codec;
        self.egress.set_codec(agreed(codec, ptime_ms), seed(2)).unwrap()
    }

    /// Lets `slots` slots pass; what was heard in them.
    fn run(&mut self, slots: usize) -> Vec<i16> {
        let before = self.heard.len();
        for _ in 0..slots {
            self.egress.handle_timeout(self.now);
            self.now = loop {
                match self.egress.poll_output() {
                    EgressOutput::Tap(frame) => {
                        let (samples, position) = (frame.samples.to_vec(), frame.position);
                        self.tapped.push(Tapped { samples, position, slot: frame.slot, content: frame.content });
                    }
                    EgressOutput::Packet(packet) => {
                        self.headers.push(packet.header);
                        self.decoder.decode(packet.payload, &mut self.heard).unwrap();
                        assert_eq!(self.headers.len(), self.tapped.len(), "each packet has its frame before it");
                    }
                    EgressOutput::Event(event) => self.events.push(event),
                    EgressOutput::Silent(_) => {}
                    EgressOutput::Timeout(next) => break next.unwrap(),
                }
            };
        }
        self.heard[before..].to_vec()
    }
}

fn tone(hz: f64, rate: SampleRate, millis: u64) -> Vec<i16> {
    let step = hz * std::f64::consts::TAU / f64::from(rate.hz());
    (0..rate.samples(Duration::from_millis(millis))).map(|n| (10_000.0 * (n as f64 * step).sin()) as i16).collect()
}

/// The largest step between neighbouring samples.
fn roughness(samples: &[i16]) -> i32 {
    samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
}

/// The largest step of a tone.
fn steepest(hz: f64, rate: SampleRate) -> f64 {
    10_000.0 * 2.0 * (hz * std::f64::consts::PI / f64::from(rate.hz())).sin()
}

/// Milliseconds of audio that is no noise.
fn audible_ms(samples: &[i16], rate: SampleRate) -> usize {
    samples.chunks(rate.hz() as usize / 1_000).filter(|millisecond| rms_dbfs(millisecond) > -50.0).count()
}

fn codecs() -> Vec<Codec> {
    let every = [8_000, 16_000, 24_000, 48_000].map(|hz| Codec::L16 { rate: SampleRate::new(hz).unwrap() });
    let others = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];
    // A codec that is not built in is no codec of the leg.
    every.into_iter().chain(others).filter(|&codec| Decoder::new(codec, AGENT).is_ok()).collect()
}

#[test]
fn every_codec_carries_the_agents_words_whole_and_at_their_loudness() {
    for codec in codecs() {
        for ptime_ms in [10, 20, 30, 40, 60] {
            let mut line = Line::new(codec, ptime_ms);
            line.say(A, &tone(500.0, AGENT, 1_200));
            line.egress.end(line.now, A);
            let heard = line.run(1_500 / line.egress.codec().ptime.as_millis() as usize);
            let rate = line.decoder.rate();
            let (audible, level) = (audible_ms(&heard, rate), rms_dbfs(&heard[..rate.hz() as usize]));
            assert!((1_190..=1_225).contains(&audible), "{codec:?}, {ptime_ms} ms: {audible} ms are audible");
            assert!((-14.5..=-12.5).contains(&level), "{codec:?}, {ptime_ms} ms: {level} dBFS");
            let position = line.position(A).unwrap();
            assert_eq!((position.played_ms, position.received_ms, position.ended), (1_200, 1_200, true), "{codec:?}");
        }
    }
}

#[test]
fn a_packet_lasts_as_long_as_was_agreed_in_ticks_of_the_codecs_clock() {
    for codec in codecs() {
        for ptime_ms in [5, 10, 20, 30, 40, 60, 200] {
            let mut line = Line::new(codec, ptime_ms);
            line.run(3);
            let kept = match (codec, ptime_ms) {
                (_, 5) => 10,
                (_, 200) => 60,
                (Codec::Opus, 30) => 20,
                _ => ptime_ms,
            };
            let ticks = line.headers[2].timestamp.since(line.headers[1].timestamp);
            assert_eq!(u64::from(ticks.unsigned_abs()), codec.clock_rate().ticks(Duration::from_millis(kept)), "{codec:?}");
            assert_eq!(line.egress.codec().ptime, Duration::from_millis(kept), "{codec:?}");
        }
    }
}

#[test]
fn a_change_of_codec_loses_nothing_and_is_not_heard() {
    for (from, to) in
        [(Codec::Pcmu, L16_16K), (L16_16K, Codec::Pcmu), (L16_48K, L16_16K), (Codec::Pcmu, L16_48K), (Codec::Pcma, Codec::Pcmu)]
    {
        // All is there before the change; some is; what comes comes as it is spoken.
        for ahead_ms in [2_000, 700, 100] {
            let mut line = Line::new(from, 20);
            let words = tone(400.0, AGENT, 2_000);
            let (ahead, later) = words.split_at(AGENT.samples(Duration::from_millis(ahead_ms)) as usize);
            line.say(A, ahead);
            let mut later = later.chunks(480);
            let mut parts = Vec::new();
            for codec in [from, to, from] {
                if codec != line.codec {
                    line.change(codec, 20);
                }
                let mut part = Vec::new();
                for _ in 0..25 {
                    part.extend(line.run(1));
                    later.next().into_iter().for_each(|more| line.say(A, more));
                }
                parts.push((line.decoder.rate(), part));
            }
            later.for_each(|more| line.say(A, more));
            line.egress.end(line.now, A);
            parts.push((line.decoder.rate(), line.run(100)));
            let audible: usize = parts.iter().map(|(rate, part)| audible_ms(part, *rate)).sum();
            assert!((1_995..=2_030).contains(&audible), "{from:?} to {to:?}, {ahead_ms} ms ahead: {audible} ms are audible");
            for (n, (rate, part)) in parts.iter().enumerate() {
                let bound = steepest(400.0, *rate) * 1.1 + 520.0;
                assert!(f64::from(roughness(part)) < bound, "{from:?} to {to:?}, part {n}: {} at {rate}", roughness(part));
            }
            for pair in parts.windows(2).filter(|_| ahead_ms > 100) {
                let (last, first) = (*pair[0].1.last().unwrap(), pair[1].1[0]);
                let step = (f64::from(last) - f64::from(first)).abs();
                assert!(step < steepest(400.0, SampleRate::HZ_8000) * 1.1 + 520.0, "{from:?} to {to:?}: {last} then {first}");
            }
            let position = line.position(A).unwrap();
            assert_eq!((position.received_ms, position.played_ms), (2_000, 2_000), "{from:?} to {to:?}");
            assert!(line.events.contains(&EgressEvent::ItemFinished(position)));
            assert_eq!(line.events.iter().filter(|event| matches!(event, EgressEvent::ItemStarted(_))).count(), 1);
        }
    }
}

#[test]
fn a_change_between_coders_with_a_memory_of_their_own_loses_nothing_either() {
    for (from, to) in [(Codec::Pcmu, Codec::Opus), (Codec::Opus, Codec::G722), (Codec::G722, Codec::Pcma)] {
        let mut line = Line::new(from, 20);
        line.say(A, &tone(400.0, AGENT, 1_000));
        line.egress.end(line.now, A);
        let mut audible = audible_ms(&line.run(25), line.decoder.rate());
        line.change(to, 20);
        audible += audible_ms(&line.run(60), line.decoder.rate());
        // An encoder's delay at the change, and its tail at the end.
        assert!((985..=1_030).contains(&audible), "{from:?} to {to:?}: {audible} ms are audible");
        let position = line.position(A).unwrap();
        assert_eq!((position.received_ms, position.played_ms, position.ended), (1_000, 1_000, true));
    }
}

#[test]
fn items_keep_their_places_in_a_queue_that_is_converted() {
    let mut line = Line::new(Codec::Pcmu, 20);
    line.say(A, &tone(400.0, AGENT, 300));
    line.say(B, &tone(400.0, AGENT, 300));
    line.say(ItemId(3), &tone(400.0, AGENT, 300));
    line.run(5);
    let (before, counted) = (line.position(A).unwrap(), line.egress.stats());
    line.change(L16_16K, 20);
    let after = line.position(A).unwrap();
    assert_eq!((before.played_ms, before.played_samples * 2), (after.played_ms, after.played_samples));
    assert_eq!((counted.audio_samples, line.egress.stats().audio_samples), (800, 1_600), "counters are converted, too");
    line.egress.flush(line.now, FlushScope::UpTo(B), false);
    line.egress.end(line.now, ItemId(3));
    let heard = line.run(25);
    assert!((300..=315).contains(&audible_ms(&heard, SampleRate::HZ_16000)), "5 ms of the first fade, and the third is whole");
    let played = [A, B, ItemId(3)].map(|item| line.position(item).unwrap().played_ms);
    assert_eq!(played, [100, 0, 300]);
}

#[test]
fn the_stream_goes_on_while_the_clock_rate_stays_and_begins_anew_when_it_changes() {
    let mut line = Line::new(Codec::Pcmu, 20);
    line.run(10);
    assert!(!line.change(Codec::Pcma, 30));
    line.run(1);
    let [.., before, after] = line.headers[..] else { panic!("eleven packets") };
    assert_eq!((after.ssrc, after.sequence, after.timestamp.since(before.timestamp)), (Ssrc(1), before.sequence.next(), 160));
    assert_eq!((after.payload_type, after.marker), (PayloadType::PCMA, false));
    let due = line.now;
    assert!(line.change(L16_16K, 20));
    line.run(1);
    let first = line.headers[11];
    assert_eq!((first.ssrc, first.sequence, first.timestamp, first.marker), (Ssrc(2), seed(2).sequence, seed(2).timestamp, true));
    assert_eq!((line.tapped[11].slot, line.now), (due, due + Duration::from_millis(20)), "the slots go on where they were");
}

#[test]
fn a_far_end_that_changes_the_codec_without_end_is_refused() {
    let mut line = Line::new(Codec::Pcmu, 20);
    line.say(A, &tone(400.0, AGENT, 2_000));
    let change = |line: &mut Line, n: usize| line.egress.set_codec(agreed([Codec::Pcmu, L16_16K][n % 2], 20), seed(2));
    let refused = (1..10).find(|&n| change(&mut line, n).is_err()).unwrap();
    assert!(matches!(change(&mut line, refused), Err(PipelineError::Unsteady)));
    line.egress.end(line.now, A);
    assert!(change(&mut line, refused).is_ok(), "with the next item it may again");
}

#[test]
fn the_tap_has_what_is_sent_and_where_it_stands() {
    let mut line = Line::new(Codec::Pcmu, 20);
    line.run(3);
    line.say(A, &tone(500.0, AGENT, 95));
    line.egress.end(line.now, A);
    line.run(8);
    let tapped: Vec<i16> = line.tapped.iter().flat_map(|frame| frame.samples.clone()).collect();
    assert_eq!(tapped, line.heard);
    let positions: Vec<u64> = line.tapped.iter().map(|frame| frame.position).collect();
    assert_eq!(positions, (0..11).map(|n| n * 160).collect::<Vec<u64>>());
    // 95 ms and the resampler's 5 ms end with the fifth frame.
    let contents: Vec<FrameContent> = line.tapped.iter().map(|frame| frame.content).collect();
    assert_eq!(contents[..3], [FrameContent::Noise; 3]);
    assert_eq!(contents[3..8], [FrameContent::Agent; 5]);
    assert_eq!(contents[8..], [FrameContent::Noise; 3]);
    line.egress.set_tap(false);
    line.egress.handle_timeout(line.now);
    assert!(matches!(line.egress.poll_output(), EgressOutput::Packet(_)));
}

#[test]
fn what_is_inserted_is_heard_at_once_and_whole_while_the_agents_words_wait() {
    for codec in [Codec::Pcmu, L16_16K] {
        let mut line = Line::new(codec, 20);
        line.say(A, &tone(200.0, AGENT, 400));
        line.egress.end(line.now, A);
        line.run(5);
        let rate = line.egress.sample_rate();
        let key = tone(1_500.0, rate, 90);
        assert_eq!(line.egress.insert(line.now, &key), key.len());
        let heard = line.run(5);
        assert_eq!(line.tapped[5].content, FrameContent::Inserted);
        let begins = rate.samples(Duration::from_millis(5)) as usize;
        let error = heard[begins..][..key.len()].iter().zip(&key).map(|(heard, key)| (heard - key).abs()).max().unwrap();
        assert!(error <= 260, "{codec:?}: {error}");
        let position = line.position(A).unwrap();
        assert!((95..=100).contains(&position.played_ms), "{position:?}");
        let rest = line.run(20);
        assert!((300..=312).contains(&audible_ms(&rest, rate)), "the agent goes on where it stood");
        let bound = steepest(200.0, rate) * 1.1 + 520.0;
        assert!(f64::from(roughness(&rest)) < bound && f64::from(roughness(&heard[..begins])) < bound, "{codec:?}");
        assert_eq!(line.egress.stats().inserted_samples, key.len() as u64);
    }
}

#[test]
fn a_pause_holds_the_agent_and_not_what_is_inserted() {
    let mut line = Line::new(Codec::Pcmu, 20);
    line.egress.pause();
    line.run(2);
    line.egress.insert(line.now, &tone(1_000.0, SampleRate::HZ_8000, 40));
    let heard = line.run(3);
    assert!(rms_dbfs(&heard[..320]) > -14.0 && rms_dbfs(&heard[320..]) < -65.0);
    assert_eq!(line.egress.insert(line.now, &[0; 160_001]), 160_000, "20 s may wait");
}
