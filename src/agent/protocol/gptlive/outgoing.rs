//! What we say to GPT-Live.

use base64_simd::STANDARD;
use media::frame::AudioFormat;
use serde::Serialize;

use crate::agent::config::AgentConfig;

/// Appends the message that carries `audio`, without allocating once `text` has grown to its size.
pub(super) fn write_audio(audio: &[u8], text: &mut String) {
    text.push_str(r#"{"type":"session.input_audio.append","audio":""#);
    STANDARD.encode_append(audio, text);
    text.push_str(r#""}"#);
}

/// Every message but audio.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum ClientEvent<'a> {
    #[serde(rename = "session.start")]
    SessionStart { session: Session<'a> },
    /// Of the whole conversation where no delegation is named; the key has to be there.
    #[serde(rename = "session.instructions.append")]
    InstructionsAppend { content: &'a str, delegation_id: Option<&'a str> },
    #[serde(rename = "session.close")]
    SessionClose {},
}

impl<'a> ClientEvent<'a> {
    pub(super) const fn instructions(content: &'a str) -> Self {
        Self::InstructionsAppend { content, delegation_id: None }
    }
}

/// Our settings.
#[derive(Debug, Serialize)]
pub(super) struct Session<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    /// Nothing of a call is kept there.
    store: bool,
    audio: Audio<'a>,
}

impl<'a> Session<'a> {
    pub(super) fn new(config: &'a AgentConfig) -> Self {
        Self {
            model: config.model.as_deref().unwrap_or_default(),
            instructions: config.instructions(),
            store: false,
            audio: Audio {
                format: Format::from(AudioFormat::from(config.format)),
                output: config.voice.as_deref().map(|voice| Output { voice }),
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct Audio<'a> {
    format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Output<'a>>,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    voice: &'a str,
}

#[derive(Debug, Serialize)]
struct Format {
    r#type: &'static str,
    rate: u32,
}

impl From<AudioFormat> for Format {
    fn from(format: AudioFormat) -> Self {
        let r#type = match format {
            AudioFormat::Ulaw8k => "audio/pcmu",
            AudioFormat::Alaw8k => "audio/pcma",
            AudioFormat::S16 { .. } => "audio/pcm",
        };
        Self { r#type, rate: format.rate().hz() }
    }
}
