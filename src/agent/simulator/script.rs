//! A session by script: what the simulator does, step by step, from a TOML file.
//!
//! ```toml
//! [[step]]
//! do = "say_tone"
//! hz = 440.0
//! ms = 1000
//!
//! [[step]]
//! do = "expect_speech"   # waits until the caller has spoken and stopped
//!
//! [[step]]
//! do = "close"
//! code = 1011
//! ```

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;

use super::voice;
use super::wire::Output;

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("the script cannot be read")]
    Read {
        /// Why.
        #[from]
        source: std::io::Error,
    },
    /// It is not of the form above.
    #[error("the script is not as it must be")]
    Form {
        /// Where.
        #[from]
        source: Box<toml::de::Error>,
    },
    /// A recording cannot be used.
    #[error("{path} is not a WAV file of 16 bit mono at 8 to 48 kHz")]
    Wav {
        /// Which.
        path: PathBuf,
    },
}

/// One step.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Lets time pass.
    Wait {
        /// How much.
        ms: u64,
    },
    /// Says a tone, as one response.
    SayTone {
        /// Its pitch.
        hz: f64,
        /// Its length.
        ms: u64,
    },
    /// Says a recording, as one response.
    SayWav {
        /// 16 bit, mono; beside the script where the path is relative.
        path: PathBuf,
        /// Read when the script is.
        #[serde(skip)]
        recording: Option<Recording>,
    },
    /// Waits until the caller begins to speak.
    ExpectSpeechStart,
    /// Waits until the caller has spoken and stopped.
    ExpectSpeech,
    /// Sends a message as it stands here, right or wrong.
    Send {
        /// The message.
        text: String,
    },
    /// Says that something failed, as the protocol does; where it has no word for that, by closing.
    Error {
        /// Its code.
        code: String,
    },
    /// Drops the connection without a word.
    Drop,
    /// Closes it.
    Close {
        /// With this code.
        code: u16,
    },
    /// Neither reads nor writes any more.
    Stall,
}

/// Samples of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    samples: Vec<i16>,
    rate: SampleRate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    step: Vec<Step>,
}

/// Reads the script of `path` with its recordings.
pub fn read_script(path: &Path) -> Result<Vec<Step>, ScriptError> {
    let mut steps = parse_script(&std::fs::read_to_string(path)?)?;
    for step in &mut steps {
        if let Step::SayWav { path: wav, recording } = step {
            let beside = path.parent().unwrap_or(Path::new("")).join(&*wav);
            *recording = Some(read_wav(&beside).ok_or(ScriptError::Wav { path: beside })?);
        }
    }
    Ok(steps)
}

/// The steps of a script's text; recordings are not read.
pub fn parse_script(text: &str) -> Result<Vec<Step>, ScriptError> {
    let file: File = toml::from_str(text).map_err(Box::new)?;
    Ok(file.step)
}

fn read_wav(path: &Path) -> Option<Recording> {
    let mut reader = hound::WavReader::open(path).ok()?;
    let spec = reader.spec();
    if spec.channels != 1 || spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
        return None;
    }
    let samples = reader.samples::<i16>().collect::<Result<_, _>>().ok()?;
    Some(Recording { samples, rate: SampleRate::new(spec.sample_rate)? })
}

/// Where a session stands in its script.
pub(super) struct Script {
    steps: VecDeque<Step>,
    started: bool,
    stopped: bool,
}

/// What a session is to do.
pub(super) enum Action {
    Wait(Duration),
    Say(Vec<u8>),
    Send(String),
    Error(String),
    Socket(Output),
}

impl Script {
    pub(super) fn new(steps: &[Step]) -> Self {
        Self { steps: steps.iter().cloned().collect(), started: false, stopped: false }
    }

    pub(super) const fn hear_started(&mut self) {
        self.started = true;
    }

    pub(super) const fn hear_stopped(&mut self) {
        self.stopped = true;
    }

    /// The next thing to do; `None` at the end and while the caller is waited for.
    pub(super) fn next(&mut self, format: AudioFormat) -> Option<Action> {
        loop {
            let awaited = match self.steps.front()? {
                Step::ExpectSpeechStart => Some(&mut self.started),
                Step::ExpectSpeech => Some(&mut self.stopped),
                _ => None,
            };
            if let Some(heard) = awaited {
                if !std::mem::take(heard) {
                    return None;
                }
                self.steps.pop_front();
                continue;
            }
            return Some(match self.steps.pop_front()? {
                Step::Wait { ms } => Action::Wait(Duration::from_millis(ms)),
                Step::SayTone { hz, ms } => Action::Say(voice::tone(format, hz, Duration::from_millis(ms))),
                Step::SayWav { recording, .. } => {
                    let samples = recording.map(|recording| voice::convert(&recording.samples, recording.rate, format.rate()));
                    Action::Say(voice::encode(format, samples.unwrap_or_default().into_iter()))
                }
                Step::Send { text } => Action::Send(text),
                Step::Error { code } => Action::Error(code),
                Step::Drop => Action::Socket(Output::Drop),
                Step::Close { code } => Action::Socket(Output::Close(code, String::new())),
                Step::Stall => Action::Socket(Output::Stall),
                Step::ExpectSpeechStart | Step::ExpectSpeech => continue,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_and_a_misspelt_step_is_refused() {
        let steps = parse_script("[[step]]\ndo = \"wait\"\nms = 20\n[[step]]\ndo = \"close\"\ncode = 4000\n").unwrap();
        assert_eq!(steps, [Step::Wait { ms: 20 }, Step::Close { code: 4000 }]);
        assert!(parse_script("[[step]]\ndo = \"wait\"\nseconds = 20\n").is_err());
        assert!(parse_script("[[step]]\ndo = \"sing\"\n").is_err());
    }
}
