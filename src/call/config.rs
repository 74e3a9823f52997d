//! Settings of calls: `[calls]` and `[numbers.<number>]`.

use std::path::PathBuf;

use media::enhancement::{Enhancement, Suppression};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::conduct::Conduct;
use crate::agent::config::Protocol;
use crate::domain::ids::OrgId;
use crate::domain::setting::{SettingFault, out_of_range};
use crate::leg::codecs::CodecNames;
use crate::leg::keypad::{KeyRules, ToneRule};

/// `[calls]`: how many, how long, and on which threads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallsConfig {
    /// Calls that may be up at one time; one more is refused with 503. Default 1 000, 1 to 16 000.
    pub max_concurrent: u32,
    /// New calls a second that the RTP ports must suffice for. Default 10, 1 to 1 000.
    pub expected_calls_per_second: u32,
    /// Length of a usual call in seconds, for the same reckoning. Default 180, 1 to 86 400.
    pub expected_call_length_s: u32,
    /// Seconds after which a call is ended. Default 3 600, 10 to 86 400.
    pub max_duration_s: u32,
    /// Seconds without RTP, while not on hold, after which a call is ended. Default 60, 5 to 3 600.
    pub rtp_timeout_s: u32,
    /// Milliseconds that a caller hears ringing while an agent gets ready; where there is another, each gets half of it. Default 3 000,
    /// 100 to 60 000.
    pub agent_ready_timeout_ms: u32,
    /// WAV file (PCM, 16 bit) that a caller hears who is without an agent for a second, and every nine seconds then; at most 8 s of it.
    /// Default: none, comfort noise.
    pub waiting_phrase: Option<PathBuf>,
    /// Threads that carry audio; 0 takes one for each core. Default 0, at most 256.
    pub media_threads: u16,
    /// Whether media threads ask for real-time priority; refused, they go on without, with a warning. Default true.
    pub realtime: bool,
    /// The longest, in milliseconds, that a gap in RTP waits for its packet before it is concealed; how long it waits
    /// follows from the disorder of the line, from 20 ms up. Default 160, 0 to 160.
    pub gap_wait_max_ms: u16,
}

impl Default for CallsConfig {
    fn default() -> Self {
        Self {
            max_concurrent: 1_000,
            expected_calls_per_second: 10,
            expected_call_length_s: 180,
            max_duration_s: 3_600,
            rtp_timeout_s: 60,
            agent_ready_timeout_ms: 3_000,
            waiting_phrase: None,
            media_threads: 0,
            realtime: true,
            gap_wait_max_ms: 160,
        }
    }
}

impl CallsConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        [
            out_of_range("max_concurrent", self.max_concurrent, &(1..=16_000), "calls"),
            out_of_range("expected_calls_per_second", self.expected_calls_per_second, &(1..=1_000), "calls a second"),
            out_of_range("expected_call_length_s", self.expected_call_length_s, &(1..=86_400), "s"),
            out_of_range("max_duration_s", self.max_duration_s, &(10..=86_400), "s"),
            out_of_range("rtp_timeout_s", self.rtp_timeout_s, &(5..=3_600), "s"),
            out_of_range("agent_ready_timeout_ms", self.agent_ready_timeout_ms, &(100..=60_000), "ms"),
            out_of_range("media_threads", self.media_threads, &(0..=256), "threads"),
            out_of_range("gap_wait_max_ms", self.gap_wait_max_ms, &(0..=160), "ms"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// `[numbers.<number>]`: who answers a dialled number. The number `default` stands for every one not listed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NumberConfig {
    /// Name of the agent that answers, a key of `[agents]`. Required.
    pub agent: String,
    /// Names of the agents that take over within a call when that one fails, in this order; they may speak other protocols and hear
    /// other formats. Default: none, the same one is dialled again. At most 8.
    pub fallback_agents: Vec<String>,
    /// When the call is answered. Default `when_agent_ready`.
    pub answer: AnswerRule,
    /// Organisation that owns the calls. Default `org_default`.
    #[serde(skip_serializing)]
    pub org: OrgId,
    /// The trunk by which alone it is reached. Default: any of its organisation, and callers that no trunk knows.
    pub trunk: Option<String>,
    /// Codecs of its calls, best first. Default: those of `[rtp]`.
    pub codecs: Option<CodecNames>,
    /// Whether its calls are listened to, for the diagnostics of their records; costs 31 kB and a voice detector a call. Default false.
    pub analysis: bool,
    /// Whether the agent's own echo is taken out of what the agent hears of the caller, for agents that decide on turns
    /// themselves. Costs memory and CPU as docs/measured.md has them, and 4 ms. Default false.
    pub echo_cancellation: bool,
    /// By how much noise is taken down in what the agent hears. Costs 6 ms. Default `off`.
    pub noise_suppression: NoiseSuppression,
    /// When the caller's audio is listened to for keys. Default `without_events`.
    pub dtmf_tones: ToneRule,
    /// Whether the caller is silenced for the agent and for listeners while a key is down. Default true.
    pub dtmf_hidden: bool,
    /// Whether the agent is told which keys are pressed. Default true.
    pub dtmf_to_agent: bool,
    /// How its calls are led. Default: as the agent's settings say.
    pub conduct: Option<Conduct>,
}

/// By how much noise is taken down at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSuppression {
    /// Not at all.
    #[default]
    Off,
    /// By 6 dB.
    Low,
    /// By 12 dB.
    Moderate,
    /// By 18 dB.
    High,
    /// By 21 dB.
    VeryHigh,
}

/// When an inbound call is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerRule {
    /// The caller hears ringing until the agent is ready.
    #[default]
    WhenAgentReady,
    /// At once; what the caller says is kept until the agent is ready.
    Immediately,
}

impl Default for NumberConfig {
    fn default() -> Self {
        let KeyRules { tones, hidden } = KeyRules::default();
        Self {
            agent: String::new(),
            fallback_agents: Vec::new(),
            answer: AnswerRule::default(),
            org: OrgId::default_org(),
            trunk: None,
            codecs: None,
            analysis: false,
            echo_cancellation: false,
            noise_suppression: NoiseSuppression::Off,
            dtmf_tones: tones,
            dtmf_hidden: hidden,
            dtmf_to_agent: true,
            conduct: None,
        }
    }
}

impl NumberConfig {
    /// Every setting that cannot stand, where these agents and trunks are known.
    #[must_use]
    pub fn faults(&self, agents: &[&str], trunks: &[&str]) -> Vec<SettingFault> {
        let mut faults: Vec<_> = self.codecs.iter().flat_map(|codecs| codecs.faults("codecs")).collect();
        faults.extend(self.conduct.iter().flat_map(Conduct::faults).map(|fault| fault.under("conduct")));
        let mut unknown = |key: &str, name: &str, known: &[&str], bound: &str, without: &str| {
            if !known.contains(&name) {
                let mend = if known.is_empty() { without.to_owned() } else { format!("known: {}", known.join(", ")) };
                faults.push(SettingFault::new(key, format!("{name:?}"), bound, mend));
            }
        };
        unknown("agent", &self.agent, agents, "must name an agent", "add an [agents.<name>] section");
        for name in &self.fallback_agents {
            unknown("fallback_agents", name, agents, "must name agents", "add an [agents.<name>] section");
        }
        if let Some(trunk) = &self.trunk {
            unknown("trunk", trunk, trunks, "must name a trunk", "add a [trunks.<name>] section");
        }
        let mut names: Vec<_> = self.agents();
        names.sort_unstable();
        names.dedup();
        if names.len() <= self.fallback_agents.len() || self.fallback_agents.len() > MAX_FALLBACKS {
            let mend = "name each agent once, and not the one that answers";
            faults.push(SettingFault::new("fallback_agents", self.fallback_agents.join(", "), "at most 8, each another", mend));
        }
        faults
    }

    /// What of its conduct its agents, which speak these protocols, cannot be asked for.
    #[must_use]
    pub fn conduct_faults(&self, protocols: impl IntoIterator<Item = Protocol>) -> Vec<SettingFault> {
        let Some(conduct) = &self.conduct else { return Vec::new() };
        let first = protocols.into_iter().map(|protocol| conduct.faults_toward(protocol)).find(|faults| !faults.is_empty());
        first.into_iter().flatten().map(|fault| fault.under("conduct")).collect()
    }

    /// Its agents in the order in which they are tried.
    #[must_use]
    pub fn agents(&self) -> Vec<String> {
        std::iter::once(&self.agent).chain(&self.fallback_agents).cloned().collect()
    }

    /// What becomes of keys, as the leg is told.
    #[must_use]
    pub const fn keys(&self) -> KeyRules {
        KeyRules { tones: self.dtmf_tones, hidden: self.dtmf_hidden }
    }

    /// What is made of the caller's audio, as the leg is told.
    #[must_use]
    pub const fn enhancement(&self) -> Enhancement {
        let noise_suppression = match self.noise_suppression {
            NoiseSuppression::Off => Suppression::Off,
            NoiseSuppression::Low => Suppression::Low,
            NoiseSuppression::Moderate => Suppression::Moderate,
            NoiseSuppression::High => Suppression::High,
            NoiseSuppression::VeryHigh => Suppression::VeryHigh,
        };
        Enhancement { echo_cancellation: self.echo_cancellation, noise_suppression }
    }
}

/// The fault of what is no number and no name of a trunk, if it is none.
#[must_use]
pub fn name_fault(key: &str, text: &str) -> Option<SettingFault> {
    let fine = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte));
    (!fine).then(|| SettingFault::new(key, "(set)", "must be 1 to 64 letters, digits or + - . _", "write it so"))
}

/// Agents that may take over in one call.
const MAX_FALLBACKS: usize = 8;

/// The number that stands for every one not listed.
pub const DEFAULT_NUMBER: &str = "default";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_own_bounds() {
        assert_eq!(CallsConfig::default().faults(), []);
    }

    #[test]
    fn a_call_that_may_never_end_is_refused() {
        let calls = CallsConfig { max_duration_s: 0, rtp_timeout_s: 0, ..CallsConfig::default() };
        let keys: Vec<_> = calls.faults().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["max_duration_s", "rtp_timeout_s"]);
    }
}
