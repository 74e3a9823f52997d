//! The goodbye (RFC 3550 §6.6).

use super::compound::{GOODBYE, Word, append};
use crate::units::Ssrc;

/// Who leaves, as a view. The reason is free text of the peer and not read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goodbye<'a> {
    sources: &'a [Word],
}

impl<'a> Goodbye<'a> {
    pub(super) fn read(count: usize, body: &'a [Word]) -> Option<Self> {
        body.get(..count).map(|sources| Self { sources })
    }

    pub(super) fn sources(self) -> impl Iterator<Item = Ssrc> {
        self.sources.iter().map(|source| Ssrc(u32::from_be_bytes(*source)))
    }
}

/// Appends a goodbye of one source; an empty reason is not told, and of a longer one at most 255 octets are.
pub(super) fn write(out: &mut Vec<u8>, ssrc: Ssrc, reason: &str) {
    append(out, GOODBYE, 1, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        if reason.is_empty() {
            return;
        }
        let len = u8::try_from(reason.len()).unwrap_or(u8::MAX);
        let text = reason.as_bytes().get(..usize::from(len)).unwrap_or_default();
        let end = out.len() + (1 + text.len()).next_multiple_of(4);
        out.push(len);
        out.extend_from_slice(text);
        out.resize(end, 0);
    });
}

#[cfg(test)]
mod tests {
    use rtc_rtcp::goodbye::Goodbye as Oracle;
    use rtc_shared::marshal::Unmarshal;

    use super::*;

    #[test]
    fn a_reason_is_told_whole_for_every_alignment() {
        for len in 0usize..9 {
            let reason = "r".repeat(len);
            let mut packet = Vec::new();
            write(&mut packet, Ssrc(7), &reason);
            let read = Oracle::unmarshal(&mut &packet[..]).unwrap();
            assert_eq!((read.sources, read.reason), (vec![7], reason.into()), "{len} octets");
        }
    }
}
