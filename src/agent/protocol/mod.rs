//! What providers speak: one adapter each, behind one closed enum.
//!
//! An adapter turns messages into [`AgentEvent`](super::model::AgentEvent)s and
//! [`AgentCommand`]s into messages. It owns no clock and no audio queue: time, the backlog
//! before readiness and the order of what goes out belong to [`AgentSession`](super::session::AgentSession).

mod openai;

use media::frame::ItemId;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, Uri};

use super::config::{AgentConfig, Protocol};
use super::model::{AgentCommand, AgentMessage};
use super::session::{EventQueue, Outbox};
use openai::OpenAi;

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
    /// When this connection will end, in seconds since 1970.
    Lifetime {
        /// The provider's clock.
        expires_at: u64,
    },
    /// Our settings were taken.
    Ready {
        /// The provider's name for its session.
        session: String,
        /// When this connection will end, in seconds since 1970.
        expires_at: Option<u64>,
    },
    /// Our settings were not taken; waiting is in vain.
    Refused {
        /// Why, in a stable word.
        code: String,
    },
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

/// The adapters. The set is closed.
pub(super) enum Adapter {
    OpenAi(Box<OpenAi>),
}

impl Adapter {
    /// An adapter for a new connection, whose first item will be `first_item`.
    pub(super) fn new(config: &AgentConfig, first_item: ItemId) -> Self {
        match config.protocol {
            Protocol::OpenAi => Self::OpenAi(Box::new(OpenAi::new(config, first_item))),
        }
    }

    /// The socket is open: say what we want.
    pub(super) fn open(&mut self, out: &mut Outputs<'_>) {
        match self {
            Self::OpenAi(adapter) => adapter.open(out),
        }
    }

    /// Audio flows: begin the conversation where it is for us to begin.
    pub(super) fn begin(&mut self, out: &mut Outputs<'_>) {
        match self {
            Self::OpenAi(adapter) => adapter.begin(out),
        }
    }

    pub(super) fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        match self {
            Self::OpenAi(adapter) => adapter.handle_message(message, out),
        }
    }

    pub(super) fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match self {
            Self::OpenAi(adapter) => adapter.handle_command(command, out),
        }
    }

    /// Writes the message that carries `audio`; `text` is empty.
    pub(super) fn write_audio(&self, audio: &[u8], text: &mut String) {
        match self {
            Self::OpenAi(_) => openai::write_audio(audio, text),
        }
    }

    /// Whether a new connection may be tried after this close code; `None` when the transport broke.
    pub(super) fn is_retryable(&self, code: Option<u16>) -> bool {
        match self {
            Self::OpenAi(_) => openai::is_retryable(code),
        }
    }

    /// What the next item will be called.
    pub(super) fn next_item(&self) -> ItemId {
        match self {
            Self::OpenAi(adapter) => adapter.next_item(),
        }
    }

    pub(super) fn stats(&self) -> AdapterStats {
        match self {
            Self::OpenAi(adapter) => adapter.stats(),
        }
    }
}

/// What is dialled: the configured URL with what the protocol adds to it.
pub(super) fn request_uri(config: &AgentConfig) -> Result<Uri, InvalidUrl> {
    let uri: Uri = match config.protocol {
        Protocol::OpenAi => openai::request_url(config).parse().map_err(|_| InvalidUrl)?,
    };
    let scheme_ok = matches!(uri.scheme_str(), Some("ws" | "wss"));
    let host_ok = uri.host().is_some_and(|host| !host.is_empty());
    let user_free = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if scheme_ok && host_ok && user_free { Ok(uri) } else { Err(InvalidUrl) }
}

/// The headers that show who we are; `None` when the key holds characters no header may hold.
pub(super) fn credentials(protocol: Protocol, key: &str) -> Option<HeaderMap> {
    match protocol {
        Protocol::OpenAi => {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
            bearer.set_sensitive(true);
            Some(HeaderMap::from_iter([(tokio_tungstenite::tungstenite::http::header::AUTHORIZATION, bearer)]))
        }
    }
}
