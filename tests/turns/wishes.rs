//! Tools over sockets: an agent that ends the call, sends the caller elsewhere, presses keys, puts on hold, and asks a webhook of the operator's.

use std::future::ready;
use std::io::{Read as _, Write as _};
use std::iter::repeat_with;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use auricle::agent::simulator::{Behaviour, Config, Step};
use ring::hmac;
use serde_json::{Value, json};

use crate::agents::{Agent, route};
use crate::caller::{Caller, Packet, plain};
use crate::server::{Server, Wanted};
use crate::speech::{Room, decode};

/// What the agent says to ask for a tool, as the service would.
fn ask_for(number: u32, name: &str, arguments: &Value) -> Vec<Step> {
    let response = format!("resp_tool_{number}");
    let messages = [
        json!({"type": "response.created", "event_id": "e", "response": {"id": response}}),
        json!({"type": "response.function_call_arguments.done", "event_id": "e", "response_id": response, "item_id": format!("item_tool_{number}"),
            "output_index": 0, "call_id": format!("call_{number}"), "name": name, "arguments": arguments.to_string()}),
        json!({"type": "response.done", "event_id": "e", "response": {"id": response, "status": "completed"}}),
    ];
    messages.into_iter().map(|message| Step::Send { text: message.to_string() }).collect()
}

/// A gateway whose agent does this, with these settings and sections.
struct Line {
    server: Server,
    received: tempfile::TempDir,
    _agent: Agent,
}

impl Line {
    async fn open(steps: Vec<Step>, settings: &str, sections: &str) -> Self {
        let received = tempfile::tempdir().expect("a folder");
        let config = Config { log_received: Some(received.path().join("received.jsonl")), ..Config::new(Behaviour::Script(steps)) };
        let agent = Agent::start(config, ready(())).await;
        let mut agents = sections.to_owned();
        route(&mut agents, "1000", agent.address, "pcmu", "when_agent_ready", settings);
        let server = Server::start(&Wanted { agents, log_level: "info", log_format: "text" });
        Self { server, received, _agent: agent }
    }

    async fn call(&self) -> Caller {
        let caller = Caller::invite(self.server.sip, "1000", IpAddr::V4(Ipv4Addr::LOCALHOST), plain).await.expect("the call is answered");
        caller.acknowledge().await;
        caller
    }

    /// What tools answered, as the agent received it.
    fn answers(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.received.path().join("received.jsonl")).unwrap_or_default();
        let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        messages.map(|message| message["message"]["item"].clone()).filter(|item| item["type"] == "function_call_output").collect()
    }

    /// The record of the only call, which is over.
    fn record(&self) -> Value {
        self.server.records(1).remove(0)
    }
}

/// The caller is there, and says nothing, for so long.
async fn listen(caller: &mut Caller, ms: u64) {
    let mut room = Room::new(7);
    caller.talk(repeat_with(|| room.frame()).take((ms / 20) as usize)).await;
}

/// The same, until something has come about or `seconds` have passed.
async fn listen_until(caller: &mut Caller, seconds: u32, mut is_so: impl FnMut(&Caller) -> bool) {
    let mut room = Room::new(7);
    for _ in 0..seconds * 10 {
        if is_so(caller) {
            return;
        }
        caller.talk(repeat_with(|| room.frame()).take(5)).await;
    }
}

fn is_loud(packet: &Packet) -> bool {
    decode(&packet.payload).iter().any(|sample| sample.unsigned_abs() > 2_000)
}

fn moments(record: &Value, event: &str) -> Vec<Value> {
    record["timeline"].as_array().expect("a timeline").iter().filter(|entry| entry["event"] == event).cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_the_agent_ends_is_heard_to_its_last_word() {
    let _alone = crate::ALONE.lock().await;
    let mut steps = vec![Step::SayTone { hz: 440.0, ms: 1_500 }];
    steps.extend(ask_for(1, "end_call", &json!({"reason": "all is said"})));
    let line = Line::open(steps, "[agents.for-1000.tools]\nbuilt_in = [\"end_call\"]\n", "").await;
    let mut caller = line.call().await;
    listen(&mut caller, 2_000).await;
    caller.wait_for_bye().await;
    // What stood in the socket's queue meanwhile.
    caller.listen(Instant::now() + Duration::from_millis(100)).await;
    let loud = caller.heard().iter().filter(|packet| is_loud(packet)).count();
    assert!((74..=76).contains(&loud), "1.5 s were said, {loud} packets of it heard");
    let record = line.record();
    assert_eq!(record["termination"]["reason"], "hangup", "{record:#}");
    assert_eq!((moments(&record, "tool_called")[0]["tool"].as_str(), moments(&record, "leaving").len()), (Some("end_call"), 1));
    assert_eq!(line.answers()[0]["call_id"], "call_1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_the_agent_presses_arrive_in_their_order() {
    let _alone = crate::ALONE.lock().await;
    let mut steps = vec![Step::Wait { ms: 200 }];
    steps.extend(ask_for(1, "send_dtmf", &json!({"digits": "12#"})));
    let line = Line::open(steps, "[agents.for-1000.tools]\nbuilt_in = [\"send_dtmf\"]\n", "").await;
    let mut caller = line.call().await;
    // RFC 4733: four octets, the first is the key.
    let pressed = |caller: &Caller| {
        let mut keys: Vec<u8> = caller.keys().iter().map(|packet| packet.payload[0]).collect();
        keys.dedup();
        keys
    };
    listen_until(&mut caller, 15, |caller| pressed(caller).len() >= 3).await;
    listen(&mut caller, 500).await;
    caller.hang_up().await;
    let keys = pressed(&caller);
    assert_eq!(keys, [1, 2, 11]);
    let record = line.record();
    assert_eq!(moments(&record, "keys_sent")[0]["keys"], 3);
    assert!(!record.to_string().contains("12#"), "which keys they were stands nowhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_on_hold_hears_nothing_of_the_agent_until_taken_off_it() {
    let _alone = crate::ALONE.lock().await;
    let mut steps = vec![Step::Wait { ms: 100 }];
    steps.extend(ask_for(1, "hold", &json!({"held": true})));
    steps.extend([Step::Wait { ms: 100 }, Step::SayTone { hz: 440.0, ms: 400 }, Step::Wait { ms: 4_000 }]);
    steps.extend(ask_for(2, "hold", &json!({"held": false})));
    let line = Line::open(steps, "[agents.for-1000.tools]\nbuilt_in = [\"hold\"]\n", "").await;
    let mut caller = line.call().await;
    listen(&mut caller, 2_000).await;
    assert!(!caller.heard().iter().any(is_loud), "on hold");
    let loud = |caller: &Caller| caller.heard().iter().filter(|packet| is_loud(packet)).count();
    listen_until(&mut caller, 15, |caller| loud(caller) >= 19).await;
    assert!(loud(&caller) >= 19, "what was said meanwhile waited");
    caller.hang_up().await;
    let record = line.record();
    assert_eq!((moments(&record, "held").len(), moments(&record, "resumed").len()), (1, 1), "{record:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_sent_where_the_list_says_and_nowhere_else() {
    let _alone = crate::ALONE.lock().await;
    let mut steps = vec![Step::Wait { ms: 100 }];
    steps.extend(ask_for(1, "transfer_call", &json!({"target": "+19005550100"})));
    steps.push(Step::Wait { ms: 100 });
    steps.extend(ask_for(2, "transfer_call", &json!({"target": "sip:reception@127.0.0.1:5099"})));
    let settings = "transfer_targets = [\"sip:reception@127.0.0.1:5099\"]\n[agents.for-1000.tools]\nbuilt_in = [\"transfer_call\"]\n";
    let line = Line::open(steps, settings, "").await;
    let mut caller = line.call().await;
    let id = line.server.ask("GET", "/v1/calls", "").json["items"][0]["id"].as_str().expect("a call").to_owned();
    let asked = || {
        let ladder = line.server.ask("GET", &format!("/v1/calls/{id}/ladder"), "").body;
        let messages = serde_json::from_str::<Value>(&ladder).expect("JSON")["messages"].as_array().cloned().unwrap_or_default();
        messages.into_iter().filter(|message| message["method"] == "REFER" && message["repeated"] == false).collect::<Vec<_>>()
    };
    listen_until(&mut caller, 10, |_| !asked().is_empty()).await;
    let asked = asked();
    assert!(asked.len() == 1 && asked[0]["text"].as_str().is_some_and(|text| text.contains("Refer-To: <sip:reception@127.0.0.1:5099>")));
    caller.hang_up().await;
    let record = line.record();
    assert_eq!(moments(&record, "tool_refused")[0]["reason"], "target_not_allowed");
    assert_eq!(moments(&record, "transfer_asked").len(), 1);
    let answers = line.answers();
    assert!(answers[0]["output"].as_str().is_some_and(|text| text.contains("may not be sent there")), "{answers:?}");
}

/// One request to a server on this machine that is answered so: its head and its body.
fn serve(answer: &'static str) -> (u16, std::thread::JoinHandle<(String, String)>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let served = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a connection");
        let mut text = String::new();
        let mut buffer = [0; 4_096];
        loop {
            let length = socket.read(&mut buffer).expect("a request");
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let wanted = head.to_lowercase().split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
            if body.len() >= wanted.expect("a length") {
                let (head, body) = (head.to_owned(), body.to_owned());
                std::thread::sleep(Duration::from_millis(300));
                write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).expect("an answer");
                return (head, body);
            }
        }
    });
    (port, served)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_of_the_operators_is_asked_by_a_signed_request_and_its_answer_reaches_the_agent() {
    let _alone = crate::ALONE.lock().await;
    let (port, served) = serve(r#"{"times":["9:30"]}"#);
    let mut steps = vec![Step::Wait { ms: 100 }];
    steps.extend(ask_for(1, "free_times", &json!({"day": "Monday"})));
    steps.extend(ask_for(2, "free_times", &json!({"day": 7})));
    // The only variable that the process has for certain.
    let settings = format!(
        "[[agents.for-1000.tools.own]]\nname = \"free_times\"\ndescription = \"Free times of a day.\"\nurl = \"http://127.0.0.1:{port}/tools\"\n\
         secret_env = \"AURICLE__HTTP__ADMIN_SECRET\"\nparameters = {{ type = \"object\", properties = {{ day = {{ type = \"string\" }} }} }}\n"
    );
    let sections = format!("[https_client]\nplain_http = true\nallowed_networks = [\"127.0.0.0/8\"]\nports = [{port}]\n");
    let line = Line::open(steps, &settings, &sections).await;
    let mut caller = line.call().await;
    listen_until(&mut caller, 15, |_| served.is_finished()).await;
    assert!(served.is_finished(), "it was asked");
    listen(&mut caller, 200).await;
    caller.hang_up().await;
    let (head, body) = served.join().expect("it was asked");
    let told: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((told["tool"].as_str(), &told["arguments"]), (Some("free_times"), &json!({"day": "Monday"})));
    let record = line.record();
    assert_eq!((&told["call_id"], &told["agent"]), (&record["id"], &record["agent"]));
    assert!(head.to_lowercase().contains("auricle-tool-call: call_"), "{head}");
    let signed = head.lines().find_map(|line| line.strip_prefix("auricle-signature: t=")).expect("a signature");
    let (time, signature) = signed.split_once(",v1=").expect("a time and a signature");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    assert_eq!(signature, hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes())));
}

/// As the server's environment has it.
const SECRET: &str = "a-secret-for-tests-of-thirty-two-bytes-and-more";
