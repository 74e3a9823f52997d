//! Whatever the network and the sender do, the books balance and the timeline keeps to RTP's.
//!
//! A history is drawn from a seed: a sender (packet lengths, pauses, clocks that jump or stand still, new sources,
//! telephone-events), a network (loss, duplicates, delay, disorder) and a caller of the pipeline who may be late. Set
//! `AURICLE_SEED` to run one again.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use media::codec::Codec;
use media::frame::AudioFormat;
use media::ingress::{FrameOrigin, Ingress, IngressConfig, IngressOutput, IngressStats};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const EVENT: PayloadType = PayloadType::new(101).unwrap();

#[test]
fn a_hundred_thousand_histories_keep_the_books() {
    if let Ok(seed) = std::env::var("AURICLE_SEED") {
        History::run(seed.parse().unwrap());
        return;
    }
    (1..=100_000).for_each(History::run);
}

#[test]
#[ignore = "minutes in a debug build"]
fn a_million_histories_keep_the_books() {
    (100_001..=1_100_000).for_each(History::run);
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

struct Sent {
    arrives_ms: u64,
    header: RtpHeader,
    samples: usize,
}

struct History {
    seed: u64,
    ingress: Ingress,
    heard: u64,
    tapped: [u64; 3],
    timeout: Option<Instant>,
}

impl History {
    fn run(seed: u64) {
        let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let packets = send(&mut draw);
        let (start, tap, punctual) = (Instant::now(), draw.chance(20), draw.chance(70));
        let mut history = Self { seed, ingress: ingress(tap), heard: 0, tapped: [0; 3], timeout: None };
        let mut held = false;
        for packet in packets {
            let now = start + Duration::from_millis(packet.arrives_ms);
            while let Some(due) = history.timeout.filter(|due| *due < now) {
                let late = if punctual { 0 } else { draw.below(60) };
                history.ingress.handle_timeout((due + Duration::from_millis(late)).min(now));
                history.settle();
            }
            if draw.chance(1) {
                held = !held;
                history.ingress.hold(now, held);
            }
            history.ingress.handle_packet(now, &RtpPacket { header: packet.header, payload: &[0x42; 480][..packet.samples] });
            let stats = history.settle();
            assert!(stats.silence || (-160..=1_600).contains(&stats.lead_samples), "seed {seed}: {stats:?}");
        }
        let stats = history.ingress.stats();
        assert!(
            !tap || history.tapped == [stats.forwarded_samples, stats.concealed_samples, stats.filled_samples],
            "seed {seed}: {stats:?}"
        );
    }

    /// Drains the pipeline and checks its books.
    fn settle(&mut self) -> IngressStats {
        loop {
            match self.ingress.poll_output() {
                IngressOutput::Audio(chunk) => self.heard += chunk.samples(),
                IngressOutput::Tap(frame) => {
                    assert_eq!(frame.position, self.tapped.iter().sum::<u64>(), "seed {}", self.seed);
                    let origin = match frame.origin {
                        FrameOrigin::Received => 0,
                        FrameOrigin::Concealed => 1,
                        FrameOrigin::Filled => 2,
                    };
                    self.tapped[origin] += frame.samples.len() as u64;
                }
                IngressOutput::Timeout(timeout) => {
                    self.timeout = timeout;
                    break;
                }
            }
        }
        let stats = self.ingress.stats();
        let packets = stats.forwarded + stats.late + stats.duplicate + stats.rejected() + stats.waiting;
        let samples = stats.forwarded_samples + stats.concealed_samples + stats.filled_samples;
        assert_eq!((packets, samples), (stats.received, stats.timeline_samples), "seed {}: {stats:?}", self.seed);
        assert_eq!(self.heard, stats.timeline_samples, "seed {}: {stats:?}", self.seed);
        stats
    }
}

fn ingress(tap: bool) -> Ingress {
    let config = IngressConfig {
        codec: Codec::Pcmu,
        payload_type: PayloadType::PCMU,
        telephone_event: Some(EVENT),
        output: AudioFormat::Ulaw8k,
        gap_wait: IngressConfig::GAP_WAIT,
        tap,
    };
    Ingress::new(config).unwrap()
}

/// A sender and a network: packets in the order of their arrival.
fn send(draw: &mut Draw) -> Vec<Sent> {
    let (loss, twice, disorder, oddity) = (draw.below(25), draw.below(10), draw.below(30), draw.below(12));
    let most_delay = [1, 5, 30, 120, 400][draw.below(5) as usize];
    let mut header = RtpHeader {
        payload_type: PayloadType::PCMU,
        sequence: SequenceNumber(draw.below(1 << 16) as u16),
        timestamp: RtpTimestamp(draw.below(1 << 32) as u32),
        ssrc: Ssrc(1),
        marker: false,
    };
    let (mut clock_ms, mut backlog_ms, mut packets) = (0, 0, Vec::new());
    for _ in 0..10 + draw.below(40) {
        let millis = [10, 20, 20, 20, 30, 60][draw.below(6) as usize];
        if draw.chance(oddity) {
            match draw.below(9) {
                0 => header.ssrc = Ssrc(header.ssrc.0 + 1),
                1 => header.timestamp = RtpTimestamp(draw.below(1 << 32) as u32),
                2 => header.timestamp = header.timestamp.advance((draw.below(6_400) as u32).wrapping_sub(3_200)),
                3 => header.sequence = SequenceNumber(draw.below(1 << 16) as u16),
                4 => clock_ms += draw.below(4_000),
                5 => header.payload_type = EVENT,
                6 => header.payload_type = PayloadType::PCMA,
                7 => backlog_ms = clock_ms + draw.below(3_000),
                _ => {
                    let pause = draw.below(4_000);
                    (clock_ms, header.timestamp) = (clock_ms + pause, header.timestamp.advance(pause as u32 * 8));
                }
            }
        }
        clock_ms += millis;
        let delay = if draw.chance(disorder) { draw.below(most_delay) } else { 0 };
        let arrives_ms = (clock_ms + delay).max(backlog_ms);
        for _ in 0..1 + u64::from(draw.chance(twice)) {
            if !draw.chance(loss) {
                packets.push(Sent { arrives_ms: arrives_ms + draw.below(2), header, samples: millis as usize * 8 });
            }
        }
        header.payload_type = PayloadType::PCMU;
        (header.sequence, header.timestamp) = (header.sequence.next(), header.timestamp.advance(millis as u32 * 8));
    }
    packets.sort_by_key(|packet| packet.arrives_ms);
    packets
}
