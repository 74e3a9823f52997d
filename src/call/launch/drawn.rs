//! What of a call is drawn, so that nobody can guess it, and what its clocks begin with.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Buf;
use media::rtcp::NtpBase;
use media::rtp::RtpSeed;
use media::units::{RtpTimestamp, SequenceNumber, Ssrc};

/// What of a leg must not be guessed.
pub(super) struct Drawn {
    /// Where its stream begins.
    pub(super) seed: RtpSeed,
    /// For whatever else.
    pub(super) number: u64,
    /// Our name in reports: 96 bits that mean nothing (RFC 7022 §4.2).
    pub(super) cname: String,
}

/// Draws it.
pub(super) fn draw() -> Drawn {
    let mut random = [0; 32];
    getrandom::fill(&mut random).expect("the operating system provides randomness");
    let mut random = random.as_slice();
    let seed =
        RtpSeed { ssrc: Ssrc(random.get_u32()), sequence: SequenceNumber(random.get_u16()), timestamp: RtpTimestamp(random.get_u32()) };
    let number = random.get_u64();
    Drawn { seed, number, cname: hex::encode(random.get(..12).unwrap_or_default()) }
}

/// What a call's SRTP keys are made of.
pub(super) fn draw_key_seed() -> [u8; 32] {
    let mut random = [0; 32];
    getrandom::fill(&mut random).expect("the operating system provides randomness");
    random
}

/// Which NTP time `now` is (RFC 3550 §4).
pub(super) fn ntp_base(now: Instant) -> NtpBase {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    NtpBase { at: now, ntp: (unix.as_secs() + NTP_TO_UNIX_S) << 32 | fraction }
}

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;
