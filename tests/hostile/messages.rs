//! SIP that looks like SIP, in the shapes that have brought other servers down.

use std::iter::repeat_n;

/// One of the shapes, chosen by chance, as if it came from `own`; no two share a transaction.
pub(crate) fn hostile(mut chance: impl FnMut() -> u32, own: &str) -> String {
    let unique = format!("{:04x}{:04x}{:04x}", chance(), chance(), chance());
    let shapes = SHAPES.len() as u32;
    SHAPES[(chance() % shapes) as usize](&Parts { own, unique: &unique })
}

/// All of them, each with a transaction of its own.
pub(crate) fn every(own: &str, run: &str) -> Vec<String> {
    SHAPES.iter().enumerate().map(|(number, shape)| shape(&Parts { own, unique: &format!("{run}{number}") })).collect()
}

/// A request that is in order, but to a number that nobody answers.
pub(crate) fn sound(own: &str, unique: &str) -> String {
    Parts { own, unique }.request("INVITE", "1 INVITE", "", SDP)
}

struct Parts<'a> {
    own: &'a str,
    unique: &'a str,
}

impl Parts<'_> {
    fn request(&self, method: &str, sequence: &str, more: &str, body: &str) -> String {
        let Self { own, unique } = self;
        let kind = if body.is_empty() || more.contains("Content-Type") { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:nobody@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{unique};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:x@{own}>;tag={unique}\r\nTo: <sip:nobody@127.0.0.1>\r\nCall-ID: {unique}\r\nCSeq: {sequence}\r\n\
             Contact: <sip:x@{own}>\r\n{kind}{more}Content-Length: {length}\r\n\r\n{body}",
            length = body.len()
        )
    }

    fn invite(&self, more: &str, body: &str) -> String {
        self.request("INVITE", "1 INVITE", more, body)
    }
}

type Shape = fn(&Parts<'_>) -> String;

const SHAPES: &[Shape] = &[
    // CVE-2017-9372: a CSeq that no buffer holds, by its number or its method.
    |parts| parts.request("INVITE", &format!("{} INVITE", "9".repeat(40)), "", SDP),
    |parts| parts.request("INVITE", &format!("1 {}", "A".repeat(3000)), "", SDP),
    // AST-2017-003: multipart whose boundary never comes, is empty, or ends before it begins.
    |parts| parts.invite("Content-Type: multipart/mixed;boundary=\r\n", "--\r\n\r\n"),
    |parts| parts.invite("Content-Type: multipart/mixed;boundary=x\r\n", "--x--\r\n--x\r\nContent-Type: application/sdp\r\n\r\n"),
    |parts| parts.invite("Content-Type: multipart/mixed\r\n", "-"),
    // CVE-2018-1000098 and -1000099: formats that are no numbers, are none, or are negative.
    |parts| parts.invite("", &SDP.replace("AVP 0", "AVP")),
    |parts| parts.invite("", &SDP.replace("AVP 0", "AVP -1 99999999999999999999 x")),
    |parts| parts.invite("", &(SDP.to_owned() + "a=rtpmap:\r\na=fmtp:\r\na=fmtp: 1\r\na=rtpmap:0 /0/0\r\na=ptime:0\r\n")),
    |parts| parts.invite("", &SDP.replace("PCMU/8000", "PCMU/0/255").replace("40000", "70000")),
    |parts| parts.invite("", &(SDP.to_owned() + &"m=audio 0 RTP/AVP 0\r\n".repeat(200))),
    |parts| parts.invite("", &(SDP.to_owned() + &"a=x\r\n".repeat(5000))),
    |parts| parts.invite("", &SDP.replace("127.0.0.1", "224.0.0.1")),
    |parts| parts.invite("", "v=0"),
    // CVE-2018-7284: fifty Accept headers, and more of everything.
    |parts| parts.request("SUBSCRIBE", "1 SUBSCRIBE", &"Accept: application/x\r\n".repeat(50), ""),
    |parts| parts.invite(&"X: y\r\n".repeat(2000), SDP),
    |parts| parts.invite(&"Via: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bKx\r\n".repeat(300), SDP),
    |parts| parts.invite(&"Record-Route: <sip:127.0.0.9;lr>\r\n".repeat(300), SDP),
    // CVE-2018-8828: a To that ends within its tag; a tag of thousands.
    |parts| parts.invite("", SDP).replace("To: <sip:nobody@127.0.0.1>", "To: <sip:nobody@127.0.0.1>;tag"),
    |parts| parts.request("REGISTER", "1 REGISTER", "", "").replace("tag=", &format!("tag={}", "t".repeat(4000))),
    // CVE-2020-28327: credentials for a challenge that never was.
    |parts| parts.invite("Authorization: Digest username=\"x\", realm=\"\", nonce=\"\", uri=\"sip:x\", response=\"\"\r\n", SDP),
    // CVE-2020-28361 and CVE-2016-9938: names with white space and control characters before the colon.
    |parts| parts.invite("P-Asserted-Identity\t: <sip:admin@127.0.0.1>\r\nP-Asserted-Identity\0: <sip:x@y>\r\n : x\r\n", SDP),
    |parts| parts.invite("Subject: a\r\n b\r\n\tc\r\n", SDP),
    // Lengths that lie.
    |parts| parts.invite("", SDP).replace("Content-Length: ", "Content-Length: -"),
    |parts| parts.invite("", SDP).replace("Content-Length: ", "Content-Length: 99999999999999999999"),
    |parts| parts.invite("l: 0\r\nContent-Length: 5\r\n", SDP),
    // Numbers at their ends.
    |parts| parts.request("OPTIONS", "4294967296 OPTIONS", "", ""),
    |parts| parts.request("OPTIONS", "1 OPTIONS", "", "").replace("Max-Forwards: 70", "Max-Forwards: 99999999999"),
    |parts| parts.request("OPTIONS", "1 OPTIONS", "", "").replace(";rport", ";rport=99999;maddr=255.255.255.255;ttl=9999;received=x"),
    // URIs: endless, escaped to the end, unfinished, nested.
    |parts| parts.request("OPTIONS", "1 OPTIONS", "", "").replace("nobody", &"n".repeat(3000)),
    |parts| parts.request("OPTIONS", "1 OPTIONS", "", "").replace("nobody", "%00%0d%0a%"),
    |parts| parts.request("OPTIONS", "1 OPTIONS", "", "").replace("@127.0.0.1 ", "@[::ffff:127.0.0.1"),
    |parts| {
        parts.request("OPTIONS", "1 OPTIONS", "", "").replace("From: <", &format!("From: {}<", repeat_n("\"(<", 800).collect::<String>()))
    },
    // Requests and responses of dialogs that never were.
    |parts| parts.request("BYE", "2 BYE", "", ""),
    |parts| parts.request("CANCEL", "1 CANCEL", "", ""),
    |parts| parts.request("ACK", "1 ACK", "", SDP),
    |parts| parts.request("NOTIFY", "1 NOTIFY", "Event: x\r\n", ""),
    |parts| parts.invite("", SDP).replacen("INVITE sip:nobody@127.0.0.1 SIP/2.0", "SIP/2.0 200 OK", 1),
    |parts| parts.invite("", SDP).replacen("INVITE sip:nobody@127.0.0.1 SIP/2.0", "SIP/2.0 999999 \u{1}", 1),
    |parts| parts.invite("Replaces: x;to-tag=y;from-tag=z\r\nRequire: 100rel, timer, x\r\nSession-Expires: 0\r\n", SDP),
];

const SDP: &str =
    "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
