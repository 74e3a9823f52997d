//! Protecting what goes out (RFC 3711 §3.3, §3.4).

use crate::rtp::RtpHeader;
use crate::srtp::cipher::Ciphers;
use crate::srtp::streams::Streams;
use crate::srtp::{MAX_RTCP_INDEX, MAX_RTP_INDEX, MasterKey, RTCP_HEADER_LEN, SrtpError};
use crate::units::{SequenceNumber, Ssrc};

/// What protects under one master key. No index is used twice, for that would tell the key stream: each packet's is
/// above the one before, so packets come in the order of their sequence numbers.
#[derive(Debug)]
pub struct Sender {
    ciphers: Ciphers,
    /// The index of the last packet of each stream.
    rtp: Streams<u64>,
    /// One for all streams.
    next_rtcp_index: u32,
}

impl Sender {
    /// Begins with no roll-over: a stream that is new with its key has none, whichever way the peer counts (RFC 3711 §3.3.1, RFC 4568 §7.1.4).
    #[must_use]
    pub fn new(key: &MasterKey) -> Self {
        Self { ciphers: Ciphers::new(key), rtp: Streams::new(), next_rtcp_index: 0 }
    }

    /// Protects a packet where it stands; it becomes longer by the tag.
    ///
    /// # Errors
    /// When it is no RTP packet, or the key may serve no more.
    pub fn seal_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let (header, header_len) = RtpHeader::parse(packet)?;
        let index = self.next_index(header.ssrc, header.sequence)?;
        self.ciphers.rtp.seal_rtp(header.ssrc, index, packet, header_len)
    }

    /// Protects a compound where it stands; it becomes longer by index and tag.
    ///
    /// # Errors
    /// When it has no header, or the key may serve no more.
    pub fn seal_rtcp(&mut self, compound: &mut Vec<u8>) -> Result<(), SrtpError> {
        let ssrc = rtcp_ssrc(compound)?;
        let index = self.next_rtcp_index;
        if index > MAX_RTCP_INDEX {
            return Err(SrtpError::KeyExhausted);
        }
        self.next_rtcp_index += 1;
        self.ciphers.rtcp.seal_rtcp(ssrc, index, compound)
    }

    /// The first index above the stream's last that has this sequence number.
    fn next_index(&mut self, ssrc: Ssrc, sequence: SequenceNumber) -> Result<u64, SrtpError> {
        let Some(last) = self.rtp.get_mut(ssrc) else {
            self.rtp.has_room()?;
            self.rtp.enter(ssrc, u64::from(sequence.0));
            return Ok(u64::from(sequence.0));
        };
        let candidate = (*last & !0xffff) | u64::from(sequence.0);
        let index = if candidate > *last { candidate } else { candidate + (1 << 16) };
        if index > MAX_RTP_INDEX {
            return Err(SrtpError::KeyExhausted);
        }
        *last = index;
        Ok(index)
    }

    /// As if packets up to these indices had been sent.
    #[cfg(test)]
    pub(super) fn resume(&mut self, ssrc: Ssrc, rtp_index: u64, next_rtcp_index: u32) {
        self.rtp.enter(ssrc, rtp_index);
        self.next_rtcp_index = next_rtcp_index;
    }
}

/// The source of a compound's first packet, by which all of it is protected.
pub(super) fn rtcp_ssrc(compound: &[u8]) -> Result<Ssrc, SrtpError> {
    match compound.first_chunk::<RTCP_HEADER_LEN>() {
        Some(&[_, _, _, _, a, b, c, d]) => Ok(Ssrc(u32::from_be_bytes([a, b, c, d]))),
        None => Err(SrtpError::TooShort { len: compound.len() }),
    }
}
