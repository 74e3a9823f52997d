//! What the routes of numbers take: the settings of `[numbers.<number>]`. Their form is checked here, what they mean by the same rules as
//! the configuration's.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::error::ApiError;
use crate::api::v1::agents::CONDUCT;
use crate::api::v1::tenant::{overlaid, parsed};
use crate::call::config::NumberConfig;

/// A number to make.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct NewNumber(Map<String, Value>);

/// What to change of a number.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct NumberChange(Map<String, Value>);

impl NewNumber {
    /// The number and its settings.
    pub(super) fn read(self) -> Result<(String, NumberConfig), ApiError> {
        let Self(mut members) = self;
        let number = match members.remove("number") {
            Some(Value::String(number)) => number,
            _ => String::new(),
        };
        Ok((number, parsed(members)?))
    }
}

impl NumberChange {
    /// The settings with the change made.
    pub(super) fn over(self, settings: &NumberConfig) -> Result<NumberConfig, ApiError> {
        Ok(NumberConfig { org: settings.org.clone(), ..overlaid(settings, self.0, &["conduct"])? })
    }
}

macro_rules! number_members {
    ($($first:expr),*) => {
        &[
            $($first,)*
            Member::optional("fallback_agents", Shape::List { of: &Shape::of(Format::AgentName), min: 0, max: 8 }, "The agents that take over within a call, in this order."),
            Member::optional("answer", Shape::Choice(&["when_agent_ready", "immediately"]), "When the call is answered."),
            Member::optional("trunk", Shape::of(Format::TelephonyName), "The trunk of the organisation by which alone it is reached; any of them when absent."),
            Member::optional("codecs", Shape::List { of: &Shape::line(1, 16, "pcma"), min: 1, max: 8 }, "Best first."),
            Member::optional("analysis", Shape::Flag, "Whether its calls are listened to, for the diagnostics of their records."),
            Member::optional("echo_cancellation", Shape::Flag, "Whether the agent's own echo is taken out of what the agent hears."),
            Member::optional("noise_suppression", Shape::Choice(&["off", "low", "moderate", "high", "very_high"]), "By how much noise is taken down."),
            Member::optional("dtmf_tones", Shape::Choice(&["without_events", "always", "never"]), "When the audio is listened to for keys."),
            Member::optional("dtmf_hidden", Shape::Flag, "Whether the caller is silenced while a key is down."),
            Member::optional("dtmf_to_agent", Shape::Flag, "Whether the agent is told which keys are pressed."),
            Member::optional("conduct", Shape::Object(&CONDUCT), "How its calls are led; as the agent's settings say when absent."),
        ]
    };
}

impl Input for NewNumber {
    const SHAPE: &'static Object = &Object {
        name: "NewNumber",
        members: number_members![
            Member::required(
                "number",
                Shape::Text { min: 1, max: 64, format: Format::TelephonyName, example: "+4930901820" },
                "As it is dialled, `+4930901820` where it is international; `default` stands for every one not listed. Not to be changed."
            ),
            Member::required("agent", Shape::of(Format::AgentName), "The agent that answers.")
        ],
    };
}

impl Input for NumberChange {
    const SHAPE: &'static Object = &Object {
        name: "NumberChange",
        members: number_members![Member::kept("agent", Shape::of(Format::AgentName), "The agent that answers.")],
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_number_has_here_the_settings_that_it_has_in_the_configuration_and_no_others() {
        let configured = serde_json::to_value(NumberConfig::default()).unwrap();
        let configured: BTreeSet<_> = configured.as_object().unwrap().keys().cloned().collect();
        let here: BTreeSet<_> = NumberChange::SHAPE.members.iter().map(|member| member.name.to_owned()).collect();
        assert_eq!(here, configured);
    }
}
