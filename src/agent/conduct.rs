//! How a call is led beside what is said in it: who may not be interrupted, what becomes of silence, and how long it may last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::config::Protocol;
use crate::domain::setting::{SettingFault, out_of_range};

/// `[agents.<name>.conduct]`, or `[numbers.<number>.conduct]` for one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Conduct {
    /// Whether the agent's first words, where it speaks first, are heard to their end whatever the caller says. Default false.
    pub protect_greeting: bool,
    /// Seconds in which neither of the two speaks, after which the agent is asked to ask again; 0 for never, or 3 to 120. Default 0.
    pub idle_after_s: u32,
    /// How often it asks again before it says goodbye, 0 to 10. Default 2.
    pub idle_prompts: u32,
    /// What it is told then. Default: to ask whether the caller is still there.
    pub idle_prompt: Option<String>,
    /// Seconds from the answer after which the agent is asked to say goodbye, and the call ends; 0 for never, or 10 to 86 400. Default 0;
    /// `calls.max_duration_s` ends a call in any case, and without a word.
    pub max_call_s: u32,
    /// What it is told before a rule ends the call. Default: to say goodbye in one sentence.
    pub goodbye: Option<String>,
}

impl Default for Conduct {
    fn default() -> Self {
        Self { protect_greeting: false, idle_after_s: 0, idle_prompts: 2, idle_prompt: None, max_call_s: 0, goodbye: None }
    }
}

impl Conduct {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if self.idle_after_s != 0 {
            faults.extend(out_of_range("idle_after_s", self.idle_after_s, &(3..=120), "s, or 0"));
        }
        if self.max_call_s != 0 {
            faults.extend(out_of_range("max_call_s", self.max_call_s, &(10..=86_400), "s, or 0"));
        }
        faults.extend(out_of_range("idle_prompts", self.idle_prompts, &(0..=10), "times"));
        for (field, text) in [("idle_prompt", &self.idle_prompt), ("goodbye", &self.goodbye)] {
            if text.as_ref().is_some_and(|text| !(1..=1_024).contains(&text.len())) {
                faults.push(SettingFault::new(field, "(set)", "1 to 1024 bytes", "shorten the text, or take it out"));
            }
        }
        faults
    }

    /// Every setting that asks of an agent of this protocol to speak, where it cannot be asked. A call's greatest length is none of them:
    /// what the agent says then is heard, and the call ends without a goodbye.
    #[must_use]
    pub fn faults_toward(&self, protocol: Protocol) -> Vec<SettingFault> {
        let asks =
            [("idle_after_s", self.idle_after_s != 0), ("idle_prompt", self.idle_prompt.is_some()), ("goodbye", self.goodbye.is_some())];
        let mend = "leave it out: the agent cannot be asked to say something";
        let fault = |(key, _)| SettingFault::new(key, "set", "what this protocol can say", mend);
        asks.into_iter().filter(|(_, set)| *set && !protocol.takes_texts()).map(fault).collect()
    }

    /// What the agent is told when nobody has spoken for a while.
    #[must_use]
    pub fn idle_prompt(&self) -> &str {
        self.idle_prompt
            .as_deref()
            .unwrap_or("The caller has said nothing for a while. Ask in one short sentence whether they are still there.")
    }

    /// What the agent is told before the call ends.
    #[must_use]
    pub fn goodbye(&self) -> &str {
        self.goodbye.as_deref().unwrap_or("The call has to end now. Say goodbye in one short sentence, and ask nothing.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_its_bounds_is_named_at_once() {
        assert_eq!(Conduct::default().faults(), []);
        let wrong = Conduct { idle_after_s: 1, idle_prompts: 11, max_call_s: 5, goodbye: Some(String::new()), ..Conduct::default() };
        let keys: Vec<_> = wrong.faults().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["idle_after_s", "max_call_s", "idle_prompts", "goodbye"]);
    }

    #[test]
    fn who_cannot_be_asked_to_speak_is_not_asked_in_silence() {
        let conduct = Conduct { idle_after_s: 10, max_call_s: 60, goodbye: Some("Bye.".into()), ..Conduct::default() };
        let keys: Vec<_> = conduct.faults_toward(Protocol::Twilio).into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["idle_after_s", "goodbye"]);
        assert_eq!(conduct.faults_toward(Protocol::OpenAi), []);
        assert_eq!(Conduct { max_call_s: 60, ..Conduct::default() }.faults_toward(Protocol::Twilio), []);
    }
}
