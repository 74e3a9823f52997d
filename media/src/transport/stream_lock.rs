//! Which stream of the peer is the one: a lock on its SSRC that gives way to a restart, not to an intruder.
//!
//! A peer may begin a new stream at any time (RFC 3550 §8.2 and §5.1; transfers and music on hold do it within a call), and
//! audio must be back within 200 ms. A forged or stray packet must not take the stream over. So a new SSRC is taken
//! - at once, when the locked one has been silent for 100 ms;
//! - otherwise at its second packet in sequence, with none of the locked stream in between: two streams at once leave
//!   the lock where it is. Its first packet is lost then.
//!
//! Telephone-events of another SSRC are let in beside the locked stream and leave the lock as it is: some gateways make
//! them in a stream of their own. What is let in so is only ever a key, and no more keys are told than a person presses.

use std::time::{Duration, Instant};

use crate::rtp::RtpHeader;
use crate::units::{SequenceNumber, Ssrc};

/// The lock; open until the first packet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StreamLock {
    locked: Option<(Ssrc, Instant)>,
    /// A stream that would take over, and its next sequence number.
    candidate: Option<(Ssrc, SequenceNumber)>,
}

impl StreamLock {
    /// Whether the packet belongs to the stream, or has become its beginning, or is a telephone-event beside it.
    pub(super) fn admit(&mut self, now: Instant, header: &RtpHeader, is_event: bool) -> bool {
        let admitted = match self.locked {
            // Events may be a stream of their own, and the first of it.
            _ if is_event && self.locked.is_none_or(|(ssrc, _)| ssrc != header.ssrc) => return true,
            None => true,
            Some((ssrc, _)) if ssrc == header.ssrc => true,
            Some((_, heard)) if now.saturating_duration_since(heard) >= SILENCE => true,
            Some(_) => self.candidate == Some((header.ssrc, header.sequence)),
        };
        if admitted {
            *self = Self { locked: Some((header.ssrc, now)), candidate: None };
        } else {
            self.candidate = Some((header.ssrc, header.sequence.next()));
        }
        admitted
    }
}

/// Five packets of the usual 20 ms: more than a reordering, less than the 200 ms in which audio must be back.
const SILENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{PayloadType, RtpTimestamp};

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn start() -> Instant {
        Instant::now()
    }

    fn header(ssrc: u32, sequence: u16) -> RtpHeader {
        let (sequence, timestamp) = (SequenceNumber(sequence), RtpTimestamp(0));
        RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(ssrc), marker: false }
    }

    #[test]
    fn a_restart_is_taken_at_its_second_packet() {
        let (mut lock, now) = (StreamLock::default(), start());
        assert!(lock.admit(now, &header(1, 10), false));
        assert!(!lock.admit(now, &header(2, u16::MAX), false));
        assert!(lock.admit(now, &header(2, 0), false));
        assert!(!lock.admit(now, &header(1, 11), false));
    }

    #[test]
    fn after_a_hundred_milliseconds_of_silence_a_restart_is_taken_at_once() {
        let (mut lock, now) = (StreamLock::default(), start());
        assert!(lock.admit(now, &header(1, 10), false));
        assert!(lock.admit(now + SILENCE, &header(2, 7), false));
    }

    #[test]
    fn a_stream_beside_the_locked_one_never_takes_over() {
        let (mut lock, now) = (StreamLock::default(), start());
        for n in 0..1_000u16 {
            let now = now + Duration::from_millis(20) * u32::from(n);
            assert!(lock.admit(now, &header(1, n), false));
            assert!(!lock.admit(now, &header(2, n), false));
        }
    }

    #[test]
    fn packets_out_of_sequence_never_take_over_from_a_stream_that_is_heard() {
        let (mut lock, now) = (StreamLock::default(), start());
        assert!(lock.admit(now, &header(1, 10), false));
        for n in 0..100u16 {
            assert!(!lock.admit(now, &header(2, n.wrapping_mul(7)), false));
        }
    }

    #[test]
    fn keys_in_a_stream_of_their_own_are_let_in_and_move_nothing() {
        let (mut lock, now) = (StreamLock::default(), start());
        assert!(lock.admit(now, &header(2, u16::MAX), true), "nor where they come first");
        assert!(lock.admit(now, &header(1, 10), false));
        for n in 0..10u16 {
            assert!(lock.admit(now, &header(2, n), true));
            assert!(lock.admit(now, &header(1, 11 + n), false));
        }
        assert!(!lock.admit(now, &header(2, 10), false), "its audio is not");
    }
}
