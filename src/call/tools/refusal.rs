//! Why something that an agent wants is not done: in a stable word for records and audit, and in words for the agent.

use crate::agent::tools::schema::Violation;

/// Why it is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::call) enum Refusal {
    /// The agent has no such tool.
    Unknown,
    /// Its arguments are no JSON, or not what the tool takes.
    Arguments(Option<Violation>),
    /// The tool call is beyond all measure.
    Unfit,
    /// One of this name was asked for before.
    Repeated,
    /// Too many since the caller spoke last.
    TooManyInTurn,
    /// Too many in this call.
    TooManyInCall,
    /// Too many run.
    TooManyAtOnce,
    /// Nobody is to be sent there.
    Target,
    /// It may not do that.
    NotAllowed,
}

impl Refusal {
    /// A stable word.
    pub(in crate::call) const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_tool",
            Self::Arguments(_) => "arguments_refused",
            Self::Unfit => "tool_call_unfit",
            Self::Repeated => "tool_call_repeated",
            Self::TooManyInTurn => "too_many_in_turn",
            Self::TooManyInCall => "too_many_in_call",
            Self::TooManyAtOnce => "too_many_at_once",
            Self::Target => "target_not_allowed",
            Self::NotAllowed => "not_allowed",
        }
    }

    /// What the agent is told.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Unknown => "There is no such tool.".to_owned(),
            Self::Arguments(None) => "The arguments are not a JSON object.".to_owned(),
            Self::Arguments(Some(violation)) => format!("The arguments are not what the tool takes: {violation}."),
            Self::Unfit => "The tool call is too long.".to_owned(),
            Self::Repeated => "This tool call was made before.".to_owned(),
            Self::TooManyInTurn => "Too many tools were asked for since the caller spoke. Speak with the caller first.".to_owned(),
            Self::TooManyInCall => "No more tools can be used in this call.".to_owned(),
            Self::TooManyAtOnce => "Too many tools are running. Wait for their answers.".to_owned(),
            Self::Target => "The caller may not be sent there.".to_owned(),
            Self::NotAllowed => "This is not allowed.".to_owned(),
        }
    }
}
