//! Source description (RFC 3550 §6.5): ours is a canonical name, theirs may hold anything.
//!
//! Of the peer's items only the canonical name is ever looked at, and it is not kept: it is personal data. A list of
//! items that breaks off is read as far as it goes, since nothing but membership depends on it and some peers pad wrongly.

use super::compound::{SOURCE_DESCRIPTION, Word, append};
use crate::units::Ssrc;

/// The sources of one packet, as a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceDescription<'a> {
    count: usize,
    body: &'a [Word],
}

/// One source and its items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    pub(super) ssrc: Ssrc,
    /// From the first item's type on; more than the items of this source.
    items: &'a [u8],
}

impl<'a> SourceDescription<'a> {
    pub(super) const fn read(count: usize, body: &'a [Word]) -> Self {
        Self { count, body }
    }

    pub(super) fn chunks(self) -> impl Iterator<Item = Chunk<'a>> {
        let mut rest = self.body;
        (0..self.count).map_while(move |_| {
            let (ssrc, items) = rest.split_first()?;
            let chunk = Chunk { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), items: items.as_flattened() };
            // At least one null ends the list, and the next source begins at the next word; behind a broken list there is none.
            let ended = chunk.items.get(chunk.len()) == Some(&END);
            rest = items.get(chunk.len() / 4 + 1..).filter(|_| ended).unwrap_or_default();
            Some(chunk)
        })
    }
}

impl<'a> Chunk<'a> {
    /// Its canonical name (§6.5.1).
    pub(super) fn cname(self) -> Option<&'a [u8]> {
        self.items().find_map(|(item, text)| (item == CNAME).then_some(text))
    }

    /// Type and text of each item.
    fn items(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut rest = self.items;
        std::iter::from_fn(move || match rest {
            [END, ..] => None,
            [item, len, behind @ ..] => {
                let (text, behind) = behind.split_at_checked(usize::from(*len))?;
                rest = behind;
                Some((*item, text))
            }
            _ => None,
        })
    }

    /// Octets of all items.
    fn len(self) -> usize {
        self.items().map(|(_, text)| ITEM_HEADER_LEN + text.len()).sum()
    }
}

/// Appends a packet with one source and its canonical name, of which at most 255 octets are told.
pub(super) fn write(out: &mut Vec<u8>, ssrc: Ssrc, cname: &str) {
    let len = u8::try_from(cname.len()).unwrap_or(u8::MAX);
    let text = cname.as_bytes().get(..usize::from(len)).unwrap_or_default();
    append(out, SOURCE_DESCRIPTION, 1, |out| {
        let words = (ITEM_HEADER_LEN + text.len()) / 4 + 1;
        let end = out.len() + 4 + words * 4;
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.extend_from_slice(&[CNAME, len]);
        out.extend_from_slice(text);
        // Nulls end the list and fill the word (§6.5).
        out.resize(end, END);
    });
}

const END: u8 = 0;
const CNAME: u8 = 1;
/// Type and length.
const ITEM_HEADER_LEN: usize = 2;

#[cfg(test)]
mod tests {
    use rtc_rtcp::source_description::{SdesType, SourceDescription as Oracle, SourceDescriptionChunk, SourceDescriptionItem};
    use rtc_shared::marshal::{Marshal, Unmarshal};

    use super::*;

    fn names(packet: &[u8]) -> Vec<(u32, Option<String>)> {
        let sdes = SourceDescription::read(usize::from(packet[0] & 0x1f), &packet.as_chunks().0[1..]);
        sdes.chunks().map(|chunk| (chunk.ssrc.0, chunk.cname().map(|name| String::from_utf8(name.to_vec()).unwrap()))).collect()
    }

    #[test]
    fn the_canonical_name_is_told_whole_for_every_length_and_padded_by_nulls() {
        for len in [0usize, 1, 2, 3, 4, 5, 31, 255, 300] {
            let mut packet = Vec::new();
            write(&mut packet, Ssrc(7), &"x".repeat(len));
            let told = len.min(255);
            assert_eq!(packet.len() % 4, 0);
            assert!(packet[10 + told..].iter().all(|octet| *octet == 0) && (1..=4).contains(&(packet.len() - 10 - told)), "length {len}");
            let read = Oracle::unmarshal(&mut &packet[..]).unwrap();
            assert_eq!((read.chunks[0].items[0].sdes_type, read.chunks[0].items[0].text.len()), (SdesType::SdesCname, told));
            assert_eq!(names(&packet), [(7, Some("x".repeat(told)))]);
        }
    }

    #[test]
    fn several_sources_and_other_items_are_read_for_every_alignment() {
        for len in 0..9 {
            let item = |sdes_type, text: String| SourceDescriptionItem { sdes_type, text: text.into() };
            let chunk = |source, items| SourceDescriptionChunk { source, items };
            let chunks = vec![
                chunk(1, vec![item(SdesType::SdesTool, "t".repeat(len)), item(SdesType::SdesCname, "first".to_owned())]),
                chunk(2, vec![item(SdesType::SdesNote, "n".repeat(len))]),
                chunk(3, vec![item(SdesType::SdesCname, "third".to_owned())]),
            ];
            let packet = Oracle { chunks }.marshal().unwrap();
            assert_eq!(names(&packet), [(1, Some("first".to_owned())), (2, None), (3, Some("third".to_owned()))], "{len} octets");
        }
    }

    #[test]
    fn items_that_break_off_end_the_list_and_spoil_nothing() {
        assert_eq!(names(&[0x82, 202, 0, 2, 0, 0, 0, 1, CNAME, 200, b'a', b'b', 0, 0, 0, 2, 0, 0, 0, 0]), [(1, None)]);
        assert_eq!(names(&[0x9f, 202, 0, 0]), []);
    }
}
