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

/// Reads a mono WAV file of 8 kHz.
pub(crate) fn read(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 8000), "{}", path.display());
    reader.samples().map(|sample| sample.expect("a whole sound file")).collect()
}
