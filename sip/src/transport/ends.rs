//! Where the header part of a message ends, and how long the body behind it is: as much of a message as its framing must know.
//!
//! Lines are read as the parser reads them (compact name, spaces before the colon, folding), so that the two never disagree on where a
//! message ends: what lies between would be a message that one of them sees and the other does not.

use crate::header::{HeaderName, parse_number};
use crate::message::trim;

/// What Content-Length says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLength {
    Known(usize),
    /// There is none, or more than one, or no number.
    Unknown,
}

/// Behind the empty line, which does not begin before `from`. Line ends before the start line are no part of the search.
pub(super) fn header_end(bytes: &[u8], from: usize) -> Option<usize> {
    let start = leading_line_ends(bytes).max(from);
    let rest = bytes.get(start..)?;
    rest.windows(END.len()).position(|window| window == END).map(|at| start + at + END.len())
}

pub(super) fn body_length(header: &[u8]) -> BodyLength {
    let mut found = None;
    let mut lines = header.get(leading_line_ends(header)..).unwrap_or_default().split(|&byte| byte == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        if !names_length(line) {
            continue;
        }
        let mut value: Vec<u8> = line.splitn(2, |&byte| byte == b':').nth(1).unwrap_or_default().to_vec();
        while let Some(more) = lines.next_if(|next| next.starts_with(b" ") || next.starts_with(b"\t")) {
            value.extend_from_slice(more);
        }
        let number = std::str::from_utf8(&value).ok().and_then(|text| parse_number(trim(&text.replace('\r', " ")), u32::MAX));
        match (number, found) {
            (Some(number), None) => found = usize::try_from(number).ok(),
            _ => return BodyLength::Unknown,
        }
    }
    found.map_or(BodyLength::Unknown, BodyLength::Known)
}

fn names_length(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|&byte| byte == b':') else { return false };
    let name = line.get(..colon).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    HeaderName::from_text(name.trim_end_matches([' ', '\t'])) == HeaderName::ContentLength
}

fn leading_line_ends(bytes: &[u8]) -> usize {
    bytes.as_chunks::<2>().0.iter().take_while(|pair| **pair == *b"\r\n").count() * 2
}

const END: &[u8] = b"\r\n\r\n";
