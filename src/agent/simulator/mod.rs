//! A streaming AI that is none: a strict server in the shape of the OpenAI Realtime API (GA), for tests,
//! demonstrations and measurements.
//!
//! It refuses, with an `error` event, what the real service refuses or would misunderstand: keys it does not know at
//! any level, formats and rates it does not have, audio that is not of whole samples, a truncate beyond the audio
//! sent, a commit of nothing, a second response at a time. It may run inside the gateway or as a process of its own.
//! Left out on purpose: text and image modalities, tools, and any understanding of what is said.

mod command;
mod conversation;
mod ear;
mod mouth;
mod observations;
mod recorder;
mod requests;
mod script;
mod server;
mod settings;
mod voice;

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

pub use command::{Arguments, ArgumentsError, run};
pub use observations::{MAX_KEPT, MAX_KEPT_AUDIO_BYTES, Observations, SessionSeen, Truncation};
pub use script::{Recording, ScriptError, Step, parse_script, read_script};
pub use server::serve;
pub use voice::{greeting, tone};

/// How a simulator behaves.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What it does with what it hears.
    pub behaviour: Behaviour,
    /// The words it claims to have heard and said.
    pub transcript: Transcript,
    /// What goes wrong.
    pub faults: Faults,
    /// Clients must show this key; none, and everybody is let in.
    pub api_key: Option<SecretString>,
    /// For `wss://`; none for `ws://`.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Whether [`Observations`] keep the audio.
    pub keep_audio: bool,
    /// One JSON line for every client message.
    pub log_received: Option<PathBuf>,
    /// A folder with one file of raw audio for every session.
    pub dump_audio: Option<PathBuf>,
    /// What it saw.
    pub observations: Observations,
}

impl Config {
    /// A simulator of this behaviour, all else at its default.
    #[must_use]
    pub fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::default() }
    }
}

/// What a simulator does with what it hears.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Behaviour {
    /// Sends each append back at once, as one endless item; no voice activity detection.
    #[default]
    Echo,
    /// Sends each utterance back in one burst when it has ended; falls silent when spoken over.
    Parrot,
    /// Speaks first: [`greeting`], at the first `response.create`, or 300 ms after its settings when there is none. Then a parrot.
    Greeter,
    /// Follows a script.
    Script(Vec<Step>),
}

impl Behaviour {
    fn steps(&self) -> &[Step] {
        match self {
            Self::Script(steps) => steps,
            Self::Echo | Self::Parrot | Self::Greeter => &[],
        }
    }
}

/// Words of both sides, the same for every utterance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// What callers are said to have said; sent only where the client asked for transcription.
    pub caller: String,
    /// What the agent is said to have said.
    pub agent: String,
}

impl Default for Transcript {
    fn default() -> Self {
        Self { caller: "I would like to move my appointment.".into(), agent: "Of course, which day suits you?".into() }
    }
}

/// What goes wrong, counted from the first settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The connection is dropped without a word after so many milliseconds.
    pub drop_after_ms: Option<u64>,
    /// An `error` event is sent after so many milliseconds.
    pub error_after_ms: Option<u64>,
    /// Its code.
    pub error_code: String,
}

impl Default for Faults {
    fn default() -> Self {
        Self { drop_after_ms: None, error_after_ms: None, error_code: "server_error".into() }
    }
}
