//! What an agent's audio becomes on its way to the caller, one fact a test.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use media::codec::{Codec, g711, rms_dbfs};
use media::egress::{Egress, EgressCodec, EgressConfig, EgressEvent, EgressOutput, FlushScope, ItemPosition, MarkId, PushError};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtp::{RtpHeader, RtpSeed};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const A: ItemId = ItemId(1);
const B: ItemId = ItemId(2);
const PCM: AudioFormat = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
/// A byte far louder than comfort noise.
const LOUD: u8 = 0x90;

struct Line {
    egress: Egress,
    input: AudioFormat,
    start: Instant,
    slot: u32,
    events: Vec<EgressEvent>,
}

impl Line {
    fn new(input: AudioFormat) -> Self {
        let seed = RtpSeed { ssrc: Ssrc(7), sequence: SequenceNumber(65_534), timestamp: RtpTimestamp(u32::MAX - 200) };
        let ptime = Duration::from_millis(20);
        let codec = EgressCodec::new(Codec::Pcmu, PayloadType::PCMU, ptime);
        let mut egress = Egress::new(EgressConfig::new(codec, input, seed)).unwrap();
        let start = Instant::now();
        egress.start(start);
        Self { egress, input, start, slot: 0, events: Vec::new() }
    }

    fn ulaw() -> Self {
        Self::new(AudioFormat::Ulaw8k)
    }

    fn push(&mut self, item: ItemId, bytes: &[u8]) -> Result<(), PushError> {
        self.egress.push(self.now(), item, AudioChunk { format: self.input, bytes })
    }

    /// Just before the next slot.
    fn now(&self) -> Instant {
        self.start + Duration::from_millis(20) * self.slot
    }

    fn end(&mut self, item: ItemId) {
        self.egress.end(self.now(), item);
    }

    fn position(&self, item: ItemId) -> Option<ItemPosition> {
        self.egress.position(self.now(), item)
    }

    fn flush(&mut self, scope: FlushScope, force: bool) {
        self.egress.flush(self.now(), scope, force);
    }

    /// The packets made by a wake-up at `at`.
    fn wake(&mut self, at: Instant) -> Vec<(RtpHeader, Vec<u8>)> {
        let mut packets = Vec::new();
        self.egress.handle_timeout(at);
        loop {
            match self.egress.poll_output() {
                EgressOutput::Packet(packet) => packets.push((packet.header, packet.payload.to_vec())),
                EgressOutput::Event(event) => self.events.push(event),
                EgressOutput::Tap(_) | EgressOutput::Silent(_) => {}
                EgressOutput::Timeout(_) => return packets,
            }
        }
    }

    /// The packet of the next slot.
    fn next(&mut self) -> (RtpHeader, Vec<u8>) {
        let mut packets = self.wake(self.now());
        self.slot += 1;
        assert_eq!(packets.len(), 1);
        packets.remove(0)
    }

    fn payload(&mut self) -> Vec<u8> {
        self.next().1
    }

    fn events(&mut self) -> Vec<EgressEvent> {
        while let EgressOutput::Event(event) = self.egress.poll_output() {
            self.events.push(event);
        }
        std::mem::take(&mut self.events)
    }
}

fn linear(payload: &[u8]) -> Vec<i16> {
    payload.iter().map(|&byte| g711::decode_ulaw(byte)).collect()
}

fn is_noise(payload: &[u8]) -> bool {
    rms_dbfs(&linear(payload)) < -65.0
}

fn tone(hz: f64, rate: u32, millis: u32) -> Vec<u8> {
    let step = hz * std::f64::consts::TAU / f64::from(rate);
    (0..rate / 1_000 * millis).flat_map(|n| ((10_000.0 * (f64::from(n) * step).sin()) as i16).to_le_bytes()).collect()
}

/// The largest step between neighbouring samples.
fn roughness(samples: &[i16]) -> i32 {
    samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
}

#[test]
fn every_slot_has_one_packet_numbered_without_a_gap() {
    let mut line = Line::ulaw();
    for n in 0..500_u32 {
        let (header, payload) = line.next();
        assert_eq!((header.sequence, header.ssrc), (SequenceNumber(65_534_u16.wrapping_add(n as u16)), Ssrc(7)));
        assert_eq!(header.timestamp, RtpTimestamp((u32::MAX - 200).wrapping_add(n * 160)));
        assert_eq!((header.marker, payload.len()), (n == 0, 160));
        assert!(is_noise(&payload));
    }
}

#[test]
fn audio_of_the_codec_passes_byte_for_byte_in_the_next_slot() {
    let mut line = Line::ulaw();
    line.payload();
    let speech: Vec<u8> = (0..800).map(|n| (n * 7 % 251) as u8).collect();
    line.push(A, &speech).unwrap();
    line.end(A);
    let heard: Vec<u8> = (0..5).flat_map(|_| line.payload()).collect();
    assert_eq!(heard, speech);
    assert!(is_noise(&line.payload()));
}

#[test]
fn an_echo_in_real_time_fills_every_frame() {
    let mut line = Line::new(PCM);
    let tone = tone(1_000.0, 24_000, 2_000);
    for chunk in tone.chunks(960) {
        line.push(A, chunk).unwrap();
        assert!(!is_noise(&line.payload()));
        assert_eq!(line.egress.queued(), Duration::ZERO);
    }
    assert_eq!(line.egress.stats().underruns, 0);
}

#[test]
fn a_talkspurt_begins_with_a_marker() {
    let mut line = Line::ulaw();
    let markers: Vec<bool> = (0..8)
        .map(|n| {
            if [2, 3, 6].contains(&n) {
                line.push(ItemId(n), &[LOUD; 160]).unwrap();
                line.end(ItemId(n));
            }
            line.next().0.marker
        })
        .collect();
    assert_eq!(markers, [true, false, true, false, false, false, true, false]);
}

#[test]
fn after_a_stall_five_packets_come_and_no_audio_is_lost() {
    let mut line = Line::ulaw();
    line.payload();
    let speech: Vec<u8> = (0..1_600).map(|n| (n * 7 % 251) as u8).collect();
    line.push(A, &speech).unwrap();
    line.end(A);
    let burst = line.wake(line.start + Duration::from_millis(1_000));
    assert_eq!(burst.iter().map(|(header, _)| header.marker).collect::<Vec<_>>(), [true, false, false, false, false]);
    assert_eq!(burst[0].0.sequence, SequenceNumber(65_535));
    assert_eq!(burst[4].0.timestamp, RtpTimestamp((u32::MAX - 200).wrapping_add(50 * 160)));
    line.slot = 51;
    let heard: Vec<u8> = burst.into_iter().map(|(_, payload)| payload).chain((0..5).map(|_| line.payload())).flatten().collect();
    assert_eq!((heard, line.egress.stats().skipped_slots), (speech, 45));
}

#[test]
fn items_follow_each_other_without_a_seam() {
    let mut line = Line::ulaw();
    line.push(A, &[LOUD; 100]).unwrap();
    line.push(B, &[LOUD - 1; 60]).unwrap();
    assert_eq!(line.payload(), [[LOUD; 100].as_slice(), &[LOUD - 1; 60]].concat());
    let told: Vec<_> = line.events().iter().map(std::mem::discriminant).collect();
    let position = line.position(A).unwrap();
    let expected = [EgressEvent::ItemStarted(position), EgressEvent::ItemFinished(position), EgressEvent::ItemStarted(position)];
    assert_eq!(told, expected.iter().map(std::mem::discriminant).collect::<Vec<_>>());
    assert!(position.ended);
}

#[test]
fn an_item_played_whole_was_played_for_exactly_as_long_as_it_was_received() {
    for bytes in [2, 958, 960, 961, 4_802, 48_000, 47_777] {
        let mut line = Line::new(PCM);
        for chunk in tone(500.0, 24_000, 1_000)[..bytes].chunks(333) {
            line.push(A, chunk).unwrap();
        }
        line.end(A);
        for _ in 0..55 {
            line.payload();
        }
        let position = line.position(A).unwrap();
        assert_eq!((position.played_ms, position.received_ms), (bytes as u64 / 48, bytes as u64 / 48), "{bytes} bytes");
        assert!(line.events().contains(&EgressEvent::ItemFinished(position)));
    }
}

#[test]
fn a_flush_is_heard_as_a_fade_of_five_milliseconds_in_the_next_packet() {
    let mut line = Line::ulaw();
    line.push(A, &[LOUD; 1_600]).unwrap();
    line.payload();
    line.payload();
    line.flush(FlushScope::All, false);
    let packet = linear(&line.payload());
    let loud = i32::from(g711::decode_ulaw(LOUD));
    assert!(packet[..40].windows(2).all(|pair| pair[1] <= pair[0]) && i32::from(packet[0]) < loud && packet[39] > 200);
    assert!(roughness(&packet) <= loud / 16);
    assert!(rms_dbfs(&packet[40..]) < -65.0);
    assert!(is_noise(&line.payload()));
    let position = line.position(A).unwrap();
    assert_eq!((position.played_samples, position.played_ms), (360, 45));
    assert!(line.events().contains(&EgressEvent::ItemFlushed(position)));
    assert_eq!(line.push(A, &[LOUD; 160]), Err(PushError::Flushed { item: A }));
    assert_eq!(line.egress.stats().refused_flushed, 1);
}

#[test]
fn what_was_never_heard_does_not_fade() {
    let mut line = Line::ulaw();
    line.push(A, &[LOUD; 1_600]).unwrap();
    line.flush(FlushScope::All, false);
    assert!(is_noise(&line.payload()));
    assert_eq!(line.position(A).unwrap().played_samples, 0);
}

#[test]
fn an_item_that_may_not_be_interrupted_is_only_dropped_by_force() {
    let mut line = Line::ulaw();
    line.egress.set_interruptible(A, false);
    line.push(A, &[LOUD; 320]).unwrap();
    line.push(B, &[LOUD - 1; 320]).unwrap();
    line.payload();
    line.flush(FlushScope::All, false);
    assert_eq!(line.payload(), [LOUD; 160]);
    assert!(is_noise(&line.payload()));
    line.push(ItemId(3), &[LOUD; 320]).unwrap();
    line.egress.set_interruptible(ItemId(3), false);
    line.flush(FlushScope::All, true);
    assert!(is_noise(&line.payload()));
}

#[test]
fn a_flush_up_to_an_item_keeps_the_later_ones() {
    let mut line = Line::ulaw();
    line.push(A, &[LOUD; 320]).unwrap();
    line.push(B, &[LOUD - 1; 320]).unwrap();
    line.flush(FlushScope::UpTo(A), false);
    assert_eq!(line.payload(), [LOUD - 1; 160]);
}

#[test]
fn marks_are_told_between_the_samples_they_stand_between() {
    let mut line = Line::ulaw();
    let reached = |line: &mut Line| -> Vec<(u32, bool)> {
        let told = line.events().into_iter();
        told.filter_map(|event| if let EgressEvent::MarkReached { mark, cleared } = event { Some((mark.0, cleared)) } else { None })
            .collect()
    };
    line.egress.mark(MarkId(1));
    assert_eq!(reached(&mut line), [(1, false)]);
    line.push(A, &[LOUD; 160]).unwrap();
    line.egress.mark(MarkId(2));
    line.push(A, &[LOUD; 160]).unwrap();
    line.egress.mark(MarkId(3));
    line.push(B, &[LOUD; 160]).unwrap();
    line.egress.mark(MarkId(4));
    assert_eq!(reached(&mut line), []);
    line.payload();
    assert_eq!(reached(&mut line), [(2, false)]);
    line.flush(FlushScope::All, false);
    assert_eq!(reached(&mut line), [(3, true), (4, true)]);
}

#[test]
fn a_mark_behind_audio_that_is_resampled_is_reached_though_nothing_follows() {
    for format in [PCM, AudioFormat::S16 { rate: SampleRate::HZ_16000 }] {
        let mut line = Line::new(format);
        line.push(A, &tone(500.0, format.rate().hz(), 100)).unwrap();
        line.egress.mark(MarkId(1));
        let reached = |line: &mut Line| line.events().contains(&EgressEvent::MarkReached { mark: MarkId(1), cleared: false });
        let slots = (1..=10).find(|_| {
            line.payload();
            reached(&mut line)
        });
        // The resampler keeps the last of it until more comes, or the end.
        assert!((4..=6).contains(&slots.unwrap_or_default()), "{format:?}: {slots:?}");
    }
}

#[test]
fn a_pause_fades_and_resuming_repeats_what_was_faded() {
    let mut line = Line::ulaw();
    let speech: Vec<u8> = (0..640).map(|n| 0x80 | (n % 50) as u8).collect();
    line.push(A, &speech).unwrap();
    let first = line.payload();
    line.egress.pause();
    let fading = linear(&line.payload());
    assert!(rms_dbfs(&fading[..40]) > -30.0 && rms_dbfs(&fading[40..]) < -65.0);
    assert!(is_noise(&line.payload()));
    assert_eq!(line.position(A).unwrap().played_samples, 160);
    line.egress.resume(line.now());
    let rest: Vec<u8> = (0..3).flat_map(|_| line.payload()).collect();
    assert_eq!((first.as_slice(), &rest[40..]), (&speech[..160], &speech[200..]));
    assert!(linear(&rest[..40]).iter().zip(linear(&speech[160..200])).all(|(faded, whole)| faded.abs() <= whole.abs()));
}

#[test]
fn an_underrun_ends_without_a_click_and_is_told_once() {
    let mut line = Line::new(PCM);
    line.push(A, &tone(300.0, 24_000, 90)).unwrap();
    let heard: Vec<i16> = (0..8).flat_map(|_| linear(&line.payload())).collect();
    assert!(roughness(&heard) < 3_000, "{}", roughness(&heard));
    assert_eq!(line.events().iter().filter(|event| matches!(event, EgressEvent::Underrun(_))).count(), 1);
    assert_eq!(line.position(A).unwrap().played_samples, 720 - 40);
}

#[test]
fn beyond_the_bound_audio_is_refused_and_told_once() {
    let mut line = Line::ulaw();
    assert_eq!(line.push(A, &vec![LOUD; 960_080]), Err(PushError::Full { dropped: Duration::from_millis(10) }));
    assert_eq!(line.push(A, &[LOUD; 80]), Err(PushError::Full { dropped: Duration::from_millis(10) }));
    assert_eq!(line.egress.queued(), EgressConfig::BOUND);
    assert_eq!(line.events(), [EgressEvent::QueueFull { item: A, dropped_ms: 10 }]);
    let stats = line.egress.stats();
    assert_eq!((stats.full, stats.dropped), (1, Duration::from_millis(20)));
    assert_eq!(line.position(A).unwrap().received_ms, 120_000);
}

#[test]
fn bytes_may_be_cut_anywhere_within_an_item() {
    let speech = tone(700.0, 24_000, 200);
    let mut whole = Line::new(PCM);
    whole.push(A, &speech).unwrap();
    let mut pieces = Line::new(PCM);
    speech.chunks(101).for_each(|piece| pieces.push(A, piece).unwrap());
    for _ in 0..10 {
        assert_eq!(pieces.payload(), whole.payload());
    }
}

#[test]
fn each_item_begins_with_a_resampler_that_has_heard_nothing() {
    let speech = tone(700.0, 24_000, 40);
    let mut line = Line::new(PCM);
    line.push(A, &speech).unwrap();
    line.end(A);
    let first: Vec<u8> = (0..3).flat_map(|_| line.payload()).collect();
    line.push(B, &speech).unwrap();
    line.end(B);
    let second: Vec<u8> = (0..3).flat_map(|_| line.payload()).collect();
    assert_eq!(first[..360], second[..360]);
}

#[test]
fn an_item_that_was_announced_and_overtaken_has_missed_its_turn() {
    let mut line = Line::ulaw();
    line.egress.set_interruptible(A, false);
    line.push(B, &[LOUD; 160]).unwrap();
    assert_eq!(line.push(A, &[LOUD - 1; 160]), Err(PushError::Ended { item: A }));
    assert_eq!(line.payload(), [LOUD; 160]);
}

#[test]
fn an_item_flushed_before_it_came_is_refused() {
    let mut line = Line::ulaw();
    line.flush(FlushScope::UpTo(B), false);
    assert_eq!(line.push(B, &[LOUD; 160]), Err(PushError::Flushed { item: B }));
    line.push(ItemId(3), &[LOUD; 160]).unwrap();
    assert_eq!(line.payload(), [LOUD; 160]);
}

#[test]
fn a_new_agent_may_speak_another_format() {
    let mut line = Line::new(PCM);
    line.push(A, &tone(700.0, 24_000, 40)).unwrap();
    line.egress.set_input(line.now(), AudioFormat::Alaw8k);
    assert!(line.position(A).unwrap().ended);
    assert!(matches!(line.push(B, &[0; 4]), Err(PushError::WrongFormat { .. })));
    line.input = AudioFormat::Alaw8k;
    line.push(B, &[0x10; 160]).unwrap();
    line.push(A, &[0x10; 160]).unwrap_err();
    let heard: Vec<u8> = (0..4).flat_map(|_| line.payload()).collect();
    assert_eq!(heard[360..520], [g711::alaw_to_ulaw(0x10); 160]);
}

#[test]
fn more_may_come_while_the_newest_item_is_open_and_not_behind_what_was_ended_or_thrown_away() {
    let mut line = Line::ulaw();
    assert!(!line.egress.awaits_more());
    line.push(A, &[LOUD; 1_600]).unwrap();
    assert!(line.egress.awaits_more());
    line.flush(FlushScope::All, false);
    assert!(!line.egress.awaits_more(), "it was thrown away");
    assert!(line.push(A, &[LOUD; 160]).is_err());
    assert!(!line.egress.awaits_more(), "what is refused is not the beginning of anything");
    line.push(B, &[LOUD; 160]).unwrap();
    assert!(line.egress.awaits_more());
    line.end(B);
    assert!(!line.egress.awaits_more());
}

#[test]
fn another_stream_begins_where_it_is_told_to_and_the_audio_goes_on() {
    let mut line = Line::ulaw();
    line.push(A, &[LOUD; 1_600]).unwrap();
    let (before, _) = line.next();
    let seed = RtpSeed { ssrc: Ssrc(9), sequence: SequenceNumber(500), timestamp: RtpTimestamp(77) };
    line.egress.begin_stream(seed);
    let (header, payload) = line.next();
    assert_eq!((before.ssrc, header.ssrc, header.sequence, header.timestamp), (Ssrc(7), seed.ssrc, seed.sequence, seed.timestamp));
    assert!(header.marker && payload == [LOUD; 160]);
}
