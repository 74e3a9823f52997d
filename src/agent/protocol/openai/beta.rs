//! The settings in the shape of before (2024 to 2026), which Azure Voice Live has kept: formats, turns and voice stand at the top of the
//! session, and formats have other names. What else differs are the names of events, which are read beside those of today.

use media::frame::AudioFormat;
use serde::Serialize;

use super::outgoing::{Tool, Transcription, Turns};
use crate::agent::config::{AgentConfig, TurnDetection};

/// Our settings.
#[derive(Debug, Serialize)]
pub(super) struct Session<'a> {
    modalities: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input_audio_format: &'static str,
    input_audio_sampling_rate: u32,
    output_audio_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_audio_transcription: Option<Transcription<'a>>,
    /// Null: the provider decides nothing.
    turn_detection: Option<BetaTurns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<Voice<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
}

/// By sound as everywhere; by the words with what Azure has for that, which takes no eagerness.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum BetaTurns {
    BySound(Turns),
    ByWords { r#type: &'static str, create_response: bool, interrupt_response: bool },
}

impl BetaTurns {
    fn of(settings: TurnDetection) -> Option<Self> {
        Some(match settings {
            TurnDetection::SemanticVad { .. } => {
                Self::ByWords { r#type: "azure_semantic_vad", create_response: true, interrupt_response: true }
            }
            settings => Self::BySound(Turns::of(settings)?),
        })
    }
}

/// One of OpenAI's by its name, one of Azure's by name and kind.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Voice<'a> {
    OpenAi(&'a str),
    Azure { r#type: &'static str, name: &'a str },
}

impl<'a> Session<'a> {
    pub(super) fn new(config: &'a AgentConfig) -> Self {
        let format = AudioFormat::from(config.format);
        Self {
            modalities: ["text", "audio"],
            instructions: config.instructions(),
            input_audio_format: input_format(format),
            input_audio_sampling_rate: format.rate().hz(),
            output_audio_format: output_format(format),
            input_audio_transcription: Transcription::of(config),
            turn_detection: BetaTurns::of(config.turn_detection),
            tools: Tool::of(config),
            // Azure's voices begin with a language, as in en-US-Ava:DragonHDLatestNeural.
            voice: config.voice.as_deref().map(|name| match name.contains('-') {
                true => Voice::Azure { r#type: "azure-standard", name },
                false => Voice::OpenAi(name),
            }),
        }
    }
}

/// Linear audio has its rate beside it.
pub(super) const fn input_format(format: AudioFormat) -> &'static str {
    match format {
        AudioFormat::Ulaw8k => "g711_ulaw",
        AudioFormat::Alaw8k => "g711_alaw",
        AudioFormat::S16 { .. } => "pcm16",
    }
}

/// Linear audio has its rate in its name, but for 24 kHz.
pub(super) fn output_format(format: AudioFormat) -> &'static str {
    match (format, format.rate().hz()) {
        (AudioFormat::S16 { .. }, 8_000) => "pcm16_8000hz",
        (AudioFormat::S16 { .. }, 16_000) => "pcm16_16000hz",
        _ => input_format(format),
    }
}
