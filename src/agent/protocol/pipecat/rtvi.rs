//! RTVI, the JSON beside Pipecat's audio: what means something to us of protocol 2.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::json::{Malformed, check_depth, read};

/// What a bot says.
#[derive(Debug)]
pub(super) enum BotSays<'a> {
    BotReady,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    BotStartedSpeaking,
    BotStoppedSpeaking,
    BotInterrupted,
    /// What the caller said; `source` is the message's type, since bots send the same words under several.
    CallerWords {
        source: CallerSource,
        words: Words<'a>,
    },
    /// What the bot says.
    AgentWords {
        source: AgentSource,
        text: Cow<'a, str>,
    },
    FunctionCall(FunctionCall<'a>),
    Error {
        fatal: bool,
    },
    /// Known, and of no use to us.
    Expected,
    /// Of a type we do not know.
    Unknown,
}

/// By which message the caller's words come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallerSource {
    UserTranscription,
    UserInput,
    SttRawText,
}

/// By which message the bot's words come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgentSource {
    BotTranscription,
    BotOutput,
}

#[derive(Debug, Deserialize)]
pub(super) struct Words<'a> {
    #[serde(borrow)]
    pub(super) text: Cow<'a, str>,
    #[serde(default)]
    pub(super) r#final: bool,
}

#[derive(Debug, Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    /// Protocol 1: true once it was spoken.
    #[serde(default)]
    spoken: Option<bool>,
    /// Protocol 2: `new` when it comes, then what becomes of it.
    #[serde(borrow, default)]
    spoken_status: Option<Cow<'a, str>>,
    #[serde(default)]
    will_be_spoken: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) function_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) tool_call_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) args: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    #[serde(default)]
    fatal: bool,
}

#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    label: Cow<'a, str>,
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl<'a> BotSays<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        check_depth(text)?;
        let envelope: Envelope<'a> = read(text)?;
        if envelope.label != LABEL {
            return Ok(Self::Unknown);
        }
        let data = envelope.data.map_or("{}", RawValue::get);
        Ok(match &*envelope.r#type {
            "bot-ready" => Self::BotReady,
            "user-started-speaking" => Self::UserStartedSpeaking,
            "user-stopped-speaking" => Self::UserStoppedSpeaking,
            "bot-started-speaking" => Self::BotStartedSpeaking,
            "bot-stopped-speaking" => Self::BotStoppedSpeaking,
            "bot-interrupted" => Self::BotInterrupted,
            "user-transcription" => Self::CallerWords { source: CallerSource::UserTranscription, words: read(data)? },
            "user-input" => Self::CallerWords { source: CallerSource::UserInput, words: read(data)? },
            "stt-raw-text" => Self::CallerWords { source: CallerSource::SttRawText, words: read(data)? },
            "bot-transcription" => Self::AgentWords { source: AgentSource::BotTranscription, text: read::<Output<'_>>(data)?.text },
            "bot-output" => Output::judge(read(data)?),
            "llm-function-call" => Self::FunctionCall(read(data)?),
            "error" => Self::Error { fatal: read::<Failure>(data)?.fatal },
            known if EXPECTED.contains(&known) => Self::Expected,
            _ => Self::Unknown,
        })
    }
}

impl<'a> Output<'a> {
    /// Once for each segment that is said: in protocol 2 when it is new, in protocol 1 when it was spoken.
    fn judge(self) -> BotSays<'a> {
        let counts = match (self.spoken_status.as_deref(), self.spoken) {
            (Some(status), _) => status == "new" && self.will_be_spoken != Some(false),
            (None, spoken) => spoken == Some(true),
        };
        if counts { BotSays::AgentWords { source: AgentSource::BotOutput, text: self.text } } else { BotSays::Expected }
    }
}

/// What we say.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    label: &'static str,
    id: String,
    #[serde(flatten)]
    body: ClientSays<'a>,
}

impl<'a> Message<'a> {
    pub(super) fn new(id: u64, body: ClientSays<'a>) -> Self {
        Self { label: LABEL, id: id.to_string(), body }
    }
}

/// What it is about.
#[derive(Debug, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
pub(super) enum ClientSays<'a> {
    ClientReady {
        version: &'static str,
        about: About,
    },
    SendText {
        content: &'a str,
        options: TextOptions,
    },
    Dtmf {
        buttons: [String; 1],
    },
    LlmFunctionCallResult {
        function_name: &'a str,
        tool_call_id: &'a str,
        arguments: serde_json::Map<String, serde_json::Value>,
        result: &'a str,
    },
}

impl ClientSays<'_> {
    /// The first message.
    pub(super) const fn ready() -> Self {
        Self::ClientReady { version: VERSION, about: About { library: "auricle", library_version: env!("CARGO_PKG_VERSION") } }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct About {
    library: &'static str,
    library_version: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct TextOptions {
    pub(super) run_immediately: bool,
    pub(super) audio_response: bool,
}

const LABEL: &str = "rtvi-ai";
/// Of the protocol: the first in which keys are pressed by `buttons`.
const VERSION: &str = "2.1.0";

const EXPECTED: [&str; 22] = [
    "bot-llm-marker",
    "bot-llm-started",
    "bot-llm-stopped",
    "bot-llm-text",
    "bot-tts-audio",
    "bot-tts-started",
    "bot-tts-stopped",
    "bot-tts-text",
    "error-response",
    "llm-function-call-in-progress",
    "llm-function-call-started",
    "llm-function-call-stopped",
    "llm-raw-text",
    "metrics",
    "server-message",
    "server-response",
    "tts-raw-text",
    "user-llm-text",
    "user-mute-started",
    "user-mute-stopped",
    "vad-user-started-speaking",
    "vad-user-stopped-speaking",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_counts_once_in_either_version() {
        let words = |data: &str| {
            let text = format!(r#"{{"label":"rtvi-ai","type":"bot-output","data":{data}}}"#);
            matches!(BotSays::parse(&text), Ok(BotSays::AgentWords { .. }))
        };
        assert!(words(r#"{"text":"hi","spoken":true,"aggregated_by":"sentence"}"#));
        assert!(!words(r#"{"text":"hi","spoken":false}"#));
        assert!(words(r#"{"text":"hi","spoken_status":"new","will_be_spoken":true}"#));
        assert!(!words(r#"{"text":"hi","spoken_status":"completed"}"#));
    }

    #[test]
    fn a_message_of_another_protocol_is_none_of_ours() {
        assert!(matches!(BotSays::parse(r#"{"type":"bot-ready"}"#), Ok(BotSays::Unknown)));
        assert!(matches!(BotSays::parse(r#"{"label":"rtvi-ai","type":"bot-ready","id":"1","data":{}}"#), Ok(BotSays::BotReady)));
        assert!(BotSays::parse("{").is_err());
    }

    #[test]
    fn what_we_say_has_the_envelope_that_bots_look_for() {
        let ready = serde_json::to_value(Message::new(1, ClientSays::ready())).unwrap();
        assert_eq!((&ready["label"], &ready["type"], &ready["id"]), (&"rtvi-ai".into(), &"client-ready".into(), &"1".into()));
        assert_eq!(ready["data"]["about"]["library"], "auricle");
    }
}
