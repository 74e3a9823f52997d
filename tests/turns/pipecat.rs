//! A real bot: Pipecat behind each of its serializers, with a telephone at the other end of the gateway.

use std::io::{BufRead as _, BufReader};
use std::iter::repeat_with;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::caller::{Caller, FRAME, PTIME, Packet, plain, slots};
use crate::server::{Server, Wanted};
use crate::speech::{Room, decode, level, utterance};
use crate::{echo, ports, tools};

/// Protocol, format, and whether its bot is told numbers in its first messages.
const KINDS: [(&str, &str, &str); 6] = [
    ("twilio", "twilio", "pcmu"),
    ("telnyx", "telnyx", "pcmu"),
    ("plivo", "plivo", "pcmu"),
    ("exotel", "exotel", "pcm8k"),
    ("vonage", "vonage", "pcm16k"),
    ("protobuf", "pipecat", "pcm16k"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_through_each_serializer_of_pipecat() {
    let _alone = crate::ALONE.lock().await;
    let Some(python) = tools::python() else { return };
    if !has_pipecat(&python) {
        return tools::skip("pipecat-ai is not installed (make test does it)");
    }
    let port = ports::free_tcp().port();
    let server = Server::start(&Wanted { agents: agents(port), log_level: "info", log_format: "text" });
    let bots = Bots::start(&python, port, server.rest);
    let (mut calls, mut late) = (0, Vec::new());
    for (number, (kind, ..)) in KINDS.iter().enumerate() {
        // Again where the machine has held up the words.
        for _ in 0..3 {
            calls += 1;
            let (after, words_came_back) = call(&server, &bots, number, kind).await;
            if words_came_back {
                late.push(after);
                break;
            }
        }
    }
    assert_eq!(late.len(), KINDS.len(), "the words come back");
    let limit = if crate::measuring() { PTIME } else { Duration::from_millis(500) };
    assert!(late.iter().all(|after| *after <= limit), "whole packets of sound so long after the clear: {late:?}");
    assert!(
        late.iter().filter(|after| **after <= PTIME).count() >= KINDS.len() / 2,
        "whole packets of sound so long after the clear: {late:?}"
    );
    for record in server.records(calls) {
        let end = &record["termination"];
        assert_eq!((&end["area"], &end["reason"]), (&"agent".into(), &"hangup".into()), "the bot has hung up: {record:#}");
    }
}

/// One call, in which everything happens; how long after the clear sound went on, and whether the words came back.
async fn call(server: &Server, bots: &Bots, number: usize, kind: &str) -> (Duration, bool) {
    bots.forget();
    let mut room = Room::new(7);
    let mut caller = Caller::invite(server.sip, &format!("10{number}"), HERE, plain).await.expect("the call is answered");
    caller.acknowledge().await;
    let words = utterance(100);
    caller.talk(&words).await;
    caller.talk(repeat_with(|| room.frame()).take(60)).await;
    let (said, heard) = (samples(words.iter().map(<[u8; FRAME]>::as_slice)), samples(caller.heard().iter().map(|packet| &*packet.payload)));

    press(&mut caller, &mut room, 5).await;
    bots.wait_for(&mut caller, &mut room, kind, "key", "5").await;
    bots.wait_for(&mut caller, &mut room, kind, "spoken", "").await;
    // All of it has been handed over: what is to be thrown away has come already.
    caller.talk(repeat_with(|| room.frame()).take(25)).await;
    let is_heard = |caller: &Caller| caller.heard().iter().rev().take(5).all(|packet| level(&decode(&packet.payload)) > 1_000.0);
    for _ in 0..500 {
        if is_heard(&caller) {
            break;
        }
        caller.talk(repeat_with(|| room.frame()).take(1)).await;
    }
    assert!(is_heard(&caller), "{kind}: the bot is heard");
    press(&mut caller, &mut room, 9).await;
    caller.talk(repeat_with(|| room.frame()).take(25)).await;
    let cleared = bots.wait_for(&mut caller, &mut room, kind, "cleared", "").await;
    let after = last_loud(&caller).checked_duration_since(cleared).unwrap_or_default();
    eprintln!("RESULT {kind}: last whole packet {:.1} ms after the clear", after.as_secs_f64() * 1e3);

    press(&mut caller, &mut room, 11).await;
    bots.wait_for(&mut caller, &mut room, kind, "key", "#").await;
    caller.wait_for_bye().await;
    check_introduction(bots, kind);
    // Looked at when the call is over: it takes the time of whoever talks.
    let found = echo::find(&said, &heard);
    eprintln!("{kind}: {found:?} of the words came back");
    (after, found.lost <= 1 && found.audible >= 3)
}

/// What the bot itself found out about its call.
fn check_introduction(bots: &Bots, kind: &str) {
    let signed = &bots.find(kind, "connected").expect("it was connected")["signed"];
    assert_eq!(*signed, Value::from(kind == "twilio"), "{kind}");
    if matches!(kind, "vonage" | "protobuf") {
        return;
    }
    let start = bots.find(kind, "start").expect("it was introduced");
    assert_eq!(start["found"], kind, "Pipecat tells the carriers apart");
    if kind != "plivo" {
        assert!(start["numbers"].to_string().contains("10"), "{kind}: {start}");
    }
}

/// A telephone-event of 100 ms (RFC 4733): a packet a slot, the last of them three times.
async fn press(caller: &mut Caller, room: &mut Room, event: u8) {
    caller.talk(repeat_with(|| room.frame()).take(5)).await;
    let begins = caller.sent() * FRAME as u32;
    for slot in 1..=7_u16 {
        let end = if slot >= 5 { 0x80 } else { 0 };
        let mut packet = vec![0x80, if slot == 1 { 0x80 | 101 } else { 101 }];
        packet.extend((caller.sent() as u16).to_be_bytes());
        packet.extend(begins.to_be_bytes());
        packet.extend(*b"test");
        packet.extend([event, end | 10]);
        packet.extend((slot.min(5) * FRAME as u16).to_be_bytes());
        caller.send(&packet).await;
        caller.listen(Instant::now() + PTIME).await;
    }
}

fn samples<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Vec<i16> {
    packets.flat_map(decode).collect()
}

/// The slot of the last packet that was sound to its end.
fn last_loud(caller: &Caller) -> Instant {
    let loud_to_its_end = |packet: &&Packet| level(&decode(&packet.payload)[FRAME / 2..]) > 1_000.0;
    let last = caller.heard().iter().rev().find(loud_to_its_end).expect("the bot was heard");
    slots(caller.heard())(last)
}

fn agents(port: u16) -> String {
    let agent = |(number, (path, protocol, format)): (usize, &(&str, &str, &str))| {
        let numbers = if *protocol == "pipecat" { "" } else { "tell_numbers = true\n" };
        // A variable that is set everywhere plays the key.
        let key = if *protocol == "twilio" { "api_key_env = \"PATH\"\n" } else { "" };
        format!(
            "[agents.{path}]\nprotocol = \"{protocol}\"\nurl = \"ws://127.0.0.1:{port}/{path}\"\nformat = \"{format}\"\n{numbers}{key}\
             [numbers.\"10{number}\"]\nagent = \"{path}\"\n"
        )
    };
    KINDS.iter().enumerate().map(agent).collect()
}

fn has_pipecat(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import pipecat, fastapi, uvicorn"]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The process of the bots, and what it has told.
struct Bots {
    child: Child,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Bots {
    fn start(python: &Path, port: u16, rest: SocketAddr) -> Self {
        let mut command = Command::new(python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/pipecat_bot.py"));
        command.arg(port.to_string()).arg(format!("http://{rest}"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the bots start");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().expect("nobody panics with it").extend(serde_json::from_str::<Value>(&line));
            }
        });
        let limit = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < limit, "the bots do not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self { child, told }
    }

    /// What was told of the calls before.
    fn forget(&self) {
        self.told.lock().expect("nobody panics with it").clear();
    }

    /// The last that was told of an event.
    fn find(&self, kind: &str, event: &str) -> Option<Value> {
        let told = self.told.lock().expect("nobody panics with it");
        told.iter().rev().find(|line| line["kind"] == kind && line["event"] == event).cloned()
    }

    /// When something happened; the caller is quiet on the line until it has.
    async fn wait_for(&self, caller: &mut Caller, room: &mut Room, kind: &str, event: &str, key: &str) -> Instant {
        for _ in 0..1_500 {
            let found = self.find(kind, event).filter(|line| key.is_empty() || line["key"] == key);
            if let Some(at) = found.and_then(|line| line["at"].as_f64()) {
                let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
                return Instant::now() - since_1970.saturating_sub(Duration::from_secs_f64(at));
            }
            caller.talk(std::iter::once(room.frame())).await;
        }
        panic!("{kind}: no {event} {key} of {:?}", self.told);
    }
}

impl Drop for Bots {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
