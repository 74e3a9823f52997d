//! What is spoken with an agent, and how audio is written in it.

use media::frame::AudioFormat;
use media::units::SampleRate;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};

/// What is spoken on the agent's socket. The set is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OpenAI Realtime in its GA shape.
    #[default]
    OpenAi,
    /// Azure OpenAI Realtime: the same at another door.
    Azure,
    /// Azure Voice Live: OpenAI Realtime in its beta shape.
    VoiceLive,
    /// OpenAI GPT-Live.
    GptLive,
    /// Deepgram Voice Agent.
    Deepgram,
    /// ElevenLabs Agents.
    ElevenLabs,
    /// Gemini Live.
    Gemini,
    /// Ultravox: a call is made over HTTPS, and joined by WebSocket.
    Ultravox,
    /// Our own, `auricle.v1`: docs/agent-protocol.md.
    Auricle,
    /// Twilio Media Streams, both ways; the gateway is the carrier.
    Twilio,
    /// Telnyx media streaming; the gateway is the carrier.
    Telnyx,
    /// Plivo audio streaming; the gateway is the carrier.
    Plivo,
    /// Exotel Voicebot; the gateway is the carrier.
    Exotel,
    /// Vonage Voice over WebSocket; the gateway is the carrier.
    Vonage,
    /// jambonz `listen` with audio both ways; the gateway is the carrier.
    Jambonz,
    /// Pipecat's frames in protobuf, with RTVI messages.
    Pipecat,
    /// A Pipecat bot in a room of Daily's: it is started, and says where its caller is to be sent by SIP. Nothing of the voice goes by us.
    Daily,
}

/// How audio is written toward an agent and back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WireFormat {
    /// Linear 16 bit, little endian, 8 kHz, mono.
    Pcm8k,
    /// The same at 16 kHz.
    Pcm16k,
    /// The same at 24 kHz.
    #[default]
    Pcm24k,
    /// The same at 48 kHz.
    Pcm48k,
    /// G.711 μ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
}

impl WireFormat {
    /// As it is written in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcm8k => "pcm8k",
            Self::Pcm16k => "pcm16k",
            Self::Pcm24k => "pcm24k",
            Self::Pcm48k => "pcm48k",
            Self::Pcmu => "pcmu",
            Self::Pcma => "pcma",
        }
    }
}

impl From<WireFormat> for AudioFormat {
    fn from(format: WireFormat) -> Self {
        match format {
            WireFormat::Pcm8k => Self::S16 { rate: SampleRate::HZ_8000 },
            WireFormat::Pcm16k => Self::S16 { rate: SampleRate::HZ_16000 },
            WireFormat::Pcm24k => Self::S16 { rate: SampleRate::HZ_24000 },
            WireFormat::Pcm48k => Self::S16 { rate: SampleRate::HZ_48000 },
            WireFormat::Pcmu => Self::Ulaw8k,
            WireFormat::Pcma => Self::Alaw8k,
        }
    }
}

/// A protocol or a format by the word that a configuration has for it.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    T::deserialize(StrDeserializer::<Error>::new(text)).map_err(|error| error.to_string())
}
