//! A scenario of sipp, step by step. What is not told is not sent, and what is not expected fails the call.
//!
//! A caller begins with [`Scenario::invite`] or [`Scenario::request`], a callee with [`Scenario::receive`] of INVITE. What is checked of
//! a message is a header and a regular expression that it must match; `!` before the header means that it must not.

use std::fmt::Write as _;

/// What is written so far.
#[derive(Clone)]
pub(crate) struct Scenario {
    name: &'static str,
    steps: String,
    /// Steps so far: sipp numbers branches by them.
    count: usize,
    /// The step of the INVITE, whose branch CANCEL and the ACK of a refusal repeat.
    invite: usize,
    cseq: u32,
    invite_cseq: u32,
    is_callee: bool,
    variables: Vec<String>,
}

/// A header and what it must match.
pub(crate) type Check = (&'static str, &'static str);

impl Scenario {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, steps: String::new(), count: 0, invite: 0, cseq: 0, invite_cseq: 0, is_callee: false, variables: Vec::new() }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether sipp is called.
    pub(crate) const fn is_callee(&self) -> bool {
        self.is_callee
    }

    /// The whole file.
    pub(crate) fn xml(&self) -> String {
        let references =
            if self.variables.is_empty() { String::new() } else { format!("<Reference variables=\"{}\"/>\n", self.variables.join(",")) };
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<scenario name=\"{}\">\n{}{references}</scenario>\n", self.name, self.steps)
    }

    /// INVITE with more headers, each with its line end, and an offer of μ-law; a second one is a re-INVITE.
    pub(crate) fn invite(self, headers: &str) -> Self {
        self.invite_with(headers, OFFER)
    }

    /// INVITE with a body of one's own; empty for none.
    pub(crate) fn invite_with(mut self, headers: &str, body: &str) -> Self {
        if self.cseq == 0 {
            return self.outside_invite(headers, ("application/sdp", body));
        }
        self.invite = self.count;
        let scenario = self.request_with("INVITE", headers, body);
        Self { invite_cseq: scenario.cseq, ..scenario }
    }

    /// INVITE that makes a call, with any body: the first, or one more after a refusal.
    pub(crate) fn outside_invite(mut self, headers: &str, body: (&str, &str)) -> Self {
        self.invite = self.count;
        let scenario = self.outside("INVITE", headers, body);
        Self { invite_cseq: scenario.cseq, ..scenario }
    }

    /// A request outside of any dialog.
    pub(crate) fn outside(mut self, method: &str, headers: &str, (kind, body): (&str, &str)) -> Self {
        self.cseq += 1;
        let (cseq, content) = (self.cseq, content(kind, body));
        let contact = if headers.contains("Contact:") || method == "CANCEL" { "" } else { CONTACT };
        let message = format!(
            "{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
             Max-Forwards: 70\n{FROM}To: <sip:[service]@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: {cseq} {method}\n{contact}{headers}{content}"
        );
        self.send(&message)
    }

    /// Any message, as it is; `{cseq}` is the next number.
    pub(crate) fn raw(mut self, message: &str) -> Self {
        self.cseq += 1;
        let message = message.replace("{cseq}", &self.cseq.to_string());
        self.send(&message)
    }

    /// A request within the dialog.
    pub(crate) fn request(self, method: &str, headers: &str) -> Self {
        self.request_with(method, headers, "")
    }

    /// The same with a session description.
    pub(crate) fn request_with(self, method: &str, headers: &str, body: &str) -> Self {
        self.request_of(method, headers, ("application/sdp", body))
    }

    /// The same with any body.
    pub(crate) fn request_of(mut self, method: &str, headers: &str, (kind, body): (&str, &str)) -> Self {
        self.cseq += 1;
        let message = self.within(method, self.cseq, "[branch]", headers, &content(kind, body));
        self.send(&message)
    }

    /// The ACK of a 2xx.
    pub(crate) fn ack(self) -> Self {
        let message = self.within("ACK", self.invite_cseq, "[branch]", "", "Content-Length: 0\n\n");
        self.send(&message)
    }

    /// The ACK of a refusal: of the INVITE's transaction, and as it was addressed.
    pub(crate) fn ack_refusal(self) -> Self {
        self.of_invite("ACK", "[peer_tag_param]")
    }

    /// The same of a re-INVITE, within the dialog.
    pub(crate) fn ack_refusal_within(self) -> Self {
        let branch = format!("[branch-{}]", self.count - self.invite);
        let message = self.within("ACK", self.invite_cseq, &branch, "", "Content-Length: 0\n\n");
        self.send(&message)
    }

    pub(crate) fn cancel(self) -> Self {
        self.of_invite("CANCEL", "")
    }

    /// A response that must come, and what it must hold.
    pub(crate) fn expect(mut self, status: u16, checks: &[Check]) -> Self {
        let action = self.action(checks);
        self.step(&format!("<recv response=\"{status}\" rrs=\"true\" timeout=\"{PATIENCE_MS}\">{action}</recv>"))
    }

    /// A response that may come.
    pub(crate) fn maybe(self, status: u16) -> Self {
        self.step(&format!("<recv response=\"{status}\" optional=\"true\" rrs=\"true\"/>"))
    }

    /// What a caller hears before the answer, of which nothing matters.
    pub(crate) fn ringing(self) -> Self {
        self.maybe(100).maybe(180).maybe(183)
    }

    /// A request that must come.
    pub(crate) fn receive(self, method: &str, checks: &[Check]) -> Self {
        self.receive_within(method, PATIENCE_MS, checks)
    }

    /// The same, with as much patience as it takes.
    pub(crate) fn receive_within(mut self, method: &str, patience_ms: u32, checks: &[Check]) -> Self {
        let mut action = self.action(checks);
        if method == "INVITE" && self.count == 0 {
            self.is_callee = true;
            let kept = [("From", "far"), ("To", "near"), ("Via", "via"), ("CSeq", "invite")];
            self.variables.extend(kept.iter().map(|(_, name)| (*name).to_owned()));
            let keep = |(header, name)| format!("<ereg regexp=\".*\" search_in=\"hdr\" header=\"{header}:\" assign_to=\"{name}\"/>");
            let kept: String = kept.into_iter().map(keep).collect();
            action = action.replace("</action>", "");
            action = if action.is_empty() { format!("<action>{kept}</action>") } else { format!("{action}{kept}</action>") };
        }
        self.step(&format!("<recv request=\"{method}\" rrs=\"true\" timeout=\"{patience_ms}\">{action}</recv>"))
    }

    /// A response to what came last; the first one to an INVITE is given a tag.
    pub(crate) fn reply(self, status: &str, headers: &str) -> Self {
        self.reply_with(status, headers, "")
    }

    /// The same with a session description.
    pub(crate) fn reply_with(self, status: &str, headers: &str, body: &str) -> Self {
        self.reply_as("", status, headers, body)
    }

    /// The same under a tag of our own: the INVITE that made the call, and its branches.
    pub(crate) fn reply_as(self, tag: &str, status: &str, headers: &str, body: &str) -> Self {
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let contact = if status.starts_with('4') || status.starts_with('5') || headers.contains("Contact:") { "" } else { CONTACT };
        let content = content("application/sdp", body);
        self.send(&format!(
            "SIP/2.0 {status}\n[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n{contact}{headers}{content}"
        ))
    }

    /// As callee, a response to the INVITE that made the call, whatever has come since.
    pub(crate) fn reply_to_invite(self, status: &str, body: &str) -> Self {
        self.reply_to_invite_as(TAG, status, body)
    }

    /// The same by another branch.
    pub(crate) fn reply_to_invite_as(self, tag: &str, status: &str, body: &str) -> Self {
        let content = content("application/sdp", body);
        self.send(&format!(
            "SIP/2.0 {status}\nVia:[$via]\nFrom:[$far]\nTo:[$near];tag={tag}\nCall-ID: [call_id]\nCSeq:[$invite]\n{CONTACT}{content}"
        ))
    }

    /// To another number than 1000.
    pub(crate) fn calling(self, number: &str) -> Self {
        self.with_replaced("[service]", number)
    }

    /// Says something else in all that was written so far.
    pub(crate) fn with_replaced(mut self, from: &str, to: &str) -> Self {
        self.steps = self.steps.replace(from, to);
        self
    }

    /// Keeps what a header of the last expected message holds in a variable: `[$name]` from then on. To be called right after
    /// [`Self::expect`] or [`Self::receive`].
    pub(crate) fn keep(mut self, header: &str, name: &str) -> Self {
        let action = format!("<ereg regexp=\"[^ ].*\" search_in=\"hdr\" header=\"{header}:\" check_it=\"true\" assign_to=\"{name}\"/>");
        self.variables.push(name.to_owned());
        let end = self.steps.rfind("</recv>").expect("a message that was expected");
        let last = self.steps.split_off(end);
        self.steps = match self.steps.strip_suffix("</action>") {
            Some(open) => format!("{open}{action}</action>"),
            None => format!("{}<action>{action}</action>", self.steps),
        };
        self.steps.push_str(&last);
        self
    }

    pub(crate) fn pause(self, milliseconds: u32) -> Self {
        self.step(&format!("<pause milliseconds=\"{milliseconds}\"/>"))
    }

    /// BYE, and its answer.
    pub(crate) fn bye(self) -> Self {
        self.request("BYE", "").expect(200, &[])
    }

    fn of_invite(self, method: &str, to_tag: &str) -> Self {
        let (back, cseq) = (self.count - self.invite, self.invite_cseq);
        self.send(&format!(
            "{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-{back}]\n\
             Max-Forwards: 70\n{FROM}To: <sip:[service]@[remote_ip]:[remote_port]>{to_tag}\nCall-ID: [call_id]\nCSeq: {cseq} {method}\nContent-Length: 0\n\n"
        ))
    }

    fn within(&self, method: &str, cseq: u32, branch: &str, headers: &str, content: &str) -> String {
        let parties = if self.is_callee {
            format!("From:[$near];tag={TAG}\nTo:[$far]\n")
        } else {
            format!("{FROM}To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]\n")
        };
        let contact = if matches!(method, "INVITE" | "UPDATE" | "REFER" | "NOTIFY") { CONTACT } else { "" };
        format!(
            "{method} [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\nMax-Forwards: 70\n[routes]\n{parties}\
             Call-ID: [call_id]\nCSeq: {cseq} {method}\n{contact}{headers}{content}"
        )
    }

    fn action(&mut self, checks: &[Check]) -> String {
        let mut action = String::new();
        for (header, expression) in checks {
            let variable = format!("check{}", self.variables.len());
            let (header, inverse) = header.strip_prefix('!').map_or((*header, ""), |header| (header, "_inverse"));
            let place = if header == "body" { "search_in=\"msg\"".to_owned() } else { format!("search_in=\"hdr\" header=\"{header}:\"") };
            let expression = expression.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let _written = write!(action, "<ereg regexp=\"{expression}\" {place} check_it{inverse}=\"true\" assign_to=\"{variable}\"/>");
            self.variables.push(variable);
        }
        if action.is_empty() { action } else { format!("<action>{action}</action>") }
    }

    fn send(self, message: &str) -> Self {
        self.step(&format!("<send><![CDATA[\n{message}]]></send>"))
    }

    fn step(mut self, xml: &str) -> Self {
        self.count += 1;
        self.steps.push_str(xml);
        self.steps.push('\n');
        self
    }
}

fn content(kind: &str, body: &str) -> String {
    if body.is_empty() { "Content-Length: 0\n\n".to_owned() } else { format!("Content-Type: {kind}\nContent-Length: [len]\n\n{body}") }
}

/// Our tag as callee.
pub(crate) const TAG: &str = "callee[call_number]";
const FROM: &str = "From: <sip:sipp@[local_ip]:[local_port]>;tag=caller[call_number]\n";
const CONTACT: &str = "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>\n";
/// How long an expected message may take.
const PATIENCE_MS: u32 = 10_000;

/// μ-law and keys.
pub(crate) const OFFER: &str = "v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\n\
a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n";
