//! Sound files, and where real speech is found.

use std::fs;
use std::path::Path;

use super::tools;

/// Two speakers of `codec2-examples`, 8 kHz: a name and the samples. Nothing, aloud, where the package is missing.
pub(crate) fn speakers() -> Option<[(&'static str, Vec<i16>); 2]> {
    let speak = |name: &'static str| Some((name, raw(&Path::new("/usr/share/codec2/raw").join(name).with_extension("raw"))?));
    let speakers = speak("hts1").zip(speak("kristoff")).map(|(one, other)| [one, other]);
    if speakers.is_none() {
        tools::skip("codec2-examples (recorded speech) is not installed");
    }
    speakers
}

/// Samples of 16 bits, little endian, without a header.
pub(crate) fn raw(path: &Path) -> Option<Vec<i16>> {
    let bytes = fs::read(path).ok()?;
    Some(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// Writes a mono WAV file of 8 kHz.
pub(crate) fn write(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).expect("the sound file is created");
    samples.iter().for_each(|&sample| writer.write_sample(sample).expect("the sound file is written"));
    writer.finalize().expect("the sound file is finished");
}

/// Writes sound of 8 kHz as a mono WAV file of a whole multiple of that.
pub(crate) fn write_at(path: &Path, samples: &[i16], rate_hz: u32) {
    let times = i32::try_from(rate_hz / 8_000).expect("a rate of sound");
    let spec = hound::WavSpec { channels: 1, sample_rate: rate_hz, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).expect("the sound file is created");
    for pair in samples.windows(2) {
        let (from, to) = (i32::from(pair[0]), i32::from(pair[1]));
        for step in 0..times {
            writer.write_sample((from + (to - from) * step / times) as i16).expect("the sound file is written");
        }
    }
    writer.finalize().expect("the sound file is finished");
}

/// Reads the first channel of a WAV file of a whole multiple of 8 kHz, brought down to that.
pub(crate) fn read_at_8_khz(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (channels, times) = (usize::from(reader.spec().channels), (reader.spec().sample_rate / 8_000) as usize);
    assert!(reader.spec().sample_rate.is_multiple_of(8_000), "{}", path.display());
    let samples: Vec<i32> = reader.samples::<i16>().map(|sample| sample.expect("a whole sound file").into()).collect();
    let first: Vec<i32> = samples.chunks_exact(channels).map(|frame| frame[0]).collect();
    first.chunks_exact(times).map(|few| (few.iter().sum::<i32>() / times as i32) as i16).collect()
}

/// Reads a mono WAV file of 8 kHz.
pub(crate) fn read(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 8000), "{}", path.display());
    reader.samples().map(|sample| sample.expect("a whole sound file")).collect()
}
