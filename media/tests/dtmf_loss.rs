//! Keys as telephone-events over a link that loses, doubles and reorders: from the sender to the receiver, in virtual time.
//!
//! Each scene is twelve keys, pairs of the same among them, a hundred times; the seed of a run is its number.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use media::dtmf::{Cadence, Digit, DigitEvent, Edge, Receiver, ReceiverOutput, Sender};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{ClockRate, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const KEYS: &str = "1122#9*0055A";
const RUNS: u64 = 100;
const MS: Duration = Duration::from_millis(1);

/// xorshift64*: enough for a link.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Copy)]
struct Scene {
    clock_rate: u32,
    ptime_ms: u32,
    cadence: (u64, u64),
    /// In percent.
    lost: u64,
    doubled: u64,
    /// Beyond the fixed delay, at most; more than a ptime reorders.
    jitter_ms: u64,
}

const FIGURE: Scene = Scene { clock_rate: 8_000, ptime_ms: 20, cadence: (160, 100), lost: 20, doubled: 5, jitter_ms: 60 };

/// What the sender pressed and what the receiver told.
struct Run {
    pressed: Vec<(Digit, RtpTimestamp)>,
    told: Vec<DigitEvent>,
}

impl Scene {
    fn run(self, seed: u64) -> Run {
        let mut chance = Chance::new(seed);
        let (tone, pause) = (self.cadence.0 as u32 * MS, self.cadence.1 as u32 * MS);
        let (mut pressed, mut arrivals) = (Vec::new(), Vec::new());
        let start = Instant::now();
        let payload_type = PayloadType::from_low_bits(101);
        let mut sender = Sender::new(payload_type, ClockRate(self.clock_rate));
        let digits: Vec<Digit> = KEYS.chars().filter_map(Digit::new).collect();
        sender.dial_at(&digits, Cadence::new(tone, pause).unwrap()).unwrap();
        let ticks = self.clock_rate / 1_000 * self.ptime_ms;
        let mut header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(chance.below(65_536) as u16),
            timestamp: RtpTimestamp(chance.below(1 << 32) as u32),
            ssrc: Ssrc(1),
            marker: false,
        };
        let mut slot = start;
        while !sender.is_idle() {
            if let Some(packet) = sender.replace(&header, ticks) {
                if packet.header.marker {
                    pressed.push((Digit::from_event(packet.payload[0]).unwrap(), packet.header.timestamp));
                }
                let copies = usize::from(!chance.percent(self.lost)) + usize::from(chance.percent(self.doubled));
                for _ in 0..copies {
                    let delay = 30 * MS + MS * chance.below(self.jitter_ms + 1) as u32;
                    arrivals.push((slot + delay, packet.header, packet.payload.to_vec()));
                }
            }
            slot += self.ptime_ms * MS;
            header.sequence = header.sequence.next();
            header.timestamp = header.timestamp.advance(ticks);
        }
        arrivals.sort_by_key(|(at, ..)| *at);
        Run { pressed, told: self.hear(&arrivals) }
    }

    fn hear(self, arrivals: &[(Instant, RtpHeader, Vec<u8>)]) -> Vec<DigitEvent> {
        let mut receiver = Receiver::new(ClockRate(self.clock_rate));
        let mut told = Vec::new();
        for (at, header, payload) in arrivals {
            while let Some(due) = drain(&mut receiver, &mut told).filter(|due| due < at) {
                receiver.handle_timeout(due);
            }
            receiver.handle_packet(*at, &RtpPacket { header: *header, payload });
        }
        while let Some(due) = drain(&mut receiver, &mut told) {
            receiver.handle_timeout(due);
        }
        told
    }

    /// Of how many keys told otherwise than once each, in order and ended once, among how many.
    fn faults(self) -> (usize, usize) {
        let (mut faults, mut keys) = (0, 0);
        for seed in 0..RUNS {
            let Run { pressed, told } = self.run(seed);
            let began: Vec<_> = told.iter().filter(|event| event.edge == Edge::Began).map(|event| (event.digit, event.timestamp)).collect();
            let missed = pressed.iter().filter(|key| began.iter().filter(|told| told == key).count() != 1).count();
            let invented = began.iter().filter(|told| !pressed.contains(told)).count();
            if missed + invented > 0 {
                eprintln!("seed {seed}: {missed} of {} keys not once, {invented} invented", pressed.len());
            }
            let in_order = began.iter().map(|(_, timestamp)| timestamp.since(pressed[0].1));
            assert!(in_order.is_sorted(), "seed {seed}: out of order");
            let ended = told.len() - began.len();
            assert_eq!(ended, began.len(), "seed {seed}: every key that begins ends");
            (faults, keys) = (faults + missed + invented, keys + pressed.len());
        }
        (faults, keys)
    }
}

/// Takes the events out; the timeout that is left.
fn drain(receiver: &mut Receiver, told: &mut Vec<DigitEvent>) -> Option<Instant> {
    loop {
        match receiver.poll_output() {
            ReceiverOutput::Event(event) => told.push(event),
            ReceiverOutput::Timeout(due) => return due,
        }
    }
}

#[test]
fn under_20_percent_loss_999_of_1000_keys_are_told_once_and_only_once() {
    let (faults, keys) = FIGURE.faults();
    eprintln!("RESULT dtmf_keys_once_and_only_once={} of={keys} loss_percent=20 gate_percent=99.9", keys - faults);
    assert_eq!(keys, 1_200);
    assert!(faults * 1_000 <= keys, "{faults} of {keys}");
}

#[test]
fn every_rate_and_packet_length_keeps_its_keys_under_20_percent_loss() {
    for (clock_rate, ptime_ms, cadence) in
        [(8_000, 10, (100, 60)), (8_000, 20, (120, 80)), (8_000, 30, (200, 100)), (16_000, 20, (160, 100)), (48_000, 20, (2_000, 100))]
    {
        let (faults, keys) = Scene { clock_rate, ptime_ms, cadence, ..FIGURE }.faults();
        assert!(faults * 1_000 <= keys, "{clock_rate} Hz, {ptime_ms} ms, {cadence:?}: {faults} of {keys}");
    }
}

#[test]
fn reordering_and_doubling_alone_cost_no_key_and_invent_none() {
    for jitter_ms in [0, 40, 100, 200] {
        let (faults, _) = Scene { lost: 0, doubled: 50, jitter_ms, ..FIGURE }.faults();
        assert_eq!(faults, 0, "{jitter_ms} ms");
    }
}

#[test]
fn without_loss_every_duration_is_exact() {
    for seed in 0..10 {
        let run = Scene { lost: 0, doubled: 0, jitter_ms: 0, ..FIGURE }.run(seed);
        let durations: Vec<_> = run.told.iter().filter(|event| event.edge != Edge::Began).map(|event| event.edge).collect();
        assert_eq!(durations, [Edge::Ended { duration: 160 * MS }; 12], "seed {seed}");
    }
}
