//! Calls at a steady rate into a gateway, from one socket: INVITE, the challenge, INVITE with its answer, 200, ACK, half a second, BYE.
//!
//! Loopback loses nothing that a benchmark should forgive, so nothing is sent twice. RTP is not sent, and what comes is not read.

use std::collections::{BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use sip::auth::{Account, DigestClient};
use sip::header::HeaderName;
use sip::message::{Message, Response};

/// What came of the calls.
pub(crate) struct Outcome {
    /// From the first INVITE, the one that is challenged, to 200.
    pub(crate) setups: Vec<Duration>,
    pub(crate) completed: u32,
    /// Refused, or without an answer.
    pub(crate) failed: u32,
    /// Calls a second that were begun, as it came out.
    pub(crate) per_second: f64,
}

/// Calls at one rate.
pub(crate) struct Load {
    socket: UdpSocket,
    media: SocketAddr,
    gateway: SocketAddr,
    account: Account,
    /// Tells runs apart.
    run: &'static str,
    calls: HashMap<u32, Call>,
    byes: BTreeSet<(Instant, u32)>,
    outcome: Outcome,
}

struct Call {
    invited: Instant,
    credentials: DigestClient,
    cseq: u32,
    to: String,
    target: String,
    hung_up: bool,
}

impl Load {
    pub(crate) fn new(run: &'static str, gateway: SocketAddr, media: SocketAddr, account: Account) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let outcome = Outcome { setups: Vec::new(), completed: 0, failed: 0, per_second: 0.0 };
        Ok(Self { socket, media, gateway, account, run, calls: HashMap::new(), byes: BTreeSet::new(), outcome })
    }

    /// So many calls at so many a second, and until the last is over.
    pub(crate) fn run(mut self, count: u32, per_second: u32) -> Result<Outcome> {
        let (started, interval) = (Instant::now(), Duration::from_secs(1) / per_second);
        let mut begun = 0;
        let mut last = started;
        while begun < count || (!self.calls.is_empty() && last.elapsed() < PATIENCE) {
            let now = Instant::now();
            while begun < count && started + interval * begun <= now {
                self.invite(begun)?;
                begun += 1;
                last = Instant::now();
            }
            self.hang_up_due(now)?;
            let next = [(begun < count).then(|| started + interval * begun), self.byes.first().map(|(at, _)| *at)];
            let wait = next.into_iter().flatten().min().map_or(IDLE, |at| at.saturating_duration_since(Instant::now()));
            self.receive(wait.clamp(Duration::from_micros(200), IDLE))?;
        }
        self.outcome.per_second = f64::from(begun) / last.duration_since(started).as_secs_f64().max(f64::MIN_POSITIVE);
        self.outcome.failed += u32::try_from(self.calls.len())?;
        Ok(self.outcome)
    }

    fn invite(&mut self, number: u32) -> Result<()> {
        let (credentials, invited) = (DigestClient::new(self.account.clone()), Instant::now());
        let target = format!("sip:1000@{}", self.gateway);
        let call = Call { invited, credentials, cseq: 1, to: format!("<{target}>"), target, hung_up: false };
        let sdp = self.offer();
        self.send(&self.request(&call, number, "INVITE", "", &sdp))?;
        self.calls.insert(number, call);
        Ok(())
    }

    fn hang_up_due(&mut self, now: Instant) -> Result<()> {
        while let Some((at, number)) = self.byes.first().copied().filter(|(at, _)| *at <= now) {
            self.byes.remove(&(at, number));
            let Some(mut call) = self.calls.remove(&number) else { continue };
            (call.cseq, call.hung_up) = (call.cseq + 1, true);
            self.send(&self.request(&call, number, "BYE", "", ""))?;
            self.calls.insert(number, call);
        }
        Ok(())
    }

    /// Takes what comes within `wait`, and all that waits with it.
    fn receive(&mut self, wait: Duration) -> Result<()> {
        let mut datagram = [0; 4096];
        self.socket.set_read_timeout(Some(wait))?;
        let Ok(length) = self.socket.recv(&mut datagram) else { return Ok(()) };
        if let Ok(Message::Response(response)) = Message::parse(Bytes::copy_from_slice(datagram.get(..length).unwrap_or_default())) {
            self.take(&response)?;
        }
        Ok(())
    }

    fn take(&mut self, response: &Response) -> Result<()> {
        let headers = response.headers();
        let number = headers.call_id().and_then(|id| id.split('-').nth(1)?.parse::<u32>().ok());
        let (Some(number), Some(cseq)) = (number, headers.cseq()) else { return Ok(()) };
        if response.status().is_provisional() {
            return Ok(());
        }
        // What comes again is of a request before.
        if self.calls.get(&number).is_none_or(|call| call.cseq != cseq.number) {
            return Ok(());
        }
        let Some(mut call) = self.calls.remove(&number) else { return Ok(()) };
        let is_invite = cseq.method == "INVITE";
        call.to = headers.value(HeaderName::To).unwrap_or_default().to_owned();
        match response.status().code() {
            200 if is_invite => {
                self.outcome.setups.push(call.invited.elapsed());
                call.target = headers.contact().map(|contact| contact.uri_text().to_owned()).unwrap_or_default();
                self.send(&self.request(&call, number, "ACK", "", ""))?;
                self.byes.insert((Instant::now() + TALKING, number));
                self.calls.insert(number, call);
            }
            401 if is_invite && call.cseq == 1 => {
                self.send(&self.request(&call, number, "ACK", "", ""))?;
                let (name, value) = call.credentials.answer(response, 0, "INVITE", &call.target, "benchmark")?;
                (call.cseq, call.to) = (2, format!("<{}>", call.target));
                let sdp = self.offer();
                self.send(&self.request(&call, number, "INVITE", &format!("{}: {value}\r\n", name.as_str()), &sdp))?;
                self.calls.insert(number, call);
            }
            200 if call.hung_up => self.outcome.completed += 1,
            _ => self.outcome.failed += 1,
        }
        Ok(())
    }

    fn request(&self, call: &Call, number: u32, method: &str, headers: &str, sdp: &str) -> String {
        let (local, run, cseq) = (self.local(), self.run, call.cseq);
        // The ACK of a refusal has the branch of its INVITE, and that of an answer one of its own, which nobody looks at.
        let branch = if method == "BYE" { "b" } else { "i" };
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{run}{branch}{number}-{cseq};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:bench@{local}>;tag={run}{number}\r\nTo: {to}\r\nCall-ID: {run}-{number}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:bench@{local}>\r\n{headers}{kind}Content-Length: {length}\r\n\r\n{sdp}",
            target = call.target,
            to = call.to,
            length = sdp.len()
        )
    }

    fn offer(&self) -> String {
        let (ip, port) = (self.media.ip(), self.media.port());
        format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
    }

    fn local(&self) -> SocketAddr {
        self.socket.local_addr().unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    fn send(&self, text: &str) -> Result<()> {
        self.socket.send_to(text.as_bytes(), self.gateway)?;
        Ok(())
    }
}

/// How long a call is up.
const TALKING: Duration = Duration::from_millis(500);
/// For the last calls to end.
const PATIENCE: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_millis(20);
