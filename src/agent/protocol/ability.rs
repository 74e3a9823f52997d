//! What each protocol can do, in one table: formats of audio, and who may decide turns.

use crate::agent::config::{AgentConfig, Protocol, TurnDetection, WireFormat};
use crate::domain::setting::SettingFault;

/// What a protocol can do.
struct Ability {
    formats: &'static [WireFormat],
    /// Its own turn detection takes settings: thresholds and lengths of silence.
    tuned_by_sound: bool,
    /// It can find turns by the words.
    by_words: bool,
    /// It can be told of turns that the gateway decides.
    by_gateway: bool,
    /// The model has to be named in the settings.
    needs_model: bool,
}

impl Protocol {
    const fn ability(self) -> Ability {
        use WireFormat::{Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcma, Pcmu};
        match self {
            Self::OpenAi => {
                Ability { formats: &[Pcm24k, Pcmu, Pcma], tuned_by_sound: true, by_words: true, by_gateway: true, needs_model: false }
            }
            Self::Deepgram => Ability {
                formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcmu, Pcma],
                tuned_by_sound: false,
                by_words: false,
                by_gateway: false,
                needs_model: true,
            },
            Self::ElevenLabs => Ability {
                formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcmu],
                tuned_by_sound: false,
                by_words: false,
                by_gateway: false,
                needs_model: false,
            },
            // It takes any rate and speaks one.
            Self::Gemini => Ability { formats: &[Pcm24k], tuned_by_sound: true, by_words: false, by_gateway: true, needs_model: true },
            Self::Auricle => Ability {
                formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcmu, Pcma],
                tuned_by_sound: false,
                by_words: false,
                by_gateway: true,
                needs_model: false,
            },
        }
    }
}

/// What an agent is asked for that its protocol cannot do.
pub(in crate::agent) fn faults(config: &AgentConfig) -> Vec<SettingFault> {
    let ability = config.protocol.ability();
    let mut faults = Vec::new();
    if !ability.formats.contains(&config.format) {
        let names: Vec<_> = ability.formats.iter().map(|format| format.name()).collect();
        faults.push(SettingFault::new("format", config.format.name(), names.join(", "), "take one that the protocol has"));
    }
    let possible = match config.turn_detection {
        TurnDetection::ServerVad { .. } => ability.tuned_by_sound || config.turn_detection == TurnDetection::default(),
        TurnDetection::SemanticVad { .. } => ability.by_words,
        TurnDetection::Gateway { .. } => ability.by_gateway,
    };
    if !possible {
        let known = "what this protocol can be told";
        faults.push(SettingFault::new("turn_detection", "set", known, "leave it out: the agent decides turns by settings of its own"));
    }
    if ability.needs_model && config.model.is_none() {
        faults.push(SettingFault::new("model", "(none)", "the name of a model", "name the model that is to answer"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(config: &AgentConfig) -> Vec<String> {
        faults(config).into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn what_a_protocol_cannot_do_is_told_before_a_call() {
        let at = |protocol, format, model: Option<&str>, turn_detection| AgentConfig {
            protocol,
            format,
            model: model.map(str::to_owned),
            turn_detection,
            ..AgentConfig::at("wss://a.example/")
        };
        let own = TurnDetection::default();
        let gateway = TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 };
        assert!(keys(&at(Protocol::OpenAi, WireFormat::Pcmu, None, gateway)).is_empty());
        assert_eq!(keys(&at(Protocol::OpenAi, WireFormat::Pcm16k, None, own)), ["format"]);
        assert_eq!(keys(&at(Protocol::Gemini, WireFormat::Pcmu, None, own)), ["format", "model"]);
        assert_eq!(keys(&at(Protocol::ElevenLabs, WireFormat::Pcma, None, gateway)), ["format", "turn_detection"]);
        assert_eq!(keys(&at(Protocol::Deepgram, WireFormat::Pcmu, Some("open_ai/gpt-4o-mini"), gateway)), ["turn_detection"]);
        assert!(keys(&at(Protocol::Auricle, WireFormat::Pcm48k, None, gateway)).is_empty());
    }
}
