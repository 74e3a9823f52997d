//! The messages of `auricle.v1`, both ways; audio goes between them as bytes. docs/agent-protocol.md says what they mean, and
//! the schemas beside it are made of these types.

use std::borrow::Cow;

use media::frame::AudioFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::Recollection;
use super::super::json::{Malformed, check_depth, read};
use crate::agent::config::{AgentConfig, TurnDetection};
use crate::agent::model::{AgentState, BargeInCause, ContextRole, Owed, PlaybackState, TranscriptKind};
use crate::agent::tools::Declaration;
use crate::domain::call_record::{Direction, Speaker};

/// From the gateway to the agent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::agent) enum GatewayMessage<'a> {
    /// The first message: whose call it is and how it is to be led.
    Start(Start<'a>),
    /// How far an utterance was played to the caller. Told when it begins, when it is played whole, and, finally, when
    /// it was cut.
    Playback {
        /// The utterance, by the agent's name for it; `#1` and on, counted over the call, for those that have none.
        item: Cow<'a, str>,
        /// Milliseconds of it that went out to the caller, never more than were received.
        played_ms: u64,
        /// Where its playing stands.
        state: WirePlayback,
    },
    /// The gateway decided that the caller has the turn; the caller's audio follows. Only where turns are the gateway's.
    TurnStarted {},
    /// The gateway decided that the caller has finished. Only where turns are the gateway's.
    TurnEnded {},
    /// The gateway decided that the caller interrupts: what was sent and not played is thrown away.
    BargeIn {
        /// What made it think so.
        cause: WireCause,
    },
    /// The caller pressed a key.
    Dtmf {
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// How long it was held, in milliseconds.
        duration_ms: u64,
    },
    /// What a tool answered.
    ToolResult {
        /// The agent's name for the call of it.
        call_id: &'a str,
        /// Its output, or what went wrong.
        output: &'a str,
        /// Whether it failed.
        is_error: bool,
        /// Whether the agent should speak on at once.
        proceed: bool,
    },
    /// Text put into the conversation.
    Context {
        /// In whose name.
        role: WireRole,
        /// The text.
        text: &'a str,
        /// Whether the agent should speak at once.
        speak: bool,
    },
}

/// Whose call it is and how it is to be led.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Start<'a> {
    /// 1.
    version: u32,
    /// The gateway's name for the call.
    call_id: &'a str,
    /// `inbound`: the caller called us.
    direction: Direction,
    /// How audio is written, both ways.
    audio: Audio,
    /// Who decides turns.
    turns: Turns,
    /// What the agent is told about its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    /// Its voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<&'a str>,
    /// What the caller speaks, ISO 639-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    /// Whether the agent speaks first.
    greet_first: bool,
    /// What it is told for its first words.
    #[serde(skip_serializing_if = "Option::is_none")]
    greeting: Option<&'a str>,
    /// What it may ask for with `tool_call`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    tools: Vec<Declaration>,
    /// What was said in the call on connections that are gone, oldest first; of the agent's words those that the caller heard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<Utterance<'a>>,
    /// What the caller waits for, where a connection was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    owed: Option<WireOwed>,
}

impl<'a> Start<'a> {
    pub(super) fn new(call_id: &'a str, direction: Direction, config: &'a AgentConfig, said: &'a Recollection) -> Self {
        let turns = if matches!(config.turn_detection, TurnDetection::Gateway { .. }) { Turns::Gateway } else { Turns::Agent };
        Self {
            version: 1,
            call_id,
            direction,
            audio: Audio::from(AudioFormat::from(config.format)),
            turns,
            instructions: config.instructions(),
            voice: config.voice.as_deref(),
            language: config.language.as_deref(),
            greet_first: config.greet_first,
            greeting: config.greeting(),
            tools: config.declarations(),
            history: said.history.iter().map(|said| Utterance { speaker: said.speaker, text: said.text.expose() }).collect(),
            owed: match said.owed {
                Owed::Nothing => None,
                Owed::Answer => Some(WireOwed::Answer),
                Owed::Rest => Some(WireOwed::Rest),
            },
        }
    }
}

/// Something that was said in the call.
#[derive(Debug, Serialize, JsonSchema)]
struct Utterance<'a> {
    /// By whom.
    speaker: Speaker,
    /// The words.
    text: &'a str,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WireOwed {
    /// An answer to the last words of `history`.
    Answer,
    /// The rest of the agent's last words there, which broke off.
    Rest,
}

/// How audio is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(in crate::agent) struct Audio {
    /// In bytes.
    encoding: Encoding,
    /// Samples a second.
    sample_rate: u32,
}

impl From<AudioFormat> for Audio {
    fn from(format: AudioFormat) -> Self {
        let encoding = match format {
            AudioFormat::Ulaw8k => Encoding::Pcmu,
            AudioFormat::Alaw8k => Encoding::Pcma,
            AudioFormat::S16 { .. } => Encoding::PcmS16le,
        };
        Self { encoding, sample_rate: format.rate().hz() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Encoding {
    /// G.711 μ-law, one byte a sample.
    #[serde(rename = "pcmu")]
    Pcmu,
    /// G.711 A-law, one byte a sample.
    #[serde(rename = "pcma")]
    Pcma,
    /// Linear, 16 bit, little endian, mono.
    #[serde(rename = "pcm_s16le")]
    PcmS16le,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Turns {
    /// The agent, which sends `clear` when it is interrupted.
    Agent,
    /// The gateway, which tells of them, and sends the caller's audio within turns alone.
    Gateway,
}

/// From the agent to the gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::agent) enum AgentSays<'a> {
    /// It takes the call: audio may flow both ways.
    Ready {
        /// Its name for the conversation.
        #[serde(borrow, default)]
        session: Cow<'a, str>,
        /// How long it can go on, in milliseconds.
        #[serde(default)]
        expires_in_ms: Option<u64>,
    },
    /// The audio that follows is a new utterance of this name.
    Item {
        /// At most 64 characters are kept.
        #[serde(borrow)]
        item: Cow<'a, str>,
    },
    /// No more audio of the present utterance will come.
    ItemEnd {},
    /// Stop speaking: all, or one utterance and those before it.
    Clear {
        /// Up to which; all, without it.
        #[serde(borrow, default)]
        item: Option<Cow<'a, str>>,
        /// Whether because the caller speaks.
        #[serde(default)]
        by_caller: bool,
    },
    /// It hears the caller begin to speak.
    SpeechStarted {},
    /// It hears the caller stop.
    SpeechStopped {},
    /// Words.
    Transcript {
        /// Whose.
        speaker: Speaker,
        /// How sure.
        kind: WireTranscript,
        /// The words.
        #[serde(borrow)]
        text: Cow<'a, str>,
        /// For its own: of which utterance; the present one, without it.
        #[serde(borrow, default)]
        item: Option<Cow<'a, str>>,
    },
    /// When characters of an utterance of its own are over, so that the record can say which words were heard.
    Timing {
        /// Of which utterance; the present one, without it.
        #[serde(borrow, default)]
        item: Option<Cow<'a, str>>,
        /// Characters that follow those told before; at most 16384 of an utterance are kept.
        #[serde(borrow)]
        text: Cow<'a, str>,
        /// For each of them, in milliseconds from the utterance's first sample.
        ends_ms: Vec<u64>,
    },
    /// A tool is to be run.
    ToolCall {
        /// Its name for the call; each is run once.
        #[serde(borrow)]
        call_id: Cow<'a, str>,
        /// The tool.
        #[serde(borrow)]
        name: Cow<'a, str>,
        /// What it is given.
        #[serde(default)]
        arguments: Value,
    },
    /// A tool call is void.
    ToolCancelled {
        /// Which.
        #[serde(borrow)]
        call_id: Cow<'a, str>,
    },
    /// What it is doing.
    State {
        /// Which of the three.
        state: WireState,
    },
    /// Keys are to be pressed.
    SendDtmf {
        /// Which.
        #[serde(borrow)]
        digits: Cow<'a, str>,
    },
    /// The caller is to be transferred.
    Transfer {
        /// A number, or the name of a destination.
        #[serde(borrow)]
        target: Cow<'a, str>,
    },
    /// The call is to end.
    Hangup {},
    /// The conversation will end soon.
    Expiring {
        /// In so many milliseconds.
        left_ms: u64,
    },
    /// Something an operator should know.
    Warning {
        /// A stable word.
        #[serde(borrow)]
        code: Cow<'a, str>,
    },
    /// Something failed. Before `ready` it means that the call is not taken.
    Error {
        /// A stable word.
        #[serde(borrow)]
        code: Cow<'a, str>,
    },
    /// Of a type this release does not know.
    #[serde(other)]
    Unknown,
}

impl<'a> AgentSays<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        check_depth(text)?;
        read(text)
    }
}

/// Declares the words of the wire for a type of the model.
macro_rules! words {
    ($(#[$doc:meta])* $wire:ident for $model:ident { $($word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub(in crate::agent) enum $wire { $($word),+ }

        impl From<$model> for $wire {
            fn from(value: $model) -> Self {
                match value { $($model::$word => Self::$word),+ }
            }
        }

        impl From<$wire> for $model {
            fn from(value: $wire) -> Self {
                match value { $($wire::$word => Self::$word),+ }
            }
        }
    };
}

words! {
    /// Where the playing of an utterance stands.
    WirePlayback for PlaybackState { Started, Finished, Cleared }
}
words! {
    /// Why the gateway decided to interrupt.
    WireCause for BargeInCause { LocalVad, Dtmf, Operator, Overflow }
}
words! {
    /// In whose name a text enters the conversation.
    WireRole for ContextRole { System, User, Developer }
}
words! {
    /// How sure a transcript is.
    WireTranscript for TranscriptKind { Partial, Final, Correction }
}
words! {
    /// What the agent is doing.
    WireState for AgentState { Listening, Thinking, Speaking }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `AURICLE_WRITE_SCHEMAS=1` writes the file anew.
    #[test]
    fn the_published_schemas_are_those_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/agent-protocol.schema.json");
        let schemas = serde_json::json!({
            "gateway_to_agent": schemars::schema_for!(GatewayMessage<'static>),
            "agent_to_gateway": schemars::schema_for!(AgentSays<'static>),
        });
        let text = format!("{schemas:#}\n");
        if std::env::var_os("AURICLE_WRITE_SCHEMAS").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap() == text, "docs/agent-protocol.schema.json is not what the types say");
    }

    #[test]
    fn every_message_in_the_description_is_one() {
        let page = include_str!("../../../../docs/agent-protocol.md");
        let examples = |heading: &str| {
            let section = page.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
            section.lines().filter(|line| line.starts_with('{')).map(str::to_owned).collect::<Vec<_>>()
        };
        let said = examples("\n## From the agent\n");
        assert!(said.len() >= 14);
        for line in said {
            assert!(!matches!(AgentSays::parse(&line), Err(_) | Ok(AgentSays::Unknown)), "{line}");
        }
        let told: Vec<String> = examples("\n## From the gateway\n")
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(told, ["start", "start", "playback", "turn_started", "turn_ended", "barge_in", "dtmf", "tool_result", "context"]);
    }
}
