//! Who decides turns with an agent, and by which measures.

use std::time::Duration;

use media::barge_in;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::setting::{SettingFault, out_of_range};

/// Who finds the end of a turn, and how; a provider always interrupts itself when the caller speaks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TurnDetection {
    /// By the sound.
    ServerVad {
        /// How sure it must be that it hears speech, 0 to 1. Default: 0.5.
        #[serde(default = "default_threshold")]
        threshold: f32,
        /// Audio kept from before the speech, 0 to 10 000 ms. Default: 300.
        #[serde(default = "default_prefix_padding_ms")]
        prefix_padding_ms: u32,
        /// Silence that ends the turn, 0 to 10 000 ms. Default: 500.
        #[serde(default = "default_silence_duration_ms")]
        silence_duration_ms: u32,
    },
    /// Not at all: the gateway decides turns, told from the agent's echo, and takes an interruption back that was none.
    Gateway {
        /// From the first suspicion, which pauses the agent, until it speaks on; 200 to 3 000 ms. Default: 700.
        #[serde(default = "default_doubt_ms")]
        doubt_ms: u32,
        /// The caller's speech within that time that makes it an interruption; 50 to 2 000 ms, less than `doubt_ms`. Default: 400.
        #[serde(default = "default_confirm_speech_ms")]
        confirm_speech_ms: u32,
        /// Audio sent from before the speech, 0 to 2 000 ms. Default: 300.
        #[serde(default = "default_prefix_padding_ms")]
        prefix_padding_ms: u32,
        /// Silence that ends the turn, 100 to 10 000 ms. Default: 600.
        #[serde(default = "default_gateway_silence_ms")]
        silence_duration_ms: u32,
    },
    /// By the sound for the ends of turns, as `server_vad`; what is an interruption the gateway decides, told from the agent's echo, and takes
    /// one back that was none.
    Both {
        /// As of `server_vad`. Default: 0.5.
        #[serde(default = "default_threshold")]
        threshold: f32,
        /// As of `server_vad`. Default: 300.
        #[serde(default = "default_prefix_padding_ms")]
        prefix_padding_ms: u32,
        /// As of `server_vad`. Default: 500.
        #[serde(default = "default_silence_duration_ms")]
        silence_duration_ms: u32,
        /// As of `gateway`. Default: 700.
        #[serde(default = "default_doubt_ms")]
        doubt_ms: u32,
        /// As of `gateway`. Default: 400.
        #[serde(default = "default_confirm_speech_ms")]
        confirm_speech_ms: u32,
    },
    /// By the words.
    SemanticVad {
        /// How soon it answers. Default: `auto`.
        #[serde(default)]
        eagerness: Eagerness,
    },
}

impl TurnDetection {
    /// Every setting that cannot stand.
    pub(super) fn faults(self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if let Self::Gateway { doubt_ms, confirm_speech_ms, prefix_padding_ms, silence_duration_ms }
        | Self::Both { doubt_ms, confirm_speech_ms, prefix_padding_ms, silence_duration_ms, .. } = self
        {
            faults.extend(out_of_range("prefix_padding_ms", prefix_padding_ms, &(0..=2_000), "ms"));
            faults.extend(out_of_range("doubt_ms", doubt_ms, &(200..=3_000), "ms"));
            faults.extend(out_of_range("confirm_speech_ms", confirm_speech_ms, &(50..=2_000), "ms"));
            faults.extend(out_of_range("silence_duration_ms", silence_duration_ms, &(100..=MAX_TURN_MS), "ms"));
            if confirm_speech_ms >= doubt_ms {
                let field = "confirm_speech_ms";
                faults.push(SettingFault::new(field, confirm_speech_ms, "less than doubt_ms", "400 of 700 ms suits most callers"));
            }
        }
        let (Self::ServerVad { threshold, prefix_padding_ms, silence_duration_ms }
        | Self::Both { threshold, prefix_padding_ms, silence_duration_ms, .. }) = self
        else {
            return faults;
        };
        if !(0.0..=1.0).contains(&threshold) {
            faults.push(SettingFault::new("threshold", threshold, "0.0 to 1.0", "0.5 suits most lines"));
        }
        for (field, value) in [("prefix_padding_ms", prefix_padding_ms), ("silence_duration_ms", silence_duration_ms)] {
            if value > MAX_TURN_MS && !self.spares_interruptions() {
                faults.push(SettingFault::new(field, value, "0 to 10000", "give a time in milliseconds within the bound"));
            }
        }
        faults
    }

    /// How the gateway decides turns, or interruptions alone, where it does.
    #[must_use]
    pub fn by_gateway(self) -> Option<barge_in::Config> {
        let (Self::Gateway { doubt_ms, confirm_speech_ms, silence_duration_ms, .. }
        | Self::Both { doubt_ms, confirm_speech_ms, silence_duration_ms, .. }) = self
        else {
            return None;
        };
        let ms = |ms: u32| Duration::from_millis(ms.into());
        let (window, speech, silence) = (ms(doubt_ms), ms(confirm_speech_ms), ms(silence_duration_ms));
        Some(barge_in::Config { window, speech, silence, ..barge_in::Config::default() })
    }

    /// Whether the provider is not to act on what it hears of the caller while it speaks.
    #[must_use]
    pub const fn spares_interruptions(self) -> bool {
        matches!(self, Self::Both { .. })
    }

    /// Where the gateway decides turns and sends nothing else: how much is sent of what was said before one, and for how long a
    /// turn may be in doubt.
    #[must_use]
    pub fn kept(self) -> Option<(Duration, Duration)> {
        let Self::Gateway { prefix_padding_ms, doubt_ms, .. } = self else { return None };
        Some((Duration::from_millis(prefix_padding_ms.into()), Duration::from_millis(doubt_ms.into())))
    }
}

impl Default for TurnDetection {
    fn default() -> Self {
        Self::ServerVad {
            threshold: default_threshold(),
            prefix_padding_ms: default_prefix_padding_ms(),
            silence_duration_ms: default_silence_duration_ms(),
        }
    }
}

/// How soon a turn found by its words is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Eagerness {
    /// Lets the caller finish.
    Low,
    /// In between.
    Medium,
    /// Answers at the first chance.
    High,
    /// The provider decides.
    #[default]
    Auto,
}

const MAX_TURN_MS: u32 = 10_000;

const fn default_threshold() -> f32 {
    0.5
}

const fn default_prefix_padding_ms() -> u32 {
    300
}

const fn default_doubt_ms() -> u32 {
    700
}

const fn default_confirm_speech_ms() -> u32 {
    400
}

const fn default_gateway_silence_ms() -> u32 {
    600
}

const fn default_silence_duration_ms() -> u32 {
    500
}
