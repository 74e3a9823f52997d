//! Sending keys: during an event its packets stand in the place of the audio's, one a slot (RFC 4733 §2.5.1).
//!
//! Every packet of an event has the timestamp of its beginning and the duration so far; the last one is sent three
//! times, in three slots. Sequence numbers are the stream's, so nothing is lost for the receiver. A key that is held
//! for longer than the 16 bits of a duration can say is told in segments (§2.5.1.3): 8 s at 8 kHz, but 1.4 s at 48 kHz.
//!
//! Events have the clock of the audio beside them (§2.1). A far end that takes Opus, but events at 8 kHz only, is sent
//! timestamps of the stream's clock, of which one SSRC can have no second, and durations of its events' clock.

use crate::dtmf::cadence::Presses;
use crate::dtmf::report::Report;
use crate::dtmf::{Cadence, Digit};
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{ClockRate, PayloadType, RtpTimestamp};

/// Puts keys into a stream of packets that somebody else paces.
#[derive(Debug)]
pub struct Sender {
    payload_type: PayloadType,
    /// Of durations.
    clock_rate: ClockRate,
    /// Of timestamps.
    stream_clock: ClockRate,
    waiting: Presses,
    state: State,
    payload: [u8; 4],
}

/// More keys than may wait; none of them was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{asked} keys are more than the {free} that may wait still")]
pub struct DialError {
    /// Keys to dial.
    pub asked: usize,
    /// Places left.
    pub free: usize,
}

impl Sender {
    /// A sender with no key to send; `payload_type` and `clock_rate` are those of the negotiated telephone-event.
    #[must_use]
    pub fn new(payload_type: PayloadType, clock_rate: ClockRate) -> Self {
        let (waiting, state) = (Presses::default(), State::Idle);
        Self { payload_type, clock_rate, stream_clock: clock_rate, waiting, state, payload: [0; 4] }
    }

    /// For a stream whose clock is not that of the events.
    #[must_use]
    pub fn in_stream_of(self, stream_clock: ClockRate) -> Self {
        Self { stream_clock, ..self }
    }

    /// Has `digits` sent from the next slot on, after those that wait; at most [`Self::BOUND`] wait.
    ///
    /// # Errors
    /// When that is too many.
    pub fn dial(&mut self, digits: &[Digit]) -> Result<(), DialError> {
        self.dial_at(digits, Cadence::default())
    }

    /// As [`Self::dial`], in a rhythm of the caller's.
    ///
    /// # Errors
    /// When that is too many.
    pub fn dial_at(&mut self, digits: &[Digit], cadence: Cadence) -> Result<(), DialError> {
        self.waiting.dial(digits.iter().copied(), cadence)
    }

    /// Forgets the keys that wait; one that is held is let go in its time.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }

    /// What to send in the slot of `audio`, a packet of `ticks`: an event's packet, or nothing and the audio itself.
    pub fn replace(&mut self, audio: &RtpHeader, ticks: u32) -> Option<RtpPacket<'_>> {
        let marker = self.press_next(audio.timestamp);
        let State::Held(mut held) = self.state else { return None };
        let timestamp = held.segment;
        let (duration, end) = held.report(audio.timestamp.advance(ticks), self.clock_rate, self.stream_clock);
        self.state = match held.ended {
            LAST_PACKETS => {
                let resume = held.segment.advance(held.left + self.ticks(held.cadence.pause()));
                State::Released { resume }
            }
            _ => State::Held(held),
        };
        // A flash has no tone whose power could be told.
        let volume = if held.digit == Digit::FLASH { 0 } else { VOLUME };
        self.payload = Report { code: held.digit.event(), end, volume, duration }.write();
        let header = RtpHeader { payload_type: self.payload_type, timestamp, marker, ..*audio };
        Some(RtpPacket { header, payload: &self.payload })
    }

    /// Whether every key has been sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !matches!(self.state, State::Held(_))
    }

    /// Presses the next key if one may be; true when it was.
    fn press_next(&mut self, slot: RtpTimestamp) -> bool {
        let free = match self.state {
            State::Idle => true,
            State::Held(_) => false,
            State::Released { resume } => slot.since(resume) >= 0,
        };
        if !free {
            return false;
        }
        let next = self.waiting.next();
        self.state = next.map_or(State::Idle, |(digit, cadence)| {
            State::Held(Held { digit, cadence, segment: slot, left: self.ticks(cadence.tone()), ended: 0 })
        });
        next.is_some()
    }

    fn ticks(&self, duration: std::time::Duration) -> u32 {
        u32::try_from(self.stream_clock.ticks(duration)).unwrap_or(u32::MAX)
    }

    /// The most keys that wait.
    pub const BOUND: usize = Presses::BOUND;
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    Held(Held),
    /// No key before `resume`.
    Released {
        resume: RtpTimestamp,
    },
}

/// A key that is held.
#[derive(Clone, Copy, Debug)]
struct Held {
    digit: Digit,
    cadence: Cadence,
    /// Where the segment began that is told now.
    segment: RtpTimestamp,
    /// How long it is held from there, in ticks of the stream.
    left: u32,
    /// Last packets that were sent.
    ended: u8,
}

impl Held {
    /// The duration to tell at `until`, in ticks of `events`, and whether it is the last.
    fn report(&mut self, until: RtpTimestamp, events: ClockRate, stream: ClockRate) -> (u16, bool) {
        let elapsed = if self.ended > 0 { self.left } else { until.since(self.segment).unsigned_abs().min(self.left) };
        match u16::try_from(converted(elapsed, stream, events)) {
            Ok(duration) if elapsed == self.left => {
                self.ended += 1;
                (duration, true)
            }
            Ok(duration) if duration < u16::MAX => (duration, false),
            // The rest of it is another segment; this one is told in full, without an end.
            _ => {
                let segment = converted(SEGMENT, events, stream);
                self.segment = self.segment.advance(segment);
                self.left = self.left.saturating_sub(segment);
                (u16::MAX, false)
            }
        }
    }
}

/// Ticks of one clock in those of another.
fn converted(ticks: u32, from: ClockRate, to: ClockRate) -> u32 {
    if from == to {
        return ticks;
    }
    u32::try_from(u64::from(ticks) * u64::from(to.0) / u64::from(from.0.max(1))).unwrap_or(u32::MAX)
}

/// How often the last packet is sent (§2.5.1.4).
const LAST_PACKETS: u8 = 3;
/// The longest segment, in ticks.
const SEGMENT: u32 = u16::MAX as u32;
/// −10 dBm0, within what receivers must take (§2.3.4).
const VOLUME: u8 = 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::units::{SequenceNumber, Ssrc};

    const TICKS: u32 = 160;
    const END: u8 = 0x80;

    fn slot(n: u16, ticks: u32) -> RtpHeader {
        RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(n),
            timestamp: RtpTimestamp(u32::MAX - 500).advance(u32::from(n) * ticks),
            ssrc: Ssrc(1),
            marker: false,
        }
    }

    fn digits(keys: &str) -> Vec<Digit> {
        keys.chars().filter_map(Digit::new).collect()
    }

    type Sent = (u16, RtpHeader, Vec<u8>);

    /// (slot, header, payload) of every event packet within `slots`.
    fn events_at(keys: &str, slots: u16, clock_rate: ClockRate, cadence: Cadence) -> Vec<Sent> {
        let mut sender = Sender::new(PayloadType::from_low_bits(101), clock_rate);
        sender.dial_at(&digits(keys), cadence).unwrap();
        let ticks = clock_rate.0 / 50;
        let packet = |n| sender.replace(&slot(n, ticks), ticks).map(|packet| (n, packet.header, packet.payload.to_vec()));
        (0..slots).filter_map(packet).collect()
    }

    fn events(keys: &str, slots: u16) -> Vec<Sent> {
        events_at(keys, slots, ClockRate::HZ_8000, Cadence::default())
    }

    fn duration((.., payload): &Sent) -> u16 {
        u16::from_be_bytes([payload[2], payload[3]])
    }

    #[test]
    fn a_key_of_160_ms_takes_eight_slots_and_two_for_the_copies_of_its_end() {
        let durations: Vec<_> = events("5", 100).iter().map(duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 960, 1120, 1280, 1280, 1280]);
    }

    #[test]
    fn the_end_bit_stands_in_the_last_three_packets_only() {
        let ends: Vec<_> = events("5", 100).iter().map(|(_, _, payload)| payload[1] & END != 0).collect();
        assert_eq!(ends, [[false; 7].as_slice(), &[true; 3]].concat());
    }

    #[test]
    fn all_packets_of_a_key_have_its_first_timestamp_and_only_the_first_the_marker() {
        let packets = events("5", 100);
        assert!(packets.iter().all(|(_, header, _)| header.timestamp == slot(0, TICKS).timestamp));
        assert_eq!(packets.iter().filter(|(_, header, _)| header.marker).count(), 1);
        assert!(packets[0].1.marker);
    }

    #[test]
    fn sequence_numbers_stay_those_of_the_stream() {
        assert!(events("12", 100).iter().all(|(n, header, _)| header.sequence.0 == *n));
    }

    /// (slot, event code) of each first packet.
    fn firsts(packets: &[Sent]) -> Vec<(u16, u8)> {
        packets.iter().filter(|(_, header, _)| header.marker).map(|(n, _, payload)| (*n, payload[0])).collect()
    }

    #[test]
    fn the_next_key_begins_100_ms_after_the_end_of_the_last() {
        assert_eq!(firsts(&events("1#", 100)), [(0, 1), (13, 11)]);
    }

    #[test]
    fn a_rhythm_of_the_callers_is_kept_to_the_tick() {
        let cadence = Cadence::new(Duration::from_millis(250), Duration::from_millis(350)).unwrap();
        let packets = events_at("1#", 100, ClockRate::HZ_8000, cadence);
        assert_eq!(firsts(&packets), [(0, 1), (30, 11)]);
        // 250 ms end within a slot of 20 ms.
        let ends: Vec<_> = packets.iter().filter(|(n, _, payload)| *n < 30 && payload[1] & END != 0).map(duration).collect();
        assert_eq!(ends, [2_000; 3]);
    }

    #[test]
    fn a_flash_is_sent_without_a_volume() {
        let packets = events("!", 100);
        assert!(packets.iter().all(|(_, _, payload)| payload[0] == 16 && payload[1] & 0x3f == 0));
        assert_eq!(packets.len(), 10);
    }

    #[test]
    fn a_key_that_outlasts_the_sixteen_bits_is_told_in_segments_that_join() {
        let cadence = Cadence::new(Duration::from_secs(3), Duration::from_millis(40)).unwrap();
        let packets = events_at("1", 400, ClockRate(48_000), cadence);
        let mut segments: Vec<(RtpTimestamp, u16)> = Vec::new();
        for packet in &packets {
            match segments.last_mut() {
                Some((start, longest)) if *start == packet.1.timestamp => *longest = duration(packet).max(*longest),
                _ => segments.push((packet.1.timestamp, duration(packet))),
            }
        }
        let start = slot(0, 0).timestamp;
        let expected = [(start, u16::MAX), (start.advance(65_535), u16::MAX), (start.advance(131_070), 12_930)];
        assert_eq!(segments, expected);
        assert_eq!(packets.iter().filter(|(_, header, _)| header.marker).count(), 1, "a segment is no beginning");
        let ends: Vec<_> = packets.iter().filter(|(_, _, payload)| payload[1] & END != 0).map(duration).collect();
        assert_eq!(ends, [12_930; 3]);
    }

    #[test]
    fn events_at_8_khz_in_a_stream_at_48_khz_keep_its_timestamps_and_tell_their_own_durations() {
        let stream = ClockRate(48_000);
        let mut sender = Sender::new(PayloadType::from_low_bits(101), ClockRate::HZ_8000).in_stream_of(stream);
        sender.dial(&digits("12")).unwrap();
        let packet = |n| sender.replace(&slot(n, 960), 960).map(|packet| (n, packet.header, packet.payload.to_vec()));
        let packets: Vec<Sent> = (0..100).filter_map(packet).collect();
        let told: Vec<_> = packets.iter().map(duration).take(10).collect();
        assert_eq!(told, [160, 320, 480, 640, 800, 960, 1120, 1280, 1280, 1280]);
        assert_eq!(firsts(&packets), [(0, 1), (13, 2)]);
        let begins: Vec<_> = packets.iter().filter(|(_, header, _)| header.marker).map(|(_, header, _)| header.timestamp).collect();
        assert_eq!(begins, [slot(0, 960).timestamp, slot(13, 960).timestamp]);
    }

    #[test]
    fn keys_that_are_forgotten_are_not_sent_but_the_held_one_ends() {
        let mut sender = Sender::new(PayloadType::from_low_bits(101), ClockRate::HZ_8000);
        sender.dial(&digits("12")).unwrap();
        assert!(sender.replace(&slot(0, TICKS), TICKS).is_some());
        sender.forget();
        let rest = (1..100).filter(|n| sender.replace(&slot(*n, TICKS), TICKS).is_some()).count();
        assert_eq!(rest, 9);
        assert!(sender.is_idle());
    }

    #[test]
    fn more_keys_than_may_wait_are_refused_whole() {
        let mut sender = Sender::new(PayloadType::from_low_bits(101), ClockRate::HZ_8000);
        assert_eq!(sender.dial(&[Digit(1); 65]), Err(DialError { asked: 65, free: 64 }));
        assert!(sender.is_idle());
    }
}
