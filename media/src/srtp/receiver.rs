//! Opening what comes in (RFC 3711 §3.3, §3.4).

use std::time::{Duration, Instant};

use crate::rtp::RtpHeader;
use crate::srtp::cipher::{Ciphers, ENCRYPTED};
use crate::srtp::replay::ReplayWindow;
use crate::srtp::sender::rtcp_ssrc;
use crate::srtp::streams::Streams;
use crate::srtp::{MAX_RTP_INDEX, MasterKey, RTCP_HEADER_LEN, SrtpError};
use crate::units::SequenceNumber;

/// What opens under one master key.
#[derive(Debug)]
pub struct Receiver {
    ciphers: Ciphers,
    rtp: Streams<RtpStream>,
    rtcp: Streams<ReplayWindow>,
    /// The newest index of each stream under the key before this one.
    before: Streams<u64>,
}

/// What authentic packets of one stream have told.
#[derive(Clone, Copy, Debug)]
struct RtpStream {
    window: ReplayWindow,
    heard: Instant,
}

impl Receiver {
    /// Expects no roll-over before the first packet, but takes one.
    #[must_use]
    pub fn new(key: &MasterKey) -> Self {
        Self { ciphers: Ciphers::new(key), rtp: Streams::new(), rtcp: Streams::new(), before: Streams::new() }
    }

    /// The same for the key that comes after this one. Whether the roll-overs of a stream go on under it (RFC 3711 §3.3.1) or begin anew
    /// (RFC 4568 §7.1.4) peers do not agree on: its first packet tells.
    #[must_use]
    pub fn successor(&self, key: &MasterKey) -> Self {
        let mut next = Self::new(key);
        for (ssrc, stream) in self.rtp.iter() {
            next.before.enter(*ssrc, stream.window.newest());
        }
        next
    }

    /// Writes a packet in clear to `opened`, in the place of what is there; on an error that may be anything.
    ///
    /// # Errors
    /// When the packet is not authentic, not new, or no packet; nothing is learned from it then.
    pub fn open_rtp(&mut self, now: Instant, packet: &[u8], opened: &mut Vec<u8>) -> Result<(), SrtpError> {
        let (header, header_len) = RtpHeader::parse(packet)?;
        if packet.len() < header_len + self.ciphers.rtp.tag_len() {
            return Err(SrtpError::TooShort { len: packet.len() });
        }
        let Some(stream) = self.rtp.get_mut(header.ssrc) else {
            self.rtp.has_room()?;
            let before = self.before.get_mut(header.ssrc).copied();
            for index in first_indices(header.sequence, before) {
                put(packet, opened);
                if self.ciphers.rtp.open_rtp(header.ssrc, index, opened, header_len).is_ok() {
                    self.rtp.enter(header.ssrc, RtpStream { window: ReplayWindow::new(index), heard: now });
                    return Ok(());
                }
            }
            return Err(SrtpError::NotAuthentic);
        };
        let mut outcome = Err(SrtpError::KeyExhausted);
        for index in stream.indices(now, header.sequence) {
            if !stream.window.may_take(index) {
                outcome = Err(SrtpError::Replayed);
                continue;
            }
            put(packet, opened);
            outcome = self.ciphers.rtp.open_rtp(header.ssrc, index, opened, header_len);
            if outcome.is_ok() {
                stream.window.take(index);
                stream.heard = now;
                break;
            }
        }
        outcome
    }

    /// Writes a compound in clear to `opened`, in the place of what is there; on an error that may be anything.
    ///
    /// # Errors
    /// When the compound is not authentic, not new, or none; nothing is learned from it then.
    pub fn open_rtcp(&mut self, compound: &[u8], opened: &mut Vec<u8>) -> Result<(), SrtpError> {
        let too_short = SrtpError::TooShort { len: compound.len() };
        let ssrc = rtcp_ssrc(compound)?;
        if compound.len() < RTCP_HEADER_LEN + 4 + self.ciphers.rtcp.tag_len() {
            return Err(too_short);
        }
        let word = self.ciphers.rtcp.rtcp_index_word(compound).ok_or(too_short)?;
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::NotEncrypted);
        }
        let index = word & !ENCRYPTED;
        let known = self.rtcp.get_mut(ssrc).map(|window| window.may_take(u64::from(index)));
        match known {
            Some(true) => {}
            Some(false) => return Err(SrtpError::Replayed),
            None => self.rtcp.has_room()?,
        }
        put(compound, opened);
        self.ciphers.rtcp.open_rtcp(ssrc, index, opened)?;
        match self.rtcp.get_mut(ssrc) {
            Some(window) => window.take(u64::from(index)),
            None => self.rtcp.enter(ssrc, ReplayWindow::new(u64::from(index))),
        }
        Ok(())
    }
}

impl RtpStream {
    /// The indices that a packet may have, likeliest first.
    fn indices(&self, now: Instant, sequence: SequenceNumber) -> impl Iterator<Item = u64> + use<> {
        let likely = estimate(self.window.newest(), sequence);
        let silent = now.saturating_duration_since(self.heard) >= HALF_ROLL_OVER;
        let missed = if silent { likely.checked_add(1 << 16) } else { None };
        [Some(likely), missed].into_iter().flatten().filter(|index| *index <= MAX_RTP_INDEX)
    }
}

/// The index nearest to the newest (RFC 3711 §3.3.1); never before the first roll-over.
fn estimate(newest: u64, sequence: SequenceNumber) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the low sixteen bits are what is asked for")]
    let distance = sequence.since(SequenceNumber(newest as u16));
    newest.checked_add_signed(i64::from(distance)).unwrap_or(u64::from(sequence.0))
}

/// The indices that a stream's first packet may have. Senders begin anywhere, often just below the roll-over, and
/// their first packets may be lost, or sent before we listened; a second roll-over takes ten minutes at the least. `before`: where it was under
/// the last key.
fn first_indices(sequence: SequenceNumber, before: Option<u64>) -> impl Iterator<Item = u64> {
    let unrolled = u64::from(sequence.0);
    let gone_on = before.map(|newest| estimate(newest, sequence)).filter(|index| *index > unrolled | 1 << 16 && *index <= MAX_RTP_INDEX);
    [unrolled, unrolled | 1 << 16].into_iter().chain(gone_on)
}

fn put(packet: &[u8], opened: &mut Vec<u8>) {
    opened.clear();
    opened.extend_from_slice(packet);
}

/// In so much silence 2^15 packets of 10 ms, the shortest that are sent here, may have been lost: the estimate may be
/// one roll-over behind.
const HALF_ROLL_OVER: Duration = Duration::from_millis(10 << 15);
