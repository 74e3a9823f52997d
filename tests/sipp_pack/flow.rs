//! A flow of messages as a scenario of sipp, and sipp at work on it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::pack::media_port;
use crate::support::gateway::Gateway;
use crate::support::{ports, tools};

/// A scenario in the making: what sipp sends and what it insists on receiving, in this order.
pub(crate) struct Flow {
    steps: String,
    cseq: u32,
    /// Who is called: `1000@host:port` toward a gateway that is called, our own part otherwise.
    called: bool,
}

impl Flow {
    /// sipp calls; the INVITE has this body, and these headers more.
    pub(crate) fn calling(sdp: &str, headers: &str) -> Self {
        let mut flow = Self { steps: String::new(), cseq: 1, called: false };
        let invite = format!(
            "INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
             From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]f\n\
             To: <sip:[service]@[remote_ip]:[remote_port]>\n\
             Call-ID: [call_id]\nCSeq: 1 INVITE\nContact: <sip:sipp@[local_ip]:[local_port]>\nMax-Forwards: 70\n\
             Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY\n{headers}"
        );
        flow.raw(&invite, sdp, " retrans=\"500\"");
        flow
    }

    /// sipp calls, and the call is answered.
    pub(crate) fn up() -> Self {
        Self::calling(&sdp("sendrecv", 1), "").expect("100", true, "").expect("180", true, "").answered("").ack("")
    }

    /// sipp is called, and answers.
    pub(crate) fn called() -> Self {
        Self::called_with("")
    }

    /// sipp is called by an INVITE that must be so, and answers.
    pub(crate) fn called_with(checks: &str) -> Self {
        let flow = Self { steps: String::new(), cseq: 100, called: true };
        let invite = r#"<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/><ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="2"/>"#;
        let invite = format!("{invite}{checks}");
        flow.request("INVITE", &invite).reply("180 Ringing", "", "").reply("200 OK", &sdp("sendrecv", 1), "").request("ACK", "")
    }

    /// The 200 to the INVITE: whom we speak with is written down. `checks` are actions of sipp.
    pub(crate) fn answered(self, checks: &str) -> Self {
        let learn = r#"<ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="1"/><ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" check_it="true" assign_to="2"/>"#;
        self.expect("200", false, &format!("{learn}{checks}"))
    }

    /// A response that must come, or may.
    pub(crate) fn expect(mut self, status: &str, optional: bool, checks: &str) -> Self {
        let optional = if optional { " optional=\"true\"" } else { "" };
        self.steps += &format!("<recv response=\"{status}\"{optional}>{}</recv>\n", action(checks));
        self
    }

    /// A request that must come.
    pub(crate) fn request(mut self, method: &str, checks: &str) -> Self {
        self.steps += &format!("<recv request=\"{method}\">{}</recv>\n", action(checks));
        self
    }

    /// The response to the request that came last.
    pub(crate) fn reply(mut self, status: &str, sdp: &str, headers: &str) -> Self {
        let tag = if self.called { ";tag=[call_number]c" } else { "" };
        let text = format!(
            "SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n\
             Contact: <sip:sipp@[local_ip]:[local_port]>\nAllow: INVITE, ACK, BYE, CANCEL, REFER, NOTIFY, INFO\n{headers}"
        );
        // Within the dialog our tag stands there already.
        let text = if self.cseq > 100 || self.steps.contains("request=\"ACK\"") { text.replace(tag, "") } else { text };
        self.raw(&text, sdp, "");
        self
    }

    /// A request within the dialog.
    pub(crate) fn send(mut self, method: &str, kind: &str, body: &str, headers: &str) -> Self {
        if !matches!(method, "ACK" | "CANCEL") {
            self.cseq += 1;
        }
        let (from, to) = match self.called {
            false => ("From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]f", "To:[$1]"),
            true => ("From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]c", "To:[$1]"),
        };
        let kind = if body.is_empty() { String::new() } else { format!("Content-Type: {kind}\n") };
        let text = format!(
            "{method} [$2] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n{from}\n{to}\n\
             Call-ID: [call_id]\nCSeq: {} {method}\nContact: <sip:sipp@[local_ip]:[local_port]>\nMax-Forwards: 70\n{kind}{headers}",
            self.cseq
        );
        let retransmits = if method == "ACK" { "" } else { " retrans=\"500\"" };
        self.raw_of(&text, body, retransmits, kind.is_empty());
        self
    }

    /// The ACK of the last 2xx.
    pub(crate) fn ack(self, sdp: &str) -> Self {
        self.send("ACK", "application/sdp", sdp, "")
    }

    /// The ACK of the 200 to the INVITE, after other requests.
    pub(crate) fn send_ack_of_invite(mut self) -> Self {
        let cseq = std::mem::replace(&mut self.cseq, 1);
        let mut flow = self.ack("");
        flow.cseq = cseq;
        flow
    }

    /// A re-INVITE, answered and acknowledged; what the answer must have in its body.
    pub(crate) fn reinvite(self, sdp: &str, wanted: &str) -> Self {
        self.send("INVITE", "application/sdp", sdp, "").expect("100", true, "").expect("200", false, &has_body(wanted)).ack("")
    }

    /// The ACK of a refusal of the INVITE.
    pub(crate) fn ack_refusal(mut self) -> Self {
        let text = "ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n\
                    CSeq: 1 ACK\nMax-Forwards: 70\n";
        self.raw(text, "", "");
        self
    }

    pub(crate) fn pause(mut self, milliseconds: u64) -> Self {
        self.steps += &format!("<pause milliseconds=\"{milliseconds}\"/>\n");
        self
    }

    /// sipp hangs up.
    pub(crate) fn bye(self) -> Self {
        self.send("BYE", "", "", "").expect("200", false, "")
    }

    /// The gateway hangs up.
    pub(crate) fn hung_up(self) -> Self {
        self.request("BYE", "").reply("200 OK", "", "")
    }

    fn raw(&mut self, text: &str, sdp: &str, attributes: &str) {
        let text = if sdp.is_empty() { text.to_owned() } else { format!("{text}Content-Type: application/sdp\n") };
        self.raw_of(&text, sdp, attributes, sdp.is_empty());
    }

    fn raw_of(&mut self, text: &str, body: &str, attributes: &str, is_empty: bool) {
        let body = if is_empty { String::new() } else { body.to_owned() };
        let text = text.trim_end();
        self.steps += &format!("<send{attributes}><![CDATA[\n\n{text}\nContent-Length: [len]\n\n{body}\n]]></send>\n");
    }

    /// Starts sipp on one call: toward the gateway, or for its call.
    pub(crate) fn start(self, name: &str, gateway: &Gateway, number: &str) -> Option<Sipp> {
        let sipp = tools::find("sipp")?;
        // sipp wants what is learnt to be used.
        let used = if self.steps.contains("assign_to=\"1\"") { "<Reference variables=\"1,2\"/>\n" } else { "" };
        let scenario = format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n<scenario name=\"{name}\">\n{}{used}</scenario>\n",
            self.steps
        );
        let file = format!("{name}.xml");
        std::fs::write(gateway.folder().join(&file), scenario).expect("the scenario is written");
        let port = ports::free_udp().port();
        let mut command = Command::new(sipp);
        command.current_dir(gateway.folder()).args(["-sf", &file, "-m", "1", "-s", number, "-i", "127.0.0.1", "-p", &port.to_string()]);
        command.args(["-mi", "127.0.0.1", "-mp", &media_port().to_string(), "-nostdin", "-timeout", "30", "-timeout_error"]);
        command.args(["-trace_err", "-error_file", &format!("{name}.errors"), "-trace_msg", "-message_file", &format!("{name}.messages")]);
        if !self.called {
            command.arg(gateway.sip().to_string());
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sipp starts");
        Some(Sipp { child, name: name.to_owned(), port })
    }
}

/// sipp at work.
pub(crate) struct Sipp {
    child: Child,
    name: String,
    pub(crate) port: u16,
}

impl Sipp {
    /// Call-ID and our tag of the call, as sipp has seen them.
    pub(crate) fn dialog(&self, gateway: &Gateway) -> (String, String) {
        let limit = Instant::now() + Duration::from_secs(20);
        let answer = loop {
            let messages = std::fs::read_to_string(gateway.folder().join(format!("{}.messages", self.name))).unwrap_or_default();
            // Written as a whole once what comes behind is there, too.
            if let Some(answer) = messages.split("SIP/2.0 200 OK").nth(1).filter(|answer| answer.contains("Content-Length:")) {
                break answer.to_owned();
            }
            assert!(Instant::now() < limit, "no answer among sipp's messages");
            std::thread::sleep(Duration::from_millis(20));
        };
        let header = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).expect("a header").trim().to_owned();
        let tag = header("To:").split("tag=").nth(1).expect("a tag").to_owned();
        (header("Call-ID:"), tag)
    }

    /// Waits until it has come to the end of its scenario, which must be as it was written.
    pub(crate) fn finish(mut self, gateway: &Gateway) {
        let limit = Instant::now() + Duration::from_secs(40);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("sipp is ours") {
                break status;
            }
            assert!(Instant::now() < limit, "sipp does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let read = |kind: &str| read_end(&gateway.folder().join(format!("{}.{kind}", self.name)));
        assert!(status.success(), "{}: {status}\n{}\n{}\n{}", self.name, read("errors"), read("messages"), gateway.log());
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The one call there is, once it stands so, as the interface shows it.
pub(crate) fn call_that(gateway: &Gateway, status: &str) -> Value {
    gateway.wait_for_calls(status, |calls| calls.len() == 1 && calls[0]["session_status"] == status);
    record(gateway, &id_of(&gateway.calls()[0]))
}

/// A call as the interface shows it.
pub(crate) fn record(gateway: &Gateway, id: &str) -> Value {
    gateway.get(&format!("/v1/calls/{id}")).json
}

/// A call's name.
pub(crate) fn id_of(call: &Value) -> String {
    call["id"].as_str().expect("a call's id").to_owned()
}

/// Entries of a call's timeline that are this event.
pub(crate) fn moments<'a>(record: &'a Value, event: &str) -> Vec<&'a Value> {
    record["timeline"].as_array().expect("a timeline").iter().filter(|entry| entry["event"] == event).collect()
}

/// What sipp says of its audio.
pub(crate) fn sdp(direction: &str, version: u32) -> String {
    format!(
        "v=0\no=sipp 1 {version} IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0 101\n\
         a=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na={direction}"
    )
}

/// The body has something in it.
pub(crate) fn has_body(text: &str) -> String {
    format!(r#"<ereg regexp="{text}" search_in="body" check_it="true" assign_to="9"/><log message="[$9]"/>"#)
}

/// A header has something in it.
pub(crate) fn has_header(name: &str, text: &str) -> String {
    format!(r#"<ereg regexp="{text}" search_in="hdr" header="{name}:" check_it="true" assign_to="9"/><log message="[$9]"/>"#)
}

/// A header does not stand there.
pub(crate) fn lacks_header(name: &str) -> String {
    format!(r#"<ereg regexp=".+" search_in="hdr" header="{name}:" check_it_inverse="true" assign_to="9"/><log message="[$9]"/>"#)
}

fn action(checks: &str) -> String {
    if checks.is_empty() { String::new() } else { format!("<action>{checks}</action>") }
}

fn read_end(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(120)..).unwrap_or_default().join("\n")
}
