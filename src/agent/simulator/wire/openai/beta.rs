//! Settings in the shape of before, read as strictly as those of today.

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::Value;

use super::requests::{Transcription, Turns, given};
use super::{Refusal, Settings};

/// Settings. What is read only to be refused when misspelt has no name here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BetaSession {
    modalities: Option<Vec<String>>,
    #[serde(rename = "instructions")]
    _instructions: Option<String>,
    input_audio_format: Option<String>,
    input_audio_sampling_rate: Option<u32>,
    output_audio_format: Option<String>,
    input_audio_transcription: Option<Transcription>,
    /// Null switches it off; absent, it stays as it was.
    #[serde(default, deserialize_with = "given")]
    turn_detection: Option<Option<Turns>>,
    #[serde(rename = "voice")]
    _voice: Option<Value>,
    #[serde(rename = "tools")]
    _tools: Option<Vec<Value>>,
    #[serde(rename = "tool_choice")]
    _tool_choice: Option<Value>,
    #[serde(rename = "temperature")]
    _temperature: Option<f64>,
}

impl BetaSession {
    /// The settings after this update of `before`.
    pub(super) fn apply(&self, before: Settings) -> Result<Settings, Refusal> {
        let known = |word: &String| word == "text" || word == "audio";
        if self.modalities.as_ref().is_some_and(|modalities| !modalities.iter().all(known)) {
            return Err(Refusal::new("invalid_value", "modalities are text and audio"));
        }
        let mut settings = before;
        let rate = self.input_audio_sampling_rate.unwrap_or(24_000);
        if let Some(name) = &self.input_audio_format {
            settings.input = format(name, rate)?;
        }
        if let Some(name) = &self.output_audio_format {
            let rate = match name.as_str() {
                "pcm16_8000hz" => 8_000,
                "pcm16_16000hz" => 16_000,
                _ => 24_000,
            };
            settings.output = format(name.split("_8000").next().and_then(|name| name.split("_16000").next()).unwrap_or(name), rate)?;
        }
        settings.transcribe |= self.input_audio_transcription.is_some();
        match &self.turn_detection {
            Some(Some(turns)) => turns.apply(&mut settings)?,
            Some(None) => settings.turn_detection = false,
            None => {}
        }
        Ok(settings)
    }
}

fn format(name: &str, rate: u32) -> Result<AudioFormat, Refusal> {
    match (name, rate) {
        ("g711_ulaw", _) => Ok(AudioFormat::Ulaw8k),
        ("g711_alaw", _) => Ok(AudioFormat::Alaw8k),
        ("pcm16", 8_000) => Ok(AudioFormat::S16 { rate: SampleRate::HZ_8000 }),
        ("pcm16", 16_000) => Ok(AudioFormat::S16 { rate: SampleRate::HZ_16000 }),
        ("pcm16", 24_000) => Ok(AudioFormat::S16 { rate: SampleRate::HZ_24000 }),
        _ => Err(Refusal::new("invalid_value", format!("no such format: {name} at {rate}"))),
    }
}
