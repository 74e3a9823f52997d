//! What we say to the Voice Agent in JSON; the caller's audio goes as bytes.

use media::frame::AudioFormat;
use serde::Serialize;

use crate::agent::config::AgentConfig;
use crate::agent::model::Said;
use crate::agent::tools::Declaration;
use crate::domain::call_record::Speaker;

/// Every message but audio.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum ClientMessage<'a> {
    Settings(Box<Settings<'a>>),
    KeepAlive,
    ForceEndTurn,
    InjectUserMessage { content: &'a str },
    UpdatePrompt { prompt: &'a str },
    FunctionCallResponse { id: &'a str, name: &'a str, content: &'a str },
}

/// Our settings.
#[derive(Debug, Serialize)]
pub(super) struct Settings<'a> {
    audio: Audio,
    agent: Agent<'a>,
}

impl<'a> Settings<'a> {
    pub(super) fn new(config: &'a AgentConfig, said: &'a [Said]) -> Self {
        let format = AudioFormat::from(config.format);
        let encoding = match format {
            AudioFormat::Ulaw8k => "mulaw",
            AudioFormat::Alaw8k => "alaw",
            AudioFormat::S16 { .. } => "linear16",
        };
        let sample_rate = format.rate().hz();
        let (think, model) = provider_and_model(config.model.as_deref().unwrap_or_default());
        let listen = config.transcription_model.as_deref().unwrap_or(LISTEN_MODEL);
        Self {
            audio: Audio { input: Input { encoding, sample_rate }, output: Output { encoding, sample_rate, container: "none" } },
            agent: Agent {
                context: (!said.is_empty()).then(|| Context { messages: said.iter().map(Message::from).collect() }),
                greeting: config.greeting().filter(|_| config.greet_first),
                listen: Listen { provider: ListenProvider { r#type: OWN, model: listen, language: config.language.as_deref() } },
                think: Think {
                    provider: Provider { r#type: think, model },
                    prompt: config.instructions(),
                    functions: config.declarations(),
                },
                speak: config.voice.as_deref().map(|model| Speak { provider: Provider { r#type: OWN, model } }),
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct Audio {
    input: Input,
    output: Output,
}

#[derive(Debug, Serialize)]
struct Input {
    encoding: &'static str,
    sample_rate: u32,
}

#[derive(Debug, Serialize)]
struct Output {
    encoding: &'static str,
    sample_rate: u32,
    /// Anything else would put a header before every utterance.
    container: &'static str,
}

#[derive(Debug, Serialize)]
struct Agent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    greeting: Option<&'a str>,
    listen: Listen<'a>,
    think: Think<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speak: Option<Speak<'a>>,
}

/// What was said before this connection.
#[derive(Debug, Serialize)]
struct Context<'a> {
    messages: Vec<Message<'a>>,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    r#type: &'static str,
    role: &'static str,
    content: &'a str,
}

impl<'a> From<&'a Said> for Message<'a> {
    fn from(said: &'a Said) -> Self {
        let role = match said.speaker {
            Speaker::Caller => "user",
            Speaker::Agent => "assistant",
        };
        Self { r#type: "History", role, content: said.text.expose() }
    }
}

#[derive(Debug, Serialize)]
struct Listen<'a> {
    provider: ListenProvider<'a>,
}

#[derive(Debug, Serialize)]
struct ListenProvider<'a> {
    r#type: &'static str,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Think<'a> {
    provider: Provider<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    functions: Vec<Declaration>,
}

#[derive(Debug, Serialize)]
struct Speak<'a> {
    provider: Provider<'a>,
}

#[derive(Debug, Serialize)]
struct Provider<'a> {
    r#type: &'a str,
    model: &'a str,
}

/// `provider/model`; a model alone is one of OpenAI's.
fn provider_and_model(model: &str) -> (&str, &str) {
    model.split_once('/').unwrap_or(("open_ai", model))
}

/// The service itself, for hearing and speaking.
const OWN: &str = "deepgram";
const LISTEN_MODEL: &str = "nova-3";
