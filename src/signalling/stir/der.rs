//! As much of DER (ITU-T X.690 §10) as a certificate's extensions and a signature need.

/// Elements one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a>(&'a [u8]);

/// Tag and content of one element.
pub(super) type Element<'a> = (u8, &'a [u8]);

impl<'a> Der<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The elements within the next one, which has this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| Self(content))
    }

    /// The content of the next element, which has this tag.
    pub(super) fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.enter(tag).map(|element| element.0)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // No certificate is longer than 2^24 octets; nothing of indefinite length is DER.
            0x81..=0x83 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
                (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const IA5_STRING: u8 = 0x16;
pub(super) const SEQUENCE: u8 = 0x30;

/// An explicit tag of a context.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_each_form_are_read_and_what_is_cut_off_is_nothing() {
        let long = [&[4_u8, 0x82, 1, 0][..], &[7; 256]].concat();
        assert_eq!(Der::new(&long).content(OCTET_STRING), Some(&[7_u8; 256][..]));
        assert_eq!(Der::new(&[0x30, 3, 2, 1, 5]).enter(SEQUENCE).and_then(|mut inner| inner.content(INTEGER)), Some(&[5_u8][..]));
        for cut in [&[][..], &[4], &[4, 2, 1], &[4, 0x80, 0, 0], &[4, 0x84, 0, 0, 0, 0], &[4, 0x82, 1]] {
            assert_eq!(Der::new(cut).next(), None, "{cut:?}");
        }
    }
}
