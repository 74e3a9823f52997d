//! A driver as a call has one: session and socket in one loop.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auricle::agent::client::{AgentEndpoint, AgentSocket, ConnectError, Incoming, establish_invited};
use auricle::agent::config::{AgentConfig, WireFormat};
use auricle::agent::model::{AgentCommand, AgentEvent, ClearCause, Closed, PlaybackState, SpeechEdge};
use auricle::agent::session::{AgentSession, CallFacts};
use auricle::agent::simulator::{self, Config, Observations};
use auricle::domain::call_record::Direction;
use auricle::domain::ids::CallId;
use media::egress::MarkId;
use media::frame::{AudioChunk, AudioFormat, ItemId};
use tokio::net::TcpListener;

/// Session and socket, and everything that came.
pub(crate) struct Link {
    pub(crate) session: AgentSession,
    pub(crate) socket: AgentSocket,
    pub(crate) heard: Heard,
    pub(crate) closed: Option<Closed>,
}

/// What came of the agent.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) ready: bool,
    pub(crate) audio: Vec<u8>,
    pub(crate) items: Vec<ItemId>,
    pub(crate) ended: Vec<ItemId>,
    pub(crate) clears: Vec<ClearCause>,
    pub(crate) speech: Vec<(SpeechEdge, u64)>,
    pub(crate) words: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
    /// Places that it wants to hear of.
    pub(crate) marks: Vec<MarkId>,
}

/// A simulator on a port of its own, and what it sees.
pub(crate) async fn simulate(config: Config) -> (SocketAddr, Observations) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let observations = config.observations.clone();
    tokio::spawn(simulator::serve(listener, config, std::future::pending()));
    (address, observations)
}

pub(crate) fn agent_at(address: SocketAddr, format: WireFormat) -> AgentConfig {
    AgentConfig { format, ..AgentConfig::at(format!("ws://{address}/")) }
}

pub(crate) async fn open_socket(config: &AgentConfig) -> Result<AgentSocket, ConnectError> {
    let invitation = AgentSession::new(config, facts()).invitation(config);
    establish_invited(&AgentEndpoint::new(config).unwrap(), invitation.as_deref()).await?.upgrade().await
}

fn facts() -> CallFacts {
    CallFacts {
        now: Instant::now(),
        unix_time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap(),
        call: CallId::random(),
        direction: Direction::Inbound,
        from: "+15550100".to_owned().into(),
        to: "+15550199".to_owned().into(),
    }
}

impl Link {
    pub(crate) async fn open(config: &AgentConfig) -> Self {
        let socket = open_socket(config).await.unwrap();
        let mut session = AgentSession::new(config, facts());
        session.handle_connected(Instant::now());
        Self { session, socket, heard: Heard::default(), closed: None }
    }

    /// A link whose agent is ready.
    pub(crate) async fn ready(config: &AgentConfig) -> Self {
        let mut link = Self::open(config).await;
        link.until("ready", |link| link.heard.ready).await;
        link
    }

    /// Runs until `done`; fails after a minute, saying what it waited for.
    pub(crate) async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while !done(self) {
            self.drain();
            if done(self) || self.closed.is_some() {
                break;
            }
            let timer = self.session.poll_timeout().map_or(deadline, |at| deadline.min(at.into()));
            tokio::select! {
                incoming = self.socket.receive() => self.take(&incoming),
                () = tokio::time::sleep_until(timer) => self.session.handle_timeout(Instant::now()),
            }
            assert!(tokio::time::Instant::now() < deadline, "waited for {what} in vain: {:?}", self.heard);
        }
        self.drain();
        assert!(done(self), "closed ({:?}) before {what}: {:?}", self.closed, self.heard);
    }

    pub(crate) fn push(&mut self, format: AudioFormat, bytes: &[u8]) {
        self.session.push_audio(Instant::now(), AudioChunk { format, bytes });
        self.drain();
    }

    pub(crate) fn command(&mut self, command: AgentCommand) {
        self.session.handle_command(Instant::now(), command);
        self.drain();
    }

    pub(crate) fn cleared(&mut self, item: ItemId, played_ms: u64) {
        self.command(AgentCommand::Playback { item, played_ms, state: PlaybackState::Cleared });
    }

    fn take(&mut self, incoming: &Incoming) {
        match incoming {
            Incoming::Closed(code) => self.closed = Some(self.session.handle_closed(Instant::now(), *code)),
            message => self.session.handle_message(Instant::now(), message.message().unwrap()),
        }
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.session.poll_transmit() {
            // A socket that is closed says so when it is read.
            let _ = self.socket.send(transmit);
        }
        while let Some(event) = self.session.poll_event() {
            self.heard.note(event);
        }
        if let Some(Closed { code: Some(code), .. }) = self.session.poll_close() {
            self.socket.close(code);
        }
    }
}

impl std::fmt::Debug for Heard {
    /// Everything but the audio, of which the length is enough.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ready, audio, items, ended, clears, speech, words, warnings, errors, marks } = self;
        write!(f, "ready {ready}, {} bytes, items {items:?}, ended {ended:?}, clears {clears:?}, speech {speech:?}, ", audio.len())?;
        write!(f, "words {words:?}, warnings {warnings:?}, errors {errors:?}, marks {marks:?}")
    }
}

impl Heard {
    fn note(&mut self, event: AgentEvent<'_>) {
        match event {
            AgentEvent::Ready { .. } => self.ready = true,
            AgentEvent::Audio { item, chunk } => {
                self.audio.extend_from_slice(chunk.bytes);
                if self.items.last() != Some(&item) {
                    self.items.push(item);
                }
            }
            AgentEvent::AudioEnd { item } => self.ended.push(item),
            AgentEvent::Clear { cause, .. } => self.clears.push(cause),
            AgentEvent::UserSpeech { edge, input_ms } => self.speech.push((edge, input_ms)),
            AgentEvent::Transcript { text, .. } => self.words.push(text.into_inner()),
            AgentEvent::Warning { code } => self.warnings.push(code),
            AgentEvent::Error(fault) => self.errors.push(fault.code),
            AgentEvent::MarkRequest { mark } => self.marks.push(mark),
            _ => {}
        }
    }
}
