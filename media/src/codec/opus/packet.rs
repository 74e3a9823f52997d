//! The framing of an Opus packet (RFC 6716 §3): what can be known of it without decoding.
//!
//! All of §3.4 is held, R1 to R7: what libopus would refuse is refused here, before it could touch a decoder's state.
//! Left out on purpose: self-delimiting framing (appendix B), which RTP does not use, and what stands in the padding.

/// One packet whose framing is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    toc: u8,
    /// 1 to 48.
    frames: u8,
    /// The first frame, which may be empty (RFC 6716 §3.1: nothing was sent for it).
    first: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` for what breaks one of the rules.
    pub(crate) fn parse(payload: &'a [u8]) -> Option<Self> {
        let (&toc, body) = payload.split_first()?;
        let (frames, first) = match toc & CODE {
            0 => (1, body),
            1 => (2, body.get(..body.len() / 2).filter(|_| body.len().is_multiple_of(2))?),
            2 => {
                let (length, body) = frame_length(body)?;
                let (first, second) = body.split_at_checked(length)?;
                (2, Some(first).filter(|_| second.len() <= LONGEST_FRAME)?)
            }
            _ => Self::parse_many(body)?,
        };
        let packet = Self { toc, frames, first };
        (first.len() <= LONGEST_FRAME && packet.ticks() <= LONGEST_PACKET).then_some(packet)
    }

    /// Ticks of the 48 kHz clock that it lasts, 120 ms at most.
    pub(crate) const fn ticks(&self) -> u64 {
        self.frame_ticks() * self.frames as u64
    }

    /// Ticks of one of its frames (RFC 6716 table 2).
    pub(crate) const fn frame_ticks(&self) -> u64 {
        match (self.toc >> 3, self.toc >> 3 & 3) {
            (12..16, odd) => 480 << (odd & 1),
            (..12, 3) => 2_880,
            (..12, size) => 480 << size,
            (_, size) => 120 << size,
        }
    }

    /// Whether its frames are those of CELT alone, which carry no redundancy.
    pub(crate) const fn is_celt(&self) -> bool {
        self.toc >> 3 >= 16
    }

    /// Whether its first frame holds the one before it a second time (RFC 6716 §4.2.4): the flag behind the voice
    /// activity flags, one a 20 ms, of either channel. All are coded with a probability of one half, and so stand as bits.
    pub(crate) fn has_redundancy(&self) -> bool {
        let Some(&bits) = self.first.first().filter(|_| !self.is_celt()) else { return false };
        let activity = self.frame_ticks().div_ceil(960);
        let flag = |channel: u64| bits << (channel * (activity + 1) + activity) & 0x80 != 0;
        flag(0) || (self.toc & STEREO != 0 && flag(1))
    }

    /// Any number of frames (code 3, RFC 6716 §3.2.5).
    fn parse_many(body: &'a [u8]) -> Option<(u8, &'a [u8])> {
        let (&header, mut body) = body.split_first()?;
        let frames = header & COUNT;
        let mut padding = 0;
        if header & PADDED != 0 {
            loop {
                let (&more, rest) = body.split_first()?;
                (padding, body) = (padding + usize::from(more.min(254)), rest);
                if more < 255 {
                    break;
                }
            }
        }
        let mut body = body.get(..body.len().checked_sub(padding)?)?;
        if header & VARIABLE == 0 {
            let length = body.len().checked_div(usize::from(frames))?;
            let whole = length * usize::from(frames) == body.len();
            return whole.then_some((frames, body.get(..length)?));
        }
        let (mut first, mut explicit) = (None, 0);
        for _ in 1..frames {
            let (length, rest) = frame_length(body)?;
            (first, explicit, body) = (first.or(Some(length)), explicit + length, rest);
        }
        let last = body.len().checked_sub(explicit).filter(|&last| last <= LONGEST_FRAME)?;
        (frames > 0).then_some((frames, body.get(..first.unwrap_or(last))?))
    }
}

/// A frame's length and what stands behind it (RFC 6716 §3.2.1).
fn frame_length(body: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = body.split_first()?;
    if first < 252 {
        return Some((first.into(), rest));
    }
    let (&second, rest) = rest.split_first()?;
    Some((usize::from(first) + 4 * usize::from(second), rest))
}

/// Bits of the first byte: how many frames follow, and whether they are stereo.
const CODE: u8 = 0x03;
const STEREO: u8 = 0x04;
/// Bits of the second byte of code 3.
const VARIABLE: u8 = 0x80;
const PADDED: u8 = 0x40;
const COUNT: u8 = 0x3f;
/// Bytes (R2).
const LONGEST_FRAME: usize = 1_275;
/// Ticks: 120 ms (R5).
const LONGEST_PACKET: u64 = 5_760;

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(payload: &[u8]) -> Option<u64> {
        Packet::parse(payload).map(|packet| packet.ticks())
    }

    /// A packet of code 3: configuration, second byte, and so many bytes behind.
    fn many(config: u8, header: u8, rest: usize) -> Vec<u8> {
        [vec![config << 3 | 3, header], vec![0; rest]].concat()
    }

    #[test]
    fn a_frame_lasts_what_table_2_says() {
        let milliseconds = |config: u8| ticks(&[config << 3, 0]).unwrap() as f64 / 48.0;
        for silk in 0..12 {
            assert_eq!(milliseconds(silk), [10.0, 20.0, 40.0, 60.0][usize::from(silk % 4)], "configuration {silk}");
        }
        for hybrid in 12..16 {
            assert_eq!(milliseconds(hybrid), [10.0, 20.0][usize::from(hybrid % 2)], "configuration {hybrid}");
        }
        for celt in 16..32 {
            assert_eq!(milliseconds(celt), [2.5, 5.0, 10.0, 20.0][usize::from(celt % 4)], "configuration {celt}");
        }
    }

    #[test]
    fn r1_a_packet_has_a_byte_and_one_alone_is_a_frame_that_was_not_sent() {
        assert_eq!(ticks(&[]), None);
        assert_eq!(ticks(&[0x08]), Some(960));
        assert_eq!(ticks(&[0x09]), Some(1_920));
    }

    #[test]
    fn r2_no_frame_is_longer_than_1275_bytes() {
        assert_eq!(ticks(&vec![0x08; 1 + 1_275]), Some(960));
        assert_eq!(ticks(&vec![0x08; 1 + 1_276]), None);
        assert_eq!(ticks(&vec![0x09; 1 + 2 * 1_275]), Some(1_920));
        assert_eq!(ticks(&vec![0x09; 1 + 2 * 1_276]), None);
        assert_eq!(ticks(&[vec![0x0a, 1], vec![0; 1 + 1_276]].concat()), None, "the second of two");
        assert_eq!(ticks(&many(1, 1, 1_276)), None, "one of many");
    }

    #[test]
    fn r3_two_frames_of_one_length_are_an_even_number_of_bytes() {
        assert_eq!(ticks(&[0x09, 1, 2]), Some(1_920));
        assert_eq!(ticks(&[0x09, 1, 2, 3]), None);
    }

    #[test]
    fn r4_the_first_of_two_lengths_is_there_and_within_the_packet() {
        assert_eq!(ticks(&[0x0a]), None);
        assert_eq!(ticks(&[0x0a, 252]), None, "half a length");
        assert_eq!(ticks(&[0x0a, 2, 0]), None);
        assert_eq!(ticks(&[0x0a, 2, 0, 0]), Some(1_920), "the second is empty");
        assert_eq!(ticks(&[vec![0x0a, 253, 1], vec![0; 257]].concat()), Some(1_920));
    }

    #[test]
    fn r5_many_are_one_at_least_and_120_ms_at_most() {
        assert_eq!(ticks(&many(1, 0, 0)), None, "none, of one length");
        assert_eq!(ticks(&many(1, 0x80, 0)), None, "none, of their own lengths");
        assert_eq!(ticks(&many(1, 6, 6)), Some(5_760));
        assert_eq!(ticks(&many(1, 7, 7)), None);
        assert_eq!(ticks(&many(16, 48, 48)), Some(5_760));
        assert_eq!(ticks(&many(16, 49, 49)), None);
        assert_eq!(ticks(&many(3, 2, 2)), Some(5_760));
        assert_eq!(ticks(&many(3, 3, 3)), None);
    }

    #[test]
    fn r6_many_of_one_length_share_what_padding_leaves() {
        assert_eq!(ticks(&[0x0b]), None, "no count");
        assert_eq!(ticks(&many(1, 3, 9)), Some(2_880));
        assert_eq!(ticks(&many(1, 3, 10)), None);
        assert_eq!(ticks(&[vec![0x0b, 0x43, 1], vec![0; 10]].concat()), Some(2_880), "one of padding");
        assert_eq!(ticks(&[vec![0x0b, 0x43, 255, 3], vec![0; 254 + 3 + 6]].concat()), Some(2_880), "257 of padding");
        assert_eq!(ticks(&[0x0b, 0x43, 4, 0, 0, 0]), None, "more padding than there is");
        assert_eq!(ticks(&[0x0b, 0x43]), None, "no length of the padding");
        assert_eq!(ticks(&[0x0b, 0x43, 255]), None, "half a length of the padding");
    }

    #[test]
    fn r7_many_of_their_own_lengths_hold_all_that_they_name() {
        assert_eq!(ticks(&[0x0b, 0x83, 1, 2, 0, 0, 0]), Some(2_880), "the last is empty");
        assert_eq!(ticks(&[0x0b, 0x83, 1, 3, 0, 0, 0]), None);
        assert_eq!(ticks(&[0x0b, 0x83, 1]), None, "a length is missing");
        assert_eq!(ticks(&[0x0b, 0xc2, 1, 1, 0, 0]), Some(1_920), "one of padding");
        assert_eq!(ticks(&[0x0b, 0xc2, 2, 1, 0]), None, "the padding takes what the first needs");
    }

    #[test]
    fn redundancy_is_told_by_the_flag_behind_the_voice_activity_flags() {
        let redundant = |toc: u8, first: u8| Packet::parse(&[toc, first]).unwrap().has_redundancy();
        assert!(redundant(0x08, 0b0100_0000) && !redundant(0x08, 0b1011_1111), "20 ms of SILK");
        assert!(redundant(0x18, 0b0001_0000) && !redundant(0x18, 0b1110_1111), "60 ms of SILK");
        assert!(redundant(0x78, 0b0100_0000) && !redundant(0x78, 0b1011_1111), "20 ms of both");
        assert!(redundant(0x0c, 0b0001_0000) && !redundant(0x0c, 0b1010_1111), "the second channel");
        assert!(!redundant(0xf8, 0xff), "CELT has none");
        assert!(!Packet::parse(&[0x08]).unwrap().has_redundancy(), "nor has what was not sent");
    }
}
