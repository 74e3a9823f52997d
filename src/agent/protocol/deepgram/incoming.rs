//! What the Voice Agent says in JSON; its speech comes as bytes.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::json::{Malformed, check_depth, read};

/// The messages that mean something to us.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum ServerMessage<'a> {
    Welcome {
        #[serde(borrow, default)]
        request_id: Cow<'a, str>,
    },
    SettingsApplied,
    ConversationText {
        #[serde(borrow)]
        role: Cow<'a, str>,
        #[serde(borrow)]
        content: Cow<'a, str>,
    },
    UserStartedSpeaking,
    AgentThinking,
    AgentStartedSpeaking,
    AgentAudioDone,
    FunctionCallRequest {
        #[serde(borrow, default)]
        functions: Vec<FunctionCall<'a>>,
    },
    FunctionCallCancelled {
        #[serde(borrow, default)]
        functions: Vec<CancelledCall<'a>>,
    },
    InjectionRefused,
    Warning {
        #[serde(borrow, default)]
        code: Cow<'a, str>,
    },
    Error {
        #[serde(borrow, default)]
        code: Cow<'a, str>,
    },
    /// Known, and of no use to us.
    #[serde(alias = "PromptUpdated", alias = "SpeakUpdated", alias = "ListenUpdated", alias = "ThinkUpdated", alias = "LatencyReport")]
    History,
    /// Of a type we do not know.
    #[serde(other)]
    Unknown,
}

impl<'a> ServerMessage<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        check_depth(text)?;
        read(text)
    }
}

/// A tool is to be run.
#[derive(Debug, Deserialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    /// JSON in a string.
    #[serde(borrow, default)]
    pub(super) arguments: Cow<'a, str>,
    /// False where the service runs it itself.
    #[serde(default = "by_client")]
    pub(super) client_side: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct CancelledCall<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
}

const fn by_client() -> bool {
    true
}
