//! The parser: start line, header lines, body; then the grammar of the headers this crate reads.

use bytes::Bytes;
use smallvec::SmallVec;

use super::error::{Fault, Malformed};
use super::headers::{Field, Fields, Headers, Lines, list_elements};
use super::octet::Class;
use super::text::{is_solid, is_token, split_once};
use super::{Content, MAX_HEADERS, MAX_MESSAGE_BYTES, Message, Request, Response, Span};
use crate::header::{CSeq, HeaderName, MediaType, Method, NameAddrRef, StatusCode, UriParts, Via, parse_number};

pub(super) fn parse(datagram: Bytes, content: Content) -> Result<Message, Malformed> {
    let unreadable = |fault| Malformed { fault, request: None };
    if datagram.len() > MAX_MESSAGE_BYTES {
        return Err(unreadable(Fault::TooLarge));
    }
    let kept = datagram.clone();
    // The body may be binary: the text ends where UTF-8 does, and the header part must end before that.
    let text = utf8_prefix(&kept);
    let (start, headers, body_fault) = split(datagram, text, content).map_err(unreadable)?;
    // Where lines were folded the message is another one than came.
    let text = (headers.bytes.as_ptr() == kept.as_ptr()).then_some(text);
    match start {
        StartLine::Status(status) => {
            let response = Response { status: status.map_err(unreadable)?, headers };
            let lines = response.headers.at_once(text);
            body_fault.map_or(Ok(()), Err).and_then(|()| check_headers(lines).map(|_| ())).map_err(unreadable)?;
            Ok(Message::Response(response))
        }
        StartLine::Request { method, uri, fault } => {
            let name = Method::from_text(headers.text(method));
            let request = Request { method: name, method_span: method, uri_span: uri, headers };
            match fault.or(body_fault).map_or(Ok(()), Err).and_then(|()| check_request(&request, text)) {
                Ok(()) => Ok(Message::Request(request)),
                Err(fault) => Err(Malformed { fault, request: Some(Box::new(request)) }),
            }
        }
    }
}

enum StartLine {
    Request { method: Span, uri: Span, fault: Option<Fault> },
    Status(Result<StatusCode, Fault>),
}

/// Tells lines apart. A fault in the body's length is returned beside the message, since the message can still be answered.
fn split(datagram: Bytes, text: &str, content: Content) -> Result<(StartLine, Headers, Option<Fault>), Fault> {
    let mut lines = LineReader::new(text);
    let Some((_, first)) = lines.next_line()? else { return Err(if text.is_empty() { Fault::Empty } else { Fault::Truncated }) };
    if first.is_empty() {
        return Err(Fault::Empty);
    }
    let start = start_line(text, first)?;

    let mut fields = Fields::new();
    let mut folds: SmallVec<[usize; 8]> = SmallVec::new();
    loop {
        let (at, line) = lines.next_line()?.ok_or(Fault::Truncated)?;
        if line.is_empty() {
            break;
        }
        if matches!(line.as_bytes().first(), Some(b' ' | b'\t')) {
            let field = fields.last_mut().ok_or(Fault::HeaderLine)?;
            folds.push(at.saturating_sub(2));
            field.value = unfolded(text, field.value, at + line.len());
            continue;
        }
        if fields.len() == MAX_HEADERS {
            return Err(Fault::TooManyHeaders);
        }
        fields.push(header_line(at, line.as_bytes())?);
    }
    let body_start = lines.at;
    let mut headers = Headers { bytes: Bytes::new(), fields, body: Span::default() };
    headers.bytes = if folds.is_empty() { datagram } else { unfold(&datagram, &folds) };
    let available = headers.bytes.len().saturating_sub(body_start);
    let (length, fault) = body_length(&headers, available, content);
    headers.body = Span::new(body_start, body_start + length);
    Ok((start, headers, fault))
}

fn utf8_prefix(datagram: &[u8]) -> &str {
    match std::str::from_utf8(datagram) {
        Ok(text) => text,
        Err(error) => datagram.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default(),
    }
}

struct LineReader<'a> {
    text: &'a str,
    at: usize,
    /// Whether there may be control characters within lines, line ends apart: rare, and found out for all lines together.
    suspicious: bool,
}

impl<'a> LineReader<'a> {
    fn new(text: &'a str) -> Self {
        // A fold without early exit, because the compiler makes vector code of it.
        let suspicious = text.bytes().fold(false, |found, octet| found | (is_control(octet) && octet != b'\r' && octet != b'\n'));
        Self { text, at: text.len() - text.trim_start_matches("\r\n").len(), suspicious }
    }

    /// The next line and its offset, without its end; `None` when no line end is left.
    fn next_line(&mut self) -> Result<Option<(usize, &'a str)>, Fault> {
        let at = self.at;
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else { return Ok(None) };
        match rest.get(end..) {
            Some([b'\r', b'\n', ..]) => {}
            Some([b'\r']) => return Ok(None),
            _ => return Err(Fault::ControlCharacter),
        }
        let line = self.text.get(at..at + end).unwrap_or_default();
        if self.suspicious && has_stray_control(line) {
            return Err(Fault::ControlCharacter);
        }
        self.at = at + end + 2;
        Ok(Some((at, line)))
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// Control characters may stand only behind a backslash (quoted-pair, §25.1); line ends not even there.
fn has_stray_control(line: &str) -> bool {
    let mut escaped = false;
    line.bytes().any(|byte| {
        let stray = is_control(byte) && (!escaped || byte == b'\r');
        escaped = byte == b'\\' && !escaped;
        stray
    })
}

fn start_line(text: &str, line: &str) -> Result<StartLine, Fault> {
    if line.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("SIP/")) {
        return Ok(StartLine::Status(status_line(line)));
    }
    let (method, rest) = split_once(line, b' ').ok_or(Fault::StartLine)?;
    if !is_token(method) {
        return Err(Fault::StartLine);
    }
    let (uri, version) = rest.rsplit_once(' ').ok_or(Fault::StartLine)?;
    let fault = if uri.is_empty() || uri.contains([' ', '\t']) {
        Some(Fault::StartLine)
    } else if version.eq_ignore_ascii_case("SIP/2.0") {
        None
    } else if version.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("SIP/")) {
        Some(Fault::Version)
    } else {
        Some(Fault::StartLine)
    };
    Ok(StartLine::Request { method: Span::of(text, method), uri: Span::of(text, uri), fault })
}

fn status_line(line: &str) -> Result<StatusCode, Fault> {
    let (version, rest) = line.split_once(' ').ok_or(Fault::StartLine)?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(Fault::Version);
    }
    // The space before an empty reason phrase is often forgotten.
    let code = rest.split_once(' ').map_or(rest, |(code, _)| code);
    let number = if code.len() == 3 { parse_number(code, 699) } else { None };
    number.and_then(|number| u16::try_from(number).ok()).and_then(StatusCode::new).ok_or(Fault::StartLine)
}

/// The line that begins at `at`. In octets, since all that is looked for is ASCII.
fn header_line(at: usize, line: &[u8]) -> Result<Field, Fault> {
    let colon = line.iter().position(|octet| *octet == b':').ok_or(Fault::HeaderLine)?;
    let (name, value) = line.split_at(colon);
    let mut written = name;
    let mut name = HeaderName::from_octets(written);
    if name == HeaderName::Other {
        written = written.get(..solid_end(written)).unwrap_or_default();
        name = HeaderName::from_octets(written);
        if written.is_empty() || !written.iter().all(|octet| Class::TOKEN.has(*octet)) {
            return Err(Fault::HeaderLine);
        }
    }
    let (start, end) = match value {
        // Nearly always it is written so.
        [b':', b' ', first, .., last] if is_solid(*first) && is_solid(*last) => (2, value.len()),
        _ => {
            let end = solid_end(value).max(1);
            (value.iter().skip(1).position(|octet| is_solid(*octet)).map_or(end, |blanks| 1 + blanks), end)
        }
    };
    let value = Span::new(at + colon + start, at + colon + end);
    Ok(Field { name, name_span: Span::new(at, at + written.len()), value })
}

/// Where trailing spaces and tabs begin.
fn solid_end(octets: &[u8]) -> usize {
    octets.iter().rposition(|octet| is_solid(*octet)).map_or(0, |last| last + 1)
}

/// The value with its continuation line, which ends at `end`.
fn unfolded(text: &str, value: Span, end: usize) -> Span {
    let range = value.range();
    let whole = text.get(range.start..end).unwrap_or_default();
    let trimmed = whole.trim_matches([' ', '\t', '\r', '\n']);
    Span::of(text, if trimmed.is_empty() { text.get(range.start..range.start).unwrap_or_default() } else { trimmed })
}

/// A copy with the line ends of continuation lines replaced by spaces (§7.3.1), so that ranges stay true.
fn unfold(datagram: &[u8], folds: &[usize]) -> Bytes {
    let mut copy = datagram.to_vec();
    for &at in folds {
        if let Some(line_end) = copy.get_mut(at..at + 2) {
            line_end.fill(b' ');
        }
    }
    Bytes::from(copy)
}

fn body_length(headers: &Headers, available: usize, content: Content) -> (usize, Option<Fault>) {
    let mut lengths = headers.values(HeaderName::ContentLength);
    let Some(text) = lengths.next() else {
        let missing = Fault::Missing(HeaderName::ContentLength);
        return if content == Content::Stream { (0, Some(missing)) } else { (available, None) };
    };
    if lengths.next().is_some() {
        return (0, Some(Fault::Repeated(HeaderName::ContentLength)));
    }
    match parse_number(text, u32::MAX).and_then(|length| usize::try_from(length).ok()) {
        None => (0, Some(Fault::Invalid(HeaderName::ContentLength))),
        Some(length) if content == Content::Stream && length > MAX_MESSAGE_BYTES => (0, Some(Fault::TooLarge)),
        Some(length) if length > available => (0, Some(Fault::ShortBody)),
        Some(length) => (length, None),
    }
}

fn check_request(request: &Request, text: Option<&str>) -> Result<(), Fault> {
    let uri = UriParts::parse(request.uri_text()).map_err(Fault::RequestUri)?;
    if uri.has_headers() {
        // Only a URI that is about to become a message may carry headers (§19.1.1).
        return Err(Fault::RequestUri(crate::header::UriError::Headers));
    }
    let cseq = check_headers(request.headers.at_once(text))?;
    if cseq.method == request.method_text() { Ok(()) } else { Err(Fault::CSeqMethod) }
}

/// How often each header is there, then whether those that this crate reads follow their grammar. Answers with CSeq.
fn check_headers(lines: Lines<'_>) -> Result<CSeq<'_>, Fault> {
    check_counts(lines)?;
    let mut cseq = None;
    for (name, text) in lines.all() {
        let valid = match name {
            HeaderName::Via => is_list(text, |element| Via::parse(element).is_ok()),
            HeaderName::From | HeaderName::To => NameAddrRef::parse(text).is_ok(),
            HeaderName::CSeq => {
                cseq = CSeq::parse(text).ok();
                cseq.is_some()
            }
            HeaderName::CallId => !text.is_empty() && !text.contains([' ', '\t']),
            HeaderName::MaxForwards => parse_number(text, 255).is_some(),
            HeaderName::ContentType => MediaType::parse(text).is_ok(),
            HeaderName::Contact => is_list(text, |element| element == "*" || NameAddrRef::parse(element).is_ok()),
            HeaderName::Route | HeaderName::RecordRoute => {
                is_list(text, |element| element.contains('<') && NameAddrRef::parse(element).is_ok())
            }
            _ => true,
        };
        if !valid {
            return Err(Fault::Invalid(name));
        }
    }
    cseq.ok_or(Fault::Missing(HeaderName::CSeq))
}

fn check_counts(lines: Lines<'_>) -> Result<(), Fault> {
    let mut counts = [0_u8; HeaderName::COUNT];
    for (name, _) in lines.all() {
        if let Some(count) = counts.get_mut(name as usize) {
            *count = count.saturating_add(1);
        }
    }
    let count = |name: HeaderName| counts.get(name as usize).copied().unwrap_or_default();
    if count(HeaderName::Via) == 0 {
        return Err(Fault::Missing(HeaderName::Via));
    }
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        match count(name) {
            0 => return Err(Fault::Missing(name)),
            1 => {}
            _ => return Err(Fault::Repeated(name)),
        }
    }
    for name in [HeaderName::MaxForwards, HeaderName::ContentType] {
        if count(name) > 1 {
            return Err(Fault::Repeated(name));
        }
    }
    Ok(())
}

/// The elements of a line, of which there is at least a text.
fn is_list(text: &str, valid: impl Fn(&str) -> bool) -> bool {
    !text.is_empty() && list_elements(text).filter(|element| !element.is_empty()).all(valid)
}
