//! RTP and RTCP as nobody should send it.

use crate::caller::{FRAME, rtp_packet};
use crate::speech::Room;

/// RTP as it should be, of a loud tone: to be told from what callers send here.
pub(crate) fn loud(index: u32) -> Vec<u8> {
    // The loudest code of each sign in turn, for half a millisecond each.
    let tone: [u8; FRAME] = std::array::from_fn(|sample| if sample / 4 % 2 == 0 { 0x80 } else { 0x00 });
    rtp_packet(index, &tone)
}

/// Anything at all.
pub(crate) fn random(chance: &mut Room) -> Vec<u8> {
    let length = chance.next() as usize % 1400;
    std::iter::repeat_with(|| chance.next() as u8).take(length).collect()
}

/// The beginning of `whole`, of any length.
pub(crate) fn truncated(chance: &mut Room, whole: &[u8]) -> Vec<u8> {
    whole[..chance.next() as usize % (whole.len() + 1)].to_vec()
}

/// Headers that promise what does not follow: AST-2017-008 and its like.
pub(crate) const MALFORMED: &[&[u8]] = &[
    b"",
    b"\x80",
    // Fifteen contributing sources, none there.
    b"\x8f\x00\x00\x01\x00\x00\x00\xa0test",
    // A header extension of 65535 words, and one without its length.
    b"\x90\x00\x00\x01\x00\x00\x00\xa0test\xbe\xde\xff\xff\x00",
    b"\x90\x00\x00\x01\x00\x00\x00\xa0test\xbe",
    // More padding than payload; padding of nothing; padding without a payload.
    b"\xa0\x00\x00\x01\x00\x00\x00\xa0test\x55\xff",
    b"\xa0\x00\x00\x01\x00\x00\x00\xa0test\x55\x00",
    b"\xa0\x00\x00\x01\x00\x00\x00\xa0test",
    // Version 0, 1 and 3.
    b"\x00\x00\x00\x01\x00\x00\x00\xa0test\x55\x55",
    b"\x40\x00\x00\x01\x00\x00\x00\xa0test\x55\x55",
    b"\xc0\x00\x00\x01\x00\x00\x00\xa0test\x55\x55",
    // RTCP of four bytes; a sender report that ends early; 31 report blocks, none there; a length beyond the end.
    b"\x80\xc8\x00\x00",
    b"\x80\xc8\x00\x06test\x00\x00\x00\x00",
    b"\x9f\xc9\x00\x01test",
    b"\x81\xc9\xff\xfftest",
    // A description whose item is longer than the packet; one without an end; a goodbye with too long a reason.
    b"\x81\xca\x00\x02test\x01\xffab",
    b"\x81\xca\x00\x02test\x01\x02ab",
    b"\x81\xcb\x00\x02test\xffabc",
    // Feedback and an extended report without their blocks; an unknown type; padding in the first of two packets.
    b"\x81\xcd\x00\x02testtest",
    b"\x80\xcf\x00\x02test\x04\x00\xff\xff",
    b"\x80\xdf\x00\x00",
    b"\xa0\xc9\x00\x01test\x80\xc9\x00\x01test",
];
