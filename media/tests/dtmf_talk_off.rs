//! Talk-off: hours of recorded speech, and not one key in it.
//!
//! The speech is what Debian packages hold: prompts in five languages (`asterisk-core-sounds-*`), and sentences of men
//! and women (`codec2-examples`). `AURICLE_FULL=1` adds the prompts at 16 kHz, all of it after G.711, and all of it
//! faster by up to a half, which gives every voice another pitch. A package that is missing is named aloud.
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media::codec::g711::{decode_ulaw, encode_ulaw};
use media::codec::{Codec, Decoder};
use media::dtmf::{Detector, Edge, ToneEvent};
use media::units::SampleRate;

/// Sounds that are no speech: test signals and data.
const NO_SPEECH: [&str; 5] = ["sine1k", "test_datac1", "testframes", "700d_end_over", "beep"];

/// Every file below `folder` with this ending.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let is_speech = !NO_SPEECH.iter().any(|name| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name)));
        if path.is_dir() {
            files(&path, ending, found);
        } else if is_speech && path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

/// The recordings of a kind; nothing, aloud, where their packages are missing.
fn recordings(folder: &str, ending: &str, package: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(Path::new(folder), ending, &mut found);
    found.sort();
    if found.is_empty() {
        eprintln!("skipped: no {folder}/**/*.{ending} ({package} is not installed: make setup)");
    }
    found
}

fn prompts(ending: &str) -> Vec<PathBuf> {
    recordings("/usr/share/asterisk/sounds", ending, &format!("asterisk-core-sounds-*-{ending}"))
}

/// A recording's samples and their rate.
fn listen(path: &Path) -> (u32, Vec<i16>) {
    let bytes = fs::read(path).unwrap();
    let linear = |bytes: &[u8]| bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("wav") => {
            // Behind the name of its chunk and the length stands the audio; all of these are 8 kHz mono.
            let chunk = bytes.windows(4).position(|name| name == b"data").unwrap();
            (8_000, linear(bytes.get(chunk + 8..).unwrap()))
        }
        Some("g722") => {
            let (mut decoder, mut samples) = (Decoder::new(Codec::G722, SampleRate::HZ_16000).unwrap(), Vec::new());
            decoder.decode(&bytes, &mut samples).unwrap();
            (16_000, samples)
        }
        _ => (8_000, linear(&bytes)),
    }
}

/// Listens to every recording; how long they last, and how many keys were heard in them.
fn hear(recordings: &[PathBuf], faster_percent: u32, change: impl Fn(i16) -> i16) -> (Duration, usize) {
    let (mut length, mut keys, mut events) = (Duration::ZERO, 0, Vec::<ToneEvent>::new());
    for path in recordings {
        let (rate_hz, mut samples) = listen(path);
        samples.iter_mut().for_each(|sample| *sample = change(*sample));
        let rate = SampleRate::new(rate_hz / 100 * (100 + faster_percent)).unwrap();
        let mut detector = Detector::new(rate);
        events.clear();
        detector.push(&samples, &mut events);
        length += rate.duration(samples.len() as u64);
        for event in events.iter().filter(|event| event.edge == Edge::Began) {
            eprintln!("{} at {:?} of {} (+{faster_percent} %)", event.digit.key(), rate.duration(event.position), path.display());
            keys += 1;
        }
    }
    (length, keys)
}

#[test]
fn nobody_presses_a_key_by_speaking() {
    let mut recorded = prompts("wav");
    recorded.extend(recordings("/usr/share/codec2/raw", "raw", "codec2-examples"));
    let (mut length, mut keys) = hear(&recorded, 0, |sample| sample);
    eprintln!("RESULT dtmf_talk_off_keys={keys} of_minutes={:.1} gate=0", length.as_secs_f64() / 60.0);
    if std::env::var_os("AURICLE_FULL").is_some() {
        let wide = prompts("g722");
        let mut more = vec![hear(&wide, 0, |sample| sample), hear(&recorded, 0, |sample| decode_ulaw(encode_ulaw(sample)))];
        more.extend([5, 10, 15, 20, 25, 30, 40, 50].map(|percent| hear(&recorded, percent, |sample| sample)));
        for (more_length, more_keys) in more {
            (length, keys) = (length + more_length, keys + more_keys);
        }
        eprintln!("RESULT dtmf_talk_off_varied_keys={keys} of_minutes={:.1} gate=0", length.as_secs_f64() / 60.0);
    }
    assert_eq!(keys, 0, "in {length:?}");
}
