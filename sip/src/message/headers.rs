//! The headers of a message: ranges into its buffer, read when asked for.

use bytes::Bytes;
use smallvec::SmallVec;

use super::Span;
use super::text::{split_outside_quotes, trim};
use crate::header::{CSeq, HeaderName, MediaType, NameAddrRef, Via};

/// The header fields and the body of a message, in their order.
///
/// Accessors answer `None` for what is missing or does not follow its grammar; after a successful
/// [`Message::parse`](super::Message::parse) the headers that every message carries are always there.
#[derive(Clone)]
pub struct Headers {
    pub(super) bytes: Bytes,
    pub(super) fields: Fields,
    pub(super) body: Span,
}

/// Most messages have fewer than 20 header lines: no allocation for them.
pub(super) type Fields = SmallVec<[Field; 20]>;

/// One header line.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: HeaderName,
    pub(super) name_span: Span,
    pub(super) value: Span,
}

/// The header lines with their text, which was found to be UTF-8 once for all of them.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    text: &'a str,
    fields: &'a [Field],
}

impl<'a> Lines<'a> {
    /// All of them: which header, and its value.
    pub(super) fn all(self) -> impl Iterator<Item = (HeaderName, &'a str)> {
        self.fields.iter().map(move |field| (field.name, self.text.get(field.value.range()).unwrap_or_default()))
    }
}

impl Headers {
    /// The lines, for who reads many of them; `text` is that of the message, where it was found to be one already.
    pub(super) fn at_once<'a>(&'a self, text: Option<&'a str>) -> Lines<'a> {
        let header_part = || self.bytes.get(..self.body.range().start).and_then(|bytes| std::str::from_utf8(bytes).ok());
        Lines { text: text.or_else(header_part).unwrap_or_default(), fields: &self.fields }
    }

    /// The values of all lines of this name, one a line.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |field| field.name == name).map(|field| self.text(field.value))
    }

    /// The value of the first line of this name.
    pub fn value(&self, name: HeaderName) -> Option<&str> {
        self.values(name).next()
    }

    /// The value of the first line of an extension header; names are compared without case.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| self.text(field.name_span).eq_ignore_ascii_case(name)).map(|field| self.text(field.value))
    }

    /// The elements of a comma-separated header over all its lines (§7.3.1); empty elements are skipped.
    pub fn elements(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.values(name).flat_map(list_elements).filter(|element| !element.is_empty())
    }

    /// The topmost Via: who sent the message and where its response goes.
    pub fn top_via(&self) -> Option<Via<'_>> {
        self.elements(HeaderName::Via).next().and_then(|text| Via::parse(text).ok())
    }

    /// From.
    pub fn from(&self) -> Option<NameAddrRef<'_>> {
        self.value(HeaderName::From).and_then(|text| NameAddrRef::parse(text).ok())
    }

    /// To.
    pub fn to(&self) -> Option<NameAddrRef<'_>> {
        self.value(HeaderName::To).and_then(|text| NameAddrRef::parse(text).ok())
    }

    /// Call-ID; compared byte by byte (§20.8).
    pub fn call_id(&self) -> Option<&str> {
        self.value(HeaderName::CallId)
    }

    /// CSeq.
    pub fn cseq(&self) -> Option<CSeq<'_>> {
        self.value(HeaderName::CSeq).and_then(|text| CSeq::parse(text).ok())
    }

    /// The first Contact that is not `*`.
    pub fn contact(&self) -> Option<NameAddrRef<'_>> {
        self.elements(HeaderName::Contact).find_map(|text| NameAddrRef::parse(text).ok())
    }

    /// Content-Type.
    pub fn content_type(&self) -> Option<MediaType<'_>> {
        self.value(HeaderName::ContentType).and_then(|text| MediaType::parse(text).ok())
    }

    /// The body, empty when there is none.
    pub fn body(&self) -> Bytes {
        let range = self.body.range();
        if range.end <= self.bytes.len() { self.bytes.slice(range) } else { Bytes::new() }
    }

    /// All lines in their order: which header, its name as written, its value.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (HeaderName, &str, &str)> {
        self.fields.iter().map(|field| (field.name, self.text(field.name_span), self.text(field.value)))
    }

    pub(super) fn text(&self, span: Span) -> &str {
        // The header part was checked to be UTF-8 when it was read.
        self.bytes.get(span.range()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// Splits at commas outside quotes and brackets.
pub(super) fn list_elements(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let (element, after) = split_outside_quotes(rest?, b',', true);
        rest = after;
        Some(trim(element))
    })
}
