//! Telephones over PJSIP, and attended transfers among three parties (RFC 3515, RFC 3891, RFC 5589): the gateway asks for one, is asked for
//! one, and is what is taken over. Who hears whom afterwards is told by their tones.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::{ports, sound, tools};

/// The far end that we call is joined with the one that called us, and both calls of ours end.
#[test]
fn two_telephones_are_joined_by_the_gateway_and_hear_each_other() {
    let gateway = Gateway::start("echo");
    let Some([mut alice, mut bob]) = Phone::pair(gateway.folder()) else { return };
    alice.call("agent", &gateway.uri("1000"));
    let id = running(&gateway);
    let placed = gateway.send("POST", "/v1/calls", &json!({ "to": bob.uri(), "agent": "linear" }).to_string());
    assert_eq!(placed.status, 201, "{}", placed.body);
    bob.wait("up", "in1");
    gateway.wait_for_calls("both up", |calls| calls.iter().filter(|call| call["session_status"] == "running").count() == 2);
    let body = json!({ "kind": "attended", "to": placed.json["id"] }).to_string();
    let asked = gateway.send("POST", &format!("/v1/calls/{id}/transfer"), &body);
    assert_eq!(asked.status, 202, "{}", asked.body);
    alice.wait("up", "agent-elsewhere");
    bob.wait("up", "in1-instead");
    alice.wait("over", "agent");
    bob.wait("over", "in1");
    gateway.wait_for_calls("both over as transferred", |calls| calls.iter().all(|call| call["termination"]["reason"] == "transferred"));
    std::thread::sleep(SPEAKING);
    let (heard_by_alice, heard_by_bob) = (alice.end("agent-elsewhere"), bob.end("in1-instead"));
    assert!(is_tone(&heard_by_alice, bob.tone_hz), "the first does not hear the second");
    assert!(is_tone(&heard_by_bob, alice.tone_hz), "the second does not hear the first");
}

/// The far end of our call sends us to whom it has asked itself: the same conversation goes on there.
#[test]
fn a_telephone_sends_the_gateway_to_another_one_that_goes_on_with_the_agent() {
    let gateway = Gateway::start_over("echo", "", PBX, "");
    let Some([mut alice, mut bob]) = Phone::pair(gateway.folder()) else { return };
    alice.call("agent", &gateway.uri("1000"));
    alice.call("consulted", &bob.uri());
    bob.wait("up", "in1");
    alice.tell(&json!({ "do": "join", "call": "agent", "with": "consulted" }));
    bob.wait("up", "in1-instead");
    alice.wait("over", "consulted");
    let last = alice.wait_for(|news| news["happened"] == "transfer" && news["last"] == true);
    assert_eq!(last["status"], 200, "{last}");
    alice.wait("over", "agent");
    std::thread::sleep(SPEAKING);
    assert_went_on_with(&gateway, bob, "in1-instead");
}

/// The far end of our call sends whom it has on another line to us: it takes its place.
#[test]
fn a_telephone_sends_another_one_to_the_gateway_in_its_own_place() {
    let gateway = Gateway::start("echo");
    let Some([mut alice, mut bob]) = Phone::pair(gateway.folder()) else { return };
    alice.call("agent", &gateway.uri("1000"));
    alice.call("held", &bob.uri());
    bob.wait("up", "in1");
    alice.tell(&json!({ "do": "join", "call": "held", "with": "agent" }));
    bob.wait("up", "in1-elsewhere");
    alice.wait("over", "agent");
    let last = alice.wait_for(|news| news["happened"] == "transfer" && news["last"] == true);
    assert_eq!(last["status"], 200, "{last}");
    std::thread::sleep(SPEAKING);
    assert_went_on_with(&gateway, bob, "in1-elsewhere");
}

/// The one call of the gateway is up still, and the agent repeats what the second telephone says.
fn assert_went_on_with(gateway: &Gateway, mut bob: Phone, call: &str) {
    let id = running(gateway);
    let tone_hz = bob.tone_hz;
    bob.tell(&json!({ "do": "hang_up", "call": call }));
    bob.wait("over", call);
    gateway.wait_for_calls("over", |calls| calls.len() == 1 && calls[0]["session_status"] == "completed");
    let record = gateway.get(&format!("/v1/calls/{id}")).json;
    let replaced = record["timeline"].as_array().expect("a timeline").iter().filter(|entry| entry["event"] == "far_end_replaced").count();
    assert_eq!(replaced, 1, "{record:#}");
    assert_eq!(record["termination"], json!({ "class": "peer", "area": "sip", "reason": "hung_up" }));
    let heard = bob.end(call);
    assert!(is_tone(&heard, tone_hz), "who took over does not hear the agent");
}

/// The call that is up.
fn running(gateway: &Gateway) -> String {
    gateway.wait_for_calls("a call is up", |calls| calls.iter().any(|call| call["session_status"] == "running"));
    let calls = gateway.calls();
    let call = calls.iter().find(|call| call["session_status"] == "running").expect("it is up still");
    call["id"].as_str().expect("an id").to_owned()
}

/// One telephone: what it is told goes in by lines, and what happens comes out by lines.
struct Phone {
    name: &'static str,
    tone_hz: u32,
    port: u16,
    folder: PathBuf,
    child: Child,
    wishes: ChildStdin,
    news: Receiver<Value>,
    /// What nobody has waited for yet.
    seen: VecDeque<Value>,
}

impl Phone {
    /// Two of them, ready. `None`, aloud, where PJSIP is not installed.
    fn pair(folder: &Path) -> Option<[Self; 2]> {
        let python = tools::python()?;
        let mut find = Command::new(&python);
        if !find.args(["-c", "import pjsua2"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            tools::skip("pjsua2 is not installed (make test does it)");
            return None;
        }
        let mut pair = [("alice", 440), ("bob", 700)].map(|(name, tone_hz)| Self::start(&python, folder, name, tone_hz));
        pair.iter_mut().for_each(|phone| drop(phone.wait_for(|news| news["happened"] == "ready")));
        Some(pair)
    }

    fn start(python: &Path, folder: &Path, name: &'static str, tone_hz: u32) -> Self {
        let (port, media) = (ports::free_udp().port(), ports::free_udp().port());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/pjsip.py");
        let mut command = Command::new(python);
        command.arg(script).args([name, &port.to_string(), &media.to_string()]).arg(folder).arg(tone_hz.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("Python starts");
        let wishes = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (told, news) = sync_channel(1_024);
        std::thread::spawn(move || {
            // What it logs before it knows where to has no braces.
            for line in output.lines().map_while(Result::ok) {
                if let Ok(line) = serde_json::from_str(&line)
                    && told.send(line).is_err()
                {
                    return;
                }
            }
        });
        Self { name, tone_hz, port, folder: folder.to_owned(), child, wishes, news, seen: VecDeque::new() }
    }

    fn uri(&self) -> String {
        format!("sip:{}@127.0.0.1:{}", self.name, self.port)
    }

    fn tell(&mut self, wish: &Value) {
        writeln!(self.wishes, "{wish}").expect("the telephone runs");
    }

    /// Calls, and waits until it is answered.
    fn call(&mut self, call: &str, to: &str) {
        self.tell(&json!({ "do": "call", "call": call, "to": to }));
        self.wait("up", call);
    }

    fn wait(&mut self, happened: &str, call: &str) {
        self.wait_for(|news| news["happened"] == happened && news["call"] == call);
    }

    /// Waits for news; what else comes is kept.
    fn wait_for(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(place) = self.seen.iter().position(&is_wanted) {
                return self.seen.remove(place).expect("it stands there");
            }
            match self.news.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok(news) => self.seen.push_back(news),
                Err(error) => {
                    let log = std::fs::read_to_string(self.folder.join(format!("{}.log", self.name))).unwrap_or_default();
                    panic!("{}: {error}; what has happened: {:#?}\n{log}", self.name, self.seen);
                }
            }
        }
    }

    /// Ends it, and gives what it heard in a call.
    fn end(&mut self, call: &str) -> Vec<i16> {
        self.tell(&json!({ "do": "end" }));
        self.wait_for(|news| news["happened"] == "ended");
        sound::read_at_8_khz(&self.folder.join(format!("{}-{call}.wav", self.name)))
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Whether some second is this tone and next to nothing else: its share of the energy, by Goertzel.
fn is_tone(heard: &[i16], hz: u32) -> bool {
    const SECOND: usize = 8_000;
    let turn = 2.0 * (2.0 * std::f64::consts::PI * f64::from(hz) / SECOND as f64).cos();
    heard.windows(SECOND).step_by(SECOND / 10).any(|second| {
        let (one, two) = second.iter().fold((0.0, 0.0), |(one, two), &sample| (f64::from(sample) + turn * one - two, one));
        let tone = (one * one + two * two - turn * one * two) * 2.0 / SECOND as f64;
        let all: f64 = second.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        all > 1.0e6 && tone / all > 0.8
    })
}

/// A trunk at this machine that may send us elsewhere.
const PBX: &str = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\nrefer = \"local\"\n[outbound]\nenabled = true\n";

/// How long is spoken after a transfer: a second that is looked at, the way to the agent and back, and what a machine that stands still
/// for a moment takes of it.
const SPEAKING: Duration = Duration::from_secs(4);
