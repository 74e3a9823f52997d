//! The agent event model: what a streaming AI and a call say to each other, with no provider's name in it.
//!
//! One adapter a provider translates. Invariants: the playout queue is the call's, keyed by item, and no adapter
//! guesses what was played; a [`AgentEvent::Clear`] is acted on before any later event of the same message; played
//! positions count samples that became RTP and stop at a clear; caller audio is one gap-free timeline.

use std::time::Duration;

use media::egress::MarkId;
use media::frame::{AudioChunk, AudioFormat, ItemId};
use serde::{Deserialize, Serialize};

use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// From the call to the agent. Caller audio does not come this way: see `AgentSession::push_audio`.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentCommand {
    /// How far an item was played: what the provider is told was heard.
    Playback {
        /// Which item.
        item: ItemId,
        /// Samples of it that became RTP, as whole milliseconds, rounded down, never more than was received.
        played_ms: u64,
        /// Where its playing stands.
        state: PlaybackState,
    },
    /// A place that [`AgentEvent::MarkRequest`] named was reached; told in the order of the requests.
    MarkReached {
        /// Which.
        mark: MarkId,
        /// Whether audio before it was thrown away.
        cleared: bool,
    },
    /// The gateway, not the provider, decided that the caller has the turn. Taken at any time.
    TurnStarted {
        /// So long ago the caller began to speak.
        ago: Duration,
    },
    /// The gateway, not the provider, decided that the caller has finished: the agent may answer.
    TurnEnded,
    /// The gateway, not the provider, decided that the caller interrupted.
    BargeIn(BargeInCause),
    /// The caller pressed a key.
    Dtmf {
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// How long it was held.
        duration: Duration,
    },
    /// What a tool answered.
    ToolResult {
        /// The agent's name for the tool call.
        call_id: String,
        /// Its output.
        output: Redacted<String>,
        /// Whether the tool failed.
        is_error: bool,
        /// Whether the agent should speak on at once.
        proceed: bool,
    },
    /// Text put into the conversation.
    ContextText {
        /// In whose name.
        role: ContextRole,
        /// The text.
        text: Redacted<String>,
        /// Whether the agent should speak at once.
        speak: bool,
    },
    /// The caller's audio is withheld, or is so no longer.
    Mute(bool),
    /// The call is on hold, or is so no longer.
    Hold(bool),
    /// The call is over.
    Close,
}

/// Where the playing of an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaybackState {
    /// Its first sample became RTP.
    Started,
    /// All of it became RTP.
    Finished,
    /// It was cut; the position is final.
    Cleared,
}

/// Why the gateway decided to interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BargeInCause {
    /// Our own voice activity detection.
    LocalVad,
    /// A key.
    Dtmf,
    /// An operator.
    Operator,
    /// It has said so much more than could be played that no more of it can wait.
    Overflow,
}

/// In whose name a text enters the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextRole {
    /// Instructions.
    System,
    /// The caller.
    User,
    /// The application.
    Developer,
}

/// From the agent to the call.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentEvent<'a> {
    /// It took our settings; audio may flow both ways.
    Ready {
        /// The provider's name for its session.
        session: String,
        /// What it wants to hear.
        input: AudioFormat,
        /// What it will speak.
        output: AudioFormat,
        /// How long it may last.
        expires_in: Option<Duration>,
    },
    /// Some of its speech.
    Audio {
        /// The utterance it belongs to.
        item: ItemId,
        /// The audio.
        chunk: AudioChunk<'a>,
    },
    /// No more audio of this item will come.
    AudioEnd {
        /// The utterance.
        item: ItemId,
    },
    /// Stop speaking now.
    Clear {
        /// What to throw away.
        scope: ClearScope,
        /// Who wants it.
        cause: ClearCause,
    },
    /// Tell the agent when playback gets here: [`AgentCommand::MarkReached`].
    MarkRequest {
        /// The adapter's number for the place, of which it knows the agent's name; of a call's connections no two use the same.
        mark: MarkId,
    },
    /// The agent heard the caller begin or stop.
    UserSpeech {
        /// Which of the two.
        edge: SpeechEdge,
        /// Where, in milliseconds of the audio appended in this connection.
        input_ms: u64,
    },
    /// Words.
    Transcript {
        /// Whose.
        speaker: Speaker,
        /// How sure.
        kind: TranscriptKind,
        /// The words.
        text: Redacted<String>,
        /// For the agent's own: which utterance.
        item: Option<ItemId>,
    },
    /// When in an item's audio its characters are over, as its words are told besides.
    Timing {
        /// The utterance.
        item: ItemId,
        /// Characters of it, which follow those told before.
        text: Redacted<String>,
        /// For each of them, in milliseconds from the item's first sample.
        ends_ms: Vec<u64>,
    },
    /// A tool is to be run, once for each name.
    ToolCall {
        /// The agent's name for it.
        call_id: String,
        /// The tool.
        name: String,
        /// JSON.
        arguments: Redacted<String>,
    },
    /// A tool was to be run by a call beyond all measure: of which there was no end, or too many at one time.
    ToolCallUnfit,
    /// A tool call is void.
    ToolCancelled {
        /// The agent's name for it.
        call_id: String,
    },
    /// What it is doing.
    State(AgentState),
    /// It wants keys pressed.
    SendDtmf {
        /// The digits.
        digits: String,
    },
    /// It wants the caller transferred.
    Transfer {
        /// To whom.
        target: Redacted<String>,
    },
    /// It wants the call to end.
    Hangup,
    /// Something an operator should know.
    Warning {
        /// A stable code.
        code: String,
    },
    /// Something failed.
    Error(AgentFault),
    /// The connection has this long to live.
    Expiring {
        /// Until then.
        left: Duration,
    },
}

/// What to throw away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearScope {
    /// All that is queued.
    All,
    /// This item and those before it.
    UpTo(ItemId),
}

/// Who wants the agent silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearCause {
    /// The caller speaks.
    UserSpeech,
    /// The provider says so.
    Provider,
    /// The bot itself says so.
    Bot,
}

/// An edge of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeechEdge {
    /// It began.
    Started,
    /// It stopped.
    Stopped,
}

/// How sure a transcript is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptKind {
    /// More of the same will come.
    Partial,
    /// All of an utterance.
    Final,
    /// Replaces a final one.
    Correction,
}

/// What the agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// Hearing the caller.
    Listening,
    /// Making an answer.
    Thinking,
    /// Giving it.
    Speaking,
}

/// Something failed at the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFault {
    /// What it means for us.
    pub class: FaultClass,
    /// The provider's code, cut to 64 characters of `[A-Za-z0-9_.-]`.
    pub code: String,
}

/// What a fault means for us. None of them is fatal while the socket lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// Credentials, model or settings: a second try will not help.
    Refused,
    /// A limit of rate or quota.
    Limited,
    /// The connection's life is over; a new one may be made.
    Expired,
    /// One message of ours was not to its taste.
    Request,
    /// Its own fault, or a code we do not know.
    Provider,
}

/// How a connection ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// WebSocket close code; none when the transport broke.
    pub code: Option<u16>,
    /// Whether a new connection may be tried.
    pub retryable: bool,
    /// The agent has ended the conversation by it.
    pub hung_up: bool,
}

/// What a connection takes over from those of the call before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handover {
    /// What was said, oldest first.
    pub history: Vec<Said>,
    /// What the caller waits for.
    pub owed: Owed,
    /// The caller's audio that no agent has dealt with, in the format of the agent that takes over.
    pub audio: Redacted<Vec<u8>>,
    /// Where the gateway decides turns: that audio is one, or the beginning of one.
    pub in_turn: bool,
    /// The caller was spoken to: the agent greets nobody.
    pub has_begun: bool,
}

/// Something that was said in the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// By whom.
    pub speaker: Speaker,
    /// The words; of the agent's, those that were heard.
    pub text: Redacted<String>,
}

/// What the caller waits for when a conversation passes to another connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owed {
    /// Nothing.
    #[default]
    Nothing,
    /// An answer to the last words.
    Answer,
    /// The rest of one that broke off.
    Rest,
}

/// A message on the agent's socket, as the protocol adapter sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentMessage<'a> {
    /// UTF-8 text, JSON as a rule.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}
