//! What providers speak: one adapter each, behind one closed enum.
//!
//! An adapter turns messages into [`AgentEvent`](super::model::AgentEvent)s and
//! [`AgentCommand`]s into messages. It owns no clock and no audio queue: time, the backlog
//! before readiness and the order of what goes out belong to [`AgentSession`](super::session::AgentSession).

pub(super) mod ability;
mod auricle;
pub(super) mod carrier;
mod credentials;
mod deepgram;
mod elevenlabs;
mod exotel;
mod gemini;
mod gptlive;
mod jambonz;
mod json;
mod known_tools;
mod meeting;
mod openai;
pub(in crate::agent) mod pipecat;
mod plivo;
mod recollection;
mod telnyx;
mod twilio;
mod ultravox;
mod utterances;
mod vonage;

use std::time::Duration;

use media::frame::ItemId;
use tokio_tungstenite::tungstenite::http::Uri;

use self::auricle::Auricle;
use self::carrier::MediaStream;
use self::deepgram::Deepgram;
use self::elevenlabs::ElevenLabs;
use self::exotel::Exotel;
use self::gemini::Gemini;
use self::gptlive::GptLive;
use self::jambonz::Jambonz;
use self::openai::OpenAi;
use self::pipecat::Pipecat;
use self::plivo::Plivo;
pub(super) use self::recollection::Recollection;
use self::telnyx::Telnyx;
use self::twilio::Twilio;
use self::ultravox::Ultravox;
use self::vonage::Vonage;
use super::config::{AgentConfig, Protocol};
use super::model::{AgentCommand, AgentMessage};
use super::session::{CallFacts, EventQueue, Outbox};

pub(super) use self::credentials::{credentials, upgrade_headers};
pub(super) use self::meeting::{Meeting, invitation, is_arranged, keyed, meeting};
pub use self::pipecat::CALL_DOMAIN as DIAL_IN_DOMAIN;
pub(in crate::agent) use self::pipecat::pass;

/// Why a configured URL cannot be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the URL is not of the form ws://host[:port]/… or wss://host[:port]/…")]
pub(super) struct InvalidUrl;

/// Where an adapter writes: both queues belong to the session.
pub(super) struct Outputs<'a> {
    /// Messages for the provider.
    pub(super) outbox: &'a mut Outbox,
    /// Events for the call.
    pub(super) events: &'a mut EventQueue,
}

/// What a message meant for the state of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing.
    Unchanged,
    /// When this connection will end.
    Lifetime(Expiry),
    /// This connection will end soon: so long it still has.
    Ending {
        /// At least zero.
        left: Duration,
    },
    /// Our settings were taken.
    Ready {
        /// The provider's name for its session.
        session: String,
        /// When this connection will end, where that is told.
        expiry: Option<Expiry>,
    },
    /// Our settings were not taken; waiting is in vain.
    Refused {
        /// Why, in a stable word.
        code: String,
    },
}

/// When a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// In seconds since 1970, by the provider's clock.
    At(u64),
    /// So long from now.
    In(Duration),
}

/// What an adapter met and let pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdapterStats {
    /// Messages of a type we do not know.
    pub unknown_events: u64,
    /// Messages that could not be read.
    pub malformed_messages: u64,
    /// Audio messages of speech that had been interrupted.
    pub late_audio_messages: u64,
}

/// What every adapter can do.
trait ProtocolAdapter {
    /// The socket is open: say what we want. Whoever is not answered is ready with that.
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress;

    /// Audio is about to flow: say what was said in the call before, unless the settings did.
    fn recall(&mut self, _out: &mut Outputs<'_>) {}

    /// Audio flows: begin the conversation where it is for us to begin.
    fn begin(&mut self, out: &mut Outputs<'_>);

    /// The gateway decided that the caller has the turn; its audio follows.
    fn begin_turn(&mut self, _out: &mut Outputs<'_>) {}

    /// A message of the provider.
    fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress;

    /// A wish of the call.
    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>);

    /// Queues the message that carries `audio`; `live` is its length where it may give way to newer audio.
    fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox);

    /// The call is over: says goodbye, where that is more than to close.
    fn part(&mut self, _out: &mut Outputs<'_>) {}

    /// After how long without audio of ours the provider wants a sign of life.
    fn keepalive_after(&self) -> Option<Duration> {
        None
    }

    /// Gives that sign.
    fn keep_alive(&mut self, _out: &mut Outputs<'_>) {}

    /// Whether a new connection may be tried after this close code; `None` when the transport broke.
    fn is_retryable(&self, code: Option<u16>) -> bool;

    /// Whether the agent has hung up by closing with this code.
    fn is_goodbye(&self, _code: Option<u16>) -> bool {
        false
    }

    /// What the next item will be called.
    fn next_item(&self) -> ItemId;

    /// What it met and let pass.
    fn stats(&self) -> AdapterStats;
}

/// The adapters. The set is closed.
pub(super) enum Adapter {
    OpenAi(Box<OpenAi>),
    GptLive(Box<GptLive>),
    Deepgram(Box<Deepgram>),
    ElevenLabs(Box<ElevenLabs>),
    Gemini(Box<Gemini>),
    Ultravox(Box<Ultravox>),
    Auricle(Box<Auricle>),
    Twilio(Box<MediaStream<Twilio>>),
    Telnyx(Box<MediaStream<Telnyx>>),
    Plivo(Box<MediaStream<Plivo>>),
    Exotel(Box<MediaStream<Exotel>>),
    Vonage(Box<MediaStream<Vonage>>),
    Jambonz(Box<MediaStream<Jambonz>>),
    Pipecat(Box<Pipecat>),
}

/// Asks whichever adapter it is.
macro_rules! each {
    ($adapter:expr, $one:ident => $answer:expr) => {
        match $adapter {
            Adapter::OpenAi($one) => $answer,
            Adapter::GptLive($one) => $answer,
            Adapter::Deepgram($one) => $answer,
            Adapter::ElevenLabs($one) => $answer,
            Adapter::Gemini($one) => $answer,
            Adapter::Ultravox($one) => $answer,
            Adapter::Auricle($one) => $answer,
            Adapter::Twilio($one) => $answer,
            Adapter::Telnyx($one) => $answer,
            Adapter::Plivo($one) => $answer,
            Adapter::Exotel($one) => $answer,
            Adapter::Vonage($one) => $answer,
            Adapter::Jambonz($one) => $answer,
            Adapter::Pipecat($one) => $answer,
        }
    };
}

impl Adapter {
    /// An adapter for the first connection of a call.
    pub(super) fn new(config: &AgentConfig, facts: &CallFacts) -> Self {
        Self::beginning_with(ItemId(1), config, facts, Recollection::default())
    }

    /// An adapter for a connection that follows another of the call: what was said before is told, and a conversation that the
    /// provider has kept is taken up again.
    pub(super) fn successor(&self, config: &AgentConfig, facts: &CallFacts, first_item: ItemId, said: Recollection) -> Self {
        let mut next = Self::beginning_with(first_item, config, facts, said);
        if let (Self::Gemini(former), Self::Gemini(next)) = (self, &mut next) {
            next.resume(former);
        }
        next
    }

    fn beginning_with(first_item: ItemId, config: &AgentConfig, facts: &CallFacts, said: Recollection) -> Self {
        match config.protocol {
            Protocol::OpenAi | Protocol::Azure | Protocol::VoiceLive => Self::OpenAi(Box::new(OpenAi::new(config, first_item, said))),
            Protocol::Deepgram => Self::Deepgram(Box::new(Deepgram::new(config, first_item, said))),
            Protocol::ElevenLabs => Self::ElevenLabs(Box::new(ElevenLabs::new(config, first_item, said))),
            Protocol::Gemini => Self::Gemini(Box::new(Gemini::new(config, first_item, said))),
            Protocol::Ultravox => Self::Ultravox(Box::new(Ultravox::new(config, first_item, said))),
            Protocol::Auricle => Self::Auricle(Box::new(Auricle::new(config, facts, first_item, said))),
            // These have no word for what was said before.
            Protocol::GptLive => Self::GptLive(Box::new(GptLive::new(config, first_item))),
            Protocol::Twilio => Self::Twilio(Box::new(MediaStream::new(config, facts, first_item))),
            Protocol::Telnyx => Self::Telnyx(Box::new(MediaStream::new(config, facts, first_item))),
            Protocol::Plivo => Self::Plivo(Box::new(MediaStream::new(config, facts, first_item))),
            Protocol::Exotel => Self::Exotel(Box::new(MediaStream::new(config, facts, first_item))),
            Protocol::Vonage => Self::Vonage(Box::new(MediaStream::new(config, facts, first_item))),
            Protocol::Jambonz => Self::Jambonz(Box::new(MediaStream::new(config, facts, first_item))),
            // No socket is ever opened to one in a room.
            Protocol::Pipecat | Protocol::Daily => Self::Pipecat(Box::new(Pipecat::new(config, first_item))),
        }
    }

    pub(super) fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        each!(self, adapter => adapter.open(out))
    }

    pub(super) fn part(&mut self, out: &mut Outputs<'_>) {
        each!(self, adapter => adapter.part(out));
    }

    pub(super) fn recall(&mut self, out: &mut Outputs<'_>) {
        each!(self, adapter => adapter.recall(out));
    }

    pub(super) fn begin(&mut self, out: &mut Outputs<'_>) {
        each!(self, adapter => adapter.begin(out));
    }

    pub(super) fn begin_turn(&mut self, out: &mut Outputs<'_>) {
        each!(self, adapter => adapter.begin_turn(out));
    }

    pub(super) fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        each!(self, adapter => adapter.handle_message(message, out))
    }

    pub(super) fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        each!(self, adapter => adapter.handle_command(command, out));
    }

    pub(super) fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        each!(self, adapter => adapter.push_audio(audio, live, outbox));
    }

    pub(super) fn keepalive_after(&self) -> Option<Duration> {
        each!(self, adapter => adapter.keepalive_after())
    }

    pub(super) fn keep_alive(&mut self, out: &mut Outputs<'_>) {
        each!(self, adapter => adapter.keep_alive(out));
    }

    pub(super) fn is_retryable(&self, code: Option<u16>) -> bool {
        each!(self, adapter => adapter.is_retryable(code))
    }

    pub(super) fn is_goodbye(&self, code: Option<u16>) -> bool {
        each!(self, adapter => adapter.is_goodbye(code))
    }

    pub(super) fn next_item(&self) -> ItemId {
        each!(self, adapter => adapter.next_item())
    }

    pub(super) fn stats(&self) -> AdapterStats {
        each!(self, adapter => adapter.stats())
    }
}

/// What is dialled: the configured URL with what the protocol adds to it.
pub(super) fn request_uri(config: &AgentConfig) -> Result<Uri, InvalidUrl> {
    let uri: Uri = match config.protocol {
        Protocol::OpenAi | Protocol::Azure | Protocol::VoiceLive => openai::request_url(config).parse(),
        // Their model stands in the settings, or in the URL already.
        _ => config.url.parse(),
    }
    .map_err(|_| InvalidUrl)?;
    let scheme_ok = match uri.scheme_str() {
        Some("ws" | "wss") => !matches!(config.protocol, Protocol::Ultravox | Protocol::Daily),
        Some("http" | "https") => is_arranged(config.protocol, &uri),
        _ => false,
    };
    let host_ok = uri.host().is_some_and(|host| !host.is_empty());
    let user_free = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if scheme_ok && host_ok && user_free { Ok(uri) } else { Err(InvalidUrl) }
}

/// How the URL of an agent of this protocol has to look.
pub(super) const fn url_form(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Ultravox | Protocol::Daily => "https://host[:port]/…, or http://host[:port]/… within the network",
        _ => "ws://host[:port]/… or wss://host[:port]/…",
    }
}

/// What a pressed key is told as where a protocol has no word for keys.
fn key_in_words(digit: char) -> String {
    format!("The caller pressed the key {digit} on the telephone.")
}
