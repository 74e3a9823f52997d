//! The tools of the gateway's own: what is to be done, read out of arguments that keep the tools' rules.

use media::dtmf::Digit;
use serde_json::Value;

use crate::agent::tools::BuiltIn;
use crate::domain::redacted::Redacted;

/// Something that the gateway does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::call) enum Deed {
    /// End the call once what the agent has said was heard.
    End,
    /// Send the caller elsewhere.
    Transfer {
        /// Where to; on the agent's list.
        target: Redacted<String>,
        /// Whether the person there is called and told first, and what.
        briefing: Option<Redacted<String>>,
    },
    /// Press keys.
    Keys(Vec<Digit>),
    /// Put the caller on hold, or take them off.
    Hold(bool),
}

impl Deed {
    /// What is to be done, where the arguments say it.
    pub(super) fn of(tool: BuiltIn, arguments: &Value) -> Option<Self> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        Some(match tool {
            BuiltIn::EndCall => Self::End,
            BuiltIn::TransferCall => {
                let target = Redacted::new(text("target")?.to_owned());
                let attended = text("kind") == Some("attended");
                let briefing = attended.then(|| Redacted::new(text("summary").unwrap_or_default().to_owned()));
                Self::Transfer { target, briefing }
            }
            BuiltIn::SendDtmf => Self::keys(text("digits")?)?,
            BuiltIn::Hold => Self::Hold(arguments.get("held")?.as_bool()?),
        })
    }

    /// Without asking there first.
    pub(super) const fn send_to(target: Redacted<String>) -> Self {
        Self::Transfer { target, briefing: None }
    }

    /// Keys, where each character is one; a hook flash is none that an agent presses.
    pub(super) fn keys(digits: &str) -> Option<Self> {
        let keys: Option<Vec<_>> =
            digits.chars().take(MAX_KEYS + 1).map(|key| Digit::new(key).filter(|digit| *digit != Digit::FLASH)).collect();
        keys.filter(|keys| (1..=MAX_KEYS).contains(&keys.len())).map(Self::Keys)
    }

    /// What the agent is told at once, and whether it should speak on.
    pub(super) const fn told(&self) -> (&'static str, bool) {
        match self {
            Self::End => ("The call ends once the caller has heard what you said.", false),
            Self::Transfer { briefing: None, .. } => ("The caller's line is asked to go there. If it fails you are told.", false),
            Self::Transfer { .. } => ("The person there is called. If it fails you are told.", false),
            Self::Keys(_) => ("The keys are pressed.", true),
            Self::Hold(true) => ("The caller is on hold and hears nothing of you.", false),
            Self::Hold(false) => ("The caller hears you again.", true),
        }
    }
}

const MAX_KEYS: usize = 32;
