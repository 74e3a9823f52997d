//! Recorded people: the prompts of `asterisk-core-sounds-*-wav`, five voices in five languages, by which the thresholds were
//! found; and the speakers of `codec2-examples`, which were kept out of that.

use std::fs;
use std::path::{Path, PathBuf};

use crate::chance::Chance;
use crate::tools;

/// The prompts of one voice.
pub(crate) struct Voice {
    prompts: Vec<Prompt>,
}

/// What was said, from its first trace on.
struct Prompt {
    samples: Vec<i16>,
    /// Effective value while it speaks.
    level: f64,
    /// Where it is active speech.
    onset: usize,
}

/// What somebody says.
#[derive(Default)]
pub(crate) struct Speech {
    pub(crate) samples: Vec<i16>,
    /// Where it is active speech first.
    pub(crate) onset: usize,
}

/// Every voice that is installed; nothing, aloud, where there are less than two.
pub(crate) fn voices() -> Option<Vec<Voice>> {
    let found: Vec<Voice> = VOICES.iter().filter_map(|name| Voice::read(&Path::new(SOUNDS).join(name))).collect();
    if found.len() < 2 {
        tools::skip("asterisk-core-sounds-*-wav is not installed: make setup");
        return None;
    }
    Some(found)
}

/// People whom no threshold was made for; nothing, aloud, where they are not installed.
pub(crate) fn held_out() -> Option<Vec<Voice>> {
    let found: Vec<Voice> = HELD_OUT.iter().filter_map(|name| Voice::cut(&Path::new(EXAMPLES).join(name))).collect();
    if found.len() < HELD_OUT.len() {
        tools::skip("codec2-examples is not installed: make setup");
        return None;
    }
    Some(found)
}

impl Voice {
    /// What somebody says at a stretch, cut at his pauses.
    fn cut(path: &Path) -> Option<Self> {
        let samples: Vec<i16> = fs::read(path).ok()?.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        let level = active_level(&samples);
        let loud: Vec<bool> = samples.chunks(160).map(|piece| energy(piece).sqrt() > level * ACTIVE * 0.5).collect();
        let (mut prompts, mut begin, mut quiet) = (Vec::new(), 0, 0);
        for (n, loud) in loud.iter().chain(std::iter::repeat_n(&false, PAUSE)).enumerate() {
            quiet = if *loud { 0 } else { quiet + 1 };
            if quiet == PAUSE {
                let (from, to) = (begin * 160, ((n + 1) * 160).min(samples.len()));
                prompts.extend(samples.get(from..to).and_then(Prompt::of));
            }
            if quiet >= PAUSE {
                begin = (n + 1).saturating_sub(2);
            }
        }
        (!prompts.is_empty()).then_some(Self { prompts })
    }

    fn read(folder: &Path) -> Option<Self> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        let wave = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "wav") && !path.ends_with("beep.wav");
        let prompts: Vec<Prompt> = files.iter().filter(|path| wave(path)).filter_map(|path| Prompt::read(&fs::read(path).ok()?)).collect();
        (prompts.len() > 20).then_some(Self { prompts })
    }

    /// At least `length` samples of prompts with short pauses between, at `level_db` of full scale while it speaks.
    pub(crate) fn speak(&self, chance: &mut Chance, length: usize, level_db: f64) -> Speech {
        let (mut samples, mut onset) = (Vec::new(), None);
        while samples.len() < length {
            let prompt = &self.prompts[chance.below(self.prompts.len() as u64) as usize];
            let gain = 10_f64.powf(level_db / 20.0) * 32_768.0 / prompt.level;
            onset.get_or_insert(prompt.onset);
            samples.extend(prompt.samples.iter().map(|&sample| (f64::from(sample) * gain).clamp(-32_000.0, 32_000.0) as i16));
            samples.resize(samples.len() + 800 + chance.below(2_400) as usize, 0);
        }
        Speech { samples, onset: onset.unwrap_or_default() }
    }
}

impl Prompt {
    /// The samples of a WAV file of 8 kHz; nothing for one that is hardly a word.
    fn read(file: &[u8]) -> Option<Self> {
        let chunk = file.windows(4).position(|name| name == b"data")?;
        let bytes = file.get(chunk + 8..)?;
        let samples: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        Self::of(&samples)
    }

    fn of(samples: &[i16]) -> Option<Self> {
        let level = active_level(samples);
        let levels: Vec<f64> = samples.chunks(80).map(|piece| energy(piece).sqrt()).collect();
        let reaches = |margin: f64| move |pair: &[f64]| pair.iter().all(|own| *own > level * margin);
        let first = levels.windows(2).position(reaches(TRACE))?;
        let active = levels.windows(2).position(reaches(ACTIVE))?;
        let last = levels.windows(2).rposition(reaches(TRACE))? + 2;
        let samples = samples.get(first * 80..(last * 80).min(samples.len()))?.to_vec();
        (samples.len() > SHORTEST).then_some(Self { samples, level, onset: (active - first) * 80 })
    }
}

/// Effective value of the louder half.
fn active_level(samples: &[i16]) -> f64 {
    let mut levels: Vec<f64> = samples.chunks(160).map(energy).collect();
    levels.sort_by(f64::total_cmp);
    let louder = &levels[levels.len() / 2..];
    (louder.iter().sum::<f64>() / louder.len() as f64).sqrt()
}

fn energy(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

/// Speech is active within 15.9 dB of its level (ITU-T P.56 §4.1), and there is a trace of it down to 34 dB.
const ACTIVE: f64 = 0.16;
const TRACE: f64 = 0.02;
/// 0.8 s.
const SHORTEST: usize = 6_400;
/// A fifth of a second, in pieces of 20 ms.
const PAUSE: usize = 10;
const EXAMPLES: &str = "/usr/share/codec2/raw";
const HELD_OUT: [&str; 7] = ["hts1.raw", "hts2.raw", "kristoff.raw", "cq_ref.raw", "ve9qrp_10s.raw", "vk5qi.raw", "mmt1.raw"];
const SOUNDS: &str = "/usr/share/asterisk/sounds";
const VOICES: [&str; 5] = ["en_US_f_Allison", "it_IT_m_Carlo", "fr_CA_f_June", "es_MX_f_Allison", "ru_RU_f_IvrvoiceRU"];
