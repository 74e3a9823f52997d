//! What a client may set, as far as it matters to the simulator.

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde_json::{Value, json};

/// The settings that matter to the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) input: AudioFormat,
    pub(super) output: AudioFormat,
    pub(super) transcribe: bool,
    pub(super) turn_detection: bool,
    pub(super) prefix_padding_ms: u32,
    pub(super) silence_duration_ms: u32,
    pub(super) interrupt_response: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let pcm = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
        Self {
            input: pcm,
            output: pcm,
            transcribe: false,
            turn_detection: true,
            prefix_padding_ms: 300,
            silence_duration_ms: 500,
            interrupt_response: true,
        }
    }
}

impl Settings {
    /// The session as the service describes it.
    pub(super) fn describe(&self) -> Value {
        let (input, output) = (describe_format(self.input), describe_format(self.output));
        json!({"type": "realtime", "object": "realtime.session", "id": "sess_simulator", "model": "simulator", "output_modalities": ["audio"],
            "audio": {"input": {"format": input, "turn_detection": {"type": "server_vad", "threshold": 0.5,
                "prefix_padding_ms": self.prefix_padding_ms, "silence_duration_ms": self.silence_duration_ms,
                "interrupt_response": self.interrupt_response}},
                "output": {"format": output, "voice": "simulator", "speed": 1.0}}})
    }
}

fn describe_format(format: AudioFormat) -> Value {
    match format {
        AudioFormat::Ulaw8k => json!({"type": "audio/pcmu"}),
        AudioFormat::Alaw8k => json!({"type": "audio/pcma"}),
        AudioFormat::S16 { rate } => json!({"type": "audio/pcm", "rate": rate.hz()}),
    }
}
