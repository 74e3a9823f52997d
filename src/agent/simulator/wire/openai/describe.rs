//! The session as the service describes it, in both shapes.

use media::frame::AudioFormat;
use serde_json::{Value, json};

use super::Settings;

/// In the shape of today.
pub(super) fn session(settings: &Settings) -> Value {
    let (input, output) = (describe_format(settings.input), describe_format(settings.output));
    json!({"type": "realtime", "object": "realtime.session", "id": "sess_simulator", "model": "simulator", "output_modalities": ["audio"],
        "audio": {"input": {"format": input, "turn_detection": {"type": "server_vad", "threshold": 0.5,
            "prefix_padding_ms": settings.prefix_padding_ms, "silence_duration_ms": settings.silence_duration_ms,
            "interrupt_response": settings.interrupt_response}},
            "output": {"format": output, "voice": "simulator", "speed": 1.0}}})
}

/// In that of before.
pub(super) fn beta_session(settings: &Settings) -> Value {
    let output = match (settings.output, settings.output.rate().hz()) {
        (AudioFormat::S16 { .. }, 8_000) => "pcm16_8000hz",
        (AudioFormat::S16 { .. }, 16_000) => "pcm16_16000hz",
        (format, _) => beta_format(format),
    };
    json!({"object": "realtime.session", "id": "sess_simulator", "model": "simulator", "modalities": ["text", "audio"],
        "input_audio_format": beta_format(settings.input), "input_audio_sampling_rate": settings.input.rate().hz(),
        "output_audio_format": output, "voice": "simulator"})
}

const fn beta_format(format: AudioFormat) -> &'static str {
    match format {
        AudioFormat::Ulaw8k => "g711_ulaw",
        AudioFormat::Alaw8k => "g711_alaw",
        AudioFormat::S16 { .. } => "pcm16",
    }
}

fn describe_format(format: AudioFormat) -> Value {
    match format {
        AudioFormat::Ulaw8k => json!({"type": "audio/pcmu"}),
        AudioFormat::Alaw8k => json!({"type": "audio/pcma"}),
        AudioFormat::S16 { rate } => json!({"type": "audio/pcm", "rate": rate.hz()}),
    }
}
