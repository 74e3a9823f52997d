//! Recordings on disk: what is played, and what was heard.
//!
//! Read: PCM of 16 bit, 8 to 48 kHz, any number of channels, of which the first is taken. Written: mono, 8 kHz, 16 bit.
//! Left out on purpose: every other format; tools to convert them abound.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use media::resample::Resampler;
use media::units::SampleRate;

use super::analysis::RATE;

/// Why a recording cannot be read or written. The path is the user's own, given on the command line.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// It cannot be opened, or is no WAV file, or ends early.
    #[error("{} cannot be read as a WAV file", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: hound::Error,
    },
    /// It cannot be created or written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: hound::Error,
    },
    /// Its samples are not linear ones of 16 bit.
    #[error("{} has samples of {bits} bit{}; only PCM of 16 bit is played", path.display(), if *float { " floating point" } else { "" })]
    Samples {
        /// Which.
        path: PathBuf,
        /// Bits of a sample.
        bits: u16,
        /// Whether they are floating point.
        float: bool,
    },
    /// Its rate is out of bounds.
    #[error("{} is sampled at {hz} Hz; played are 8000 to 48000 Hz in steps of 100, 11025 and 22050", path.display())]
    Rate {
        /// Which.
        path: PathBuf,
        /// Samples a second.
        hz: u32,
    },
    /// It holds more than a call may last.
    #[error("{} is longer than {limit_s} s", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
        /// The bound.
        limit_s: u32,
    },
}

/// The first channel of a file, at 8 kHz.
///
/// # Errors
/// When it cannot be read, is no PCM of 16 bit at a rate that is played, or holds more than a call may last.
pub fn read(path: &Path) -> Result<Vec<i16>, WavError> {
    let failed = |source| WavError::Read { path: path.to_owned(), source };
    let reader = WavReader::open(path).map_err(failed)?;
    let WavSpec { channels, sample_rate, bits_per_sample, sample_format } = reader.spec();
    if bits_per_sample != 16 || sample_format != SampleFormat::Int {
        let float = sample_format == SampleFormat::Float;
        return Err(WavError::Samples { path: path.to_owned(), bits: bits_per_sample, float });
    }
    let stretched = Stretched::of(sample_rate).ok_or_else(|| WavError::Rate { path: path.to_owned(), hz: sample_rate })?;
    if reader.duration() / sample_rate >= LONGEST_S {
        return Err(WavError::TooLong { path: path.to_owned(), limit_s: LONGEST_S });
    }
    let samples = reader.into_samples::<i16>().step_by(usize::from(channels.max(1)));
    let samples = samples.collect::<Result<Vec<i16>, _>>().map_err(failed)?;
    Ok(to_telephone(stretched, samples))
}

/// A file for what is heard; made before the call, so that no call is in vain.
pub(super) struct Recording {
    path: PathBuf,
    writer: WavWriter<BufWriter<File>>,
}

impl Recording {
    pub(super) fn create(path: &Path) -> Result<Self, WavError> {
        let spec = WavSpec { channels: 1, sample_rate: RATE.hz(), bits_per_sample: 16, sample_format: SampleFormat::Int };
        let writer = WavWriter::create(path, spec).map_err(|source| WavError::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), writer })
    }

    pub(super) fn finish(mut self, heard: &[i16]) -> Result<(), WavError> {
        let written = heard.iter().try_for_each(|&sample| self.writer.write_sample(sample)).and_then(|()| self.writer.finalize());
        written.map_err(|source| WavError::Write { path: self.path, source })
    }
}

/// A rate that the resampler takes, reached by setting zeros between the samples. The images that this makes lie above
/// what the telephone carries, and its filter takes them away.
struct Stretched {
    rate: SampleRate,
    /// One sample of so many is from the file.
    factor: u32,
}

impl Stretched {
    fn of(hz: u32) -> Option<Self> {
        let reached = |factor| Some(Self { rate: SampleRate::new(hz.checked_mul(factor)?)?, factor });
        if hz < RATE.hz() { None } else { [1, 2, 4].into_iter().find_map(reached) }
    }
}

fn to_telephone(Stretched { rate, factor }: Stretched, samples: Vec<i16>) -> Vec<i16> {
    if rate == RATE {
        return samples;
    }
    let mut resampler = Resampler::new(rate, RATE);
    let length = RATE.samples(rate.duration(samples.len() as u64 * u64::from(factor))) as usize + resampler.delay();
    let mut out = Vec::with_capacity(length);
    for sample in samples {
        resampler.push(&[sample], &mut out);
        (1..factor).for_each(|_| resampler.push(&[0], &mut out));
    }
    resampler.finish(length.saturating_sub(out.len()), &mut out);
    let gain = i16::try_from(factor).unwrap_or(1);
    out.iter_mut().for_each(|sample| *sample = sample.saturating_mul(gain));
    out
}

/// The longest file, as the longest call.
const LONGEST_S: u32 = 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of `seconds` of a 440 Hz tone in the first channel, and silence in the others.
    fn tone(spec: WavSpec, seconds: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tone.wav");
        let mut writer = WavWriter::create(&path, spec).unwrap();
        for n in 0..spec.sample_rate * seconds {
            let phase = f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(spec.sample_rate);
            writer.write_sample((8_000.0 * phase.sin()) as i16).unwrap();
            (1..spec.channels).for_each(|_| writer.write_sample(0_i16).unwrap());
        }
        writer.finalize().unwrap();
        (folder, path)
    }

    fn pcm(channels: u16, sample_rate: u32) -> WavSpec {
        WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int }
    }

    #[test]
    fn any_rate_and_either_channel_count_becomes_a_second_at_eight_kilohertz() {
        for (channels, rate) in [(1, 8_000), (2, 8_000), (1, 11_025), (1, 16_000), (1, 22_050), (2, 44_100), (1, 48_000)] {
            let (_folder, path) = tone(pcm(channels, rate), 1);
            let samples = read(&path).unwrap();
            assert!((8_000..8_100).contains(&samples.len()), "{} samples from {rate} Hz", samples.len());
            let level = media::codec::rms_dbfs(&samples[400..7_600]);
            assert!((level + 15.26).abs() < 0.2, "{level} dBFS from {rate} Hz");
        }
    }

    #[test]
    fn what_is_written_is_read_alike() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heard.wav");
        let heard: Vec<i16> = (-800..800).collect();
        Recording::create(&path).unwrap().finish(&heard).unwrap();
        assert_eq!(read(&path).unwrap(), heard);
    }

    #[test]
    fn a_rate_that_no_telephone_knows_is_refused_by_its_number() {
        let (_folder, path) = tone(pcm(1, 96_000), 1);
        assert!(matches!(read(&path), Err(WavError::Rate { hz: 96_000, .. })));
    }

    #[test]
    fn samples_of_another_width_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.wav");
        let spec = WavSpec { bits_per_sample: 24, ..pcm(1, 8_000) };
        WavWriter::create(&path, spec).unwrap().finalize().unwrap();
        assert!(matches!(read(&path), Err(WavError::Samples { bits: 24, float: false, .. })));
    }

    #[test]
    fn a_file_that_is_no_wav_file_or_is_not_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.wav");
        assert!(matches!(read(&path), Err(WavError::Read { .. })));
        std::fs::write(&path, "not a sound").unwrap();
        assert!(matches!(read(&path), Err(WavError::Read { .. })));
    }
}
