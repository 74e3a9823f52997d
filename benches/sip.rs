//! What SIP costs: reading an INVITE in time and allocations, the memory of a dialog, and calls a second through two endpoints, with no
//! socket between them, on one thread; then calls a second into the built gateway with digest, store and audit, and how soon it answers.
//!
//! `make bench-sip`, or `cargo bench --bench sip`; a minute and a half. Prints a table and one `RESULT` line, writes
//! `target/measured/sip.json`, and fails when a gated figure is short.
#![expect(clippy::print_stdout, reason = "a measurement is read from standard output")]
#![expect(clippy::indexing_slicing, reason = "there are two ends, always")]

#[path = "sip/gateway.rs"]
mod gateway;
#[path = "../tests/support/http.rs"]
#[expect(dead_code, reason = "no answer is shown as it came")]
mod http;
#[path = "sip/load.rs"]
mod load;
#[path = "../tests/support/measured.rs"]
mod measured;
#[path = "measured/table.rs"]
mod table;

use std::hint::black_box;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use measured::Figure;
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, OutgoingInvite, Output};
use sip::header::{NameAddr, Uri};
use sip::message::Message;
use sip::transport::{Flow, Frame, Framer, Side, Transport};

fn main() -> anyhow::Result<ExitCode> {
    let invite = Bytes::from_static(INVITE.as_bytes());
    let mut runs: Vec<f64> = (0..RUNS).map(|_| nanoseconds_to_parse(&invite)).collect();
    let (_, allocations) =
        (Message::parse(invite.clone()).is_ok(), allocation_counter::measure(|| drop(black_box(Message::parse(invite.clone())))));
    let mut framed: Vec<f64> = (0..RUNS).map(|_| nanoseconds_to_frame(&invite)).collect();
    let mut figures = vec![
        gated("sip_invite_parse_ns", "Reading an INVITE, in nanoseconds", median(&mut runs), 2_000.0),
        gated("sip_invite_parse_allocations", "Allocations of reading an INVITE", allocations.count_total as f64, 4.0),
        Figure {
            gate: None,
            ..gated("sip_invite_frame_ns", "Cutting an INVITE out of a stream, in nanoseconds", median(&mut framed), 0.0)
        },
        gated("sip_dialog_bytes", "Memory of a call that is up, at one end, in bytes", bytes_of_a_dialog(), 8_192.0),
        Figure {
            at_least: true,
            ..gated(
                "sip_calls_per_second",
                "Calls a second, INVITE to the answer of BYE, both ends on one thread",
                calls_a_second(),
                1_500.0,
            )
        },
    ];
    figures.extend(figures_of_gateway(&gateway::measure()?));
    measured::save("sip", "What SIP costs", "make bench-sip", &figures)?;
    table::print("sip", &figures, 1);
    Ok(table::verdict(&figures))
}

/// The gateway's: with digest, store and audit in one run.
fn figures_of_gateway(calls: &gateway::Calls) -> Vec<Figure> {
    let gateway::Calls { calm, busy, recorded, audited } = calls;
    let at = |setups: &[Duration], percent: usize| {
        let mut sorted = setups.to_vec();
        sorted.sort();
        sorted.get(sorted.len() * percent / 100).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1_000.0)
    };
    let at_least = |figure: Figure| Figure { at_least: true, ..figure };
    let recorded_only = |figure: Figure| Figure { gate: None, ..figure };
    let begun = calm.setups.len().max(busy.setups.len());
    vec![
        at_least(gated(
            "sip_gateway_calls_per_second",
            "Calls a second into the gateway, with digest, store and audit",
            busy.per_second,
            149.0,
        )),
        gated("sip_gateway_failed", "Calls of those that failed, of both rates", f64::from(calm.failed + busy.failed), 0.0),
        at_least(gated(
            "sip_gateway_recorded",
            "Calls complete in the store, of both rates",
            f64::from(*recorded),
            f64::from(calm.completed + busy.completed).max(begun as f64),
        )),
        at_least(gated("sip_gateway_audit_bytes", "Audit log of them, in bytes", *audited as f64, 1.0)),
        gated("sip_setup_150_p95_ms", "INVITE, challenge and all, to 200 at 150 calls a second, p95 in ms", at(&busy.setups, 95), 5.0),
        recorded_only(gated("sip_setup_150_p50_ms", "the same, median", at(&busy.setups, 50), 0.0)),
        gated("sip_setup_75_p95_ms", "the same at 75 calls a second, p95 in ms", at(&calm.setups, 95), 1.0),
        recorded_only(gated("sip_setup_75_p50_ms", "the same, median", at(&calm.setups, 50), 0.0)),
    ]
}

fn gated(name: &'static str, what: &'static str, value: f64, gate: f64) -> Figure {
    Figure { name, what, value: Some(value), gate: Some(gate), at_least: false }
}

fn nanoseconds_to_parse(invite: &Bytes) -> f64 {
    per_turn(|| drop(black_box(Message::parse(black_box(invite.clone())))))
}

fn nanoseconds_to_frame(invite: &Bytes) -> f64 {
    let mut framer = Framer::new(Side::Accepted);
    per_turn(|| {
        framer.push(black_box(invite));
        assert!(matches!(framer.next_frame(), Ok(Some(Frame::Message(_)))), "a whole message");
    })
}

fn per_turn(mut turn: impl FnMut()) -> f64 {
    let started = Instant::now();
    (0..TURNS).for_each(|_| turn());
    started.elapsed().as_nanos() as f64 / f64::from(TURNS)
}

fn median(runs: &mut [f64]) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What the callee's end holds for each of many calls, once their transactions have ended.
fn bytes_of_a_dialog() -> f64 {
    let mut pair = Pair::new();
    // The tables have grown before what is counted.
    let warm: Vec<InviteId> = (0..CALLS).map(|_| pair.call()).collect();
    // And what those calls held for their transactions alone is given back.
    pair.pass(Duration::from_secs(40));
    let held = allocation_counter::measure(|| {
        let calls: Vec<InviteId> = (0..CALLS).map(|_| pair.call()).collect();
        pair.pass(Duration::from_secs(40));
        black_box(calls);
    });
    drop(warm);
    // Both ends are held; the caller's is no larger than the callee's, so half is a fair bound for one.
    held.bytes_current as f64 / f64::from(CALLS) / 2.0
}

fn calls_a_second() -> f64 {
    let mut pair = Pair::new();
    let started = Instant::now();
    for _ in 0..CALLS {
        let call = pair.call();
        pair.ends[0].hang_up(pair.now, call);
        pair.settle();
    }
    f64::from(CALLS) / started.elapsed().as_secs_f64()
}

/// Two endpoints and a line that loses nothing.
struct Pair {
    now: Instant,
    ends: [Endpoint; 2],
}

impl Pair {
    fn new() -> Self {
        let endpoint = |side: u8| {
            Endpoint::new(EndpointConfig { seed: [side; 32], max_dialogs: 1 << 20, max_transactions: 1 << 20, ..EndpointConfig::default() })
        };
        Self { now: Instant::now(), ends: [endpoint(1), endpoint(2)] }
    }

    fn call(&mut self) -> InviteId {
        let uri = |text: &str| Uri::parse(text).expect("a valid URI");
        let flow = Flow { transport: Transport::Tcp, ..Flow::udp(address(1), address(2)) };
        let call = OutgoingInvite {
            flow,
            alternatives: Vec::new(),
            registered: false,
            request_uri: uri("sip:1000@192.0.2.2;transport=tcp"),
            from: NameAddr::from(uri("sip:alice@192.0.2.1")),
            to: NameAddr::from(uri("sip:1000@192.0.2.2")),
            contact: uri("sip:alice@192.0.2.1;transport=tcp"),
            account: None,
            asserted: None,
            options: sip::endpoint::InviteOptions::default(),
            body: Bytes::from_static(OFFER.as_bytes()),
        };
        let id = self.ends[0].invite(self.now, call).expect("room for a call");
        self.settle();
        id
    }

    /// Until nobody has anything more to say now.
    fn settle(&mut self) {
        let contact = Uri::parse("sip:1000@192.0.2.2;transport=tcp").expect("a valid URI");
        let mut quiet = 0;
        let mut end = 0;
        while quiet < 2 {
            match self.ends[end].poll_output() {
                Output::Transmit(transmit) => {
                    quiet = 0;
                    self.ends[1 - end].handle_message(self.now, transmit.flow.reversed(), transmit.bytes);
                }
                Output::Event(Event::Incoming { id, .. }) => {
                    self.ends[end].answer(self.now, id, &contact, Bytes::from_static(OFFER.as_bytes()));
                }
                Output::Event(_) => {}
                Output::Timeout(due) => {
                    if due.is_some_and(|due| due <= self.now) {
                        self.ends[end].handle_timeout(self.now);
                        continue;
                    }
                    quiet += 1;
                    end = 1 - end;
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
        self.settle();
    }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 5060))
}

const RUNS: usize = 31;
const TURNS: u32 = 2_000;
const CALLS: u32 = 2_000;

/// As a carrier's session border controller sends it.
const INVITE: &str = "INVITE sip:+15551230000@203.0.113.10:5060;transport=udp SIP/2.0\r\n\
Record-Route: <sip:198.51.100.20;lr;ftag=gK0c5b1a2e>\r\n\
Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK3f1d.7a0e5c1bd0f8a3c1e2d4.0\r\n\
Via: SIP/2.0/UDP 198.51.100.41:5060;branch=z9hG4bK0cB1f2e3d4c5b6a79\r\n\
From: \"Reception\" <sip:+15559870000@198.51.100.41;isup-oli=0>;tag=gK0c5b1a2e\r\n\
To: <sip:+15551230000@203.0.113.10:5060>\r\n\
Call-ID: 335871204_133847561@198.51.100.41\r\n\
CSeq: 812331 INVITE\r\n\
Max-Forwards: 68\r\n\
Allow: INVITE,ACK,CANCEL,BYE,PRACK,OPTIONS,UPDATE\r\n\
Accept: application/sdp, application/isup, application/dtmf, application/dtmf-relay, multipart/mixed\r\n\
Contact: \"Reception\" <sip:+15559870000@198.51.100.41:5060>\r\n\
P-Asserted-Identity: \"Reception\" <sip:+15559870000@198.51.100.41:5060>\r\n\
Supported: timer,100rel,precondition,replaces\r\n\
Session-Expires: 1800\r\n\
Min-SE: 90\r\n\
Content-Disposition: session; handling=required\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 238\r\n\r\n\
v=0\r\no=Sonus_UAC 981 123 IN IP4 198.51.100.41\r\ns=SIP Media Capabilities\r\nc=IN IP4 198.51.100.61\r\nt=0 0\r\n\
m=audio 41232 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\na=ptime:20\r\n";

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
