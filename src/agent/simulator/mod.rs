//! A streaming AI that is none: a strict server of every protocol that the gateway speaks, for tests, demonstrations and measurements.
//!
//! It refuses what the real service refuses or would misunderstand: keys it does not know at any level, formats and rates it
//! does not have, audio that is not of whole samples or comes too early, frames of another length than a carrier's, a truncate
//! beyond the audio sent, marks out of order. Where the service says so and goes on, as OpenAI's does, so does the simulator;
//! elsewhere it ends the connection and says why. It may run inside the gateway or as a process of its own.
//! Left out on purpose: text and image modalities, tools, and any understanding of what is said.

mod asked;
mod command;
mod conversation;
mod ear;
mod observations;
mod recorder;
mod script;
mod server;
mod voice;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use media::frame::AudioFormat;
use secrecy::SecretString;

use super::config::Protocol;

pub use command::{Arguments, ArgumentsError, run};
pub use observations::{MAX_KEPT, MAX_KEPT_AUDIO_BYTES, Observations, SessionSeen, Truncation};
pub use script::{Recording, ScriptError, Step, parse_script, read_script};
pub use server::serve;
pub use voice::{greeting, tone};

/// How a simulator behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it speaks.
    pub protocol: Protocol,
    /// How audio is written where the client does not say so: with ElevenLabs and Pipecat, where it is the agent's own setting.
    pub format: AudioFormat,
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

impl Default for Config {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            format: AudioFormat::Ulaw8k,
            behaviour: Behaviour::default(),
            transcript: Transcript::default(),
            faults: Faults::default(),
            api_key: None,
            tls: None,
            keep_audio: false,
            log_received: None,
            dump_audio: None,
            observations: Observations::default(),
        }
    }
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
    /// After so many milliseconds nothing is read or written any more; the connection stands.
    pub stall_after_ms: Option<u64>,
    /// An `error` event is sent after so many milliseconds; where the protocol has none, the connection is closed.
    pub error_after_ms: Option<u64>,
    /// Its code.
    pub error_code: String,
}

impl Default for Faults {
    fn default() -> Self {
        Self { drop_after_ms: None, stall_after_ms: None, error_after_ms: None, error_code: "server_error".into() }
    }
}
