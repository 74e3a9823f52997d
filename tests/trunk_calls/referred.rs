//! Calls that are lost, sent elsewhere and stopped, and telephones that lose their place: whom the gateway calls then, and whom not.

use auricle::call::command::CallCommand;
use sip::auth::Account;
use sip::endpoint::{OutgoingRequest, Output, RequestKind};
use sip::header::Uri;
use sip::transport::Flow;

use super::*;

/// A call that is up by the first trunk, as its far end has it.
struct Up {
    invite: (String, SocketAddr),
    cseq: u32,
}

impl Up {
    async fn call(house: &House, to: &str) -> Self {
        house.call(to).await.unwrap();
        let invite = receive(&house.first, "INVITE").await;
        respond(&house.first, &invite, "200 OK", ANSWER).await;
        receive(&house.first, "ACK").await;
        Self { invite, cseq: 0 }
    }

    /// A request of the far end within the call, and the response to it.
    async fn ask(&mut self, house: &House, method: &str, headers: &str) -> String {
        self.cseq += 1;
        let request = within(&self.invite, &house.first, (method, self.cseq), headers, "");
        house.first.send_to(request.as_bytes(), self.invite.1).await.unwrap();
        receive_of(&house.first, "SIP/2.0", &format!("CSeq: {} {method}", self.cseq)).await
    }
}

/// A request of whom we called, in the dialog of our INVITE.
fn within((invite, _): &(String, SocketAddr), socket: &UdpSocket, (method, cseq): (&str, u32), headers: &str, sdp: &str) -> String {
    let value = |name: &str| {
        let line = invite.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.trim_end().to_owned()
    };
    let (own, target) = (socket.local_addr().unwrap(), value("Contact").trim_matches(['<', '>']).to_owned());
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{method}{cseq}{}\r\nMax-Forwards: 70\r\nFrom: {};tag=t\r\n\
         To: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{own}>\r\n{headers}{kind}Content-Length: {}\r\n\r\n{sdp}",
        value("Call-ID").len(),
        value("To").split(";tag").next().unwrap_or_default(),
        value("From"),
        value("Call-ID"),
        sdp.len(),
    )
}

/// The next message that starts so and has such a line.
async fn receive_of(socket: &Carrier, start: &str, line: &str) -> String {
    loop {
        let (text, _) = receive(socket, start).await;
        if text.contains(line) {
            return text;
        }
    }
}

pub(crate) async fn is_silent(socket: &Carrier, method: &str) -> bool {
    tokio::time::timeout(Duration::from_millis(700), receive(socket, method)).await.is_err()
}

/// Trunks whose far ends may send us elsewhere.
fn referring(house: &House, change: impl FnOnce(&mut DirectorySource)) -> Arc<Directory> {
    directory_with(&house.first, &house.second, |source| {
        for trunk in source.trunks.values_mut() {
            (trunk.refer, trunk.addresses) = (auricle::signalling::trunks::ReferRule::Local, vec!["127.0.0.1".parse().unwrap()]);
        }
        source.tenants.insert("org_default".to_owned(), german(TollPolicy { max_calls: 10, ..TollPolicy::default() }));
        change(source);
    })
}

pub(crate) fn stopped(source: &mut DirectorySource) {
    let now = chrono::Utc::now();
    let stop = Some(Stop { by: StoppedBy::Organisation, at: now });
    source.kept.dialling.push(DiallingRules { stop, ..DiallingRules::none(OrgId::default_org(), now) });
}

pub(crate) async fn put(house: &House, directory: Arc<Directory>) {
    house.directories.send(directory).unwrap();
    tokio::time::sleep(SETTLED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_lost_while_it_is_up_is_dialled_by_no_other_trunk_and_its_own_stays_in_use() {
    let house = House::build(12_800).await;
    let call = house.registry.start(OrgId::default_org(), Redacted::new("+4989123456".to_owned()), None).await.unwrap();
    let invite = receive(&house.first, "INVITE").await;
    respond(&house.first, &invite, "200 OK", ANSWER).await;
    receive(&house.first, "ACK").await;
    let org = OrgId::default_org();
    while house.registry.look(&org, &call).await.is_none_or(|record| record.answered_at.is_none()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.registry.command(&org, &call, CallCommand::Hold).unwrap();
    let reoffer = receive(&house.first, "INVITE").await;
    respond(&house.first, &reoffer, "481 Call/Transaction Does Not Exist", "").await;
    let bye = receive(&house.first, "BYE").await;
    respond(&house.first, &bye, "200 OK", "").await;
    assert!(is_silent(&house.second, "INVITE").await, "the callee is rung again");
    house.call("+4989123457").await.unwrap();
    assert!(receive(&house.first, "INVITE").await.0.contains("+4989123457"), "the trunk is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_that_is_full_is_passed_over_when_another_fails() {
    let mut house = House::build(12_900).await;
    let small = directory_with(&house.first, &house.second, |source| source.trunks.get_mut("second").unwrap().max_calls = 1);
    put(&house, small).await;
    let mut refused = Vec::new();
    for to in ["+4989123456", "+4989123457"] {
        house.call(to).await.unwrap();
        refused.push(receive(&house.first, "INVITE").await);
    }
    respond(&house.first, &refused[0], "503 no circuits", "").await;
    assert!(receive(&house.second, "INVITE").await.0.contains("+4989123456"));
    respond(&house.first, &refused[1], "503 no circuits", "").await;
    assert_eq!(house.termination().await, Termination::peer(auricle::domain::termination::SipReason::Rejected));
    let again = tokio::time::timeout(Duration::from_millis(700), receive_of(&house.second, "INVITE", "+4989123457")).await;
    assert!(again.is_err(), "a second call by a trunk that takes one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_for_whom_its_far_end_sent_it_to_is_stopped_with_the_rest() {
    let mut house = House::build(13_000).await;
    put(&house, referring(&house, |_| {})).await;
    let mut up = Up::call(&house, "+4989123456").await;
    assert!(up.ask(&house, "REFER", "Refer-To: <sip:+4989123457@127.0.0.1>\r\n").await.starts_with("SIP/2.0 202"));
    let next = receive(&house.first, "INVITE sip:+4989123457").await;
    respond(&house.first, &next, "180 Ringing", "").await;
    assert!(up.ask(&house, "BYE", "").await.starts_with("SIP/2.0 200"));
    house.directories.send(referring(&house, stopped)).unwrap();
    receive(&house.first, "CANCEL").await;
    assert_eq!(house.termination().await, Termination::policy(PolicyReason::OutboundStopped));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_went_on_at_an_address_of_its_trunk_is_stopped_with_the_rest() {
    let house = House::build(13_100).await;
    put(&house, referring(&house, |_| {})).await;
    let mut up = Up::call(&house, "+4989123456").await;
    let elsewhere = format!("Refer-To: <sip:reception@{}>\r\n", house.second.local_addr().unwrap());
    assert!(up.ask(&house, "REFER", &elsewhere).await.starts_with("SIP/2.0 202"));
    let next = receive(&house.second, "INVITE sip:reception").await;
    respond(&house.second, &next, "200 OK", ANSWER).await;
    receive(&house.second, "ACK").await;
    house.directories.send(referring(&house, stopped)).unwrap();
    let bye = receive(&house.second, "BYE").await;
    respond(&house.second, &bye, "200 OK", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_end_that_asks_for_what_is_not_allowed_gives_the_alarm() {
    let mut house = House::build(13_200).await;
    put(&house, referring(&house, |_| {})).await;
    let mut up = Up::call(&house, "+4989123456").await;
    for target in ["+33123456789", "+499001234567", "112", "+19005550100", "+5352123456"] {
        let answer = up.ask(&house, "REFER", &format!("Refer-To: <sip:{target}@127.0.0.1>\r\n")).await;
        assert!(answer.starts_with("SIP/2.0 603"), "{target}: {answer}");
    }
    assert_eq!(house.alarm().await, (TollAlarm::RefusedDestinations, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_rings_and_offers_anew_meanwhile_is_answered() {
    let house = House::build(13_300).await;
    put(&house, referring(&house, |_| {})).await;
    let mut up = Up::call(&house, "+4989123456").await;
    assert!(up.ask(&house, "REFER", "Refer-To: <sip:+4989123457@127.0.0.1>\r\n").await.starts_with("SIP/2.0 202"));
    let next = receive(&house.first, "INVITE sip:+4989123457").await;
    respond(&house.first, &next, "183 Session Progress\r\nRequire: 100rel\r\nRSeq: 1", ANSWER).await;
    let prack = receive(&house.first, "PRACK").await;
    respond(&house.first, &prack, "200 OK", "").await;
    let update = within(&next, &house.first, ("UPDATE", 1), "", ANSWER);
    house.first.send_to(update.as_bytes(), next.1).await.unwrap();
    let answer = receive_of(&house.first, "SIP/2.0", "CSeq: 1 UPDATE").await;
    assert!(answer.starts_with("SIP/2.0 488"), "{answer}");
}

/// Registers a telephone, whose password is `secret`, with how gladly it is called.
pub(crate) async fn register(phone: &UdpSocket, gateway: SocketAddr, preference: &str) {
    let (now, uri) = (Instant::now(), |text: String| Uri::parse(&text).unwrap());
    let flow = Flow::udp(phone.local_addr().unwrap(), gateway);
    let [high, low] = flow.local.port().to_be_bytes();
    let seed = std::array::from_fn(|at| if at % 2 == 0 { high } else { low });
    let mut endpoint = Endpoint::new(EndpointConfig { seed, ..EndpointConfig::default() });
    let preferred = if preference.is_empty() { String::new() } else { format!(";q={preference}") };
    let whose = uri(format!("sip:phone@{gateway}"));
    let request = OutgoingRequest {
        kind: RequestKind::Register { contact: uri(format!("sip:phone@{}", flow.local)), expires: 600, series: 1, number: 1 },
        flow,
        request_uri: uri(format!("sip:{gateway}")),
        from: whose.clone().into(),
        to: whose.into(),
        account: Account::new("auricle", "phone", "secret"),
    };
    endpoint.request(now, request).unwrap();
    let mut buffer = [0; 4_096];
    loop {
        match endpoint.poll_output() {
            Output::Transmit(transmit) => {
                let text = String::from_utf8_lossy(&transmit.bytes).into_owned();
                let contact = text.lines().find(|line| line.starts_with("Contact:")).unwrap();
                phone.send_to(text.replace(contact, &format!("{contact}{preferred}")).as_bytes(), gateway).await.unwrap();
            }
            Output::Event(sip::endpoint::Event::Replied { response, .. }) => return assert_eq!(response.status().code(), 200),
            Output::Event(_) => {}
            Output::Timeout(_) => {
                let (length, _) = phone.recv_from(&mut buffer).await.unwrap();
                endpoint.handle_message(now, flow, bytes::Bytes::copy_from_slice(buffer.get(..length).unwrap()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_whose_password_is_another_now_is_called_no_more_where_it_was() {
    let house = House::build(13_400).await;
    let phone = Carrier::open().await;
    let with = |variable: &str| {
        directory_with(&house.first, &house.second, |source| {
            let login = TrunkConfig {
                login: Some("phone".into()),
                login_password_env: Some(variable.into()),
                registers: true,
                ..TrunkConfig::default()
            };
            source.trunks.insert("phone".to_owned(), login);
            source.outbound.routes = vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["phone".to_owned()] }];
        })
    };
    put(&house, with("secret")).await;
    register(&phone, house.gateway, "").await;
    house.call("+4989123456").await.unwrap();
    let ringing = receive(&phone, "INVITE sip:phone@").await;
    respond(&phone, &ringing, "486 Busy Here", "").await;
    put(&house, with("another")).await;
    assert_eq!(house.call("+4989123457").await, Err(StartError::Capacity));
}
