//! RTP and RTCP on one port (RFC 5761 §4).

/// What a datagram of an RTP port claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtpOrRtcp {
    /// An RTP packet.
    Rtp,
    /// An RTCP packet or compound.
    Rtcp,
}

/// Tells by the first two octets; `None` when it is neither, being empty or of another version than 2.
///
/// Octet two of 192 to 223 is RTCP: there the RTP marker bit and the payload types 64 to 95 would stand, which
/// RFC 5761 §4 therefore keeps from RTP. What passes may still be malformed.
#[must_use]
pub const fn demux(datagram: &[u8]) -> Option<RtpOrRtcp> {
    match datagram {
        [first, 192..=223, ..] if *first >> 6 == 2 => Some(RtpOrRtcp::Rtcp),
        [first, _, ..] if *first >> 6 == 2 => Some(RtpOrRtcp::Rtp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_octet_of_192_to_223_is_rtcp_and_no_other() {
        for octet in 0..=255u8 {
            let expected = if (192..=223).contains(&octet) { RtpOrRtcp::Rtcp } else { RtpOrRtcp::Rtp };
            assert_eq!(demux(&[0x80, octet]), Some(expected), "octet {octet}");
        }
    }

    #[test]
    fn what_has_not_version_two_is_neither() {
        // STUN, DTLS and TURN channels all begin below 128 (RFC 7983); version 3 does not exist.
        for first in (0..128u8).chain(192..=255) {
            assert_eq!(demux(&[first, 200]), None, "first octet {first}");
        }
        assert_eq!(demux(&[]), None);
        assert_eq!(demux(&[0x80]), None);
    }
}
