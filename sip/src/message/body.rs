//! Bodies (RFC 3261 §7.4, RFC 5621): the session description among what a message carries.
//!
//! Strict and bounded: delimiters are whole lines, a part ends with one, and of many or deeply nested parts the first are looked at.
//! Left out: parts in base64 or quoted-printable, which SIP has no need of (RFC 3261 §7.4.1 has binary bodies).

use bytes::Bytes;
use memchr::memmem;

use super::Headers;
use super::text::{split_once, split_outside_quotes, trim};
use crate::header::{HeaderName, MediaType, Params};

/// A body or a part of one, with what its headers say of it.
struct Body<'a> {
    media_type: Option<MediaType<'a>>,
    disposition: Option<&'a str>,
    encoded: bool,
    content: Bytes,
}

impl Headers {
    /// The session description: the body, or the part of a multipart body that is one. Empty where there is none that can be read. A body
    /// without a type is one, since there is hardly another.
    pub fn sdp(&self) -> Bytes {
        match self.value(HeaderName::ContentType) {
            None => self.body(),
            Some(_) => self.typed_body().sdp(0).unwrap_or_default(),
        }
    }

    /// Whether nobody need understand the body (RFC 5621).
    pub(crate) fn is_body_optional(&self) -> bool {
        self.typed_body().is_optional(0)
    }

    fn typed_body(&self) -> Body<'_> {
        Body {
            media_type: self.content_type(),
            disposition: self.value(HeaderName::ContentDisposition),
            encoded: self.elements(HeaderName::ContentEncoding).any(|encoding| !encoding.eq_ignore_ascii_case("identity")),
            content: self.body(),
        }
    }
}

impl Body<'_> {
    fn sdp(&self, depth: usize) -> Option<Bytes> {
        if self.encoded {
            return None;
        }
        if self.media_type?.is_sdp() {
            return Some(self.content.clone());
        }
        let session = |body: &Body<'_>| body.kind_of_use().is_none_or(|kind| kind.eq_ignore_ascii_case("session"));
        self.parts(depth).find_map(|part| Some(part.body()).filter(session)?.sdp(depth + 1))
    }

    /// Says so, or has only parts that do (RFC 5621).
    fn is_optional(&self, depth: usize) -> bool {
        let params = self.disposition.and_then(|disposition| Params::parse(split_outside_quotes(disposition, b';', false).1).ok());
        if let Some(handling) = params.and_then(|params| params.value("handling")) {
            return handling.eq_ignore_ascii_case("optional");
        }
        let mut parts = self.parts(depth).peekable();
        parts.peek().is_some() && parts.all(|part| part.body().is_optional(depth + 1))
    }

    /// What it is for: `session`, `early-session`, `render`, …
    fn kind_of_use(&self) -> Option<&str> {
        self.disposition.map(|disposition| trim(split_outside_quotes(disposition, b';', false).0))
    }

    fn parts(&self, depth: usize) -> impl Iterator<Item = Part> + use<> {
        let parts = self.media_type.filter(|media_type| depth < MAX_DEPTH && !self.encoded && is_multipart(media_type));
        let boundary = parts.and_then(|media_type| media_type.params.value("boundary"));
        boundary.and_then(|boundary| Parts::of(&self.content, boundary)).into_iter().flatten().take(MAX_PARTS)
    }
}

fn is_multipart(media_type: &MediaType<'_>) -> bool {
    ["multipart/mixed", "multipart/alternative", "multipart/related"].into_iter().any(|name| media_type.is(name))
}

/// One part of a multipart body.
struct Part {
    /// Its header lines, unfolded.
    head: String,
    content: Bytes,
}

impl Part {
    /// `None` when its headers are no text, or do not end.
    fn read(part: &Bytes) -> Option<Self> {
        let end = if part.starts_with(b"\r\n") { 0 } else { memmem::find(part, b"\r\n\r\n")? + 2 };
        let head = std::str::from_utf8(part.get(..end.min(MAX_HEAD_BYTES))?).ok()?;
        Some(Self { head: head.replace("\r\n ", "   ").replace("\r\n\t", "   "), content: part.slice(end + 2..) })
    }

    fn body(&self) -> Body<'_> {
        let encoded =
            |name, plain: &[&str]| self.header(name).is_some_and(|value| !plain.iter().any(|plain| value.eq_ignore_ascii_case(plain)));
        Body {
            media_type: self.header("Content-Type").and_then(|text| MediaType::parse(text).ok()),
            disposition: self.header("Content-Disposition"),
            encoded: encoded("Content-Encoding", &["identity"]) || encoded("Content-Transfer-Encoding", &["binary", "8bit", "7bit"]),
            content: self.content.clone(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| split_once(line, b':'));
        lines.into_iter().find(|(found, _)| trim(found).eq_ignore_ascii_case(name)).map(|(_, value)| trim(value))
    }
}

/// The parts of a multipart body, in their order (RFC 2046 §5.1.1).
struct Parts {
    /// From the line end of the last delimiter on, which may be the first of the next.
    rest: Bytes,
    delimiter: String,
}

impl Parts {
    fn of(content: &Bytes, boundary: &str) -> Option<Self> {
        let boundary = boundary.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(boundary);
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY || boundary.contains('\\') {
            return None;
        }
        let mut parts = Self { rest: content.clone(), delimiter: format!("\r\n--{boundary}") };
        let first = parts.delimiter.get(2..).filter(|first| content.starts_with(first.as_bytes())).map(str::len);
        match first.and_then(|end| line_end(content, end)) {
            Some((at, last)) => parts.rest = if last { Bytes::new() } else { content.slice(at..) },
            // What stands before the first of them is no part.
            None => drop(parts.cut()?),
        }
        Some(parts)
    }

    /// What stands before the next delimiter, which goes.
    fn cut(&mut self) -> Option<Bytes> {
        let found = memmem::find_iter(&self.rest, self.delimiter.as_bytes())
            .find_map(|at| line_end(&self.rest, at + self.delimiter.len()).map(|end| (at, end)));
        let (at, (end, last)) = found?;
        let before = self.rest.slice(..at);
        self.rest = if last { Bytes::new() } else { self.rest.slice(end..) };
        Some(before)
    }
}

impl Iterator for Parts {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        loop {
            let part = self.cut()?;
            if let Some(part) = part.get(2..).and_then(|_| Part::read(&part.slice(2..))) {
                return Some(part);
            }
        }
    }
}

/// Where the line of a delimiter ends whose name ends at `at`, and whether it is the last one; `None` where the line goes on otherwise.
fn line_end(bytes: &Bytes, at: usize) -> Option<(usize, bool)> {
    let behind = bytes.get(at..)?;
    let last = behind.starts_with(b"--");
    let padding = behind.iter().skip(if last { 2 } else { 0 }).take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    let end = at + if last { 2 } else { 0 } + padding;
    let tail = bytes.get(end..)?;
    (tail.starts_with(b"\r\n") || (last && tail.is_empty())).then_some((end, last))
}

/// So many parts of a body are looked at.
const MAX_PARTS: usize = 16;

/// So deep may multipart bodies stand within each other.
const MAX_DEPTH: usize = 3;

/// So much of the headers of a part is read.
const MAX_HEAD_BYTES: usize = 2_048;

/// RFC 2046 §5.1.1.
const MAX_BOUNDARY: usize = 70;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::message::{Message, Request};

    fn request(headers: &str, body: &str) -> Request {
        let text = format!(
            "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bKd\r\nFrom: <sip:e@f>;tag=g\r\nTo: <sip:a@b>\r\nCall-ID: h\r\n\
             CSeq: 1 INVITE\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        match Message::parse(Bytes::from(text)) {
            Ok(Message::Request(request)) => request,
            other => panic!("no request: {other:?}"),
        }
    }

    fn typed(content_type: &str, body: &str) -> Bytes {
        request(&format!("Content-Type: {content_type}\r\n"), body).sdp()
    }

    fn mixed(body: &str) -> Bytes {
        typed("multipart/mixed;boundary=b", body)
    }

    #[test]
    fn the_body_or_the_part_that_is_sdp_is_the_session_description() {
        let parts = "preamble\r\n--b\r\nContent-Type: application/isup\r\n\r\nv\0\r\n\r\n--b \t\r\nContent-type : Application/SDP;\r\n\tx=y\r\n\
                     Content-Disposition: session;handling=required\r\n\r\nv=0\r\n--bc\r\n\r\n--b--\r\nepilogue";
        for kind in ["mixed", "alternative", "related;type=\"application/sdp\""] {
            assert_eq!(typed(&format!("multipart/{kind};boundary=\"b\""), parts), "v=0\r\n--bc\r\n", "{kind}");
        }
        assert_eq!(typed("application/sdp", "v=0\r\n"), "v=0\r\n");
        assert_eq!(request("", "v=0\r\n").sdp(), "v=0\r\n");
        let nested = "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--c--\r\n--b--";
        assert_eq!(mixed(nested), "v=0");
    }

    #[test]
    fn what_is_no_session_description_is_none() {
        let sdp = "Content-Type: application/sdp\r\n";
        for body in [
            "".to_owned(),
            "--b".to_owned(),
            "--b--".to_owned(),
            "--b\r\n--b--".to_owned(),
            "--b\r\n\r\nv=0\r\n--b--".to_owned(),
            format!("--b--\r\n{sdp}\r\nv=0\r\n--b--"),
            // Without a line end before the text, without an end, behind the end, and after a delimiter that is none.
            format!("--b\r\n{sdp}--b--"),
            format!("--b\r\n{sdp}\r\nv=0\r\n"),
            format!("--b\r\n\r\n\r\n--b--\r\n--b\r\n{sdp}\r\nv=0\r\n--b--"),
            format!("--bc\r\n{sdp}\r\nv=0\r\n--bc--"),
            format!("--b\n{sdp}\r\nv=0\n--b--"),
            format!("--b\r\n{sdp}Content-Transfer-Encoding: base64\r\n\r\ndj0w\r\n--b--"),
            format!("--b\r\n{sdp}Content-Encoding: gzip\r\n\r\nv=0\r\n--b--"),
            format!("--b\r\n{sdp}Content-Disposition: early-session\r\n\r\nv=0\r\n--b--"),
        ] {
            assert_eq!(mixed(&body), "", "{body}");
        }
        let whole = format!("--b\r\n{sdp}\r\nv=0\r\n--b--");
        assert_eq!(mixed(&whole), "v=0");
        let long = "b".repeat(71);
        let of_long = whole.replace("--b", &format!("--{long}"));
        for content_type in ["multipart/mixed", "multipart/mixed;boundary=\"\"", "multipart/signed;boundary=b", "text/plain"] {
            assert_eq!(typed(content_type, &whole), "", "{content_type}");
        }
        assert_eq!(typed(&format!("multipart/mixed;boundary={long}"), &of_long), "");
        assert_eq!(request("Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "v=0").sdp(), "");
    }

    #[test]
    fn many_and_deep_parts_are_not_all_looked_at() {
        let sdp = "Content-Type: application/sdp\r\n\r\nv=0\r\n--b--";
        let behind = |parts: usize| mixed(&format!("{}--b\r\n{sdp}", "--b\r\n\r\nx\r\n".repeat(parts)));
        assert_eq!((behind(15), behind(16)), (Bytes::from_static(b"v=0"), Bytes::new()));
        // The outermost is b0.
        let within = |depth: usize| {
            (1..depth).rev().fold("Content-Type: application/sdp\r\n\r\nv=0".to_owned(), |part, level| {
                format!("Content-Type: multipart/mixed;boundary=b{level}\r\n\r\n--b{level}\r\n{part}\r\n--b{level}--")
            })
        };
        let whole = |depth| typed("multipart/mixed;boundary=b0", &format!("--b0\r\n{}\r\n--b0--", within(depth)));
        assert_eq!((whole(1), whole(3), whole(4)), (Bytes::from_static(b"v=0"), Bytes::from_static(b"v=0"), Bytes::new()));
    }

    #[test]
    fn a_body_need_not_be_understood_where_it_says_so_or_each_part_of_it_does() {
        let optional = |headers: &str, body: &str| request(headers, body).headers().is_body_optional();
        assert!(optional("Content-Type: text/plain\r\nContent-Disposition: render; handling=Optional\r\n", "x"));
        assert!(!optional("Content-Type: text/plain\r\nContent-Disposition: render; handling=required\r\n", "x"));
        assert!(!optional("Content-Type: text/plain\r\n", "x"));
        let parts = "Content-Type: multipart/mixed;boundary=b\r\n";
        let part = "--b\r\nContent-Disposition: signal;handling=optional\r\n\r\nx\r\n";
        assert!(optional(parts, &format!("{part}{part}--b--")));
        assert!(!optional(parts, &format!("{part}--b\r\n\r\nx\r\n--b--")));
        assert!(!optional(parts, "--b--"));
    }
}
