//! Agents whose audio comes late, in bursts or in its own time: what is gathered for them, what is heard where it breaks
//! off, and what is known of its arrival. In virtual time.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use media::codec::{Codec, g711};
use media::egress::{Egress, EgressCodec, EgressConfig, EgressEvent, EgressOutput, SilencePolicy};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtp::{RtpHeader, RtpSeed};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);

/// A line of PCMU, and when what was said on it.
struct Line {
    egress: Egress,
    start: Instant,
    /// Milliseconds since the start.
    now: u64,
    /// Packets by when they were sent.
    packets: Vec<(u64, RtpHeader, Vec<u8>)>,
    /// Slots without a packet.
    silent: Vec<Instant>,
    events: Vec<(u64, EgressEvent)>,
}

impl Line {
    fn new(silence: SilencePolicy) -> Self {
        Self::with(EgressCodec::new(Codec::Pcmu, PayloadType::PCMU, PTIME), AudioFormat::Ulaw8k, silence)
    }

    fn with(codec: EgressCodec, input: AudioFormat, silence: SilencePolicy) -> Self {
        let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(0) };
        let mut egress = Egress::new(EgressConfig { silence, ..EgressConfig::new(codec, input, seed) }).unwrap();
        let start = Instant::now();
        egress.start(start);
        Self { egress, start, now: 0, packets: Vec::new(), silent: Vec::new(), events: Vec::new() }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    /// Says a piece of an item, a tone without end, at once.
    fn say(&mut self, item: u32, millis: u64) {
        let hum = (0..millis * 8).map(|n| g711::encode_ulaw((6_000.0 * (n as f64 * 0.25).sin()) as i16));
        let chunk = AudioChunk { format: AudioFormat::Ulaw8k, bytes: &hum.collect::<Vec<u8>>() };
        self.egress.push(self.at(self.now), ItemId(item), chunk).unwrap();
        self.drain();
    }

    fn end(&mut self, item: u32) {
        self.egress.end(self.at(self.now), ItemId(item));
        self.drain();
    }

    /// Runs until `until`; whoever waits for a timeout is called then and not before.
    fn run_to(&mut self, until: u64) {
        while self.now < until {
            if self.drain().is_some_and(|due| due <= self.at(self.now)) {
                self.egress.handle_timeout(self.at(self.now));
                self.drain();
            }
            self.now += 1;
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.egress.poll_output() {
                EgressOutput::Packet(packet) => self.packets.push((self.now, packet.header, packet.payload.to_vec())),
                EgressOutput::Event(event) => self.events.push((self.now, event)),
                EgressOutput::Timeout(due) => return due,
                EgressOutput::Silent(slot) => self.silent.push(slot),
                EgressOutput::Tap(_) => {}
            }
        }
    }

    /// Says `chunks` of 20 ms, one every 20 ms, with what `late` says of each; then ends the item.
    fn speak(&mut self, item: u32, chunks: u64, late: impl Fn(u64) -> u64) {
        let begin = self.now;
        for n in 0..chunks {
            self.run_to(begin + n * 20 + late(n));
            self.say(item, 20);
        }
        self.end(item);
        self.run_to(self.now + 1_000);
    }

    fn underruns(&self) -> u64 {
        self.egress.stats().underruns
    }

    /// When an item was first in a packet.
    fn started(&self, item: u32) -> u64 {
        let started = |(at, event): &(u64, EgressEvent)| match event {
            EgressEvent::ItemStarted(position) if position.item == ItemId(item) => Some(*at),
            _ => None,
        };
        self.events.iter().find_map(started).unwrap()
    }
}

fn is_noise(payload: &[u8]) -> bool {
    payload.iter().all(|&code| g711::decode_ulaw(code).abs() < 60)
}

/// Comes 70 ms late from the fifth chunk to the eighth.
fn late_once(n: u64) -> u64 {
    if (5..9).contains(&n) { 70 } else { 0 }
}

#[test]
fn what_was_late_once_is_gathered_the_next_time_and_forgotten_when_it_is_not_late_again() {
    let mut line = Line::new(SilencePolicy::Continuous);
    line.speak(1, 50, late_once);
    assert_eq!((line.started(1), line.underruns()), (0, 1));
    let gathered = line.egress.stats().prebuffer;
    assert!((50..=70).contains(&gathered.as_millis()), "{gathered:?}");
    let began = line.now;
    line.speak(2, 50, late_once);
    assert!((60..=80).contains(&(line.started(2) - began)), "{}", line.started(2) - began);
    assert_eq!(line.underruns(), 1, "it was late again, and nobody heard it");
    for item in 3..10 {
        line.speak(item, 50, |_| 0);
    }
    let began = line.now;
    line.speak(10, 50, |_| 0);
    assert_eq!((line.started(10) - began, line.egress.stats().prebuffer), (0, Duration::ZERO));
}

#[test]
fn an_agent_that_hands_over_more_than_is_played_waits_for_nothing_however_late_it_was() {
    let mut line = Line::new(SilencePolicy::Continuous);
    line.speak(1, 50, late_once);
    let began = line.now;
    (0..3).for_each(|_| line.say(2, 100));
    line.run_to(began + 40);
    assert!(line.started(2) - began <= 20, "{}", line.started(2) - began);
}

#[test]
fn an_agent_in_bursts_and_gaps_is_heard_without_a_hole_once_it_is_known() {
    let mut line = Line::new(SilencePolicy::Continuous);
    // 100 ms at once, and the next 100 ms up to 60 ms late.
    for item in 1..4 {
        let begin = line.now;
        for n in 0..40 {
            line.run_to(begin + n * 100 + [0, 30, 60, 15][n as usize % 4]);
            line.say(item, 100);
        }
        line.end(item);
        line.run_to(line.now + 1_000);
    }
    let told: Vec<u64> = line.events.iter().filter(|(_, event)| matches!(event, EgressEvent::Underrun(_))).map(|(at, _)| *at).collect();
    assert!((1..=2).contains(&told.len()) && told.iter().all(|at| *at < 1_000), "{told:?}");
}

#[test]
fn an_outage_beyond_the_bound_is_not_gathered_for() {
    let mut line = Line::new(SilencePolicy::Continuous);
    line.speak(1, 50, |n| if n > 20 { 900 } else { 0 });
    assert_eq!((line.underruns(), line.egress.stats().prebuffer), (1, Duration::ZERO));
}

#[test]
fn another_agent_is_not_judged_by_the_one_before() {
    let mut line = Line::new(SilencePolicy::Continuous);
    line.speak(1, 50, late_once);
    assert!(line.egress.stats().prebuffer > Duration::ZERO);
    line.egress.set_input(line.at(line.now), AudioFormat::Ulaw8k);
    assert_eq!(line.egress.stats().prebuffer, Duration::ZERO);
}

#[test]
fn a_pause_of_ours_is_not_the_agents_lateness() {
    let mut line = Line::new(SilencePolicy::Continuous);
    for n in 0..100_u64 {
        line.run_to(n * 20);
        line.say(1, 20);
        match n {
            30 => line.egress.pause(),
            60 => line.egress.resume(line.at(line.now)),
            _ => {}
        }
    }
    line.end(1);
    line.run_to(4_000);
    let stats = line.egress.stats();
    assert_eq!((stats.underruns, stats.prebuffer, stats.audio_samples, stats.overtaken_samples), (0, Duration::ZERO, 16_000, 0));
}

#[test]
fn what_has_arrived_is_known_by_half_the_round_trip() {
    let mut line = Line::new(SilencePolicy::Continuous);
    line.say(1, 2_000);
    line.run_to(1_000);
    let position = |line: &Line| line.egress.position(line.at(line.now), ItemId(1)).unwrap();
    assert_eq!((position(&line).played_ms, position(&line).arrived_ms), (1_000, None));
    line.egress.set_round_trip(Duration::from_millis(120));
    let position_then = position(&line);
    assert_eq!((position_then.arrived_ms, position_then.queued_ms, position_then.received_ms), (Some(960), 1_000, 2_000));
    line.end(1);
    line.run_to(2_500);
    assert_eq!(position(&line).arrived_ms, Some(2_000));
}

#[test]
fn silence_is_described_as_it_begins_and_every_200_milliseconds() {
    let mut line = Line::new(SilencePolicy::ComfortNoise(PayloadType::CN));
    line.run_to(990);
    line.say(1, 100);
    line.end(1);
    line.run_to(1_500);
    let of = |kind| line.packets.iter().filter(move |(_, header, _)| header.payload_type == kind);
    assert_eq!(of(PayloadType::CN).map(|(at, ..)| *at).collect::<Vec<_>>(), [0, 200, 400, 600, 800, 1_090, 1_290, 1_490]);
    assert!(of(PayloadType::CN).all(|(_, header, payload)| payload == &[70] && !header.marker));
    // What is said begins at once and not at the next slot, with the marker; its timestamps are those of its time.
    let said: Vec<_> = of(PayloadType::PCMU).map(|(at, header, _)| (*at, header.timestamp.0, header.marker)).collect();
    assert_eq!(said, (0..5).map(|n| (990 + 20 * n, 7_920 + 160 * n as u32, n == 0)).collect::<Vec<_>>());
    assert_eq!(line.packets.last().unwrap().1.sequence, SequenceNumber(line.packets.len() as u16), "no number is left out");
}

#[test]
fn where_audio_breaks_off_it_fades_before_the_silence_is_described() {
    let mut line = Line::new(SilencePolicy::ComfortNoise(PayloadType::CN));
    line.say(1, 90);
    line.run_to(500);
    let audio: Vec<i16> = line
        .packets
        .iter()
        .filter(|(_, header, _)| header.payload_type == PayloadType::PCMU)
        .flat_map(|(_, _, payload)| payload.iter().map(|&code| g711::decode_ulaw(code)))
        .collect();
    let steepest = audio.windows(2).map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs()).max().unwrap();
    assert!(audio.len() == 800 && steepest < 1_900, "{}, {steepest}", audio.len());
    assert!(audio.iter().rev().take(30).all(|sample| sample.abs() < 60));
}

#[test]
fn without_comfort_noise_at_the_far_end_it_is_sent_as_audio() {
    let mut line = Line::new(SilencePolicy::Continuous);
    line.say(1, 100);
    line.end(1);
    line.run_to(1_000);
    assert_eq!(line.packets.len(), 50);
    assert!(line.packets.iter().skip(5).all(|(_, header, payload)| header.payload_type == PayloadType::PCMU && is_noise(payload)));
}

#[test]
fn opus_leaves_most_of_a_silence_out_where_it_may() {
    let opus = EgressCodec::new(Codec::Opus, PayloadType::from_low_bits(111), PTIME);
    let input = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
    let packets = |silence| {
        let mut line = Line::with(opus, input, silence);
        line.run_to(10_000);
        (line.packets.len(), line.silent.len())
    };
    assert_eq!(packets(SilencePolicy::Continuous), (500, 0));
    let (sent, left_out) = packets(SilencePolicy::Dtx);
    assert!((10..100).contains(&sent) && sent + left_out == 500, "{sent} and {left_out}");
}

#[test]
fn a_line_that_is_not_sent_on_keeps_its_time_and_its_numbers() {
    let mut line = Line::new(SilencePolicy::Continuous);
    line.say(1, 1_000);
    line.run_to(200);
    line.egress.pause();
    line.egress.set_sending(line.at(200), false);
    line.run_to(700);
    assert_eq!((line.packets.len(), line.silent.len()), (10, 25));
    line.egress.resume(line.at(700));
    line.egress.set_sending(line.at(700), true);
    line.end(1);
    line.run_to(2_000);
    let (at, first, _) = &line.packets[10];
    assert_eq!((*at, first.sequence, first.timestamp, first.marker), (700, SequenceNumber(11), RtpTimestamp(5_600), true));
    let stats = line.egress.stats();
    assert_eq!((stats.audio_samples, stats.suppressed_slots, stats.underruns), (8_000, 25, 0), "nothing that waited is lost");
}

#[test]
fn a_pause_in_what_the_agent_says_keeps_its_length_though_its_frames_are_left_out() {
    let opus = EgressCodec::new(Codec::Opus, PayloadType::from_low_bits(111), PTIME);
    let mut line = Line::with(opus, AudioFormat::S16 { rate: SampleRate::HZ_24000 }, SilencePolicy::Dtx);
    let loud = (0..24_000).map(|n| (6_000.0 * (f64::from(n) * 0.08).sin()) as i16);
    let said: Vec<u8> = loud.clone().chain(std::iter::repeat_n(0, 48_000)).chain(loud).flat_map(i16::to_le_bytes).collect();
    line.egress.push(line.at(0), ItemId(1), AudioChunk { format: AudioFormat::S16 { rate: SampleRate::HZ_24000 }, bytes: &said }).unwrap();
    line.end(1);
    line.run_to(6_000);
    let over = line.events.iter().find(|(_, event)| matches!(event, EgressEvent::ItemFinished(_))).unwrap().0;
    assert!((3_980..4_100).contains(&over), "four seconds, of which two are a pause, took {over} ms");
    let left_out = line.silent.iter().filter(|slot| **slot < line.at(3_000)).count();
    assert!(left_out > 50, "the codec leaves most of the pause out: {left_out}");
}
