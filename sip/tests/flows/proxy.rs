//! A stateless, record-routing proxy (RFC 3261 §16.11), written apart from the crate that it tests. It can ask for credentials, answer by
//! itself, ring several, and call one off for another, as far as the flows want it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::world::header;

/// What a proxy says instead of passing a request on: a status, and more headers, each with its line end.
pub(crate) type Policy = Box<dyn FnMut(&str) -> Option<(u16, String)>>;

pub(crate) struct Proxy {
    name: &'static str,
    own: SocketAddr,
    /// Where a user is looked for, all at once.
    pub(crate) users: BTreeMap<&'static str, Vec<SocketAddr>>,
    /// By whom all others are reached.
    pub(crate) next: Option<SocketAddr>,
    pub(crate) policy: Option<Policy>,
    /// Branches of requests that were answered here: their ACK ends here.
    answered: Vec<String>,
    /// The INVITE that went to each, as it went.
    invited: Vec<(SocketAddr, String)>,
    /// Called off: their answers end here.
    called_off: Vec<SocketAddr>,
}

impl Proxy {
    pub(crate) fn new(name: &'static str, own: SocketAddr) -> Self {
        Self {
            name,
            own,
            users: BTreeMap::new(),
            next: None,
            policy: None,
            answered: Vec::new(),
            invited: Vec::new(),
            called_off: Vec::new(),
        }
    }

    /// Takes a message; what goes out for it.
    pub(crate) fn take(&mut self, from: SocketAddr, text: &str) -> Vec<(SocketAddr, String)> {
        if text.starts_with("SIP/2.0") { self.response(from, text) } else { self.request(text) }
    }

    /// Calls off the INVITE that went to `who`: what a proxy does when somebody else has answered, or nobody does.
    pub(crate) fn call_off(&mut self, who: SocketAddr) -> Vec<(SocketAddr, String)> {
        self.called_off.push(who);
        let invite = self.invited.iter().rfind(|(to, _)| *to == who).map(|(_, invite)| invite.clone());
        vec![(who, within(&invite.expect("an INVITE went there"), "CANCEL", None))]
    }

    /// Rings somebody else for the same call.
    pub(crate) fn try_next(&mut self, before: SocketAddr, next: SocketAddr) -> Vec<(SocketAddr, String)> {
        let (_, invite) = self.invited.iter().rfind(|(to, _)| *to == before).cloned().expect("an INVITE went there");
        let again =
            invite.replacen(&format!(";branch=z9hG4bK{}", self.name), &format!(";branch=z9hG4bK{}{}", self.name, self.invited.len()), 1);
        self.invited.push((next, again.clone()));
        vec![(next, again)]
    }

    /// From now on it acknowledges the refusals of `who` itself, and keeps them to itself.
    pub(crate) fn forwards_from(&mut self, who: SocketAddr) {
        self.called_off.push(who);
    }

    fn request(&mut self, text: &str) -> Vec<(SocketAddr, String)> {
        let (method, branch) = (method(text), branch(text).to_owned());
        if method == "ACK" && self.answered.contains(&branch) {
            return Vec::new();
        }
        let is_answered_here = method != "ACK" && method != "CANCEL";
        if let Some((status, headers)) = self.policy.as_mut().filter(|_| is_answered_here).and_then(|policy| policy(text)) {
            self.answered.push(branch);
            return vec![(sent_by(text), answer(text, status, &headers))];
        }
        let targets = self.targets(text);
        let mut out = Vec::new();
        for (index, to) in targets.into_iter().enumerate() {
            let via = format!("Via: SIP/2.0/UDP {};branch=z9hG4bK{}{index}{branch}", self.own, self.name);
            let record_route = format!("Record-Route: <sip:{};lr>", self.own);
            let mut lines: Vec<&str> = text.split("\r\n").collect();
            let own_route = format!("<sip:{};lr>", self.own);
            lines.retain(|line| line.strip_prefix("Route: ").is_none_or(|route| route != own_route));
            lines.insert(1, &via);
            if method == "INVITE" && !is_within(text) {
                lines.insert(2, &record_route);
            }
            let forwarded = lines.join("\r\n");
            if method == "INVITE" {
                self.invited.push((to, forwarded.clone()));
            }
            out.push((to, forwarded));
        }
        out
    }

    fn response(&mut self, from: SocketAddr, text: &str) -> Vec<(SocketAddr, String)> {
        let is_final = !text.starts_with("SIP/2.0 1");
        let is_invite = header(text, "CSeq").is_some_and(|cseq| cseq.ends_with("INVITE"));
        if text.starts_with("SIP/2.0 100") {
            return Vec::new();
        }
        if self.called_off.contains(&from) && is_final && (!is_invite || !text.starts_with("SIP/2.0 2")) {
            let invite = self.invited.iter().rfind(|(to, _)| *to == from).map(|(_, invite)| invite.clone()).unwrap_or_default();
            return if is_invite { vec![(from, within(&invite, "ACK", header(text, "To")))] } else { Vec::new() };
        }
        let mut lines: Vec<&str> = text.split("\r\n").collect();
        let own = lines.iter().position(|line| line.starts_with("Via:")).expect("a Via");
        lines.remove(own);
        let passed = lines.join("\r\n");
        vec![(sent_by(&passed), passed)]
    }

    fn targets(&self, text: &str) -> Vec<SocketAddr> {
        let own = self.own.to_string();
        let route = text.lines().filter_map(|line| line.strip_prefix("Route: ")).find(|route| !route.contains(&own));
        if let Some(route) = route {
            return vec![host(route)];
        }
        let uri = text.split(' ').nth(1).unwrap_or_default();
        let user = uri.split(['@', ':']).nth(1).unwrap_or_default();
        if uri.contains("@192.0.2.") {
            return vec![host(uri)];
        }
        match (self.users.get(user), self.next) {
            (Some(targets), _) => targets.clone(),
            (None, Some(next)) => vec![next],
            (None, None) => panic!("{}: where is {user}?", self.name),
        }
    }
}

/// A request of the transaction of an INVITE: its CANCEL, or the ACK of its refusal.
fn within(invite: &str, method: &str, to: Option<&str>) -> String {
    let value = |name| header(invite, name).unwrap_or_default();
    let number = value("CSeq").split(' ').next().unwrap_or_default();
    format!(
        "{method} {} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {number} {method}\r\nContent-Length: 0\r\n\r\n",
        invite.split(' ').nth(1).unwrap_or_default(),
        value("Via"),
        value("From"),
        to.unwrap_or(value("To")),
        value("Call-ID"),
    )
}

fn answer(request: &str, status: u16, headers: &str) -> String {
    let vias: Vec<&str> = request.lines().filter(|line| line.starts_with("Via:")).collect();
    let value = |name| header(request, name).unwrap_or_default();
    format!(
        "SIP/2.0 {status} x\r\n{}\r\nFrom: {}\r\nTo: {};tag=proxy\r\nCall-ID: {}\r\nCSeq: {}\r\n{headers}Content-Length: 0\r\n\r\n",
        vias.join("\r\n"),
        value("From"),
        value("To"),
        value("Call-ID"),
        value("CSeq"),
    )
}

fn method(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn is_within(text: &str) -> bool {
    header(text, "To").is_some_and(|to| to.contains("tag="))
}

fn branch(text: &str) -> &str {
    let via = header(text, "Via").unwrap_or_default();
    via.split(';').find_map(|param| param.strip_prefix("branch=")).unwrap_or_default().trim_start_matches("z9hG4bK")
}

/// Who sent it: the address in its topmost Via.
fn sent_by(text: &str) -> SocketAddr {
    let via = header(text, "Via").unwrap_or_default();
    via.split([' ', ';']).nth(1).and_then(|address| address.parse().ok()).expect("an address in Via")
}

/// The address in a URI.
fn host(uri: &str) -> SocketAddr {
    let from = uri.find("192.0.2.").expect("an address");
    let text: String =
        uri.get(from..).unwrap_or_default().chars().take_while(|each| each.is_ascii_digit() || matches!(each, '.' | ':')).collect();
    text.parse().or_else(|_| format!("{text}:5060").parse()).expect("an address")
}
