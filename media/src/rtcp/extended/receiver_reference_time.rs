//! Receiver Reference Time (RFC 3611 §4.4): the clock of one who may not send, so that it too can learn the round trip.

use super::write_head;
use crate::rtcp::compound::Word;

pub(super) fn read(body: &[Word]) -> Option<u64> {
    let [high, low] = body else { return None };
    Some(u64::from(u32::from_be_bytes(*high)) << 32 | u64::from(u32::from_be_bytes(*low)))
}

/// Appends the moment, in units of 2⁻³² s.
pub(in crate::rtcp) fn write(out: &mut Vec<u8>, ntp: u64) {
    write_head(out, BLOCK_TYPE, 0, 2);
    out.extend_from_slice(&ntp.to_be_bytes());
}

pub(super) const BLOCK_TYPE: u8 = 4;
