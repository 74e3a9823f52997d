//! Connections to agents that are reset, closed and left hanging while calls run: no call ends by it, and the caller is soon heard again.
//!
//! Each call has two agents of two protocols, one that hears μ-law and one that hears 24 kHz, each behind a wire of its own that the
//! test cuts. Both beep for whatever comes of the caller, who so hears whether somebody is there.

use std::fmt::Write as _;
use std::iter::repeat_n;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::beeper::{Tongue, beeper};
use crate::caller::{Caller, FRAME, PTIME, Packet, plain, slots};
use crate::server::{Server, Wanted};

/// What is done to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// RST.
    Reset,
    /// FIN without a word.
    End,
    /// A WebSocket close, 1011.
    Goodbye,
    /// Nothing passes any more, either way, and nobody is told.
    Stall,
}

/// The connection that stands, since when, and what cuts it.
type Standing = Arc<Mutex<Option<(Instant, oneshot::Sender<Cut>)>>>;

/// The way to one agent of one call.
#[derive(Clone)]
struct Wire {
    address: SocketAddr,
    standing: Standing,
}

impl Wire {
    async fn to(agent: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let wire = Self { address: listener.local_addr().expect("an address"), standing: Arc::default() };
        let standing = Arc::clone(&wire.standing);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (cut, cuts) = oneshot::channel();
                *standing.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), cut));
                tokio::spawn(carry(near, agent, cuts));
            }
        });
        wire
    }

    fn stands_since(&self) -> Option<Instant> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(since, _)| *since)
    }

    fn cut(&self, cut: Cut) {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _gone = standing.map(|(_, way)| way.send(cut));
    }
}

/// Carries bytes both ways until it is cut.
async fn carry(near: TcpStream, agent: SocketAddr, cut: oneshot::Receiver<Cut>) {
    let far = TcpStream::connect(agent).await.expect("the agent listens");
    let _quick = (near.set_nodelay(true), far.set_nodelay(true));
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    let cut = tokio::select! {
        _ = copy(&mut near_in, &mut far_out) => return,
        _ = copy(&mut far_in, &mut near_out) => return,
        cut = cut => cut,
    };
    match cut {
        Ok(Cut::Reset) => {
            let near = near_in.reunite(near_out).expect("two halves of one");
            SockRef::from(&near).set_linger(Some(Duration::ZERO)).expect("a socket of ours");
        }
        Ok(Cut::Goodbye) => {
            // Between two messages as a rule; in the middle of one it is as good as a break.
            let _said = near_out.write_all(&[0x88, 0x02, 0x03, 0xF3]).await;
            let _answer = tokio::time::timeout(Duration::from_millis(500), near_in.read(&mut [0; 64])).await;
        }
        Ok(Cut::Stall) => {
            sleep(Duration::from_secs(20)).await;
            drop((near_in, near_out));
        }
        Ok(Cut::End) | Err(_) => {}
    }
}

/// How long after each cut the caller heard nobody and the next agent was dialled, and the longest time without a packet.
struct Outcome {
    waits: Vec<(Cut, Duration)>,
    longest_gap: Duration,
    retries: Vec<(Cut, Duration)>,
}

/// Calls, cuts `cuts` connections one after another, and hangs up.
async fn call(gateway: SocketAddr, number: usize, wires: [Wire; 2], cuts: Vec<Cut>, pause: Duration) -> Outcome {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut caller = Caller::invite(gateway, &number.to_string(), here, plain).await.expect("the call is answered");
    caller.acknowledge().await;
    let voice = [VOICE; FRAME];
    let frames = |time: Duration| repeat_n(voice, (time.as_millis() / PTIME.as_millis()) as usize);
    caller.talk(frames(Duration::from_millis(1_000 + 37 * (number as u64 % 20)))).await;
    let (mut done, mut retries) = (Vec::new(), Vec::new());
    for cut in cuts {
        let newest = wires.iter().max_by_key(|wire| wire.stands_since()).expect("two wires");
        let at = Instant::now();
        newest.cut(cut);
        done.push((cut, at));
        caller.talk(frames(pause)).await;
        let again = wires.iter().filter_map(Wire::stands_since).filter(|since| *since > at).min();
        retries.push(again.unwrap_or_else(|| panic!("nobody was dialled within {pause:?} of {cut:?}")) - at);
    }
    caller.hang_up().await;
    let heard = caller.heard();
    let longest_gap = heard.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap_or_default();
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "every packet came");
    let retries = done.iter().map(|(cut, _)| *cut).zip(retries).collect();
    let waits = done.into_iter().map(|(cut, at)| (cut, wait_after(heard, at, pause))).collect();
    Outcome { waits, longest_gap, retries }
}

/// From a cut to the first 100 ms of voice behind the first silence after it.
fn wait_after(heard: &[Packet], cut: Instant, within: Duration) -> Duration {
    let slot_of = slots(heard);
    let after: Vec<&Packet> = heard.iter().filter(|packet| (cut..cut + within).contains(&slot_of(packet))).collect();
    let Some(quiet) = after.iter().position(|packet| !is_voice(&packet.payload)) else { return Duration::ZERO };
    let mut runs = after[quiet..].windows(5);
    let again = runs.find(|run| run.iter().all(|packet| is_voice(&packet.payload))).expect("somebody is heard again");
    slot_of(again[0]) - cut
}

/// Comfort noise is far below.
fn is_voice(payload: &[u8]) -> bool {
    payload.iter().filter(|octet| (**octet & 0x7F) < 0x40).count() > payload.len() / 2
}

/// Cuts the connections of `calls` calls as the list says, and checks that every call went on to its end.
async fn run(calls: usize, cuts: &[Cut], pause: Duration) -> Vec<Outcome> {
    let agents = [beeper(Tongue::OpenAi).await, beeper(Tongue::Auricle).await];
    let (mut toml, mut wires) = (String::new(), Vec::new());
    for number in 0..calls {
        let pair = [Wire::to(agents[0]).await, Wire::to(agents[1]).await];
        for (name, wire, settings) in [("a", &pair[0], "format = \"pcmu\""), ("b", &pair[1], "protocol = \"auricle\"\nformat = \"pcm24k\"")]
        {
            write!(toml, "[agents.{name}-{number}]\nurl = \"ws://{}/\"\n{settings}\n", wire.address).expect("a string takes it");
        }
        write!(toml, "[numbers.\"{number}\"]\nagent = \"a-{number}\"\nfallback_agents = [\"b-{number}\"]\n").expect("a string takes it");
        wires.push(pair);
    }
    let server = Server::start(&Wanted { agents: toml, log_level: "info", log_format: "text" });
    let mut running = Vec::new();
    for (number, pair) in wires.into_iter().enumerate() {
        let cuts = cuts.iter().cycle().skip(number).take(cuts.len()).copied().collect();
        running.push(tokio::spawn(call(server.sip, number, pair, cuts, pause)));
        sleep(Duration::from_millis(27)).await;
    }
    let mut outcomes = Vec::new();
    for call in running {
        outcomes.push(call.await.expect("a call goes on to its end"));
    }
    for record in server.records(calls) {
        assert_eq!(record["termination"]["reason"], "hung_up", "{record:#}");
        let passed = record["timeline"].as_array().expect("a timeline").iter().filter(|entry| entry["event"] == "agent_passed").count();
        assert_eq!(passed, cuts.len(), "{record:#}");
        let of = |entry: &&Value| entry["event"] == "agent_lost" && entry["reason"] == "stalled";
        let stalled = record["timeline"].as_array().expect("a timeline").iter().filter(of).count();
        assert_eq!(stalled, cuts.iter().filter(|cut| **cut == Cut::Stall).count(), "{record:#}");
    }
    outcomes
}

/// Holds what followed each kind of cut against its limits: the half of it on any machine, all but a hundredth where it is measured.
fn judge(what: &str, times: &[(Cut, Duration)], limit: Duration) {
    for kind in [Cut::Reset, Cut::End, Cut::Goodbye, Cut::Stall] {
        let of_kind: Vec<Duration> = times.iter().filter(|(cut, _)| *cut == kind).map(|(_, time)| *time).collect();
        if of_kind.is_empty() {
            continue;
        }
        let (median, p99) = (percentile(of_kind.clone(), 0.5), percentile(of_kind, 0.99));
        eprintln!("{kind:?}: {what} after {median:?}, p99 {p99:?}");
        assert!(median <= limit, "{what} {median:?} after {kind:?} (median)");
        assert!(!crate::measuring() || p99 <= limit, "{what} {p99:?} after {kind:?} (p99)");
    }
}

/// No packet came for half a second: half of the calls know nothing of that, and none where it is measured.
fn judge_gaps(outcomes: &[Outcome]) {
    let gaps: Vec<Duration> = outcomes.iter().map(|outcome| outcome.longest_gap).collect();
    let (median, worst) = (percentile(gaps.clone(), 0.5), percentile(gaps, 1.0));
    eprintln!("longest gap {worst:?}, median of calls {median:?}");
    let gap = if crate::measuring() { worst } else { median };
    assert!(gap <= Duration::from_millis(500), "no packet for {gap:?}");
}

fn longest_gap(outcomes: &[Outcome]) -> Duration {
    outcomes.iter().map(|outcome| outcome.longest_gap).max().unwrap_or_default()
}

fn p99(times: &[(Cut, Duration)]) -> Duration {
    percentile(times.iter().map(|(_, time)| *time).collect(), 0.99)
}

fn percentile(mut times: Vec<Duration>, part: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part).round() as usize]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_and_closes_cost_no_call_and_a_third_of_a_second() {
    let _alone = crate::ALONE.lock().await;
    let (calls, cuts) = if crate::full() { (100, 10) } else { (25, 4) };
    let list: Vec<Cut> = [Cut::Reset, Cut::End, Cut::Goodbye].into_iter().cycle().take(cuts).collect();
    let outcomes = run(calls, &list, Duration::from_millis(1_600)).await;
    let waits: Vec<_> = outcomes.iter().flat_map(|outcome| outcome.waits.iter().copied()).collect();
    let retries: Vec<_> = outcomes.iter().flat_map(|outcome| outcome.retries.iter().copied()).collect();
    judge("dialled", &retries, Duration::from_millis(100));
    judge("heard again", &waits, Duration::from_millis(300));
    judge_gaps(&outcomes);
    if crate::full() {
        let figures = [
            crate::figure(
                "cut_redial_p99_ms",
                "An agent is reset or closes: dialled again, of 1,000, p99 in ms",
                p99(&retries),
                Duration::from_millis(100),
            ),
            crate::figure(
                "cut_gap_ms",
                "the longest time without a packet to the caller, in ms",
                longest_gap(&outcomes),
                Duration::from_millis(500),
            ),
        ];
        crate::measured::save("agent_cuts", "A call whose agent is cut off", "make quality-turns", &figures).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_hangs_is_noticed_within_three_seconds() {
    let _alone = crate::ALONE.lock().await;
    let calls = if crate::full() { 50 } else { 10 };
    let outcomes = run(calls, &[Cut::Stall, Cut::Stall], Duration::from_millis(4_500)).await;
    let waits: Vec<_> = outcomes.iter().flat_map(|outcome| outcome.waits.iter().copied()).collect();
    let retries: Vec<_> = outcomes.iter().flat_map(|outcome| outcome.retries.iter().copied()).collect();
    judge("dialled", &retries, Duration::from_millis(3_000));
    judge("heard again", &waits, Duration::from_millis(3_300));
    judge_gaps(&outcomes);
    if crate::full() {
        let figures = [
            crate::figure(
                "stall_redial_p99_ms",
                "An agent hangs: noticed and another dialled, of 100, p99 in ms",
                p99(&retries),
                Duration::from_millis(3_000),
            ),
            crate::figure("stall_heard_p99_ms", "the next agent is heard, p99 in ms", p99(&waits), Duration::from_millis(3_300)),
            crate::figure(
                "stall_gap_ms",
                "the longest time without a packet to the caller, in ms",
                longest_gap(&outcomes),
                Duration::from_millis(500),
            ),
        ];
        crate::measured::save("agent_stalls", "A call whose agent hangs", "make quality-turns", &figures).expect("written");
    }
}

/// A loud octet.
const VOICE: u8 = 0x9A;
