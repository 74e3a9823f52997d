//! Responses (RFC 3261 §8.2.6): what is copied from the request, and where they go (§18.2, RFC 3581).

use std::fmt::Display;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::header::{HeaderName, MediaType, Method, OptionTags, Refresher, SessionExpires, StatusCode, Via};
use crate::message::{MessageWriter, Request, split_outside_quotes, trim};
use crate::transport::Flow;

/// A response under construction: the copied headers are written, others may follow.
pub(crate) struct ResponseBuilder {
    writer: MessageWriter,
}

impl ResponseBuilder {
    /// `source` is where the request came from. A To tag of the request is kept; otherwise `tag` is added, unless empty.
    pub(crate) fn new(request: &Request, source: SocketAddr, status: StatusCode, reason: Option<&dyn Display>, tag: &str) -> Self {
        let mut writer = MessageWriter::response(status, reason);
        write_vias(&mut writer, request, source);
        let headers = request.headers();
        writer.copy(HeaderName::From, request);
        match headers.value(HeaderName::To) {
            Some(to) if tag.is_empty() || headers.to().is_none_or(|to| to.tag().is_some()) => writer.header(HeaderName::To, to),
            Some(to) => writer.header(HeaderName::To, format_args!("{to};tag={tag}")),
            None => {}
        }
        writer.copy(HeaderName::CallId, request);
        writer.copy(HeaderName::CSeq, request);
        if status == StatusCode::TRYING {
            writer.copy(HeaderName::Timestamp, request);
        }
        Self { writer }
    }

    /// What a response that makes a dialog also says (§12.1.1).
    pub(crate) fn dialog(mut self, request: &Request, contact: impl Display) -> Self {
        self.writer.copy(HeaderName::RecordRoute, request);
        self.header(HeaderName::Contact, format_args!("<{contact}>"))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Display) -> Self {
        self.writer.header(name, value);
        self
    }

    pub(crate) fn server(self, user_agent: &str) -> Self {
        if user_agent.is_empty() { self } else { self.header(HeaderName::Server, user_agent) }
    }

    /// What we can do, for OPTIONS and 2xx to INVITE (§11.2, §13.3.1.4).
    pub(crate) fn capabilities(self) -> Self {
        self.header(HeaderName::Allow, Method::ALLOW).header(HeaderName::Accept, SDP).header(HeaderName::Supported, OptionTags::SUPPORTED)
    }

    /// How long the session lives without a refresh (RFC 4028 §9); who must refresh must also know how.
    pub(crate) fn session(self, expires: Option<SessionExpires>) -> Self {
        let Some(expires) = expires else { return self };
        let response = self.header(HeaderName::SessionExpires, expires);
        if expires.refresher == Some(Refresher::Uac) { response.header(HeaderName::Require, "timer") } else { response }
    }

    pub(crate) fn finish(self) -> Bytes {
        self.writer.finish(b"")
    }

    pub(crate) fn finish_with_sdp(mut self, sdp: &[u8]) -> Bytes {
        if !sdp.is_empty() {
            self = self.header(HeaderName::ContentType, SDP);
        }
        self.writer.finish(sdp)
    }
}

/// The only body there is.
pub(crate) const SDP: &str = "application/sdp";

/// Whether the request may be answered with SDP.
pub(crate) fn accepts_sdp(request: &Request) -> bool {
    let mut ranges = request.headers().elements(HeaderName::Accept).peekable();
    // Without Accept, SDP is understood; an empty Accept takes nothing (§20.1).
    if ranges.peek().is_none() {
        return request.headers().value(HeaderName::Accept).is_none();
    }
    ranges.any(|range| MediaType::parse(range).is_ok_and(|range| range.accepts_sdp()))
}

/// Where the response goes (§18.2.2): over a connection by the one that the request came by, and when that is gone by a new one to the
/// source address at the port of Via; as a datagram to the source address at the source port (`rport`) or the port of Via. Left out on
/// purpose: `maddr`, since nobody calls us by multicast, and a stranger would have our answers go where it likes.
pub(crate) fn response_path(request: &Request, arrived: Flow) -> Flow {
    let Some(via) = request.headers().top_via() else { return arrived };
    let port = via.sent_by().port.unwrap_or(arrived.transport.default_port());
    if arrived.transport.is_reliable() {
        return Flow { remote: SocketAddr::new(arrived.remote.ip(), port), ..arrived };
    }
    let remote = if via.wants_rport() { arrived.remote } else { SocketAddr::new(arrived.remote.ip(), port) };
    // Nothing can be sent to port 0.
    if remote.port() == 0 { arrived } else { Flow { remote, ..arrived } }
}

/// All Vias as they came, the topmost with where the request really came from.
fn write_vias(writer: &mut MessageWriter, request: &Request, source: SocketAddr) {
    let mut lines = request.headers().values(HeaderName::Via);
    let Some(first) = lines.next() else { return };
    let (top, rest) = split_outside_quotes(first, b',', true);
    match Via::parse(trim(top)) {
        Ok(via) => {
            writer.header(HeaderName::Via, ReceivedVia { via, source });
            if let Some(rest) = rest {
                writer.header(HeaderName::Via, trim(rest));
            }
        }
        Err(_) => writer.header(HeaderName::Via, first),
    }
    for line in lines {
        writer.header(HeaderName::Via, line);
    }
}

struct ReceivedVia<'a> {
    via: Via<'a>,
    source: SocketAddr,
}

impl Display for ReceivedVia<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rport = self.via.wants_rport();
        if !rport && self.via.sent_by().host.address() == Some(self.source.ip()) {
            return f.write_str(self.via.as_str());
        }
        let (head, _) = split_outside_quotes(self.via.as_str(), b';', false);
        f.write_str(trim(head))?;
        for (name, value) in self.via.params().iter() {
            if name.eq_ignore_ascii_case("rport") || name.eq_ignore_ascii_case("received") {
                continue;
            }
            match value {
                Some(value) => write!(f, ";{name}={value}")?,
                None => write!(f, ";{name}")?,
            }
        }
        write!(f, ";received={}", self.source.ip())?;
        if rport {
            write!(f, ";rport={}", self.source.port())?;
        }
        Ok(())
    }
}
