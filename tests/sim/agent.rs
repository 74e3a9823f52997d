//! A scripted stand-in for the AI service, pure: it speaks the service's JSON and remembers what it was told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::{Random, ms};
use crate::ear::{VOICES, voice};
use crate::mind::{Mind, Noticed};
use crate::post::{AGENT_JITTER, FromAgent, Happening, Post, ToAgent};
use crate::words::written;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u32);

/// How one connection fares; the last of a scenario's list goes for all that follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Welcome {
    /// How long connecting takes, and what comes of it: `Err(retryable)`.
    pub(crate) connect: (Duration, Result<(), bool>),
    /// When our settings are taken; `None`: never.
    pub(crate) ready: Option<Duration>,
    /// Speaks first, so long.
    pub(crate) greeting: Option<Duration>,
}

impl Welcome {
    pub(crate) const USUAL: Self = Self { connect: (ms(40), Ok(())), ready: Some(ms(30)), greeting: None };
}

/// What an agent speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// OpenAI Realtime, in μ-law.
    OpenAi,
    /// Our own, linear at 8 kHz.
    Auricle,
    /// A carrier's, Vonage's, linear at 8 kHz: its bots take no texts and tell nothing of what they hear.
    Carrier,
}

/// What the agent does when told so by a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AgentAct {
    /// Says something of this length, in steps of 10 ms so that the ear can tell it from a fade; `every` paces its chunks of 100 ms, nought sends all at once.
    Speak {
        length: Duration,
        every: Duration,
    },
    /// Hears the caller begin: cancels what it says, of which a little still comes.
    HearStart,
    HearStop,
    /// Writes down what the caller said, which other services tell some time after it.
    WriteDown(&'static [u8]),
    /// Closes in good order.
    Close(u16),
    /// The connection breaks, with what is in it.
    Cut,
    /// Nothing comes or goes any more; that is noticed by the pings.
    Freeze,
    /// Says that the connection has so long to live.
    Expire(Duration),
    Fail,
    Babble,
    /// Asks for a tool, with these arguments.
    UseTool(&'static str, &'static str),
    /// Asks for the tool that it asked for last once more, by the same name.
    RepeatTool,
}

/// What the agent does in time.
#[derive(Clone, Debug)]
pub(crate) enum AgentStep {
    BecomeReady,
    /// The next chunk of the utterance of this number.
    Continue(u8),
    /// These words of the caller are written down.
    Write(Vec<u8>),
    /// The caller gets an answer.
    Answer,
}

pub(crate) struct Agent {
    random: Random,
    welcomes: Vec<Welcome>,
    minds: bool,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) utterances: Vec<Utterance>,
    /// What tools answered, and when.
    pub(crate) answers: Vec<ToolAnswer>,
    /// Texts that it was told.
    pub(crate) told: Vec<String>,
    tool_calls: u32,
    last_tool: (&'static str, &'static str),
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolAnswer {
    pub(crate) call_id: String,
    pub(crate) output: String,
    /// It was asked to speak on at once.
    pub(crate) speaks: bool,
    pub(crate) at: std::time::Instant,
}

pub(crate) struct Connection {
    tongue: Tongue,
    open: bool,
    pub(crate) ready: bool,
    pub(crate) mind: Mind,
    /// Caller audio that came, in samples.
    pub(crate) heard: u64,
    pub(crate) cancels: u32,
}

/// Something the agent said.
pub(crate) struct Utterance {
    connection: ConnectionId,
    every: Duration,
    left: Duration,
    response: u8,
    cancelled: bool,
    /// Begun when its response had been cancelled already.
    pub(crate) is_late: bool,
    pub(crate) voice: u8,
    /// What the gateway said was heard, and when.
    pub(crate) truncated: Option<(u64, std::time::Instant)>,
}

impl Utterance {
    /// All of it was sent at once, so it cannot run dry.
    pub(crate) const fn is_whole(&self) -> bool {
        self.every.is_zero()
    }
}

impl Agent {
    pub(crate) fn new(seed: u64, welcomes: Vec<Welcome>, minds: bool) -> Self {
        Self {
            random: Random::new(seed, 12),
            welcomes,
            minds,
            connections: BTreeMap::new(),
            utterances: Vec::new(),
            answers: Vec::new(),
            told: Vec::new(),
            tool_calls: 0,
            last_tool: ("", ""),
        }
    }

    /// The gateway connects.
    pub(crate) fn connect(&mut self, post: &mut Post, tongue: Tongue) -> ConnectionId {
        let id = ConnectionId(self.connections.len() as u32);
        let (wait, outcome) = self.welcome(id).connect;
        let news = match outcome {
            Ok(()) => FromAgent::Connected,
            Err(retryable) => FromAgent::Unreachable { retryable },
        };
        post.after(wait, Happening::FromAgent(id, news));
        let connection = Connection { tongue, open: outcome.is_ok(), ready: false, mind: Mind::default(), heard: 0, cancels: 0 };
        self.connections.insert(id, connection);
        id
    }

    pub(crate) fn handle(&mut self, post: &mut Post, id: ConnectionId, message: ToAgent) {
        let Some(connection) = self.connections.get_mut(&id).filter(|connection| connection.open) else { return };
        match message {
            ToAgent::Closed => connection.open = false,
            ToAgent::Text(_) if connection.tongue == Tongue::Carrier => connection.ready = true,
            ToAgent::Text(text) => match text.strip_prefix(APPEND).and_then(|rest| rest.strip_suffix("\"}")) {
                Some(audio) => {
                    let octets = base64_simd::STANDARD.decode_to_vec(audio).expect("base64");
                    self.hear(post, id, &octets);
                }
                None => self.handle_request(post, id, &serde_json::from_str(&text).expect("the gateway sends JSON")),
            },
            ToAgent::Bytes(bytes) => {
                let octets: Vec<u8> =
                    bytes.as_chunks::<2>().0.iter().map(|pair| media::codec::g711::encode_ulaw(i16::from_le_bytes(*pair))).collect();
                self.hear(post, id, &octets);
            }
        }
    }

    fn hear(&mut self, post: &mut Post, id: ConnectionId, octets: &[u8]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        assert!(connection.ready, "audio before the agent was ready");
        connection.heard += octets.len() as u64;
        if !self.minds {
            return;
        }
        for noticed in connection.mind.hear(octets) {
            match noticed {
                Noticed::Started { ms } => self.notice_start(post, id, ms),
                Noticed::Stopped { ms, words } => {
                    self.tell_stopped(post, id, ms);
                    let written = ms_of(&mut self.random, 150, 400);
                    post.after(written, Happening::Agent(id, AgentStep::Write(words)));
                    post.after(written + ms_of(&mut self.random, 50, 300), Happening::Agent(id, AgentStep::Answer));
                }
            }
        }
    }

    fn notice_start(&mut self, post: &mut Post, id: ConnectionId, start_ms: u64) {
        match self.tongue(id) {
            Tongue::OpenAi => tell(post, id, &json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": start_ms})),
            Tongue::Auricle => {
                tell(post, id, &json!({"type": "speech_started"}));
                tell(post, id, &json!({"type": "clear", "by_caller": true}));
            }
            Tongue::Carrier => {}
        }
        if let Some(response) = self.utterances.iter().position(|utterance| utterance.runs_on(id)) {
            self.utterances[response].cancelled = true;
            if self.tongue(id) == Tongue::OpenAi {
                tell(post, id, &json!({"type": "response.done", "response": {"id": format!("resp_{response}"), "status": "cancelled"}}));
            }
        }
    }

    fn tell_stopped(&self, post: &mut Post, id: ConnectionId, end_ms: u64) {
        match self.tongue(id) {
            Tongue::OpenAi => tell(post, id, &json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": end_ms})),
            Tongue::Auricle => tell(post, id, &json!({"type": "speech_stopped"})),
            Tongue::Carrier => {}
        }
    }

    fn write_down(&self, post: &mut Post, id: ConnectionId, words: &[u8]) {
        let text = words.iter().map(|word| written(*word)).collect::<Vec<_>>().join(" ");
        match self.tongue(id) {
            Tongue::OpenAi => {
                let kind = "conversation.item.input_audio_transcription.completed";
                tell(post, id, &json!({"type": kind, "item_id": "item_caller", "transcript": text}));
            }
            Tongue::Auricle => tell(post, id, &json!({"type": "transcript", "speaker": "caller", "kind": "final", "text": text})),
            Tongue::Carrier => {}
        }
    }

    fn tongue(&self, id: ConnectionId) -> Tongue {
        self.connections[&id].tongue
    }

    pub(crate) fn step(&mut self, post: &mut Post, id: ConnectionId, step: AgentStep) {
        if !self.is_open(id) {
            return;
        }
        match step {
            AgentStep::BecomeReady => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.ready = true;
                }
                match self.tongue(id) {
                    Tongue::OpenAi => {
                        let format = json!({"format": {"type": "audio/pcmu"}});
                        let session = json!({"id": "sess_1", "audio": {"input": format, "output": format}});
                        tell(post, id, &json!({"type": "session.updated", "session": session}));
                    }
                    Tongue::Auricle => tell(post, id, &json!({"type": "ready", "session": "a"})),
                    Tongue::Carrier => {}
                }
                if let Some(length) = self.welcome(id).greeting {
                    self.speak(post, id, length, Duration::ZERO);
                }
            }
            AgentStep::Continue(number) => self.go_on(post, number),
            AgentStep::Write(words) => self.write_down(post, id, &words),
            AgentStep::Answer => {
                let length = ms_of(&mut self.random, 300, 1_200);
                self.speak(post, id, ms(length.as_millis() as u64 / 10 * 10), Duration::ZERO);
            }
        }
    }

    /// Does it on the newest connection that stands.
    pub(crate) fn act(&mut self, post: &mut Post, act: AgentAct) {
        let Some(id) = self.connections.iter().rev().find(|(_, connection)| connection.ready && connection.open).map(|(id, _)| *id) else {
            return;
        };
        match act {
            AgentAct::Speak { length, every } => self.speak(post, id, length, every),
            AgentAct::HearStart => self.hear_start(post, id),
            AgentAct::HearStop => {
                let heard_ms = self.connections[&id].heard / 8;
                tell(post, id, &json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": heard_ms.saturating_sub(500)}));
            }
            AgentAct::WriteDown(words) => self.write_down(post, id, words),
            AgentAct::Close(code) => self.close(post, id, Some(code)),
            AgentAct::Cut => self.close(post, id, None),
            AgentAct::Freeze => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.open = false;
                }
                post.after(ms(2_750), Happening::FromAgent(id, FromAgent::Stalled));
            }
            AgentAct::Expire(left) => tell(post, id, &json!({"type": "expiring", "left_ms": left.as_millis() as u64})),
            AgentAct::UseTool(name, arguments) => {
                (self.tool_calls, self.last_tool) = (self.tool_calls + 1, (name, arguments));
                self.use_tool(post, id);
            }
            AgentAct::RepeatTool => self.use_tool(post, id),
            AgentAct::Fail => tell(post, id, &json!({"type": "error", "error": {"type": "server_error", "code": "server_error"}})),
            AgentAct::Babble => {
                for text in ["{", "[]", r#"{"type":"novelty"}"#, r#"{"type":"response.output_audio.delta","delta":7}"#] {
                    post.tell_gateway(id, FromAgent::Text { text: text.to_owned(), voice: None });
                }
            }
        }
    }

    pub(crate) fn is_open(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_some_and(|connection| connection.open)
    }

    fn welcome(&self, id: ConnectionId) -> Welcome {
        *self.welcomes.get(id.0 as usize).or(self.welcomes.last()).unwrap_or(&Welcome::USUAL)
    }

    fn handle_request(&mut self, post: &mut Post, id: ConnectionId, request: &Value) {
        match request["type"].as_str().expect("a type") {
            "session.update" => {
                tell(post, id, &json!({"type": "session.created", "session": {"id": "sess_1"}}));
                if let Some(wait) = self.welcome(id).ready {
                    post.after(wait, Happening::Agent(id, AgentStep::BecomeReady));
                }
            }
            "conversation.item.truncate" => {
                let number = request["item_id"].as_str().and_then(|name| name.strip_prefix("item_")?.parse::<usize>().ok());
                let utterance = number.and_then(|number| self.utterances.get_mut(number)).expect("an item of ours");
                assert_eq!(utterance.connection, id, "an item of another connection was truncated");
                let heard_ms = request["audio_end_ms"].as_u64().expect("a time");
                assert_eq!(utterance.truncated.replace((heard_ms, post.now)), None, "an item was truncated twice");
            }
            "start" => {
                let history = request["history"].as_array().cloned().unwrap_or_default();
                let told = history.iter().filter(|said| said["speaker"] == "caller").filter_map(|said| said["text"].as_str());
                self.remember(id, told);
                if let Some(wait) = self.welcome(id).ready {
                    post.after(wait, Happening::Agent(id, AgentStep::BecomeReady));
                    if request["owed"].is_string() {
                        post.after(wait + ms(100), Happening::Agent(id, AgentStep::Answer));
                    }
                }
            }
            "playback" => {}
            "conversation.item.create" if self.minds && request["item"]["role"] == "user" => {
                self.remember(id, request["item"]["content"][0]["text"].as_str());
            }
            "response.create" if self.minds => post.after(ms(100), Happening::Agent(id, AgentStep::Answer)),
            "response.cancel" => self.connections.get_mut(&id).expect("it stands").cancels += 1,
            "response.create" => {
                // It goes right behind the answer that it is for.
                if let Some(answer) = self.answers.last_mut().filter(|answer| post.now - answer.at <= AGENT_JITTER) {
                    answer.speaks = true;
                }
            }
            "conversation.item.create" => self.handle_item(post, &request["item"]),
            other => panic!("the gateway sent {other}"),
        }
    }

    fn remember<'a>(&mut self, id: ConnectionId, told: impl IntoIterator<Item = &'a str>) {
        let mind = &mut self.connections.get_mut(&id).expect("it stands").mind;
        mind.told.extend(told.into_iter().map(str::to_owned));
    }

    fn handle_item(&mut self, post: &Post, item: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match item["type"].as_str() {
            Some("function_call_output") => {
                let (call_id, output) = (text(&item["call_id"]), text(&item["output"]));
                self.answers.push(ToolAnswer { call_id, output, speaks: false, at: post.now });
            }
            _ => self.told.push(text(&item["content"][0]["text"])),
        }
    }

    /// As the service does it: arguments first, and then the end of the response that asked.
    fn use_tool(&self, post: &mut Post, id: ConnectionId) {
        let (number, (name, arguments)) = (self.tool_calls, self.last_tool);
        let (call_id, response) = (format!("call_{number}"), format!("tool_resp_{number}"));
        tell(post, id, &json!({"type": "response.created", "response": {"id": response}}));
        let done = json!({"type": "response.function_call_arguments.done", "response_id": response, "item_id": format!("tool_{number}"),
            "call_id": call_id, "name": name, "arguments": arguments});
        tell(post, id, &done);
        tell(post, id, &json!({"type": "response.done", "response": {"id": response, "status": "completed"}}));
    }

    fn speak(&mut self, post: &mut Post, connection: ConnectionId, length: Duration, every: Duration) {
        let number = self.utterances.len() as u8;
        // One response runs at a time, as with the service.
        if number >= VOICES || self.utterances.iter().any(|utterance| utterance.runs_on(connection)) {
            return;
        }
        let utterance = Utterance {
            connection,
            every,
            left: length,
            response: number,
            cancelled: false,
            is_late: false,
            voice: voice(number),
            truncated: None,
        };
        self.utterances.push(utterance);
        match self.tongue(connection) {
            Tongue::OpenAi => tell(post, connection, &json!({"type": "response.created", "response": {"id": format!("resp_{number}")}})),
            Tongue::Auricle => tell(post, connection, &json!({"type": "item", "item": format!("item_{number}")})),
            Tongue::Carrier => {}
        }
        self.go_on(post, number);
    }

    /// Sends the next chunk, or the end.
    fn go_on(&mut self, post: &mut Post, number: u8) {
        loop {
            let Some(utterance) = self.utterances.get_mut(usize::from(number)).filter(|utterance| !utterance.cancelled) else { return };
            let (id, every) = (utterance.connection, utterance.every);
            let tongue = self.connections[&id].tongue;
            if utterance.left.is_zero() && tongue == Tongue::Carrier {
                return;
            }
            if utterance.left.is_zero() && tongue == Tongue::Auricle {
                tell(post, id, &json!({"type": "transcript", "speaker": "agent", "kind": "final", "text": "so it is"}));
                return tell(post, id, &json!({"type": "item_end"}));
            }
            if utterance.left.is_zero() {
                let (item, response) = (format!("item_{number}"), format!("resp_{number}"));
                tell(post, id, &json!({"type": "response.output_audio.done", "item_id": item}));
                tell(post, id, &json!({"type": "response.output_audio_transcript.done", "item_id": item, "transcript": "so it is"}));
                tell(post, id, &json!({"type": "response.done", "response": {"id": response, "status": "completed"}}));
                return;
            }
            utterance.say_chunk(post, number, tongue);
            if !every.is_zero() {
                return post.after(every, Happening::Agent(id, AgentStep::Continue(number)));
            }
        }
    }

    fn hear_start(&mut self, post: &mut Post, id: ConnectionId) {
        let heard_ms = self.connections[&id].heard / 8;
        tell(post, id, &json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": heard_ms}));
        if let Some(response) = self.utterances.iter().position(|utterance| utterance.runs_on(id)) {
            // Said before it noticed: more of the item, and the beginning of another item of the response.
            self.utterances[response].say_chunk(post, response as u8, Tongue::OpenAi);
            self.utterances[response].cancelled = true;
            let number = self.utterances.len() as u8;
            if number < VOICES {
                let voice = voice(number);
                let left = CHUNK;
                let late = Utterance { left, voice, response: response as u8, is_late: true, cancelled: true, ..self.utterances[response] };
                self.utterances.push(late);
                self.utterances[usize::from(number)].say_chunk(post, number, Tongue::OpenAi);
            }
            tell(post, id, &json!({"type": "response.done", "response": {"id": format!("resp_{response}"), "status": "cancelled"}}));
        }
    }

    fn close(&mut self, post: &mut Post, id: ConnectionId, code: Option<u16>) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.open = false;
        }
        match code {
            Some(_) => post.tell_gateway(id, FromAgent::Closed(code)),
            // Overtakes what is on its way: that is lost.
            None => post.after(ms(10), Happening::FromAgent(id, FromAgent::Closed(None))),
        }
    }
}

impl Utterance {
    /// More of it is to come on this connection.
    fn runs_on(&self, connection: ConnectionId) -> bool {
        self.connection == connection && !self.cancelled && !self.left.is_zero()
    }

    fn say_chunk(&mut self, post: &mut Post, number: u8, tongue: Tongue) {
        let length = self.left.min(CHUNK);
        self.left -= length;
        if tongue != Tongue::OpenAi {
            let sample = media::codec::g711::decode_ulaw(self.voice).to_le_bytes();
            let bytes = sample.repeat(length.as_millis() as usize * 8);
            return post.tell_gateway(self.connection, FromAgent::Bytes { bytes, voice: self.voice });
        }
        let audio = base64_simd::STANDARD.encode_to_string(vec![self.voice; length.as_millis() as usize * 8]);
        let response = self.response;
        let text = format!(
            r#"{{"type":"response.output_audio.delta","response_id":"resp_{response}","item_id":"item_{number}","delta":"{audio}"}}"#
        );
        post.tell_gateway(self.connection, FromAgent::Text { text, voice: Some(self.voice) });
    }
}

fn tell(post: &mut Post, id: ConnectionId, message: &Value) {
    post.tell_gateway(id, FromAgent::Text { text: message.to_string(), voice: None });
}

fn ms_of(random: &mut Random, from: u64, to: u64) -> Duration {
    ms(from + random.below(to - from))
}

/// Samples of G.711 in so much base64.
pub(crate) fn samples(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
    (base64.len() / 4 * 3 - padding) as u64
}

pub(crate) const APPEND: &str = r#"{"type":"input_audio_buffer.append","audio":""#;
const CHUNK: Duration = ms(100);
