//! Real speech, men and women, as Debian's packages have it: `codec2-examples` and `asterisk-core-sounds-{en,it}-{wav,g722}`.

use std::fs;
use std::path::Path;

use media::codec::{Codec, Decoder};
use media::units::SampleRate;

use crate::{sound, tools};

/// Somebody who speaks for some seconds.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    pub(crate) rate: SampleRate,
    pub(crate) samples: Vec<i16>,
}

/// Two women and two men at 8 kHz. Nothing, aloud, where a package is missing.
pub(crate) fn narrow() -> Option<Vec<Voice>> {
    let prompt =
        |folder: &str| Some(seconds(sound::read(&existing(&format!("{PROMPTS}/{folder}/demo-congrats.wav"))?), SampleRate::HZ_8000));
    let example = |name: &str| sound::raw(&existing(&format!("{EXAMPLES}/{name}.raw"))?);
    gather([example("hts2"), example("kristoff"), prompt(ALLISON), prompt(CARLO)], SampleRate::HZ_8000)
}

/// A woman, another and a man at 16 kHz. Nothing, aloud, where a package is missing.
pub(crate) fn wide() -> Option<Vec<Voice>> {
    let prompt = |folder: &str| {
        let payload = fs::read(existing(&format!("{PROMPTS}/{folder}/demo-congrats.g722"))?).ok()?;
        let mut samples = Vec::new();
        Decoder::new(Codec::G722, SampleRate::HZ_16000).ok()?.decode(&payload, &mut samples).ok()?;
        Some(seconds(samples, SampleRate::HZ_16000))
    };
    // A WAV file whose header is 44 octets long.
    let example = || sound::raw(&existing(&format!("{EXAMPLES}/speech_orig_16k.wav"))?).map(|samples| samples[22..].to_vec());
    gather([example(), prompt(ALLISON), prompt(CARLO)], SampleRate::HZ_16000)
}

/// What the voices say one after the other, again and again for `seconds`.
pub(crate) fn monologue(voices: &[Voice], rate: SampleRate, seconds: u64) -> Vec<i16> {
    let length = (u64::from(rate.hz()) * seconds) as usize;
    voices.iter().flat_map(|voice| voice.samples.iter().copied()).cycle().take(length).collect()
}

fn gather<const N: usize>(voices: [Option<Vec<i16>>; N], rate: SampleRate) -> Option<Vec<Voice>> {
    let found: Vec<Voice> = voices.into_iter().flatten().map(|samples| Voice { rate, samples }).collect();
    if found.len() == N {
        return Some(found);
    }
    tools::skip("codec2-examples or asterisk-core-sounds-{en,it}-{wav,g722} (recorded speech) is not installed");
    None
}

fn existing(path: &str) -> Option<std::path::PathBuf> {
    Some(Path::new(path).to_path_buf()).filter(|path| path.is_file())
}

/// The first eight seconds.
fn seconds(mut samples: Vec<i16>, rate: SampleRate) -> Vec<i16> {
    samples.truncate(8 * rate.hz() as usize);
    samples
}

const EXAMPLES: &str = "/usr/share/codec2/raw";
const PROMPTS: &str = "/usr/share/asterisk/sounds";
const ALLISON: &str = "en_US_f_Allison";
const CARLO: &str = "it_IT_m_Carlo";
