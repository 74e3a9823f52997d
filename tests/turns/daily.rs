//! A Pipecat bot in a room: it is started for a call, says where its caller is to be sent, and the caller is sent there.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::http;
use crate::server::{Server, Wanted};
use crate::uac::{self, Dialog, Heard};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_sent_to_the_room_of_the_bot_that_was_started_for_the_call() {
    let _alone = crate::ALONE.lock().await;
    let cloud = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    // A variable that is set everywhere plays the key: tests cannot set one without unsafe code.
    let toml = format!(
        "[agents.cloud]\nprotocol = \"daily\"\nurl = \"http://{}/v1/public/bot/start\"\nformat = \"pcmu\"\napi_key_env = \"PATH\"\n\
         tell_numbers = true\nparameters = {{ daily_api_url = \"http://gateway.example/daily/v1\", practice = \"north\" }}\n\
         transfer_targets = [\"sip:127.0.0.1\"]\n[numbers.\"1\"]\nagent = \"cloud\"\n",
        cloud.local_addr().expect("an address")
    );
    let server = Server::start(&Wanted { agents: toml, log_level: "info", log_format: "text" });
    let mut caller = Line::call(server.sip).await;
    let (head, start) = started(&cloud).await;
    let key = std::env::var("PATH").expect("it is set everywhere");
    assert!(head.contains(&format!("Bearer {key}")) && !start.to_string().contains(&key));
    assert_eq!(
        (&start["transport"], &start["createDailyRoom"], &start["body"]["practice"]),
        (&"daily".into(), &true.into(), &"north".into())
    );
    let settings = &start["body"]["dialin_settings"];
    assert_eq!((&settings["call_domain"], &start["body"]["daily_api_url"]), (&"auricle".into(), &"http://gateway.example/daily/v1".into()));

    // As Pipecat's transport does it once the room takes calls.
    let uri = "sip:room-1.0@127.0.0.1:5999";
    let update = serde_json::json!({"callId": settings["call_id"], "callDomain": settings["call_domain"], "sipUri": uri}).to_string();
    let (rest, pass) = (server.rest, start["body"]["daily_api_key"].as_str().expect("what it proves itself by").to_owned());
    let told = tokio::task::spawn_blocking(move || http::request(rest, "POST", "/daily/v1/dialin/pinlessCallUpdate", &pass, &update));
    assert_eq!(caller.is_sent().await, format!("<{uri}>"));
    let told = told.await.expect("the bot is told").expect("an answer");
    assert_eq!((told.status, told.body.as_str()), (200, "{}"));
    caller.has_gone().await;
    let record = server.records(1).remove(0);
    assert_eq!((&record["agent"], &record["termination"]["reason"]), (&"cloud".into(), &"transferred".into()), "{record:#}");
}

/// What a bot is started with; the answer is that of Pipecat Cloud.
async fn started(cloud: &TcpListener) -> (String, Value) {
    let (mut tcp, _) = cloud.accept().await.expect("a bot is started");
    let mut asked = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = tcp.read(&mut piece).await.expect("the whole of it");
        asked.extend(&piece[..length]);
        let text = String::from_utf8_lossy(&asked).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let Ok(start) = serde_json::from_str(body) else { continue };
        let answer = r#"{"sessionId":"s-1","dailyRoom":"https://practice.daily.co/room-1","dailyToken":"t"}"#;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        tcp.write_all(answer.as_bytes()).await.expect("it is answered");
        return (head.to_owned(), start);
    }
}

/// A caller whose telephone can be sent elsewhere.
struct Line {
    gateway: SocketAddr,
    socket: UdpSocket,
    dialog: Dialog,
    to: String,
    contact: String,
}

impl Line {
    async fn call(gateway: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let here = socket.local_addr().expect("an address");
        let dialog = Dialog::new(0, here, &format!("sip:1@{gateway}"));
        let line = Self { gateway, socket, dialog, to: String::new(), contact: String::new() };
        line.send(&line.dialog.invite(here)).await;
        line
    }

    /// Until the gateway sends it elsewhere; whither.
    async fn is_sent(&mut self) -> String {
        loop {
            let text = self.hear().await;
            if let Heard::Answered { to, contact, .. } = uac::read(text.as_bytes()) {
                self.dialog.answered(to.clone(), contact.clone());
                (self.to, self.contact) = (to, contact);
                self.send(&self.dialog.ack()).await;
            }
            if text.starts_with("REFER ") {
                let whither = text.lines().find_map(|line| line.strip_prefix("Refer-To:")).expect("it says whither").trim().to_owned();
                self.send(&copied(&text, "202 Accepted")).await;
                return whither;
            }
        }
    }

    /// It is there; the gateway lets go.
    async fn has_gone(&mut self) {
        let (here, Self { to, contact, .. }) = (self.socket.local_addr().expect("an address"), &*self);
        let port = here.port();
        let notify = format!(
            "NOTIFY {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK-notify-0-{port};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:caller0@{here}>;tag=bench0\r\nTo: {to}\r\nCall-ID: bench-0-{port}@{here}\r\nCSeq: 2 NOTIFY\r\n\
             Contact: <sip:caller0@{here}>\r\nEvent: refer\r\nSubscription-State: terminated;reason=noresource\r\n\
             Content-Type: message/sipfrag\r\nContent-Length: 14\r\n\r\nSIP/2.0 200 OK"
        );
        self.send(&notify).await;
        loop {
            if let Heard::HungUp { response, .. } = uac::read(self.hear().await.as_bytes()) {
                return self.send(&response).await;
            }
        }
    }

    async fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.gateway).await.expect("SIP is sent");
    }

    async fn hear(&self) -> String {
        let mut datagram = [0; 8192];
        let received = tokio::time::timeout(Duration::from_secs(10), self.socket.recv(&mut datagram)).await.expect("SIP comes in time");
        String::from_utf8_lossy(&datagram[..received.expect("SIP comes")]).into_owned()
    }
}

/// An answer with the headers that it copies.
fn copied(request: &str, status: &str) -> String {
    let names = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let lines: Vec<_> = request.lines().filter(|line| names.iter().any(|name| line.starts_with(name))).collect();
    format!("SIP/2.0 {status}\r\n{}\r\nContent-Length: 0\r\n\r\n", lines.join("\r\n"))
}
