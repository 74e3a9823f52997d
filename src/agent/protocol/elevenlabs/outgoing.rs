//! What we say to an agent of ElevenLabs.

use base64_simd::STANDARD;
use serde::Serialize;

use crate::agent::config::AgentConfig;

/// Appends the message that carries `audio` to `text`, without allocating once `text` has grown to its size.
pub(super) fn write_audio(audio: &[u8], text: &mut String) {
    text.reserve_exact(AUDIO_PREFIX.len() + STANDARD.encoded_length(audio.len()) + AUDIO_SUFFIX.len());
    text.push_str(AUDIO_PREFIX);
    STANDARD.encode_append(audio, text);
    text.push_str(AUDIO_SUFFIX);
}

/// Every message but audio.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientEvent<'a> {
    ConversationInitiationClientData(Initiation<'a>),
    Pong { event_id: i64 },
    ClientToolResult { tool_call_id: &'a str, result: &'a str, is_error: bool },
    UserMessage { text: &'a str },
    UserActivity,
    ContextualUpdate { text: &'a str },
}

/// What is to be otherwise than in the agent's own settings, as far as those allow it.
#[derive(Debug, Serialize)]
pub(super) struct Initiation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_config_override: Option<Overrides<'a>>,
}

impl<'a> Initiation<'a> {
    pub(super) fn new(config: &'a AgentConfig) -> Self {
        let prompt = config.instructions().map(|prompt| Prompt { prompt });
        let first_message = config.greeting().filter(|_| config.greet_first);
        let language = config.language.as_deref();
        let agent =
            (prompt.is_some() || first_message.is_some() || language.is_some()).then_some(Agent { prompt, first_message, language });
        let tts = config.voice.as_deref().map(|voice_id| Tts { voice_id });
        let overrides = (agent.is_some() || tts.is_some()).then_some(Overrides { agent, tts });
        Self { conversation_config_override: overrides }
    }
}

#[derive(Debug, Serialize)]
struct Overrides<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<Agent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tts: Option<Tts<'a>>,
}

#[derive(Debug, Serialize)]
struct Agent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<Prompt<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Prompt<'a> {
    prompt: &'a str,
}

#[derive(Debug, Serialize)]
struct Tts<'a> {
    voice_id: &'a str,
}

const AUDIO_PREFIX: &str = r#"{"user_audio_chunk":""#;
const AUDIO_SUFFIX: &str = r#""}"#;
