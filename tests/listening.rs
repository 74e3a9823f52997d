//! Listening to a call that runs: on its media thread, over sockets, with an agent at its other end.
//!
//! Everything is real but SIP, whose part the test takes: the caller's tone comes as RTP, the agent's as WebSocket
//! messages, and a listener on another thread must find each in its own channel.
#![expect(clippy::unwrap_used, reason = "a test says so by failing")]

#[path = "support/parts.rs"]
mod parts;

use std::f64::consts::TAU;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use auricle::agent::simulator::{Behaviour, Step};
use auricle::call::command::CallCommand;
use auricle::call::config::AnswerRule;
use auricle::call::event::{SignallingCommand, SignallingEvent, SignallingKey};
use auricle::call::launch::{LaunchRequest, Launched, Launcher};
use auricle::call::registry::CallRegistry;
use auricle::call::thread::MediaThreads;
use auricle::domain::call_record::Direction;
use auricle::domain::ids::OrgId;
use auricle::domain::redacted::Redacted;
use auricle::leg::keypad::KeyRules;
use auricle::leg::listeners::{ListenerMix, ListenerSetup};
use bytes::Bytes;
use media::codec::g711::encode_ulaw;
use media::rtp::{RtpHeader, RtpPacket};
use media::sdp::SessionDescription;
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};
use parts::Parts;
use tokio::sync::mpsc;

const CALLER_HZ: f64 = 400.0;
const AGENT_HZ: f64 = 1_000.0;
const RATE: SampleRate = SampleRate::HZ_16000;

/// The parts of a gateway that a call is made of.
struct House {
    launcher: Launcher,
    registry: CallRegistry,
    threads: Arc<MediaThreads>,
    signalling: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    commands: mpsc::Receiver<(SignallingKey, SignallingCommand)>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn build(agent: Behaviour, first_port: u16) -> Self {
        // Below what the other tests and the system itself hand out.
        let Parts { launcher, registry, threads, outbound, folder } = Parts::build(agent, first_port).await;
        drop(outbound);
        let (signalling, commands) = mpsc::channel(64);
        Self { launcher, registry, threads, signalling, commands, _folder: folder }
    }

    /// A call from `caller`, answered and acknowledged; and where its RTP goes.
    async fn call(&mut self, caller: SocketAddr) -> (Launched, SocketAddr) {
        let offer =
            format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n", caller.port());
        let request = LaunchRequest {
            key: SignallingKey(1),
            org: OrgId::default_org(),
            line: auricle::leg::line_rules::LineRules::default(),
            codecs: None,
            direction: Direction::Inbound,
            others: Vec::new(),
            analysis: false,
            enhancement: Default::default(),
            keys: KeyRules::default(),
            keys_to_agent: true,
            conduct: None,
            briefing: None,
            from: Redacted::new("sip:alice@127.0.0.1".to_owned()),
            to: Redacted::new("sip:1000@127.0.0.1".to_owned()),
            verification: None,
            arrival: None,
            agents: vec!["default".to_owned()],
            answer: AnswerRule::Immediately,
            peer: caller.ip(),
            offer: Some(Bytes::from(offer)),
            signalling: self.signalling.clone(),
        };
        let launched = self.launcher.launch(request).unwrap();
        let answer = loop {
            if let (_, SignallingCommand::Answer { sdp }) = self.commands.recv().await.unwrap() {
                break SessionDescription::parse(&sdp).unwrap().to_string();
            }
        };
        launched.signals.send(SignallingEvent::Confirmed { sdp: Bytes::new() }).await.unwrap();
        let port = answer.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        (launched, SocketAddr::new(caller.ip(), port.parse().unwrap()))
    }
}

/// Says a tone to `to` for so long, in real time, or until it is over.
fn speak(socket: &UdpSocket, to: SocketAddr, length: Duration, over: &AtomicBool) {
    let start = Instant::now();
    for n in (0..length.as_millis() as u32 / 20).take_while(|_| !over.load(Ordering::Relaxed)) {
        let sample = |n: u32| (8_000.0 * (f64::from(n) * CALLER_HZ * TAU / 8_000.0).sin()) as i16;
        let payload: Vec<u8> = (n * 160..n * 160 + 160).map(|n| encode_ulaw(sample(n))).collect();
        let header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(n as u16),
            timestamp: RtpTimestamp(n * 160),
            ssrc: Ssrc(7),
            marker: false,
        };
        let mut datagram = Vec::new();
        RtpPacket { header, payload: &payload }.write(&mut datagram);
        socket.send_to(&datagram, to).unwrap();
        std::thread::sleep((start + Duration::from_millis(20) * (n + 1)).saturating_duration_since(Instant::now()));
    }
}

/// How much of `audio` is a tone, in dBFS.
fn level_of(hz: f64, audio: &[i16]) -> f64 {
    let step = hz * TAU / f64::from(RATE.hz());
    let (re, im) = audio.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, &sample)| {
        let (sample, phase) = (f64::from(sample), n as f64 * step);
        (re + sample * phase.cos(), im + sample * phase.sin())
    });
    10.0 * (2.0 * (re * re + im * im) / (audio.len() as f64 * 32_768.0).powi(2)).log10()
}

/// A second of both channels: caller and agent on the left, agent and caller on the right.
fn levels_of(heard: &[i16]) -> [f64; 4] {
    let (left, right): (Vec<i16>, Vec<i16>) = heard.as_chunks::<2>().0.iter().map(|[left, right]| (*left, *right)).unzip();
    [level_of(CALLER_HZ, &left), level_of(AGENT_HZ, &left), level_of(AGENT_HZ, &right), level_of(CALLER_HZ, &right)]
}

/// Each is heard in its own channel, and not in the other.
fn are_apart([caller_left, agent_left, agent_right, caller_right]: &[f64; 4]) -> bool {
    *caller_left > -20.0 && *agent_left < -50.0 && *agent_right > -20.0 && *caller_right < -50.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_finds_both_voices_each_in_its_channel_and_hears_the_end() {
    // Should the caller's tone pass for speech, it interrupts once, and the agent says it anew.
    let says = Step::SayTone { hz: AGENT_HZ, ms: 15_000 };
    let mut house =
        House::build(Behaviour::Script(vec![says.clone(), Step::ExpectSpeechStart, Step::Wait { ms: 100 }, says]), 11_800).await;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (launched, gateway) = house.call(socket.local_addr().unwrap()).await;
    let over = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&over);
    let caller = std::thread::spawn(move || speak(&socket, gateway, Duration::from_secs(15), &until));
    tokio::time::sleep(Duration::from_millis(1_000)).await;

    let org = OrgId::default_org();
    let setup = ListenerSetup { rate: RATE, mix: ListenerMix::Separate };
    let mut listening = house.registry.listen(&org, &launched.id, setup).unwrap();
    let abandoned = house.registry.listen(&org, &launched.id, setup).unwrap();
    let (mut heard, mut expected, mut lost, mut levels) = (Vec::new(), 0, 0, Vec::new());
    // A second to settle, and as many to listen to as it takes to find one in which the machine did not stand still.
    let limit = Instant::now() + Duration::from_secs(8);
    while Instant::now() < limit && !levels.last().is_some_and(are_apart) {
        let before = heard.len();
        let frame = tokio::time::timeout(Duration::from_secs(5), listening.next(&mut heard)).await.unwrap().unwrap();
        let said = (heard.len() - before) as u64 / 2;
        // A listener who is held up for longer than there is room for loses frames, is told how many, and where it is.
        assert_eq!(frame.position, expected + (frame.dropped - lost) * said, "no frame is missing but those that are told of");
        expected = frame.position + said;
        if frame.dropped > lost {
            heard.drain(..before);
        }
        lost = frame.dropped;
        if expected < u64::from(RATE.hz()) {
            heard.clear();
        }
        if heard.len() >= 2 * RATE.hz() as usize {
            levels.push(levels_of(&heard));
            heard.clear();
        }
    }
    drop(abandoned);
    assert!(levels.last().is_some_and(are_apart), "caller and agent on the left, agent and caller on the right: {levels:?}");

    house.registry.command(&org, &launched.id, CallCommand::Hangup).unwrap();
    let end = async { while listening.next(&mut heard).await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), end).await.expect("what is heard ends with the call");
    over.store(true, Ordering::Relaxed);
    caller.join().unwrap();
}

/// A thread that the system keeps from running is no line that loses packets: what came meanwhile lies in the socket. Should the caller
/// itself be kept from speaking, there is another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_media_thread_that_stands_still_for_a_while_loses_nothing_that_the_caller_says() {
    let mut house = House::build(Behaviour::Script(vec![Step::SayTone { hz: AGENT_HZ, ms: 8_000 }]), 11_900).await;
    let mut missed = Vec::new();
    for _ in 0..3 {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (launched, gateway) = house.call(socket.local_addr().unwrap()).await;
        let caller = std::thread::spawn(move || speak(&socket, gateway, Duration::from_secs(3), &AtomicBool::new(false)));
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            house.threads.spawn(Box::new(|_| Box::pin(async { std::thread::sleep(Duration::from_millis(300)) }))).unwrap();
        }
        caller.join().unwrap();
        let record = house.registry.look(&OrgId::default_org(), &launched.id).await.expect("the call runs");
        house.registry.command(&OrgId::default_org(), &launched.id, CallCommand::Hangup).unwrap();
        assert!(record.media.packets_received > 140, "{:?}", record.media);
        missed.push((record.media.packets_late, record.media.concealed_ms));
        if missed.ends_with(&[(0, 0)]) {
            return;
        }
    }
    panic!("packets late and milliseconds concealed: {missed:?}");
}
