//! Sending keys: during an event its packets stand in the place of the audio's, one a slot (RFC 4733 §2.5.1).
//!
//! Every packet of an event has the timestamp of its beginning and the duration so far; the last one is sent three
//! times, in three slots. Sequence numbers are the stream's, so nothing is lost for the receiver.

use std::collections::VecDeque;
use std::time::Duration;

use crate::dtmf::Digit;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{ClockRate, PayloadType, RtpTimestamp};

/// Puts keys into a stream of packets that somebody else paces.
#[derive(Debug)]
pub struct Sender {
    payload_type: PayloadType,
    clock_rate: ClockRate,
    waiting: VecDeque<Digit>,
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
        Self { payload_type, clock_rate, waiting: VecDeque::new(), state: State::Idle, payload: [0; 4] }
    }

    /// Has `digits` sent from the next slot on, after those that wait; at most [`Self::BOUND`] wait.
    ///
    /// # Errors
    /// When that is too many.
    pub fn dial(&mut self, digits: &[Digit]) -> Result<(), DialError> {
        let free = Self::BOUND.saturating_sub(self.waiting.len());
        if digits.len() > free {
            return Err(DialError { asked: digits.len(), free });
        }
        self.waiting.extend(digits);
        Ok(())
    }

    /// What to send in the slot of `audio`, a packet of `ticks`: an event's packet, or nothing and the audio itself.
    pub fn replace(&mut self, audio: &RtpHeader, ticks: u32) -> Option<RtpPacket<'_>> {
        let began = self.advance(audio.timestamp);
        let State::Pressed { digit, start, ended } = self.state else { return None };
        let limit = self.ticks(KEY_TIME);
        let duration = match ended {
            Some(_) => limit,
            None => (audio.timestamp.since(start).unsigned_abs() + ticks).min(limit),
        };
        let copies = if duration == limit { Some(ended.unwrap_or(0) + 1) } else { None };
        self.state = match copies {
            Some(LAST_PACKETS) => State::Released { resume: start.advance(limit + self.ticks(PAUSE)) },
            ended => State::Pressed { digit, start, ended },
        };
        let end_bit = if copies.is_some() { END } else { 0 };
        let [high, low] = u16::try_from(duration).unwrap_or(u16::MAX).to_be_bytes();
        self.payload = [digit.event(), end_bit | VOLUME, high, low];
        let header = RtpHeader { payload_type: self.payload_type, timestamp: start, marker: began, ..*audio };
        Some(RtpPacket { header, payload: &self.payload })
    }

    /// Whether every key has been sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !matches!(self.state, State::Pressed { .. })
    }

    /// Presses the next key if one may be; true when it was.
    fn advance(&mut self, slot: RtpTimestamp) -> bool {
        let free = match self.state {
            State::Idle => true,
            State::Pressed { .. } => false,
            State::Released { resume } => slot.since(resume) >= 0,
        };
        if !free {
            return false;
        }
        let next = self.waiting.pop_front();
        self.state = next.map_or(State::Idle, |digit| State::Pressed { digit, start: slot, ended: None });
        next.is_some()
    }

    fn ticks(&self, duration: Duration) -> u32 {
        u32::try_from(self.clock_rate.ticks(duration)).unwrap_or(u32::MAX)
    }

    /// The most keys that wait.
    pub const BOUND: usize = 64;
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// `ended` counts the last packets that were sent.
    Pressed {
        digit: Digit,
        start: RtpTimestamp,
        ended: Option<u8>,
    },
    /// No key before `resume`.
    Released {
        resume: RtpTimestamp,
    },
}

/// How long a key is held: well above the 40 ms that receivers ask for (Q.24).
const KEY_TIME: Duration = Duration::from_millis(160);
/// From the end of a key to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the last packet is sent (§2.5.1.4).
const LAST_PACKETS: u8 = 3;
const END: u8 = 0x80;
/// −10 dBm0, within what receivers must take (§2.3.4).
const VOLUME: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{SequenceNumber, Ssrc};

    const TICKS: u32 = 160;

    fn slot(n: u16) -> RtpHeader {
        RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(n),
            timestamp: RtpTimestamp(u32::MAX - 500).advance(u32::from(n) * TICKS),
            ssrc: Ssrc(1),
            marker: false,
        }
    }

    /// (slot, header, payload) of every event packet within `slots`.
    fn events(keys: &str, slots: u16) -> Vec<(u16, RtpHeader, Vec<u8>)> {
        let mut sender = Sender::new(PayloadType::from_low_bits(101), ClockRate::HZ_8000);
        sender.dial(&keys.chars().filter_map(Digit::new).collect::<Vec<_>>()).unwrap();
        let packet = |n| sender.replace(&slot(n), TICKS).map(|packet| (n, packet.header, packet.payload.to_vec()));
        (0..slots).filter_map(packet).collect()
    }

    #[test]
    fn a_key_of_160_ms_takes_eight_slots_and_two_for_the_copies_of_its_end() {
        let durations: Vec<_> = events("5", 100).iter().map(|(_, _, payload)| u16::from_be_bytes([payload[2], payload[3]])).collect();
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
        assert!(packets.iter().all(|(_, header, _)| header.timestamp == slot(0).timestamp));
        assert_eq!(packets.iter().filter(|(_, header, _)| header.marker).count(), 1);
        assert!(packets[0].1.marker);
    }

    #[test]
    fn sequence_numbers_stay_those_of_the_stream() {
        assert!(events("12", 100).iter().all(|(n, header, _)| header.sequence.0 == *n));
    }

    #[test]
    fn the_next_key_begins_100_ms_after_the_end_of_the_last() {
        let firsts: Vec<_> =
            events("1#", 100).iter().filter(|(_, header, _)| header.marker).map(|(n, _, payload)| (*n, payload[0])).collect();
        assert_eq!(firsts, [(0, 1), (13, 11)]);
    }

    #[test]
    fn more_keys_than_may_wait_are_refused_whole() {
        let mut sender = Sender::new(PayloadType::from_low_bits(101), ClockRate::HZ_8000);
        assert_eq!(sender.dial(&[Digit(1); 65]), Err(DialError { asked: 65, free: 64 }));
        assert!(sender.is_idle());
    }
}
