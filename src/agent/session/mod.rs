//! One connection to an agent, pure: messages, audio, commands and time in; messages and events out.
//!
//! After every input drain [`AgentSession::poll_transmit`] and [`AgentSession::poll_event`], look at
//! [`AgentSession::poll_close`], and arm a timer with [`AgentSession::poll_timeout`].
//!
//! The life of a connection: *connecting* until the socket is open, *configuring* until the provider took our
//! settings, *ready*, *closed*. Caller audio may be pushed from the first moment; before *ready* it is kept. Left out on
//! purpose: dialling again, which is the call's decision, and every rule of a provider, which is the adapter's.

mod backlog;
mod events;
mod facts;
mod outbox;
mod stats;
mod succession;
#[cfg(test)]
mod tests;
mod turn_audio;

use std::time::{Duration, Instant};

use media::frame::{AudioChunk, AudioFormat};

use self::backlog::Backlog;
use self::turn_audio::TurnAudio;
use super::config::AgentConfig;
use super::model::{AgentCommand, AgentEvent, AgentFault, AgentMessage, Closed, FaultClass};
use super::protocol::{Adapter, Expiry, Outputs, Progress, invitation};

pub use super::protocol::AdapterStats;
pub(super) use events::EventQueue;
pub use facts::CallFacts;
pub(super) use outbox::Outbox;
pub use outbox::Transmit;
pub use stats::AgentStats;

/// One connection to an agent.
pub struct AgentSession {
    state: State,
    facts: CallFacts,
    adapter: Adapter,
    format: AudioFormat,
    ready_timeout: Duration,
    /// How long connections of the protocol last, where it is known and may not be told.
    lifetime: Option<Duration>,
    backlog: Backlog,
    /// Where the gateway decides turns: what the provider hears of the caller, and when.
    turns: Option<TurnAudio>,
    outbox: Outbox,
    events: EventQueue,
    ready_by: Option<Instant>,
    expires_at: Option<Instant>,
    warned_of_expiry: bool,
    /// When the provider may want a sign of life; looked at no oftener than it has to be.
    keepalive_at: Option<Instant>,
    last_audio: Option<Instant>,
    muted: bool,
    held: bool,
    silence: Vec<u8>,
    appended_samples: u64,
    unwritable_audio: u64,
    oversized_messages: u64,
    closing: Option<Closed>,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Configuring,
    Ready,
    Closed,
}

impl AgentSession {
    /// A connection to the agent of `config`, whose socket is not open yet.
    #[must_use]
    pub fn new(config: &AgentConfig, facts: CallFacts) -> Self {
        let adapter = Adapter::new(config, &facts);
        Self::over(adapter, config, facts)
    }

    fn over(adapter: Adapter, config: &AgentConfig, facts: CallFacts) -> Self {
        let format = AudioFormat::from(config.format);
        Self {
            state: State::Connecting,
            facts,
            adapter,
            format,
            ready_timeout: config.ready_timeout(),
            lifetime: config.protocol.lifetime(),
            backlog: Backlog::new(format, Backlog::MAX_KEPT),
            turns: config.turn_detection.kept().map(|(prefix, doubt)| TurnAudio::new(format, prefix, doubt)),
            outbox: Outbox::default(),
            events: EventQueue::default(),
            ready_by: None,
            expires_at: None,
            warned_of_expiry: false,
            keepalive_at: None,
            last_audio: None,
            muted: false,
            held: false,
            silence: Vec::new(),
            appended_samples: 0,
            unwritable_audio: 0,
            oversized_messages: 0,
            closing: None,
        }
    }

    /// What the agent of `config` is asked before it is dialled, in JSON; none where it is dialled straight. Every connection of the call
    /// asks the same: what was said in the call goes over the socket.
    #[must_use]
    pub fn invitation(&self, config: &AgentConfig) -> Option<String> {
        invitation(config, &self.facts)
    }

    /// The socket is open: our settings go out.
    pub fn handle_connected(&mut self, now: Instant) {
        if self.state == State::Connecting {
            self.state = State::Configuring;
            self.ready_by = Some(now + self.ready_timeout);
            let progress = self.adapter.open(&mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
            self.move_on(now, progress);
        }
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Instant, message: AgentMessage<'_>) {
        if self.state == State::Closed {
            return;
        }
        if len_bytes(message) > MAX_MESSAGE_LEN_BYTES {
            self.oversized_messages += 1;
            return;
        }
        let progress = self.adapter.handle_message(message, &mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
        self.move_on(now, progress);
    }

    /// The caller's audio, in the agent's format and whole samples, without a gap.
    pub fn push_audio(&mut self, now: Instant, chunk: AudioChunk<'_>) {
        if chunk.format != self.format || !chunk.bytes.len().is_multiple_of(self.format.sample_len_bytes()) {
            self.unwritable_audio += 1;
            return;
        }
        let bytes = if self.muted || self.held {
            self.silence.resize(chunk.bytes.len(), silence_byte(self.format));
            &self.silence
        } else {
            chunk.bytes
        };
        match self.state {
            State::Connecting | State::Configuring => self.backlog.push(bytes),
            State::Ready if self.turns.as_mut().is_some_and(|turns| turns.withholds(bytes)) => {}
            State::Ready => {
                let length = self.format.rate().duration(chunk.samples());
                self.adapter.push_audio(bytes, Some(length), &mut self.outbox);
                self.appended_samples += chunk.samples();
                self.last_audio = Some(now);
            }
            State::Closed => {}
        }
    }

    /// The call wants something. Before the agent is ready there is no conversation: what would interrupt it or add to
    /// it then is dropped, while muting, holding and closing work at any time.
    pub fn handle_command(&mut self, _now: Instant, command: AgentCommand) {
        match command {
            AgentCommand::Mute(muted) => self.muted = muted,
            AgentCommand::Hold(held) => self.held = held,
            AgentCommand::TurnStarted { ago } => self.begin_turn(ago),
            AgentCommand::Close => self.part(),
            command if self.state == State::Ready => {
                if let (AgentCommand::TurnEnded, Some(turns)) = (&command, &mut self.turns) {
                    turns.end();
                }
                self.adapter.handle_command(&command, &mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
            }
            _ => {}
        }
    }

    /// A time given by [`Self::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.ready_by.is_some_and(|by| by <= now) {
            self.give_up(AgentFault { class: FaultClass::Provider, code: "ready_timeout".to_owned() }, true);
        }
        if let Some(expires_at) = self.expires_at
            && self.expiry_warning_at().is_some_and(|at| at <= now)
        {
            self.warned_of_expiry = true;
            self.events.push(AgentEvent::Expiring { left: expires_at.saturating_duration_since(now) });
        }
        if self.keepalive_at.is_some_and(|at| at <= now) {
            self.keep_alive(now);
        }
    }

    /// The next message for the socket.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.outbox.poll()
    }

    /// The next event for the call.
    pub fn poll_event(&mut self) -> Option<AgentEvent<'_>> {
        self.events.poll()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.ready_by, self.expiry_warning_at(), self.keepalive_at].into_iter().flatten().min()
    }

    /// Once, when this side is done with the connection: how it is to be closed.
    pub fn poll_close(&mut self) -> Option<Closed> {
        self.closing.take()
    }

    /// The socket is closed, with the peer's code or, when the transport broke, without one.
    pub fn handle_closed(&mut self, _now: Instant, code: Option<u16>) -> Closed {
        let closed = Closed { code, retryable: self.adapter.is_retryable(code), hung_up: self.adapter.is_goodbye(code) };
        self.close(closed.clone());
        self.closing = None;
        closed
    }

    /// Length of the audio appended in this connection: the timeline on which the agent names moments of speech.
    #[must_use]
    pub const fn input_position_ms(&self) -> u64 {
        self.format.rate().millis(self.appended_samples)
    }

    /// What was met and let pass.
    #[must_use]
    pub fn stats(&self) -> AgentStats {
        AgentStats {
            adapter: self.adapter.stats(),
            oversized_messages: self.oversized_messages,
            backlog_dropped: self.backlog.dropped(),
            misformatted_chunks: self.unwritable_audio,
            undrained: self.outbox.refused() + self.events.dropped(),
        }
    }

    /// What a message, or the open socket, meant for the connection.
    fn move_on(&mut self, now: Instant, progress: Progress) {
        match progress {
            Progress::Unchanged => {}
            Progress::Lifetime(expiry) => self.expires_at = self.instant_of(now, expiry),
            Progress::Ending { left } => {
                self.expires_at = self.instant_of(now, Expiry::In(left));
                self.warned_of_expiry = true;
                self.events.push(AgentEvent::Expiring { left });
            }
            Progress::Ready { session, expiry } if self.state == State::Configuring => {
                self.expires_at = expiry.and_then(|expiry| self.instant_of(now, expiry)).or(self.expires_at);
                self.become_ready(now, session);
            }
            Progress::Refused { code } if self.state == State::Configuring => {
                self.give_up(AgentFault { class: FaultClass::Refused, code }, false);
            }
            // Settings taken or refused once more: the call goes on with what it has.
            Progress::Ready { .. } => {}
            Progress::Refused { code } => self.events.push(AgentEvent::Error(AgentFault { class: FaultClass::Request, code })),
        }
    }

    fn become_ready(&mut self, now: Instant, session: String) {
        self.state = State::Ready;
        self.ready_by = None;
        self.expires_at = self.expires_at.or_else(|| self.lifetime.map(|lifetime| now + lifetime));
        let expires_in = self.expires_at.map(|at| at.saturating_duration_since(now));
        self.events.push(AgentEvent::Ready { session, input: self.format, output: self.format, expires_in });
        self.adapter.recall(&mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
        // What was kept must arrive: it is the beginning of what the caller says, if there was any.
        let backlog = self.backlog.take();
        match &mut self.turns {
            Some(turns) if !turns.is_open() => turns.keep(backlog),
            Some(_) => {
                self.adapter.begin_turn(&mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
                self.append(backlog);
            }
            None => self.append(backlog),
        }
        self.adapter.begin(&mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
        self.keepalive_at = self.adapter.keepalive_after().map(|after| now + after);
    }

    /// Gives a sign of life where no audio has done so.
    fn keep_alive(&mut self, now: Instant) {
        let Some(after) = self.adapter.keepalive_after() else { return };
        let by_audio = self.last_audio.map(|last| last + after).filter(|due| *due > now);
        if by_audio.is_none() {
            self.adapter.keep_alive(&mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
        }
        self.keepalive_at = by_audio.or_else(|| now.checked_add(after));
    }

    /// The caller has the turn: from its beginning on the provider hears, what was said before included.
    fn begin_turn(&mut self, ago: Duration) {
        let Some(kept) = self.turns.as_mut().and_then(|turns| turns.begin(ago)) else { return };
        if self.state == State::Ready {
            self.adapter.begin_turn(&mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
            self.append(kept);
        }
    }

    /// Appends what was kept; it must arrive.
    fn append(&mut self, mut kept: Backlog) {
        kept.drain(|piece| {
            self.adapter.push_audio(piece, None, &mut self.outbox);
            self.appended_samples += (piece.len() / self.format.sample_len_bytes()) as u64;
        });
    }

    /// The call is over: what waits is not worth sending any more, a goodbye is.
    fn part(&mut self) {
        let was_ready = self.state == State::Ready;
        self.close(Closed { code: Some(CLOSE_NORMAL), retryable: false, hung_up: false });
        if was_ready {
            self.adapter.part(&mut Outputs { outbox: &mut self.outbox, events: &mut self.events });
        }
    }

    fn give_up(&mut self, fault: AgentFault, retryable: bool) {
        self.events.push(AgentEvent::Error(fault));
        self.close(Closed { code: Some(CLOSE_NORMAL), retryable, hung_up: false });
    }

    fn close(&mut self, closed: Closed) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.ready_by = None;
        self.expires_at = None;
        self.keepalive_at = None;
        self.outbox.clear();
        self.closing = Some(closed);
    }
}

const fn len_bytes(message: AgentMessage<'_>) -> usize {
    match message {
        AgentMessage::Text(text) => text.len(),
        AgentMessage::Binary(bytes) => bytes.len(),
    }
}

const fn silence_byte(format: AudioFormat) -> u8 {
    match format {
        AudioFormat::Ulaw8k => 0xFF,
        AudioFormat::Alaw8k => 0xD5,
        AudioFormat::S16 { .. } => 0,
    }
}

/// Far above the largest message met, far below what would hurt.
pub(super) const MAX_MESSAGE_LEN_BYTES: usize = 4 * 1024 * 1024;

/// RFC 6455 §7.4.1.
const CLOSE_NORMAL: u16 = 1000;
