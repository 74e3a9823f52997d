//! Codecs as an operator names them.

use media::codec::Codec;
use media::units::SampleRate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::setting::SettingFault;

/// Codecs by their names, best first: `opus`, `g722`, `pcmu`, `pcma`, `l16/8000`, `l16/16000`, `l16/24000`, `l16/48000`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct CodecNames(Vec<String>);

impl Default for CodecNames {
    fn default() -> Self {
        Self(vec!["pcmu".to_owned(), "pcma".to_owned()])
    }
}

impl CodecNames {
    /// These names, in this order.
    #[must_use]
    pub fn of<const N: usize>(names: [&str; N]) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    /// The codecs in their order; names that stand for none are passed over.
    #[must_use]
    pub fn codecs(&self) -> Vec<Codec> {
        self.0.iter().filter_map(|name| codec(name)).collect()
    }

    /// Every name that cannot stand.
    #[must_use]
    pub fn faults(&self, key: &str) -> Vec<SettingFault> {
        if self.0.is_empty() {
            return vec![SettingFault::new(key, "[]", "must name a codec", "leave it out for pcmu and pcma")];
        }
        let mut faults = Vec::new();
        for (index, name) in self.0.iter().enumerate() {
            let earlier = self.0.iter().take(index).any(|before| before.eq_ignore_ascii_case(name));
            let value = format!("{name:?}");
            if name.eq_ignore_ascii_case("g729") {
                faults.push(SettingFault::new(key, value, "G.729 is not supported", format!("choose from {KNOWN}")));
            } else if codec(name).is_none() {
                faults.push(SettingFault::new(key, value, "must name a codec", format!("choose from {KNOWN}")));
            } else if earlier {
                faults.push(SettingFault::new(key, value, "must stand once", "take one of them out"));
            }
        }
        faults
    }
}

fn codec(name: &str) -> Option<Codec> {
    match name.to_ascii_lowercase().as_str() {
        "opus" => Some(Codec::Opus),
        "g722" => Some(Codec::G722),
        "pcmu" => Some(Codec::Pcmu),
        "pcma" => Some(Codec::Pcma),
        "l16/8000" => Some(Codec::L16 { rate: SampleRate::HZ_8000 }),
        "l16/16000" => Some(Codec::L16 { rate: SampleRate::HZ_16000 }),
        "l16/24000" => Some(Codec::L16 { rate: SampleRate::HZ_24000 }),
        "l16/48000" => Some(Codec::L16 { rate: SampleRate::HZ_48000 }),
        _ => None,
    }
}

const KNOWN: &str = "opus, g722, pcmu, pcma, l16/8000, l16/16000, l16/24000, l16/48000";

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> CodecNames {
        CodecNames(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn every_name_that_the_faults_tell_of_is_a_codec() {
        let all = names(&KNOWN.split(", ").collect::<Vec<_>>());
        assert_eq!((all.codecs().len(), all.faults("codecs")), (8, vec![]));
        assert_eq!(CodecNames::default().codecs(), [Codec::Pcmu, Codec::Pcma]);
    }

    #[test]
    fn every_fault_of_a_list_is_named_at_once() {
        let faults = names(&["opus", "G729", "l16/44100", "Opus", "speex"]).faults("codecs");
        let told: Vec<_> = faults.iter().map(|fault| (fault.value.as_str(), fault.bound.as_str())).collect();
        let unknown = "must name a codec";
        assert_eq!(
            told,
            [("\"G729\"", "G.729 is not supported"), ("\"l16/44100\"", unknown), ("\"Opus\"", "must stand once"), ("\"speex\"", unknown)]
        );
        assert_eq!(names(&[]).faults("codecs").len(), 1);
    }
}
