//! What a listener hears of a stream that suffers on its way: in virtual time, with seeds.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use media::codec::{Codec, rms_dbfs};
use media::ingress::PayloadTypes;
use media::playout::{Playout, PlayoutConfig, PlayoutStats};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const RATE: SampleRate = SampleRate::HZ_8000;
const FRAME: usize = 160;
const AUDIO: PayloadType = PayloadType::from_low_bits(96);

/// A sender with a clock of its own, a link, and a listener who pulls every 20 ms.
struct Bench {
    playout: Playout,
    start: Instant,
    /// Microseconds since the start.
    now: u64,
    /// Packets on their way: when they come, and which.
    link: BTreeMap<(u64, u64), Packet>,
    sent: u64,
    /// The sender's clock against ours.
    skew_ppm: f64,
    next: Packet,
    heard: Vec<i16>,
    random: Random,
}

#[derive(Clone, Copy)]
struct Packet {
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    /// Place of its first sample in what is said.
    place: u64,
    kind: PayloadType,
}

struct Random(u32);

impl Random {
    /// Evenly from nought up to below `most`.
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (u64::from(self.0) * most) >> 32
    }
}

impl Bench {
    fn new(seed: u32) -> Self {
        let codec = Codec::L16 { rate: RATE };
        let config = PlayoutConfig {
            codec,
            payload_types: PayloadTypes { comfort_noise: Some(PayloadType::CN), ..PayloadTypes::audio(AUDIO) },
            output: RATE,
            frame: Duration::from_millis(20),
            seed,
        };
        Self {
            playout: Playout::new(config).unwrap(),
            start: Instant::now(),
            now: 0,
            link: BTreeMap::new(),
            sent: 0,
            skew_ppm: 0.0,
            next: Packet { sequence: 65_500, timestamp: u32::MAX - 4_000, ssrc: 1, place: 0, kind: AUDIO },
            heard: Vec::new(),
            random: Random(seed.wrapping_mul(2_654_435_761) | 1),
        }
    }

    /// Runs for `millis`: the sender says `said`, sample by sample of its clock, and packets take the microseconds that
    /// `delay` says, or get lost where it says nothing.
    fn run(&mut self, millis: u64, said: impl Fn(u64) -> i16, mut delay: impl FnMut(u64, &mut Random) -> Option<u64>) {
        let until = self.now + millis * 1_000;
        while self.now < until {
            let sender = |packets: u64, ppm: f64| (packets as f64 * 20_000.0 / (1.0 + ppm * 1e-6)) as u64;
            while sender(self.sent, self.skew_ppm) < self.now + 20_000 {
                let at = sender(self.sent, self.skew_ppm);
                if let Some(delay) = delay(at, &mut self.random) {
                    self.link.insert((at + delay, self.sent), self.next);
                }
                self.next.sequence = self.next.sequence.wrapping_add(1);
                self.next.timestamp = self.next.timestamp.wrapping_add(FRAME as u32);
                self.next.place += FRAME as u64;
                self.sent += 1;
            }
            while let Some((&(at, n), _)) = self.link.first_key_value()
                && at <= self.now
            {
                let packet = self.link.remove(&(at, n)).unwrap();
                self.deliver(at, packet, &said);
            }
            self.playout.pull(self.at(self.now), &mut self.heard);
            self.now += 20_000;
        }
    }

    fn deliver(&mut self, at: u64, packet: Packet, said: impl Fn(u64) -> i16) {
        let payload: Vec<u8> = if packet.kind == AUDIO {
            (packet.place..packet.place + FRAME as u64).flat_map(|n| said(n).to_be_bytes()).collect()
        } else {
            vec![60]
        };
        let header = RtpHeader {
            payload_type: packet.kind,
            sequence: SequenceNumber(packet.sequence),
            timestamp: RtpTimestamp(packet.timestamp),
            ssrc: Ssrc(packet.ssrc),
            marker: false,
        };
        self.playout.handle_packet(self.at(at), &RtpPacket { header, payload: &payload });
    }

    fn at(&self, micros: u64) -> Instant {
        self.start + Duration::from_micros(micros)
    }

    fn stats(&self) -> PlayoutStats {
        let stats = self.playout.stats();
        let books = stats.played + stats.late + stats.duplicate + stats.dropped + stats.rejected + stats.waiting;
        assert_eq!(stats.received, books, "{stats:?}");
        stats
    }

    /// What was heard since `millis`.
    fn since(&self, millis: u64) -> &[i16] {
        &self.heard[(RATE.hz() as u64 * millis / 1_000) as usize..]
    }
}

fn tone(n: u64) -> i16 {
    (9_000.0 * (n as f64 * 400.0 * std::f64::consts::TAU / f64::from(RATE.hz())).sin()).round() as i16
}

/// The largest change of the step from one sample to the next: a click is one.
fn roughest(audio: &[i16]) -> i32 {
    let second = |triple: &[i16]| (i32::from(triple[0]) - 2 * i32::from(triple[1]) + i32::from(triple[2])).abs();
    audio.windows(3).map(second).max().unwrap_or(0)
}

/// Twice what the tone itself has.
const NO_CLICK: i32 = 2 * 900;

#[test]
fn an_even_stream_is_heard_as_it_is_after_the_least_wait() {
    let mut bench = Bench::new(1);
    bench.run(4_000, tone, |_, _| Some(3_000));
    let stats = bench.stats();
    assert_eq!((stats.late, stats.lost, stats.underruns, stats.concealed), (0, 0, 0, Duration::ZERO), "{stats:?}");
    assert_eq!(stats.target, Duration::from_millis(20));
    assert!(stats.current <= Duration::from_millis(35), "{stats:?}");
    assert!(rms_dbfs(bench.since(500)) > -15.0 && roughest(&bench.heard) < NO_CLICK, "{}", roughest(&bench.heard));
}

/// Cycles a second of a tone, by the first and last rising zero.
fn pitch(audio: &[i16]) -> f64 {
    let rising = audio.windows(2).enumerate().filter(|(_, pair)| pair[0] < 0 && pair[1] >= 0);
    let zeros: Vec<f64> = rising.map(|(n, pair)| n as f64 + f64::from(pair[0]) / f64::from(pair[0] - pair[1])).collect();
    (zeros.len() - 1) as f64 / (zeros[zeros.len() - 1] - zeros[0]) * f64::from(RATE.hz())
}

#[test]
fn jitter_of_a_hundred_milliseconds_each_way_is_borne_and_forgotten_within_ten_seconds_of_calm() {
    for seed in 1..=5 {
        let mut bench = Bench::new(seed);
        bench.run(2_000, tone, |_, _| Some(100_000));
        let mut most = Duration::ZERO;
        for _ in 0..100 {
            bench.run(200, tone, |_, random| Some(random.below(200_000)));
            most = most.max(bench.stats().current);
        }
        let storm = bench.stats();
        bench.run(10_000, tone, |_, _| Some(100_000));
        let calm = bench.stats();
        assert!(most <= Duration::from_millis(240));
        assert!(storm.late * 50 <= storm.received);
        assert!(calm.current <= Duration::from_millis(60) && calm.late == storm.late);
        assert!(roughest(bench.since(2_000)) < NO_CLICK, "{}", roughest(bench.since(2_000)));
    }
}

#[test]
fn after_a_burst_the_delay_is_back_at_its_target_within_two_seconds_without_a_click() {
    for stall in [60, 150, 250, 400, 1_000, 3_000] {
        let mut bench = Bench::new(stall as u32);
        bench.run(6_000, tone, |_, _| Some(10_000));
        // All that is sent while the link stands still comes at its end.
        bench.run(stall, tone, |at, _| Some((6_000 + stall) * 1_000 - at + 10_000));
        bench.run(2_000, tone, |_, _| Some(10_000));
        let stats = bench.stats();
        assert!(stats.current <= stats.target + Duration::from_millis(20));
        assert!(roughest(bench.since(1_000)) < NO_CLICK);
        assert!(stats.target < Duration::from_millis(300));
    }
}

#[test]
fn loss_is_concealed_and_costs_no_delay() {
    for seed in 1..=3 {
        let mut bench = Bench::new(seed);
        bench.run(20_000, tone, |_, random| (random.below(10) > 0).then(|| 20_000 + random.below(5_000)));
        let stats = bench.stats();
        let share = stats.lost as f64 / (stats.lost + stats.played) as f64;
        assert!((0.07..0.13).contains(&share));
        assert!(stats.current <= Duration::from_millis(60) && stats.underruns == 0);
    }
}

#[test]
fn a_drifting_clock_neither_fills_the_buffer_nor_empties_it() {
    let seconds = if std::env::var_os("AURICLE_FULL").is_some() { 3_600 } else { 240 };
    for ppm in [-300.0, 300.0] {
        let mut bench = Bench::new(7);
        bench.skew_ppm = ppm;
        let said = |n: u64| tone(n);
        // Until the skew is known, time scale helps the resampler.
        bench.run(60_000, said, |_, random| Some(30_000 + random.below(10_000)));
        let settled = bench.stats();
        assert!(settled.skew_ppm.is_some_and(|skew| (skew - ppm).abs() < 20.0), "{settled:?}");
        for _ in 6..seconds / 10 {
            bench.heard.clear();
            bench.run(10_000, said, |_, random| Some(30_000 + random.below(10_000)));
            let stats = bench.stats();
            assert!(stats.current >= Duration::from_millis(5) && stats.current <= Duration::from_millis(60), "{stats:?}");
            let (pitch, level) = (pitch(&bench.heard), rms_dbfs(&bench.heard));
            assert!((pitch - 400.0).abs() < 0.5 && (level + 14.24).abs() < 0.3, "{pitch} {level}");
            assert!(roughest(&bench.heard) < NO_CLICK);
        }
        let stats = bench.stats();
        assert_eq!((stats.late, stats.dropped, stats.lost), (settled.late, 0, 0));
        assert_eq!((stats.accelerated, stats.stretched), (settled.accelerated, settled.stretched), "the resampler is enough");
    }
}

/// Half a second of what was heard from `millis` on is the tone, in every tenth of it.
fn is_tone(bench: &Bench, millis: u64) -> bool {
    bench.since(millis)[..4_000].chunks(400).all(|piece| (rms_dbfs(piece) + 14.24).abs() < 1.0)
}

fn is_quiet(audio: &[i16]) -> bool {
    audio.chunks(80).all(|piece| rms_dbfs(piece) < -45.0)
}

#[test]
fn another_stream_or_another_clock_is_heard_within_two_hundred_milliseconds() {
    type Change = fn(&mut Packet);
    let changes: [(&str, Change); 5] = [
        ("source", |packet| packet.ssrc += 1),
        ("sequence", |packet| packet.sequence = packet.sequence.wrapping_add(20_000)),
        ("timestamp ahead", |packet| packet.timestamp = packet.timestamp.wrapping_add(1 << 30)),
        ("timestamp back", |packet| packet.timestamp = packet.timestamp.wrapping_sub(80_000)),
        ("all", |packet| *packet = Packet { sequence: 5, timestamp: 77, ssrc: 9, ..*packet }),
    ];
    for (what, change) in changes {
        let mut bench = Bench::new(3);
        bench.run(3_000, tone, |_, random| Some(20_000 + random.below(30_000)));
        change(&mut bench.next);
        bench.run(2_000, tone, |_, random| Some(20_000 + random.below(30_000)));
        let stats = bench.stats();
        assert!(stats.resets == 1 && is_tone(&bench, 3_250) && is_tone(&bench, 2_000), "{what}");
        assert!(roughest(bench.since(1_000)) < NO_CLICK, "{what}: {}", roughest(bench.since(1_000)));
    }
}

#[test]
fn a_pause_of_the_far_end_is_noise_and_what_comes_after_it_is_heard_whole() {
    // With comfort noise packets and without, by a clock that runs on and by one that stands still.
    for comfort_noise in [true, false] {
        for runs_on in [true, false] {
            let mut bench = Bench::new(3);
            bench.run(2_000, tone, |_, random| Some(20_000 + random.below(5_000)));
            if comfort_noise {
                bench.next.kind = PayloadType::CN;
                bench.run(20, tone, |_, _| Some(20_000));
                bench.next.kind = AUDIO;
            }
            let before = bench.next;
            bench.run(3_000, tone, |_, _| None);
            bench.next = Packet { sequence: before.sequence, ..if runs_on { bench.next } else { before } };
            let resumed = bench.next.place;
            bench.run(2_000, |n| if n >= resumed { tone(n) } else { 0 }, |_, random| Some(20_000 + random.below(5_000)));
            let stats = bench.stats();
            assert!(is_quiet(&bench.since(2_250)[..8_000 * 27 / 10]), "nothing of it goes on");
            assert!(is_tone(&bench, 5_150) && roughest(bench.since(1_000)) < NO_CLICK);
            assert_eq!((stats.late, stats.dropped, stats.lost, stats.underruns), (0, 0, 0, 0));
            assert!(stats.current < Duration::from_millis(60));
        }
    }
}

#[test]
fn reordered_and_doubled_packets_are_put_right_and_counted() {
    let mut bench = Bench::new(3);
    let mut n = 0;
    bench.run(10_000, tone, |_, _| {
        n += 1;
        Some(if n % 20 == 0 { 55_000 } else { 20_000 })
    });
    for _ in 0..100 {
        let packet =
            Packet { sequence: bench.next.sequence.wrapping_sub(1), timestamp: bench.next.timestamp.wrapping_sub(160), ..bench.next };
        bench.run(40, tone, |_, _| Some(20_000));
        bench.deliver(bench.now, packet, tone);
    }
    let stats = bench.stats();
    assert_eq!(stats.duplicate, 100);
    assert!(stats.late <= 2 && stats.lost == 0 && is_tone(&bench, 12_000));
}

#[test]
fn a_route_that_becomes_longer_or_shorter_is_followed() {
    for (before, after) in [(20_000, 220_000), (220_000, 20_000), (20_000, 620_000)] {
        let mut bench = Bench::new(3);
        bench.run(5_000, tone, |_, random| Some(before + random.below(5_000)));
        bench.run(8_000, tone, |_, random| Some(after + random.below(5_000)));
        let stats = bench.stats();
        assert!(stats.current < Duration::from_millis(60) && is_tone(&bench, 12_000));
        assert!(roughest(bench.since(1_000)) < NO_CLICK);
    }
}

#[test]
fn keys_are_not_heard_and_what_is_around_them_is() {
    let mut bench = Bench::new(3);
    bench.run(2_000, tone, |_, _| Some(20_000));
    bench.playout.mute(true);
    bench.run(1_000, tone, |_, _| Some(20_000));
    bench.playout.mute(false);
    bench.run(2_000, tone, |_, _| Some(20_000));
    let stats = bench.stats();
    assert!(is_tone(&bench, 1_400) && is_tone(&bench, 3_150));
    assert!(is_quiet(&bench.since(2_100)[..7_000]));
    assert!(roughest(bench.since(1_000)) < NO_CLICK && stats.lost == 0, "{stats:?} {}", roughest(bench.since(1_000)));
}

#[test]
fn a_listener_who_was_away_is_not_given_what_was_said_meanwhile() {
    let mut bench = Bench::new(3);
    bench.run(2_000, tone, |_, _| Some(20_000));
    bench.now += 5_000_000;
    bench.run(2_000, tone, |_, _| Some(20_000));
    let stats = bench.stats();
    assert!(stats.current < Duration::from_millis(60), "{stats:?}");
    assert!(roughest(&bench.heard[16_000 - 100..]) < NO_CLICK);
}
