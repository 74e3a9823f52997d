//! One call of the made-up caller: 20 ms of audio at a time, at their pace, whatever comes meanwhile.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use media::frame::{AudioChunk, AudioFormat};

use super::player::Player;
use super::voice::Speech;
use crate::agent::client::{AgentEndpoint, AgentSocket, ConnectError, Incoming, establish_invited};
use crate::agent::config::AgentConfig;
use crate::agent::model::{AgentCommand, AgentEvent, Closed};
use crate::agent::session::{AgentSession, AgentStats, CallFacts};
use crate::domain::call_record::Direction;
use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;

/// A call, and all that came of the agent.
pub(super) struct Trial {
    session: AgentSession,
    socket: AgentSocket,
    player: Player,
    format: AudioFormat,
    sentence: Vec<u8>,
    /// What is still to be said.
    saying: Vec<u8>,
    next_frame: Instant,
    heard: Heard,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) ready: bool,
    /// Speech came since the caller spoke last.
    pub(super) answered: bool,
    /// How often speech was thrown away since then.
    pub(super) clears: usize,
    pub(super) warnings: Vec<String>,
    pub(super) errors: Vec<String>,
    pub(super) closed: Option<Closed>,
}

impl Trial {
    /// Asks for the agent where it is asked for first, and connects to it.
    pub(super) async fn begin(config: &AgentConfig, endpoint: &AgentEndpoint, speech: &Speech) -> Result<Self, ConnectError> {
        let format = AudioFormat::from(config.format);
        let facts = CallFacts {
            now: Instant::now(),
            unix_time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            call: CallId::random(),
            direction: Direction::Inbound,
            from: Redacted::new("+15550100".to_owned()),
            to: Redacted::new("+15550199".to_owned()),
        };
        let mut session = AgentSession::new(config, facts);
        let invitation = session.invitation(config);
        let socket = establish_invited(endpoint, invitation.as_deref()).await?.upgrade().await?;
        let now = Instant::now();
        session.handle_connected(now);
        Ok(Self {
            session,
            socket,
            player: Player::new(format),
            format,
            sentence: speech.written(format),
            saying: Vec::new(),
            next_frame: now,
            heard: Heard::default(),
        })
    }

    /// The caller begins to speak.
    pub(super) fn speak(&mut self) {
        (self.heard.answered, self.heard.clears) = (false, 0);
        self.saying = self.sentence.clone();
    }

    /// As much of the caller's silence at once as waits after a connection that stood still.
    pub(super) fn burst(&mut self) {
        for _ in 0..BURST_FRAMES {
            self.push(Instant::now(), false);
        }
        self.drain();
    }

    pub(super) fn command(&mut self, command: AgentCommand) {
        self.session.handle_command(Instant::now(), command);
        self.drain();
    }

    /// Lets time pass.
    pub(super) async fn listen(&mut self, time: Duration) {
        self.run(time, |heard| heard.closed.is_some()).await;
    }

    /// Goes on until `done`, or until the connection is over or `limit` has passed; whether it was done.
    pub(super) async fn run(&mut self, limit: Duration, done: impl Fn(&Heard) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        self.next_frame = self.next_frame.max(Instant::now());
        loop {
            self.drain();
            if done(&self.heard) {
                return true;
            }
            let now = Instant::now();
            if now >= deadline || self.heard.closed.is_some() {
                return false;
            }
            let due = self.session.poll_timeout().map_or(self.next_frame, |at| at.min(self.next_frame));
            tokio::select! {
                incoming = self.socket.receive() => self.take(&incoming),
                () = tokio::time::sleep_until(due.into()) => self.wake(),
            }
        }
    }

    pub(super) const fn heard(&self) -> &Heard {
        &self.heard
    }

    pub(super) fn stats(&self) -> AgentStats {
        self.session.stats()
    }

    /// What is known of why something did not come.
    pub(super) fn found(&self) -> String {
        match (&self.heard.closed, self.heard.errors.last()) {
            (_, Some(error)) => format!("the error {error}"),
            (Some(Closed { code: Some(code), .. }), None) => format!("closed with {code}"),
            (Some(_), None) => "the connection broke".to_owned(),
            (None, None) => "nothing".to_owned(),
        }
    }

    fn wake(&mut self) {
        let now = Instant::now();
        self.session.handle_timeout(now);
        if now >= self.next_frame {
            self.next_frame += FRAME;
            let session = &mut self.session;
            self.player.play(|command| session.handle_command(now, command));
            self.push(now, true);
        }
    }

    /// The next 20 ms of the caller: of the sentence, if there is any left of it, or a quiet room.
    fn push(&mut self, now: Instant, speaks: bool) {
        let length = self.format.rate().hz() as usize / 50 * self.format.sample_len_bytes();
        let silence = match self.format {
            AudioFormat::Ulaw8k => 0xFF,
            AudioFormat::Alaw8k => 0xD5,
            AudioFormat::S16 { .. } => 0,
        };
        let count = if speaks { length.min(self.saying.len()) } else { 0 };
        let mut frame: Vec<u8> = self.saying.drain(..count).collect();
        frame.resize(length, silence);
        self.session.push_audio(now, AudioChunk { format: self.format, bytes: &frame });
    }

    fn take(&mut self, incoming: &Incoming) {
        let now = Instant::now();
        match (incoming, incoming.message()) {
            (_, Some(message)) => self.session.handle_message(now, message),
            (Incoming::Closed(code), None) => self.heard.closed = Some(self.session.handle_closed(now, *code)),
            (_, None) => {}
        }
    }

    fn drain(&mut self) {
        let now = Instant::now();
        let mut told = Vec::new();
        while let Some(event) = self.session.poll_event() {
            match event {
                AgentEvent::Ready { .. } => self.heard.ready = true,
                AgentEvent::Audio { item, chunk } => {
                    self.heard.answered = true;
                    self.player.push(item, chunk.bytes.len());
                }
                AgentEvent::AudioEnd { item } => self.player.end(item),
                AgentEvent::Clear { scope, .. } => {
                    self.heard.clears += 1;
                    self.player.clear(scope, |command| told.push(command));
                }
                AgentEvent::MarkRequest { mark } => self.player.mark(mark),
                AgentEvent::Warning { code } => note(&mut self.heard.warnings, code),
                AgentEvent::Error(fault) => note(&mut self.heard.errors, fault.code),
                _ => {}
            }
        }
        for command in told {
            self.session.handle_command(now, command);
        }
        while let Some(transmit) = self.session.poll_transmit() {
            // A socket that takes nothing more says so when it is read.
            let _ = self.socket.send(transmit);
        }
        if let Some(Closed { code: Some(code), .. }) = self.session.poll_close() {
            self.socket.close(code);
        }
    }
}

/// Of what an agent may say without end the first few are enough.
fn note(list: &mut Vec<String>, code: String) {
    if list.len() < MAX_NOTED && !list.contains(&code) {
        list.push(code);
    }
}

/// Just below the second of live audio that a socket keeps.
const BURST_FRAMES: u32 = 45;
const FRAME: Duration = Duration::from_millis(20);
const MAX_NOTED: usize = 16;
