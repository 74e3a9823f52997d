//! The gateway as the carrier: what the protocols have in common in which a bot is called as a telephone company calls it.
//!
//! A bot's server is dialled, told of the call, and sent the caller's voice in frames of one length. What it says back is played
//! in order; it may throw away what was not played yet, and may put marks between its audio that come back when the caller has
//! heard what stands before them. [`MediaStream`] does all this; a [`Carrier`] writes and reads it as one company does.
//!
//! A bot that hangs up closes its socket. Left out on purpose: the outbound track, which would be the bot's own voice.

mod frames;
mod json;
mod line;
mod marks;
mod names;
mod speech;

use std::borrow::Cow;
use std::time::Duration;

use media::frame::ItemId;

pub(super) use self::json::{Body, LookAlike, MarkReached, write_base64};
pub(super) use self::line::Line;
pub(in crate::agent) use self::names::{account, call_of_sid, call_sid};

use self::frames::Frames;
use self::speech::Speech;
use super::json::{Malformed, stable_code, warn};
use super::{AdapterStats, Outputs, Progress, ProtocolAdapter};
use crate::agent::config::AgentConfig;
use crate::agent::model::{AgentCommand, AgentEvent, AgentMessage};
use crate::agent::session::{CallFacts, Outbox};

/// How one company writes and reads a media stream.
pub(in crate::agent) trait Carrier: Sized {
    /// Length of the frames in which the caller's audio is sent.
    const FRAME: Duration;

    /// The stream of one connection.
    fn new(config: &AgentConfig) -> Self;

    /// The socket is open: who calls, and in which format.
    fn open(&mut self, line: &mut Line, outbox: &mut Outbox);

    /// A frame of the caller's audio; `live` is its length where it may give way to newer audio.
    fn audio(&mut self, line: &mut Line, frame: &[u8], live: Option<Duration>, outbox: &mut Outbox);

    /// The caller pressed a key.
    fn key(&mut self, line: &mut Line, digit: char, held: Duration, outbox: &mut Outbox);

    /// A mark was reached, or what stood before it was thrown away.
    fn mark(&mut self, line: &mut Line, name: &str, cleared: bool, outbox: &mut Outbox);

    /// The bot's audio was thrown away as it wished, for those that say so.
    fn cleared(&mut self, _line: &mut Line, _outbox: &mut Outbox) {}

    /// The call is over, for those that say so.
    fn stop(&mut self, _line: &mut Line, _outbox: &mut Outbox) {}

    /// What a message of the bot means.
    fn read<'a>(&mut self, line: &Line, message: AgentMessage<'a>) -> Result<Said<'a>, Malformed>;
}

/// What a bot says into a media stream.
#[derive(Debug)]
pub(in crate::agent) enum Said<'a> {
    /// Speech in base64.
    Base64(Cow<'a, str>),
    /// Speech.
    Bytes(Cow<'a, [u8]>),
    /// It wants to hear when what it has said so far was played.
    Mark(Cow<'a, str>),
    /// What was not played yet is void.
    Clear,
    /// It wants keys pressed.
    Keys(String),
    /// It hangs up.
    Hangup,
    /// Something that an operator should know.
    Warning(Cow<'a, str>),
    /// Of a type we do not know.
    Unknown,
}

/// One stream between a call and a bot.
pub(in crate::agent) struct MediaStream<C> {
    carrier: C,
    line: Line,
    frames: Frames,
    speech: Speech,
    stats: AdapterStats,
}

impl<C: Carrier> MediaStream<C> {
    pub(super) fn new(config: &AgentConfig, facts: &CallFacts, first_item: ItemId) -> Self {
        let line = Line::new(config, facts, first_item);
        Self {
            carrier: C::new(config),
            frames: Frames::new(line.format(), C::FRAME),
            speech: Speech::new(line.format(), first_item),
            line,
            stats: AdapterStats::default(),
        }
    }

    fn take(&mut self, said: Said<'_>, out: &mut Outputs<'_>) {
        let taken = match said {
            Said::Base64(audio) => self.speech.hear_base64(&audio, out),
            Said::Bytes(audio) => self.speech.hear_bytes(&audio, out),
            Said::Mark(name) => self.speech.mark(&name, out),
            Said::Clear => {
                self.speech.clear(out);
                self.carrier.cleared(&mut self.line, out.outbox);
                true
            }
            Said::Keys(digits) => {
                out.events.push(AgentEvent::SendDtmf { digits });
                true
            }
            Said::Hangup => {
                out.events.push(AgentEvent::Hangup);
                true
            }
            Said::Warning(code) => {
                warn(&code, out);
                true
            }
            Said::Unknown => {
                self.stats.unknown_events += 1;
                true
            }
        };
        self.stats.malformed_messages += u64::from(!taken);
    }
}

impl<C: Carrier> ProtocolAdapter for MediaStream<C> {
    /// A bot answers nothing: it is ready when its socket is.
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        self.carrier.open(&mut self.line, out.outbox);
        Progress::Ready { session: stable_code(self.line.stream()), expiry: None }
    }

    /// Whether it greets is the bot's to know.
    fn begin(&mut self, _out: &mut Outputs<'_>) {}

    fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        match self.carrier.read(&self.line, message) {
            Ok(said) => self.take(said, out),
            Err(_) => self.stats.malformed_messages += 1,
        }
        Progress::Unchanged
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            AgentCommand::Dtmf { digit, duration } => self.carrier.key(&mut self.line, *digit, *duration, out.outbox),
            AgentCommand::MarkReached { mark, cleared } => {
                if let Some(name) = self.speech.reached(*mark, *cleared, out) {
                    self.carrier.mark(&mut self.line, &name, *cleared, out.outbox);
                }
            }
            // A carrier has no words for these: the bot hears the caller, and decides.
            AgentCommand::ContextText { .. } => warn("context_not_taken", out),
            AgentCommand::ToolResult { .. }
            | AgentCommand::Playback { .. }
            | AgentCommand::BargeIn(_)
            | AgentCommand::TurnStarted { .. }
            | AgentCommand::TurnEnded
            | AgentCommand::Mute(_)
            | AgentCommand::Hold(_)
            | AgentCommand::Close => {}
        }
    }

    fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        let Self { frames, carrier, line, .. } = self;
        frames.push(audio, live, |frame, live| carrier.audio(line, frame, live, outbox));
    }

    fn part(&mut self, out: &mut Outputs<'_>) {
        self.carrier.stop(&mut self.line, out.outbox);
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        // 1000 and 1005 hang up; 1002 to 1008: it does not like what it hears.
        !matches!(code, Some(1000 | 1002 | 1003 | 1005 | 1007 | 1008))
    }

    /// With a code that says so, or with a farewell and no code.
    fn is_goodbye(&self, code: Option<u16>) -> bool {
        matches!(code, Some(1000 | 1005))
    }

    fn next_item(&self) -> ItemId {
        self.speech.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }
}
