//! G.711 from one leg to another, undecoded: what passes is untouched, and what a drifting clock makes too much or too
//! little is silence.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::codec::g711::{self, Law};
use media::ingress::PayloadTypes;
use media::playout::{PlayoutStats, Relay, RelayConfig};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const FRAME: usize = 160;

/// One leg that sends by a clock of its own, and another that pulls every 20 ms.
struct Bench {
    relay: Relay,
    start: Instant,
    /// Microseconds since the start.
    now: u64,
    sent: u64,
    skew_ppm: f64,
    link: VecDeque<(u64, u64)>,
    heard: Vec<u8>,
}

impl Bench {
    fn new(output: Law) -> Self {
        let config = RelayConfig {
            codec: Codec::Pcmu,
            payload_types: PayloadTypes::audio(PayloadType::PCMU),
            output,
            frame: Duration::from_millis(20),
            seed: 5,
        };
        let relay = Relay::new(config).unwrap();
        Self { relay, start: Instant::now(), now: 0, sent: 0, skew_ppm: 0.0, link: VecDeque::new(), heard: Vec::new() }
    }

    fn run(&mut self, millis: u64, delay: impl Fn(u64) -> u64) {
        let until = self.now + millis * 1_000;
        while self.now < until {
            loop {
                let at = (self.sent as f64 * 20_000.0 / (1.0 + self.skew_ppm * 1e-6)) as u64;
                if at >= self.now + 20_000 {
                    break;
                }
                self.link.push_back((at + delay(at), self.sent));
                self.sent += 1;
            }
            while let Some(&(at, n)) = self.link.front()
                && at <= self.now
            {
                self.link.pop_front();
                let header = RtpHeader {
                    payload_type: PayloadType::PCMU,
                    sequence: SequenceNumber(n as u16),
                    timestamp: RtpTimestamp((n * FRAME as u64) as u32),
                    ssrc: Ssrc(1),
                    marker: false,
                };
                let at = self.start + Duration::from_micros(at);
                self.relay.handle_packet(at, &RtpPacket { header, payload: &said(n) });
            }
            self.relay.pull(self.start + Duration::from_micros(self.now), &mut self.heard);
            self.now += 20_000;
        }
    }

    fn stats(&self) -> PlayoutStats {
        self.relay.stats()
    }
}

/// A second of speech, a second of pause, and no frame of speech like another.
fn said(n: u64) -> Vec<u8> {
    let sample = |k: u64| match (n / 50 % 2, k) {
        (0, 0) => (n as i16) << 4,
        (0, _) => (8_000.0 * ((n * 160 + k) as f64 * 0.05 * (1.0 + (n % 7) as f64 / 9.0)).sin()) as i16,
        _ => ((k * n) % 7) as i16 * 8,
    };
    (0..FRAME as u64).map(|k| g711::encode_ulaw(sample(k))).collect()
}

/// The frames of speech that were heard whole and untouched, of those that were sent.
fn untouched(heard: &[u8], sent: u64) -> f64 {
    let places: HashSet<&[u8]> = heard.windows(40).collect();
    let speech: Vec<u64> = (0..sent).filter(|n| n / 50 % 2 == 0).collect();
    let found = speech.iter().filter(|n| said(**n).chunks_exact(40).all(|part| places.contains(part))).count();
    found as f64 / speech.len() as f64
}

#[test]
fn bytes_pass_untouched_and_the_other_law_is_a_table() {
    let mut bench = Bench::new(Law::Mu);
    bench.run(10_000, |_| 30_000);
    assert!(untouched(&bench.heard, 490) > 0.995, "{}", untouched(&bench.heard, 490));
    let mut other = Bench::new(Law::A);
    other.run(10_000, |_| 30_000);
    let expected: Vec<u8> = bench.heard[4_000..].iter().map(|&byte| g711::ulaw_to_alaw(byte)).collect();
    assert_eq!(other.heard[4_000..], expected);
}

#[test]
fn a_drifting_clock_costs_frames_of_silence_and_no_word() {
    let seconds = if std::env::var_os("AURICLE_FULL").is_some() { 3_600 } else { 400 };
    for ppm in [-300.0, 300.0] {
        let mut bench = Bench::new(Law::Mu);
        bench.skew_ppm = ppm;
        for _ in 0..seconds / 10 {
            bench.run(10_000, |at| 30_000 + at % 3_000);
            let stats = bench.stats();
            assert!(stats.current <= Duration::from_millis(60), "{stats:?}");
        }
        let stats = bench.stats();
        let (less, more) = (stats.accelerated.as_millis() / 20, stats.stretched.as_millis() / 20);
        let expected = (seconds as f64 * 1_000.0 * 300e-6 / 20.0) as u128;
        if ppm > 0.0 {
            assert!(less.abs_diff(expected) <= 1 && more == 0, "{less} frames left out, {expected} expected: {stats:?}");
        } else {
            assert!(more.abs_diff(expected) <= 1 && less == 0, "{more} frames put in, {expected} expected: {stats:?}");
        }
        assert_eq!((stats.accelerated + stats.stretched).as_millis() % 20, 0, "whole frames: {stats:?}");
        assert_eq!((stats.late, stats.dropped, stats.lost, stats.underruns), (0, 0, 0, 0), "{stats:?}");
        assert!(untouched(&bench.heard, bench.sent - 10) > 0.999, "{}", untouched(&bench.heard, bench.sent - 10));
    }
}

#[test]
fn after_a_burst_the_delay_is_back_at_its_target_within_two_seconds() {
    for stall in [60, 150, 300, 1_000] {
        let mut bench = Bench::new(Law::Mu);
        bench.run(6_000, |_| 10_000);
        bench.run(stall, |at| (6_000 + stall) * 1_000 - at + 10_000);
        bench.run(2_000, |_| 10_000);
        let stats = bench.stats();
        assert!(stats.current <= stats.target + Duration::from_millis(20), "{stall} ms: {stats:?}");
    }
}
