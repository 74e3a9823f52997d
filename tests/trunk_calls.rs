//! Outbound calls by trunks, over sockets: which trunk gets them, and how fast they end when they are switched off.
#![expect(clippy::unwrap_used, reason = "a test says so by failing")]

#[path = "trunk_calls/contacts.rs"]
mod contacts;
#[path = "support/parts.rs"]
mod parts;
#[path = "trunk_calls/referred.rs"]
mod referred;

use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auricle::agent::simulator::Behaviour;
use auricle::call::config::NumberConfig;
use auricle::call::registry::{CallRegistry, StartError};
use auricle::call::thread::MediaThreads;
use auricle::domain::event::{Event, EventKind, TollAlarm};
use auricle::domain::ids::OrgId;
use auricle::domain::redacted::Redacted;
use auricle::domain::termination::{PolicyReason, Termination};
use auricle::signalling::config::{OutboundConfig, SipConfig};
use auricle::signalling::gateway::{Gateway, GatewayConfig};
use auricle::signalling::ladder::Tap;
use auricle::signalling::sip::SipShell;
use auricle::signalling::start;
use auricle::signalling::stir::Stir;
use auricle::signalling::targets::look_up;
use auricle::signalling::toll::{DiallingRules, Ledger, LedgerPort, Stop, StoppedBy, TollPolicy, today};
use auricle::signalling::trunks::{Directory, DirectorySource, RouteConfig, TrunkConfig};
use auricle::store::COLLECTIONS;
use auricle::store::sealed::{MasterKeys, SealedDocuments};
use auricle::store::sqlite::SqliteDocuments;
use auricle::store::telephony::Telephony;
use auricle::telemetry::metrics::Metrics;
use parts::Parts;
use sip::endpoint::{Endpoint, EndpointConfig};
use tokio::net::UdpSocket;
use tokio::sync::{broadcast, mpsc, watch};

/// A gateway whose trunks are two sockets of the test.
struct House {
    registry: CallRegistry,
    gateway: SocketAddr,
    directories: watch::Sender<Arc<Directory>>,
    first: Carrier,
    second: Carrier,
    ends: broadcast::Receiver<Event>,
    alarms: broadcast::Receiver<Event>,
    telephony: Telephony,
    stop: watch::Sender<bool>,
    _kept: (tempfile::TempDir, Arc<MediaThreads>),
}

impl House {
    async fn build(first_port: u16) -> Self {
        Self::build_with(first_port, TollPolicy::default()).await
    }

    /// Where the tenant may call Germany, and as much as this.
    async fn build_with(first_port: u16, policy: TollPolicy) -> Self {
        let parts = Parts::build(Behaviour::Echo, first_port).await;
        let telephony = telephony(parts.folder.path());
        Self::build_over(parts, policy, telephony).await
    }

    async fn build_over(parts: Parts, policy: TollPolicy, telephony: Telephony) -> Self {
        let Parts { launcher, registry, threads, outbound, folder } = parts;
        let (ends, alarms) = (launcher.events().subscribe(), launcher.events().subscribe());
        let (first, second) = (Carrier::open().await, Carrier::open().await);
        let port = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let sip = SipConfig { listen: (Ipv4Addr::LOCALHOST, port).into(), ..SipConfig::default() };
        let (transports, locator) = (start::transports(&sip, Metrics::new()).unwrap(), start::locator(&sip).unwrap());
        let directory = directory_with(&first, &second, |source| {
            source.tenants.insert("org_default".to_owned(), german(policy));
        });
        let (directories, watched) = watch::channel(Arc::clone(&directory));
        let (to_sip, commands) = mpsc::channel(64);
        let flood = transports.flood_guard();
        let accounts = Ledger::of_day(&telephony, today()).await.unwrap();
        let (ledger, LedgerPort { charges, settled }) = Ledger::new(telephony.clone());
        tokio::spawn(ledger.run());
        let config = GatewayConfig {
            launcher,
            directory,
            seed: [1; 32],
            flood,
            max_calls_per_second: 0,
            tap: Tap::default(),
            stir: Stir::default(),
            to_sip,
            charges,
            accounts,
        };
        let gateway = Gateway::new(Instant::now(), config);
        let endpoint = Endpoint::new(EndpointConfig { seed: [2; 32], ..EndpointConfig::default() });
        let (stop, stopped) = watch::channel(false);
        let (found, targets) = mpsc::channel(4);
        tokio::spawn(look_up(locator.clone(), watched.clone(), found));
        let shell = SipShell {
            transports,
            endpoint,
            gateway,
            commands,
            outbound,
            locator,
            directory: watched,
            targets,
            questions: mpsc::channel(1).1,
            settled,
        };
        tokio::spawn(shell.run(stopped));
        // Until the trunks' servers are found.
        tokio::time::sleep(SETTLED).await;
        Self { registry, gateway: sip.listen, directories, first, second, ends, alarms, telephony, stop, _kept: (folder, threads) }
    }

    /// Why the next call to end did.
    async fn termination(&mut self) -> Termination {
        let next = async {
            loop {
                if let EventKind::CallEnded { termination, .. } = self.ends.recv().await.unwrap().kind {
                    return termination;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), next).await.expect("the call ends")
    }

    /// The next alarm.
    async fn alarm(&mut self) -> (TollAlarm, u32) {
        let next = async {
            loop {
                if let EventKind::TollAlarm { cause, times } = self.alarms.recv().await.unwrap().kind {
                    return (cause, times);
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), next).await.expect("an alarm within 10 s")
    }

    async fn call(&self, to: &str) -> Result<(), StartError> {
        self.registry.start(OrgId::default_org(), Redacted::new(to.to_owned()), None).await.map(drop)
    }
}

fn german(policy: TollPolicy) -> TollPolicy {
    TollPolicy { countries: std::iter::once("DE".parse().unwrap()).collect(), ..policy }
}

fn directory(first: &UdpSocket, second: &UdpSocket, enabled: bool) -> Arc<Directory> {
    directory_with(first, second, |source| source.outbound.enabled = enabled)
}

fn directory_with(first: &UdpSocket, second: &UdpSocket, change: impl FnOnce(&mut DirectorySource)) -> Arc<Directory> {
    let trunk = |socket: &UdpSocket| TrunkConfig {
        target: Some(format!("sip:{}", socket.local_addr().unwrap())),
        caller_id: Some("+4930901820".to_owned()),
        probe_s: 0,
        ..TrunkConfig::default()
    };
    let routes = vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["first".to_owned(), "second".to_owned()] }];
    let mut source = DirectorySource {
        trunks: BTreeMap::from([("first".to_owned(), trunk(first)), ("second".to_owned(), trunk(second))]),
        numbers: BTreeMap::from([("default".to_owned(), NumberConfig { agent: "default".to_owned(), ..NumberConfig::default() })]),
        outbound: OutboundConfig { enabled: true, routes, ..OutboundConfig::default() },
        tenants: BTreeMap::from([("org_default".to_owned(), german(TollPolicy::default()))]),
        ..DirectorySource::default()
    };
    change(&mut source);
    // A password is called by itself.
    Arc::new(Directory::new(source, |variable| Some(variable.to_owned())).unwrap())
}

/// A store of accounts, as the gateway has it.
fn telephony(folder: &Path) -> Telephony {
    let master = MasterKeys::new(&Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned()), &[]).unwrap();
    Telephony::new(SealedDocuments::new(SqliteDocuments::open(&folder.join("telephony"), COLLECTIONS).unwrap(), master))
}

/// A far end, and what it has taken already: who is slow to answer is told again.
#[derive(Debug)]
struct Carrier {
    socket: UdpSocket,
    taken: Mutex<HashSet<String>>,
}

impl Carrier {
    async fn open() -> Self {
        Self { socket: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(), taken: Mutex::default() }
    }
}

impl Deref for Carrier {
    type Target = UdpSocket;

    fn deref(&self) -> &UdpSocket {
        &self.socket
    }
}

/// The next request of a method; others, and what was taken before, are passed over.
async fn receive(socket: &Carrier, method: &str) -> (String, SocketAddr) {
    let mut buffer = vec![0; 4_096];
    let next = async {
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned();
            if text.starts_with(method) && socket.taken.lock().unwrap().insert(text.clone()) {
                return (text, from);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), next).await.expect("the request comes within 10 s")
}

async fn respond(socket: &UdpSocket, (request, to): &(String, SocketAddr), status: &str, sdp: &str) {
    let kept = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let (kind, length) = if sdp.is_empty() { ("", 0) } else { ("Content-Type: application/sdp\r\n", sdp.len()) };
    let response = format!(
        "SIP/2.0 {status}\r\n{}\r\n{}\r\n{};tag=t\r\n{}\r\n{}\r\nContact: <sip:{}>\r\n{kind}Content-Length: {length}\r\n\r\n{sdp}",
        kept("Via:"),
        kept("From:"),
        kept("To:").split(";tag").next().unwrap_or_default(),
        kept("Call-ID:"),
        kept("CSeq:"),
        socket.local_addr().unwrap(),
    );
    socket.send_to(response.as_bytes(), *to).await.unwrap();
}

/// In which what was sent to the gateway's tasks has come into force, on a slow machine, too.
const SETTLED: Duration = Duration::from_millis(1_500);
const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_that_cannot_gives_way_to_the_next_and_switching_off_ends_the_call_within_a_second() {
    let house = House::build(11_900).await;
    assert_eq!(house.call("+33123456789").await, Err(StartError::NotAllowed));
    assert_eq!(house.call("112").await, Err(StartError::NotAllowed));
    house.call("tel:+49-89-123456").await.unwrap();
    let refused = receive(&house.first, "INVITE").await;
    assert!(refused.0.starts_with("INVITE sip:+4989123456@127.0.0.1:"), "{}", refused.0);
    assert!(refused.0.contains("From: <sip:+4930901820@127.0.0.1>"), "{}", refused.0);
    respond(&house.first, &refused, "503 no circuits", "").await;
    let taken = receive(&house.second, "INVITE").await;
    respond(&house.second, &taken, "200 OK", ANSWER).await;
    receive(&house.second, "ACK").await;
    // One destination that it had no circuits for says nothing of the next.
    house.call("+4989123457").await.unwrap();
    let other = receive(&house.first, "INVITE").await;
    assert!(other.0.contains("+4989123457"), "{}", other.0);
    respond(&house.first, &other, "486 Busy Here", "").await;

    let off = Instant::now();
    house.directories.send(directory(&house.first, &house.second, false)).unwrap();
    let bye = receive(&house.second, "BYE").await;
    assert!(off.elapsed() < Duration::from_secs(1), "{:?}", off.elapsed());
    respond(&house.second, &bye, "200 OK", "").await;
    assert_eq!(house.call("+4989123456").await, Err(StartError::NotAllowed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_calls_than_the_tenant_may_and_none_while_the_gateway_stops() {
    let house = House::build(12_000).await;
    for _ in 0..2 {
        house.call("+4989123456").await.unwrap();
    }
    assert_eq!(house.call("+4989123456").await, Err(StartError::Capacity));
    let busy = receive(&house.first, "INVITE").await;
    respond(&house.first, &busy, "486 Busy Here", "").await;
    receive(&house.first, "ACK").await;
    house.registry.close();
    assert!(house.call("+4989123456").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_is_stopped_loses_its_calls_within_a_second_and_others_do_not() {
    let mut house = House::build(12_200).await;
    house.call("+4989123456").await.unwrap();
    let invite = receive(&house.first, "INVITE").await;
    respond(&house.first, &invite, "200 OK", ANSWER).await;
    receive(&house.first, "ACK").await;
    let stopped = |org: &str| {
        let now = chrono::Utc::now();
        let stop = Some(Stop { by: StoppedBy::Organisation, at: now });
        let rules = DiallingRules { stop, ..DiallingRules::none(org.parse().unwrap(), now) };
        directory_with(&house.first, &house.second, |source| source.kept.dialling.push(rules))
    };
    house.directories.send(stopped("org_other")).unwrap();
    house.call("+4989123457").await.unwrap();
    let second = receive(&house.first, "INVITE").await;
    assert!(second.0.contains("+4989123457"), "calls of others go on and go out");
    let off = Instant::now();
    house.directories.send(stopped("org_default")).unwrap();
    let bye = receive(&house.first, "BYE").await;
    let took = off.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    println!("calls out stopped: BYE after {took:?}");
    respond(&house.first, &bye, "200 OK", "").await;
    assert_eq!(house.termination().await, Termination::policy(PolicyReason::OutboundStopped));
    for to in ["+4989123456", "sip:1000@127.0.0.1:5060"] {
        assert_eq!(house.call(to).await, Err(StartError::NotAllowed), "{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_that_is_taken_away_takes_its_calls_with_it() {
    let mut house = House::build(12_300).await;
    house.call("+4989123456").await.unwrap();
    let invite = receive(&house.first, "INVITE").await;
    respond(&house.first, &invite, "200 OK", ANSWER).await;
    receive(&house.first, "ACK").await;
    let without = directory_with(&house.first, &house.second, |source| {
        source.trunks.get_mut("first").unwrap().enabled = false;
    });
    house.directories.send(without).unwrap();
    let bye = receive(&house.first, "BYE").await;
    respond(&house.first, &bye, "200 OK", "").await;
    assert_eq!(house.termination().await, Termination::policy(PolicyReason::TrunkRemoved));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_a_limit_ends_says_which_an_alarm_is_given_and_the_day_goes_on_after_a_restart() {
    let mut house = House::build_with(12_400, TollPolicy { minutes_per_day: 1, ..TollPolicy::default() }).await;
    house.call("+4989123456").await.unwrap();
    let invite = receive(&house.first, "INVITE").await;
    respond(&house.first, &invite, "200 OK", ANSWER).await;
    receive(&house.first, "ACK").await;
    // A limit that is made smaller counts at once.
    let less = directory_with(&house.first, &house.second, |source| {
        source.tenants.insert("org_default".to_owned(), german(TollPolicy { minutes_per_day: 0, ..TollPolicy::default() }));
    });
    house.directories.send(less).unwrap();
    let bye = receive(&house.first, "BYE").await;
    respond(&house.first, &bye, "200 OK", "").await;
    assert_eq!(house.termination().await, Termination::policy(PolicyReason::MinutesPerDay));
    assert_eq!(house.alarm().await, (TollAlarm::MinutesLimit, 1));
    house.stop.send(true).unwrap();
    // What was used is written beside the calls, none of which waits for it.
    let written = async {
        loop {
            if let Some(account) = Ledger::of_day(&house.telephony, today()).await.unwrap().pop() {
                break (account.used.calls, account.used.minutes);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), written).await, Ok((1, 1)));
    let parts = Parts::build(Behaviour::Echo, 12_500).await;
    let policy = TollPolicy { minutes_per_day: 1, ..TollPolicy::default() };
    let restarted = House::build_over(parts, policy, house.telephony.clone()).await;
    assert_eq!(restarted.call("+4989123456").await, Err(StartError::Capacity), "the minute of the day is used up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_numbers_that_are_not_allowed_gives_the_alarm() {
    let mut house = House::build(12_600).await;
    for to in ["+33123456789", "+499001234567", "+8821612345", "112", "+19005550100"] {
        assert_eq!(house.call(to).await, Err(StartError::NotAllowed), "{to}");
    }
    assert_eq!(house.alarm().await, (TollAlarm::RefusedDestinations, 5));
}

/// Forms of numbers, and what of them reaches the carrier: the form that this gateway makes itself, or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_dial_strings_only_what_the_tenant_allows_leaves_on_the_wire() {
    let house = House::build_with(12_700, TollPolicy { minutes_per_day: 1_000, max_calls: 100, ..TollPolicy::default() }).await;
    let outbound = |source: &mut DirectorySource| {
        source.outbound.numbering.country_code = "49".to_owned();
        source
            .tenants
            .insert("org_default".to_owned(), german(TollPolicy { minutes_per_day: 1_000, max_calls: 100, ..TollPolicy::default() }));
    };
    house.directories.send(directory_with(&house.first, &house.second, outbound)).unwrap();
    tokio::time::sleep(SETTLED).await;
    let mut dialled = 0;
    for (text, expected) in DIAL_STRINGS {
        let outcome = house.call(text).await;
        let Some(number) = expected else {
            assert!(outcome.is_err(), "{text:?} was dialled");
            continue;
        };
        assert_eq!(outcome, Ok(()), "{text:?}");
        let invite = receive(&house.first, "INVITE").await;
        assert!(invite.0.starts_with(&format!("INVITE sip:{number}@127.0.0.1:")), "{text:?}: {}", invite.0);
        respond(&house.first, &invite, "486 Busy Here", "").await;
        receive(&house.first, "ACK").await;
        dialled += 1;
    }
    let refused = DIAL_STRINGS.len() - dialled;
    assert!(DIAL_STRINGS.len() >= 60 && dialled >= 10 && refused >= 50, "{dialled} dialled, {refused} refused");
    let mut buffer = [0; 2_048];
    let more = tokio::time::timeout(Duration::from_millis(300), house.first.recv_from(&mut buffer)).await;
    assert!(more.is_err(), "nothing of what was refused left");
    let other = tokio::time::timeout(Duration::from_millis(10), house.second.recv_from(&mut buffer)).await;
    assert!(other.is_err(), "nor by another trunk");
}

const DIAL_STRINGS: &[(&str, Option<&str>)] = &[
    // As it is written by people who mean it.
    ("+4930901820", Some("+4930901820")),
    ("+49 30 901820", Some("+4930901820")),
    ("+49 (30) 901-820", Some("+4930901820")),
    ("+49.30.901820", Some("+4930901820")),
    ("tel:+4930901820", Some("+4930901820")),
    ("TEL:+49-30-901820", Some("+4930901820")),
    ("004930901820", Some("+4930901820")),
    ("00 49 30 901820", Some("+4930901820")),
    ("030901820", Some("+4930901820")),
    ("030/901820", None),
    ("(030) 901820", Some("+4930901820")),
    ("+4915112345678", Some("+4915112345678")),
    ("01511 2345678", Some("+4915112345678")),
    ("+49 (0)30 901820", Some("+4930901820")),
    // What is dialled within a country, behind its code.
    ("+490537123456", None),
    ("+49 0 30 901820", None),
    ("+49 (0)0537123456", None),
    ("00490537123456", None),
    ("+49(05)37123456", None),
    ("+4909001234567", None),
    ("sip:+490537123456@127.0.0.1:9", None),
    // Other countries, and those that hide behind a code that is shared.
    ("+33123456789", None),
    ("0033123456789", None),
    ("+12125550100", None),
    ("+18765550100", None),
    ("+447911123456", None),
    ("+37060012345", None),
    ("+2521234567", None),
    ("+960123456", None),
    ("+0030901820", None),
    ("+999123456789", None),
    ("+210123456789", None),
    // Services that cost more.
    ("+499001234567", None),
    ("09001234567", None),
    ("+49137123456", None),
    ("+491805123456", None),
    ("+49118 33", None),
    ("11833", None),
    ("+4970012345678", None),
    ("+19005550100", None),
    ("+8821612345678", None),
    ("+870773123456", None),
    ("+88312345678901", None),
    ("+97912345678", None),
    ("+80012345678", None),
    ("08001234567", None),
    // Emergency numbers, behind a prefix, too.
    ("112", None),
    ("110", None),
    ("911", None),
    ("999", None),
    ("0112", None),
    ("9911", None),
    ("00112", None),
    ("tel:112", None),
    ("+49112", None),
    ("+49110123456", None),
    ("116117", None),
    ("1 1 2", None),
    // Encoded, decorated, with keys behind.
    ("%2B4930901820", None),
    ("+4930901820%3B", None),
    ("+4930901820;phone-context=+33", None),
    ("tel:+4930901820;ext=5", None),
    ("tel:+4930901820;postd=pp22", None),
    ("tel:030901820;phone-context=+49", None),
    ("+4930901820,,1234", None),
    ("+4930901820p1234", None),
    ("+4930901820w1", None),
    ("+4930901820#", None),
    ("*31#+4930901820", None),
    ("**21*+33123456789#", None),
    ("+4930901820@evil.example", None),
    ("+4930901820\r\nRoute: <sip:evil.example>", None),
    ("+4930901820 x5", None),
    // Letters, and digits of other scripts.
    ("+49-FLOWERS", None),
    ("0800-CALL-NOW", None),
    ("+49\u{0663}\u{0660}901820", None),
    ("+\u{ff14}\u{ff19}30901820", None),
    ("\u{ff0b}4930901820", None),
    ("+49\u{00a0}30901820", None),
    ("+4930901820\u{0}", None),
    ("\u{202e}028109034+", None),
    // Too little, too much, misplaced.
    ("", None),
    ("+", None),
    ("+49", None),
    ("49+30901820", None),
    ("++4930901820", None),
    ("-4930901820", None),
    ("+493090182012345678", None),
    ("1234", None),
    ("sip:+33123456789@127.0.0.1:9", None),
    ("sip:09001234567@127.0.0.1:9", None),
    ("sip:112@127.0.0.1:9", None),
    ("sips:+4930901820@203.0.113.9", None),
    ("sip:+4930901820@203.0.113.9", None),
    ("http://+4930901820", None),
    ("sip:", None),
];
