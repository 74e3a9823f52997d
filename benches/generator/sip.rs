//! A caller's SIP, no more than a well-behaved call over the loopback needs: INVITE, ACK, BYE, over UDP.
//!
//! Written apart from the `sip` crate, so that a fault there cannot hide itself. Left out: retransmission, since the
//! loopback loses nothing that a benchmark should forgive.

use std::net::SocketAddr;

/// The signalling of one call.
pub(crate) struct Dialog {
    index: usize,
    local: SocketAddr,
    target: String,
    /// The `To` header of the answer, with the gateway's tag.
    to: String,
    contact: String,
}

/// What a datagram from the gateway says.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// The call of this index is answered with RTP at this address.
    Answered { index: usize, rtp: SocketAddr, to: String, contact: String },
    /// It is refused.
    Refused { index: usize, status: u16 },
    /// The BYE of this call is confirmed.
    Ended { index: usize },
    /// The gateway hangs up; the response is to be sent.
    HungUp { index: usize, response: String },
    /// Provisional, or nothing to act on.
    Nothing,
}

impl Dialog {
    pub(crate) fn new(index: usize, local: SocketAddr, target: &str) -> Self {
        Self { index, local, target: target.to_owned(), to: format!("<{target}>"), contact: target.to_owned() }
    }

    pub(crate) fn invite(&self, rtp: SocketAddr) -> String {
        let sdp = format!(
            "v=0\r\no=bench 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n",
            ip = rtp.ip(),
            port = rtp.port()
        );
        self.request("INVITE", 1, "inv", &sdp)
    }

    /// Takes what the answer said.
    pub(crate) fn answered(&mut self, to: String, contact: String) {
        (self.to, self.contact) = (to, contact);
    }

    pub(crate) fn ack(&self) -> String {
        self.request("ACK", 1, "ack", "")
    }

    pub(crate) fn bye(&self) -> String {
        self.request("BYE", 2, "bye", "")
    }

    fn request(&self, method: &str, sequence: u32, branch: &str, body: &str) -> String {
        let Self { index, local, contact, to, .. } = self;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let uri = if method == "INVITE" { &self.target } else { contact };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-{branch}-{index}-{port};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:caller{index}@{local}>;tag=bench{index}\r\nTo: {to}\r\nCall-ID: bench-{index}-{port}@{local}\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:caller{index}@{local}>\r\n{kind}Content-Length: {length}\r\n\r\n{body}",
            port = local.port(),
            length = body.len()
        )
    }
}

/// Reads one datagram.
pub(crate) fn read(datagram: &[u8]) -> Heard {
    let text = String::from_utf8_lossy(datagram);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let header = |name: &str| {
        head.lines().find_map(|line| {
            line.split_once(':').filter(|(found, _)| found.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        })
    };
    let Some(index) = header("Call-ID").and_then(|id| id.split('-').nth(1)?.parse().ok()) else { return Heard::Nothing };
    let method = header("CSeq").and_then(|value| value.split_whitespace().nth(1)).unwrap_or_default();
    let Some(status) = head.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok()) else {
        return if head.starts_with("BYE ") { Heard::HungUp { index, response: response_to(head) } } else { Heard::Nothing };
    };
    match (status, method) {
        (200..300, "INVITE") => answer(index, body, header("To"), header("Contact")).unwrap_or(Heard::Refused { index, status: 0 }),
        (300.., "INVITE") => Heard::Refused { index, status },
        (200.., "BYE") => Heard::Ended { index },
        _ => Heard::Nothing,
    }
}

fn answer(index: usize, body: &str, to: Option<&str>, contact: Option<&str>) -> Option<Heard> {
    let line = |start: &str| body.lines().find_map(|line| line.strip_prefix(start));
    let ip = line("c=IN IP4 ")?.trim().parse().ok()?;
    let port = line("m=audio ")?.split_whitespace().next()?.parse().ok()?;
    let contact = contact?.split_once('<')?.1.split_once('>')?.0.to_owned();
    Some(Heard::Answered { index, rtp: SocketAddr::new(ip, port), to: to?.to_owned(), contact })
}

/// 200 with the headers that a response copies.
fn response_to(request: &str) -> String {
    let copied = request.lines().filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
    let mut response = "SIP/2.0 200 OK\r\n".to_owned();
    copied.for_each(|line| response.extend([line, "\r\n"]));
    response + "Content-Length: 0\r\n\r\n"
}
