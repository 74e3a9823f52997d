//! The same through a whole call: a telephone with an echo, the gateway, and an agent that leaves turns to it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auricle::agent::config::{AgentConfig, TurnDetection, WireFormat};
use auricle::agent::model::AgentMessage;
use auricle::call::agents::{LinkId, Member};
use auricle::call::call::{Call, CallOutput, CallSetup};
use auricle::call::config::AnswerRule;
use auricle::call::event::{SignallingCommand, SignallingEvent};
use auricle::call::journal::CallIdentity;
use auricle::call::session::SessionPolicy;
use auricle::domain::call_record::{CallRecord, Direction};
use auricle::domain::ids::{CallId, OrgId};
use auricle::domain::redacted::Redacted;
use auricle::domain::timeline::Moment;
use auricle::leg::plan::{LegPlan, PlannedLeg};
use media::codec::Codec;
use media::codec::g711::{decode_ulaw, encode_ulaw};
use media::frame::AudioFormat;
use media::rtcp::{NtpBase, ReporterConfig};
use media::rtp::{RtpHeader, RtpPacket, RtpSeed};
use media::sdp::CodecPolicy;
use media::transport::{Flow, Protocol};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::line::{EchoPath, Line};
use crate::voices::{Voice, voices};

/// A call, its telephone and its agent, in steps of a packet.
struct World {
    call: Call,
    now: Instant,
    line: Line,
    packets: u32,
    /// What the caller has been sent since the last step.
    sent: VecDeque<i16>,
    /// What the agent was told, but for audio.
    told: Vec<Value>,
    /// Samples of the agent's that the caller heard above the noise.
    heard: usize,
    finished: Option<CallRecord>,
}

impl World {
    fn new(seed: u64, turns: TurnDetection) -> Self {
        let now = Instant::now();
        let mut chance = Chance::new(seed);
        let line = Line::new(EchoPath::draw(&mut chance), chance.fork());
        let config = AgentConfig { format: WireFormat::Pcmu, turn_detection: turns, ..AgentConfig::at("ws://127.0.0.1/") };
        let leg = PlannedLeg::answering(now, plan(now), OFFER.as_bytes()).expect("the offer can be answered");
        let conduct = config.conduct.clone();
        let setup = CallSetup {
            identity: identity(),
            policy: policy(),
            agents: vec![Member { name: "agent".to_owned(), config: Arc::new(config), tools: Arc::default(), version: None }],
            conduct,
            keys_to_agent: true,
            leg,
            early_media: false,
        };
        let wall = chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a time in range");
        let mut call = Call::new(now, wall, now, setup);
        call.listen(turns.by_gateway());
        let (sent, told) = (VecDeque::new(), Vec::new());
        let mut world = Self { call, now, line, packets: 0, sent, told, heard: 0, finished: None };
        world.drain();
        world.call.handle_agent_connected(world.now, LinkId(1));
        let format = json!({"format": {"type": "audio/pcmu"}});
        world.tell(&json!({"type": "session.created", "session": {"id": "s"}}));
        world.tell(&json!({"type": "session.updated", "session": {"id": "s", "audio": {"input": format, "output": format}}}));
        // A second of a quiet line.
        world.run(1_000, &[]);
        world
    }

    /// The agent says all of it at once.
    fn say(&mut self, item: &str, words: &[i16]) {
        self.tell(&json!({"type": "response.created", "response": {"id": format!("r_{item}")}}));
        let bytes: Vec<u8> = words.iter().map(|&sample| encode_ulaw(sample)).collect();
        for chunk in bytes.chunks(4_000) {
            let delta = base64_simd::STANDARD.encode_to_string(chunk);
            self.tell(&json!({"type": "response.output_audio.delta", "response_id": format!("r_{item}"), "item_id": item, "delta": delta}));
        }
        self.tell(&json!({"type": "response.output_audio.done", "item_id": item}));
        self.tell(&json!({"type": "response.done", "response": {"id": format!("r_{item}"), "status": "completed"}}));
    }

    /// Lets so much time pass, in which the caller says `words` and then nothing.
    fn run(&mut self, millis: usize, words: &[i16]) {
        for n in 0..millis / 20 {
            self.now += PTIME;
            self.call.handle_timeout(self.now);
            self.drain();
            let sent: Vec<i16> = (0..PACKET).map(|_| self.sent.pop_front().unwrap_or(0)).collect();
            self.heard += sent.iter().filter(|sample| sample.unsigned_abs() > 200).count();
            let said: Vec<i16> = (n * PACKET..(n + 1) * PACKET).map(|k| words.get(k).copied().unwrap_or(0)).collect();
            let came: Vec<u8> = self.line.trip(&sent, &said).into_iter().map(encode_ulaw).collect();
            self.receive(&came);
        }
    }

    fn receive(&mut self, payload: &[u8]) {
        let (sequence, timestamp) = (SequenceNumber(self.packets as u16), RtpTimestamp(self.packets * PACKET as u32));
        let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(9), marker: self.packets == 0 };
        self.packets += 1;
        let mut datagram = Vec::new();
        RtpPacket { header, payload }.write(&mut datagram);
        let flow = Flow { protocol: Protocol::Udp, local: address(OURS), remote: address("127.0.0.1:50000") };
        self.call.handle_datagram(self.now, flow, &datagram);
        self.drain();
    }

    fn tell(&mut self, message: &Value) {
        self.call.handle_agent_message(self.now, LinkId(1), AgentMessage::Text(&message.to_string()));
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            while let Some((_, message)) = self.call.poll_agent_message() {
                if let AgentMessage::Text(text) = message.message
                    && !text.contains("input_audio_buffer.append")
                {
                    self.told.push(serde_json::from_str(text).expect("the gateway sends JSON"));
                }
            }
            while let Some(transmit) = self.call.poll_transmit() {
                if transmit.flow.local == address(OURS)
                    && let Ok(packet) = RtpPacket::parse(transmit.bytes)
                {
                    self.sent.extend(packet.payload.iter().map(|&byte| decode_ulaw(byte)));
                }
            }
            match self.call.poll_output() {
                CallOutput::Signal(SignallingCommand::Answer { .. }) => {
                    self.call.handle_signalling(self.now, SignallingEvent::Confirmed { sdp: bytes::Bytes::new() });
                }
                CallOutput::Finished(record) => self.finished = Some(*record),
                CallOutput::Timeout(_) => return,
                _ => {}
            }
        }
    }

    /// What the agent was told of this type.
    fn told(&self, kind: &str) -> Vec<&Value> {
        self.told.iter().filter(|message| message["type"] == kind).collect()
    }

    fn count(&self, is: impl Fn(&Moment) -> bool) -> usize {
        self.call.record().timeline.iter().filter(|entry| is(&entry.moment)).count()
    }

    fn end(mut self) -> CallRecord {
        self.call.handle_signalling(self.now, SignallingEvent::HungUp);
        self.drain();
        self.finished.expect("the call is over")
    }
}

/// Five seconds of somebody.
fn words(voice: &Voice, seed: u64, length: usize) -> Vec<i16> {
    voice.speak(&mut Chance::new(seed), length, -22.0).samples
}

fn gateway_turns() -> TurnDetection {
    TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 }
}

#[test]
fn an_agent_hears_of_no_turn_while_only_its_echo_comes() {
    let Some(voices) = voices() else { return };
    for seed in 0..8 {
        let mut world = World::new(seed, gateway_turns());
        world.say("i1", &words(&voices[seed as usize % voices.len()], seed, 40_000));
        world.run(9_000, &[]);
        assert_eq!(world.count(|moment| *moment == Moment::AgentPaused), 0, "call {seed}");
        assert!(world.told("input_audio_buffer.commit").is_empty() && world.told("response.cancel").is_empty(), "{:?}", world.told);
        let audio = world.end().media.audio.expect("the line was listened to");
        assert_eq!((audio.caller_talk_ms, audio.double_talk_ms), (0, 0), "{audio:?}");
        assert!(audio.agent_talk_ms > 4_000, "{audio:?}");
    }
}

#[test]
fn an_interruption_pauses_the_agent_at_once_is_confirmed_and_becomes_a_turn() {
    let Some(voices) = voices() else { return };
    for seed in 20..28 {
        let (agent, caller) = (&voices[seed as usize % 2], &voices[seed as usize % 2 + 1]);
        let mut world = World::new(seed, gateway_turns());
        assert!(world.told[0]["session"]["audio"]["input"]["turn_detection"].is_null(), "{:?}", world.told[0]);
        world.say("i1", &words(agent, seed, 80_000));
        world.run(3_000, &[]);
        let speech = caller.speak(&mut Chance::new(seed), 8_000, -20.0);
        let silenced_by = speech.onset / 8 + 140;
        world.run(silenced_by / 20 * 20 + 20, &speech.samples);
        assert_eq!(world.count(|moment| *moment == Moment::AgentPaused), 1, "call {seed}: paused {silenced_by} ms after");
        let heard = world.heard;
        world.run(200, speech.samples.get((silenced_by / 20 * 20 + 20) * 8..).unwrap_or_default());
        assert!(world.heard <= heard + 400, "call {seed}: a paused agent is silent");
        world.run(4_000, speech.samples.get((silenced_by / 20 * 20 + 220) * 8..).unwrap_or_default());
        assert_eq!(world.count(|moment| matches!(moment, Moment::BargeIn { discarded_ms } if *discarded_ms > 3_000)), 1, "call {seed}");
        let truncated = world.told("conversation.item.truncate");
        let heard_ms = truncated.first().and_then(|told| told["audio_end_ms"].as_u64()).expect("the agent was told");
        assert!((3_000..3_500).contains(&heard_ms), "call {seed}: {heard_ms} ms");
        assert!(!world.told("input_audio_buffer.commit").is_empty() && !world.told("response.create").is_empty(), "call {seed}");
        // What the agent says then is heard.
        let heard = world.heard;
        world.say("i2", &words(agent, seed + 1, 16_000));
        world.run(2_000, &[]);
        assert!(world.heard > heard + 4_000, "call {seed}: the answer was not heard");
    }
}

#[test]
fn a_cough_pauses_the_agent_and_not_one_sample_of_it_is_lost() {
    let Some(voices) = voices() else { return };
    let mut resumed = 0;
    for seed in 40..48 {
        let (agent, caller) = (&voices[seed as usize % 2], &voices[seed as usize % 2 + 1]);
        let mut world = World::new(seed, gateway_turns());
        world.say("i1", &words(agent, seed, 64_000));
        world.run(3_000, &[]);
        let speech = caller.speak(&mut Chance::new(seed), 4_000, -18.0);
        world.run(2_000, speech.samples.get(..speech.onset + 1_600).unwrap_or(&speech.samples));
        world.run(12_000, &[]);
        let paused = world.count(|moment| *moment == Moment::AgentPaused);
        let back = world.count(|moment| matches!(moment, Moment::AgentResumed { .. }));
        assert_eq!(paused, back, "call {seed}: every doubt is settled");
        assert_eq!(world.count(|moment| matches!(moment, Moment::BargeIn { .. })), 0, "call {seed}");
        assert!(world.told("conversation.item.truncate").is_empty() && world.told("response.cancel").is_empty(), "call {seed}");
        resumed += back;
    }
    assert!(resumed >= 6, "{resumed} of 8 were heard");
}

#[test]
fn a_fault_of_the_line_is_written_down_once_and_the_record_has_its_measure() {
    let mut world = World::new(1, TurnDetection::default());
    let loud: Vec<i16> = (0..240_000).map(|n| ((f64::from(n) * 0.3).sin() * 900.0) as i16 + 700).collect();
    world.run(20_000, &loud);
    let codes: Vec<String> = (world.call.record().timeline.iter())
        .filter_map(|entry| if let Moment::AudioWarning { code, .. } = &entry.moment { Some(code.clone()) } else { None })
        .collect();
    assert_eq!(codes, ["audio_dc_offset", "audio_noisy"]);
    assert!(world.end().media.audio.is_some());
}

fn plan(now: Instant) -> LegPlan {
    let rtp = address(OURS);
    let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
    let codecs = CodecPolicy { telephone_event: false, ..CodecPolicy::new(vec![Codec::Pcmu]) };
    let reporter = ReporterConfig::new(seed.ssrc, "test".to_owned(), Codec::Pcmu, NtpBase { at: now, ntp: 0 }, 1);
    LegPlan::new(codecs, rtp, seed, reporter, AudioFormat::Ulaw8k)
}

fn identity() -> CallIdentity {
    CallIdentity {
        id: CallId::random(),
        org: OrgId::default_org(),
        direction: Direction::Inbound,
        from: Redacted::new("alice".to_owned()),
        to: Redacted::new("1000".to_owned()),
        verification: None,
        arrival: None,
        agent: "scripted".to_owned(),
        agent_version: None,
    }
}

fn policy() -> SessionPolicy {
    let limit = Duration::from_secs(600);
    SessionPolicy {
        answer: AnswerRule::Immediately,
        agent_ready_limit: limit,
        no_answer_limit: limit,
        max_duration: limit,
        rtp_limit: limit,
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

const OURS: &str = "127.0.0.1:40000";
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 50000 RTP/AVP 0\r\na=sendrecv\r\n";
const PTIME: Duration = Duration::from_millis(20);
const PACKET: usize = 160;
