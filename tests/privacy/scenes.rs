//! What is done with the plants: calls that succeed, calls that fail, and every text of a peer that could be repeated.

use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use auricle::agent::simulator::{Behaviour, Config, Faults, Step, Transcript};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use crate::agents::{Agent, route};
use crate::caller::Caller;
use crate::plants::{
    ADDRESS, AGENT_WORDS, ASSERTED_HOST, ASSERTED_NUMBER, CALLED_NUMBER, CALLER_WORDS, DIALLED_NUMBER, FROM_NUMBER, HOOK_TOKEN,
    LOGIN_PASSWORD, MEMBER, MEMBER_NAME, NAME, STREET, TRUNK_PASSWORD, UNKNOWN_NUMBER, USER,
};
use crate::server::{Server, Wanted, text};
use crate::speech::{Room, utterance};

/// Plays every scene against a gateway that logs all it can in `format`; what it logged, and the folder that it leaves.
pub(crate) async fn play(format: &'static str) -> (String, TempDir) {
    let mut agents = String::new();
    let transcript = Transcript { caller: CALLER_WORDS.to_owned(), agent: AGENT_WORDS.to_owned() };
    let talkative = Agent::start(Config { transcript: transcript.clone(), ..Config::new(Behaviour::Parrot) }, ready(())).await;
    let faulty = Config { transcript, faults: Faults { error_code: CALLER_WORDS.to_owned(), ..Faults::default() }, ..Config::default() };
    let faulty = Agent::start(Config { behaviour: Behaviour::Script(faults()), ..faulty }, ready(())).await;
    let settings = format!(
        "transcription_model = \"whisper-1\"\ninstructions = \"You speak with {NAME}, {STREET}.\"\n\
         greet_first = true\ngreeting = \"Good morning, {NAME}.\""
    );
    route(&mut agents, &format!("+1{DIALLED_NUMBER}"), talkative.address, "pcmu", "when_agent_ready", &settings);
    route(&mut agents, USER, faulty.address, "pcm24k", "immediately", &settings);
    route(&mut agents, "nobody", "127.0.0.1:9".parse().expect("an address"), "pcm24k", "when_agent_ready", "");
    // A name of an agent is the operator's, not a patient's: it may be logged.
    let agents = agents.replace(&format!("for-+1{DIALLED_NUMBER}"), "talkative").replace(&format!("for-{USER}"), "faulty");
    let server = Server::start(&Wanted { agents, log_level: "trace", log_format: format });

    conversation(&server).await;
    agent_that_fails(&server).await;
    refused_calls(&server).await;
    bad_messages(server.sip).await;
    calls_out(&server).await;
    bad_requests(&server);
    hooks(&server);
    patients(&server);
    members_and_trunks(&server);
    // What was planted arrived: the records hold it.
    let records = Value::from(server.records(CALLS)).to_string();
    for planted in [FROM_NUMBER, DIALLED_NUMBER, CALLED_NUMBER, USER, CALLER_WORDS, AGENT_WORDS] {
        assert!(records.contains(planted), "{planted} is not in {records}");
    }
    (server.log(), server.leave_once(|_| true))
}

/// A call in which both sides speak.
async fn conversation(server: &Server) {
    let mut room = Room::new(1);
    let mut caller = Caller::invite(server.sip, &format!("+1{DIALLED_NUMBER}"), ADDRESS, disguise).await.expect("the call is answered");
    caller.acknowledge().await;
    caller.talk(utterance(50)).await;
    caller.talk(std::iter::repeat_with(|| room.frame()).take(100)).await;
    // Until the record holds what either has said.
    for _ in 0..20 {
        let calls = server.ask("GET", "/v1/calls", "").json["items"].clone();
        let ids = calls.as_array().into_iter().flatten().filter_map(|call| call["id"].as_str());
        let said: String = ids.map(|id| server.ask("GET", &format!("/v1/calls/{id}"), "").body).collect();
        if said.contains(CALLER_WORDS) && said.contains(AGENT_WORDS) {
            break;
        }
        caller.talk(std::iter::repeat_with(|| room.frame()).take(50)).await;
    }
    caller.hang_up().await;
}

/// A call whose agent says in every way it has what must not be repeated, and then fails, again and again: who calls is the first to give up.
async fn agent_that_fails(server: &Server) {
    let mut room = Room::new(2);
    let mut caller = Caller::invite(server.sip, USER, ADDRESS, disguise).await.expect("the call is answered");
    caller.acknowledge().await;
    caller.talk(std::iter::repeat_with(|| room.frame()).take(150)).await;
    caller.hang_up().await;
}

/// Calls to nobody, and to an agent that cannot be reached.
async fn refused_calls(server: &Server) {
    let refused = Caller::invite(server.sip, &format!("+1{UNKNOWN_NUMBER}"), ADDRESS, disguise).await;
    assert_eq!(refused.err(), Some(404));
    let refused = Caller::invite(server.sip, "nobody", ADDRESS, disguise).await;
    assert!(refused.is_err(), "nobody answers");
    // The offer stays as long as it was: a payload type that nobody knows.
    let no_codec = |request: String| disguise(request.replace("RTP/AVP 0", "RTP/AVP 5").replace("rtpmap:0 PCMU", "rtpmap:5 MIRK"));
    let refused = Caller::invite(server.sip, &format!("+1{DIALLED_NUMBER}"), ADDRESS, no_codec).await;
    assert_eq!(refused.err(), Some(488));
}

/// SIP that is not SIP, or is no business of ours.
async fn bad_messages(sip: SocketAddr) {
    let socket = UdpSocket::bind((ADDRESS, 0)).await.expect("a socket");
    let own = socket.local_addr().expect("an address");
    let message = |start: &str, via: &str, sequence: &str, more: &str| {
        format!(
            "{start}\r\nVia: SIP/2.0/UDP {via}\r\nMax-Forwards: 70\r\nFrom: \"{NAME}\" <sip:+1{FROM_NUMBER}@{ASSERTED_HOST}>;tag=1\r\n\
             To: <sip:+1{DIALLED_NUMBER}@{own}>\r\nCall-ID: {FROM_NUMBER}@{own}\r\nCSeq: {sequence}\r\n\
             Contact: <sip:{USER}@{own}>\r\n{more}Content-Length: 0\r\n\r\n"
        )
    };
    let via = format!("{own};branch=z9hG4bK-{FROM_NUMBER};rport");
    let invite = format!("INVITE sip:+1{DIALLED_NUMBER}@{sip} SIP/2.0");
    let mut bad = vec![
        message(&invite, &via, &format!("{FROM_NUMBER}9999999 INVITE"), ""),
        message(&invite, &via, &format!("1 {USER}"), ""),
        message(&invite, &format!("{own} {NAME}"), "1 INVITE", ""),
        message(&invite, &via, "1 INVITE", &format!("Require: {USER}\r\n")),
        message(&invite, &via, "1 INVITE", &format!("{NAME}: {STREET}\r\nExpires: {STREET}\r\n")),
        message(&format!("INVITE sip:{NAME}@[{ASSERTED_HOST} SIP/2.0"), &via, "1 INVITE", ""),
        message(&format!("INVITE tel:+1{FROM_NUMBER} SIP/2.0"), &format!("{via}2"), "1 INVITE", ""),
        message(&format!("INVITE sip:+1{DIALLED_NUMBER}@{sip} SIP/{FROM_NUMBER}"), &via, "1 INVITE", ""),
        message(&format!("HAGEDORN sip:+1{DIALLED_NUMBER}@{sip} SIP/2.0"), &format!("{via}3"), "1 HAGEDORN", ""),
        message(&format!("REGISTER sip:{USER}@{sip} SIP/2.0"), &format!("{via}4"), "1 REGISTER", ""),
        message(&format!("OPTIONS sip:{USER}@{sip} SIP/2.0"), &format!("{via}5"), "1 OPTIONS", ""),
        message(&format!("BYE sip:{USER}@{sip} SIP/2.0"), &format!("{via}6"), "1 BYE", ""),
        message(&format!("CANCEL sip:{USER}@{sip} SIP/2.0"), &format!("{via}7"), "1 CANCEL", ""),
        message(&format!("SIP/2.0 200 {NAME}"), &via, "1 INVITE", ""),
        message(&format!("SIP/2.0 {FROM_NUMBER} OK"), &via, "1 INVITE", ""),
        format!("{NAME} {STREET} {FROM_NUMBER}\r\n\r\n"),
    ];
    // A message is cut off in the middle of each of its first lines.
    bad.extend((1..6).map(|lines| message(&invite, &via, "1 INVITE", "").split_inclusive("\r\n").take(lines).collect::<String>() + NAME));
    for message in bad {
        socket.send_to(message.as_bytes(), sip).await.expect("SIP is sent");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Calls that the gateway places: one is refused, with more words than it needs; one is answered, and ended by us.
async fn calls_out(server: &Server) {
    let callee = UdpSocket::bind((ADDRESS, 0)).await.expect("a socket");
    let own = callee.local_addr().expect("an address");
    let order = format!(r#"{{"to": "sip:+1{CALLED_NUMBER}@{own}", "agent": "talkative"}}"#);
    let refuse = format!("SIP/2.0 486 {NAME} is busy");
    for (status, sdp) in [(refuse.as_str(), false), ("SIP/2.0 200 OK", true)] {
        let started = server.ask("POST", "/v1/calls", &order);
        assert_eq!(started.status, 201, "{}", started.body);
        let (invite, from) = receive(&callee).await;
        assert!(invite.starts_with("INVITE ") && invite.contains(CALLED_NUMBER), "{invite}");
        let body =
            format!("v=0\r\no={USER} 1 1 IN IP4 {ADDRESS}\r\ns={NAME}\r\nc=IN IP4 {ADDRESS}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n");
        callee.send_to(respond(status, &invite, &own, if sdp { &body } else { "" }).as_bytes(), from).await.expect("SIP is sent");
        let (ack, _) = receive(&callee).await;
        assert!(ack.starts_with("ACK "), "{ack}");
        if sdp {
            sleep(Duration::from_millis(300)).await;
            assert_eq!(server.ask("DELETE", &format!("/v1/calls/{}", text(&started.json, "id")), "").status, 202);
            let (bye, from) = receive(&callee).await;
            callee.send_to(respond("SIP/2.0 200 OK", &bye, &own, "").as_bytes(), from).await.expect("SIP is sent");
        }
    }
}

/// Requests that the REST interface refuses.
fn bad_requests(server: &Server) {
    let number = format!("+1{FROM_NUMBER}");
    let requests = [
        ("POST", "/v1/calls".to_owned(), format!(r#"{{"to": "sip:{number}@{ASSERTED_HOST}"}}"#)),
        ("POST", "/v1/calls".to_owned(), format!(r#"{{"to": "tel:{number}", "{USER}": "{CALLER_WORDS}"}}"#)),
        ("POST", "/v1/calls".to_owned(), format!(r#"{{"to": "{NAME}", "agent": "{STREET}"}}"#)),
        ("POST", "/v1/calls".to_owned(), format!(r#"{{"to": "sip:{number}@127.0.0.1", "agent": "{USER}"}}"#)),
        ("POST", "/v1/calls".to_owned(), format!("{CALLER_WORDS} {NAME}")),
        ("GET", format!("/v1/calls/{number}"), String::new()),
        ("DELETE", format!("/v1/calls/{USER}"), String::new()),
        ("GET", format!("/v1/calls?cursor={FROM_NUMBER}&limit={USER}&{USER}={FROM_NUMBER}"), String::new()),
        ("GET", format!("/patients/{USER}/{FROM_NUMBER}"), String::new()),
        ("HAGEDORN", "/v1/calls".to_owned(), String::new()),
    ];
    for (method, path, body) in requests {
        let answer = server.ask(method, &path, &body);
        assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.body);
    }
    let stranger = crate::http::request(server.rest, "GET", "/v1/calls", &format!("{CALLER_WORDS} {FROM_NUMBER}"), "");
    assert_eq!(stranger.expect("an answer").status, 401);
}

/// Everything that is kept of somebody who is cared for, in every way that it comes in and goes out.
fn patients(server: &Server) {
    let ask = |method: &str, path: &str, body: &Value, status: u16| {
        let answer = server.ask(method, path, &if body.is_null() { String::new() } else { body.to_string() });
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer
    };
    let caregiver =
        json!({ "name": NAME, "relationship": "cousin", "phone": format!("+1{ASSERTED_NUMBER}"), "email": format!("{USER}@example.org") });
    let patient = json!({ "name": NAME, "email": format!("{USER}@example.org"), "phone": format!("+1 {FROM_NUMBER}"), "notes": STREET, "caregivers": [caregiver] });
    let made = ask("POST", "/v1/patients", &patient, 201).json;
    let one = format!("/v1/patients/{}", text(&made, "id"));
    ask("POST", "/v1/patients", &patient, 409);
    ask("POST", "/v1/patients/bulk", &json!({ "patients": [{ "name": NAME, "notes": CALLER_WORDS }, { "name": USER }] }), 201);
    ask("PATCH", &one, &json!({ "notes": format!("{AGENT_WORDS}, {STREET}"), "phone": format!("+1{CALLED_NUMBER}") }), 200);
    ask("POST", &format!("{one}/caregivers"), &json!({ "name": USER }), 201);
    let found = ask("GET", &format!("/v1/patients?search={}", NAME.replace(' ', "%20")), &Value::Null, 200);
    assert!(found.body.contains(NAME), "{}", found.body);
    assert!(ask("GET", "/v1/patients/export?format=json", &Value::Null, 200).body.contains(CALLED_NUMBER));
    ask("DELETE", &one, &Value::Null, 204);
}

/// Somebody who is told of everything, at an address that is a secret and leads nowhere: what is to be told waits.
fn hooks(server: &Server) {
    let types = ["patient_created", "patient_updated", "patient_deleted", "patients_created", "call_ended"];
    let hook = json!({ "url": format!("https://hooks.invalid/{HOOK_TOKEN}?key={HOOK_TOKEN}"), "event_types": types, "description": "the practice's own" });
    let made = server.ask("POST", "/v1/webhooks", &hook.to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    let tested = server.ask("POST", &format!("/v1/webhooks/{}/test", text(&made.json, "id")), "");
    assert_eq!(tested.status, 202, "{}", tested.body);
}

/// Somebody who is invited, twice, and a trunk with passwords, good and bad.
fn members_and_trunks(server: &Server) {
    let ask = |path: &str, body: &Value, status: u16| {
        let answer = server.ask("POST", path, &body.to_string());
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    };
    let member = json!({ "email": format!("{MEMBER}@example.org"), "name": MEMBER_NAME, "role": "staff" });
    ask("/v1/users", &member, 201);
    ask("/v1/users", &member, 409);
    ask("/v1/organisations", &json!({ "name": "Northern Lights", "admin_email": format!("{MEMBER}@example.org") }), 201);
    let wrong = json!({ "email": format!("{MEMBER}@example.org"), "password": TRUNK_PASSWORD });
    ask("/v1/auth/login", &wrong, 401);
    ask("/v1/auth/password/reset_request", &json!({ "email": format!("{MEMBER}@example.org") }), 202);
    let trunk = json!({ "name": "kept", "target": "sip:127.0.0.1:9", "realm": "kept.example", "username": "practice", "probe_s": 0,
        "password": TRUNK_PASSWORD, "login": "kept", "login_password": LOGIN_PASSWORD });
    ask("/v1/trunks", &trunk, 201);
    ask("/v1/trunks", &trunk, 409);
    ask("/v1/trunks", &json!({ "name": "bad", "password": LOGIN_PASSWORD, "login_password": TRUNK_PASSWORD }), 422);
}

/// What an agent can say that is not as it should be.
fn faults() -> Vec<Step> {
    let send = |text: String| Step::Send { text };
    let error = |kind: &str, code: &str| {
        send(format!(
            r#"{{"type": "error", "event_id": "e", "error": {{"type": "{kind}", "code": "{code}", "message": "{NAME} said {CALLER_WORDS} from +1{FROM_NUMBER}", "param": "{AGENT_WORDS}"}}}}"#
        ))
    };
    vec![
        Step::SayTone { hz: 440.0, ms: 200 },
        error("invalid_request_error", "invalid_value"),
        error(CALLER_WORDS, AGENT_WORDS),
        error("server_error", "server_error"),
        Step::Error { code: CALLER_WORDS.to_owned() },
        send(format!(r#"{{"type": "{CALLER_WORDS}", "words": "{AGENT_WORDS}"}}"#)),
        send(format!(
            r#"{{"type": "response.done", "response": {{"id": "{NAME}", "status": "failed", "status_details": {{"type": "failed", "error": {{"code": "{NAME}", "type": "{CALLER_WORDS}", "message": "{AGENT_WORDS}"}}}}}}}}"#
        )),
        send(format!(
            r#"{{"type": "response.output_audio.delta", "response_id": "{NAME}", "item_id": "{NAME}", "output_index": 0, "content_index": 0, "delta": "{CALLER_WORDS}"}}"#
        )),
        send(format!(r#"{{"type": "response.output_audio.delta", "delta": ["{CALLER_WORDS}"]}}"#)),
        send(format!(
            r#"{{"type": "conversation.item.input_audio_transcription.failed", "item_id": "{USER}", "content_index": 0, "error": {{"code": "{NAME}", "message": "{CALLER_WORDS}"}}}}"#
        )),
        send(format!("{NAME}: {CALLER_WORDS}")),
        Step::Wait { ms: 500 },
        Step::Close { code: 1011 },
    ]
}

/// The caller as a trunk shows him.
fn disguise(request: String) -> String {
    request
        .replacen(
            "From: <sip:caller0@",
            &format!("P-Asserted-Identity: \"{NAME}\" <sip:+1{ASSERTED_NUMBER}@{ASSERTED_HOST}>\r\nFrom: \"{NAME}\" <sip:+1{FROM_NUMBER}@"),
            1,
        )
        .replacen("To: <", &format!("Subject: {STREET}\r\nTo: \"{NAME}\" <"), 1)
        .replacen("Contact: <sip:caller0@", &format!("Contact: <sip:{USER}@"), 1)
}

async fn receive(socket: &UdpSocket) -> (String, SocketAddr) {
    let mut datagram = [0; 8192];
    let (length, from) = timeout(Duration::from_secs(10), socket.recv_from(&mut datagram)).await.expect("in time").expect("SIP comes");
    (String::from_utf8_lossy(&datagram[..length]).into_owned(), from)
}

fn respond(status: &str, request: &str, own: &SocketAddr, body: &str) -> String {
    let copied = request.lines().filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
    let copied: Vec<String> = copied
        .map(|line| if line.starts_with("To:") && !line.contains(";tag=") { format!("{line};tag=2") } else { line.to_owned() })
        .collect();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{status}\r\n{}\r\nContact: <sip:{USER}@{own}>\r\n{kind}Content-Length: {}\r\n\r\n{body}", copied.join("\r\n"), body.len())
}

/// Calls with a record: two inbound, one that nobody answered, two outbound.
const CALLS: usize = 5;
