//! Voice activity of recorded people begins where their words do and does not outlast them by much, at every rate.

use std::fs;
use std::path::Path;

use media::resample::Resampler;
use media::units::SampleRate;
use media::vad::{Config, Detector, Edge};

/// Prompts of one sentence, four voices.
const PROMPTS: [&str; 4] =
    ["en_US_f_Allison/vm-goodbye", "it_IT_m_Carlo/vm-goodbye", "fr_CA_f_June/vm-goodbye", "ru_RU_f_IvrvoiceRU/vm-goodbye"];

/// A prompt between two seconds of a quiet room; where its words begin and end.
fn spoken(prompt: &str) -> Option<(Vec<i16>, usize, usize)> {
    let file = fs::read(Path::new("/usr/share/asterisk/sounds").join(prompt).with_extension("wav")).ok()?;
    let chunk = file.windows(4).position(|name| name == b"data")?;
    let words: Vec<i16> = file.get(chunk + 8..)?.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    let energy = |frame: &[i16]| frame.iter().map(|&sample| i64::from(sample).pow(2)).sum::<i64>();
    let loudest = words.chunks(80).map(energy).max()?;
    let loud = |frame: &[i16]| energy(frame) * 100 > loudest;
    let (first, last) = (words.chunks(80).position(loud)?, words.chunks(80).rposition(loud)?);
    let mut line = vec![0; 16_000];
    line.extend_from_slice(&words);
    line.resize(line.len() + 16_000, 0);
    line.iter_mut().enumerate().for_each(|(n, sample)| *sample = sample.saturating_add(((n * 7_919) % 17) as i16 - 8));
    Some((line, 16_000 + first * 80, 16_000 + (last + 1) * 80))
}

fn edges(line: &[i16], rate: SampleRate) -> Vec<Edge> {
    let mut wide = Vec::new();
    if rate == SampleRate::HZ_8000 {
        wide.extend_from_slice(line);
    } else {
        Resampler::new(SampleRate::HZ_8000, rate).push(line, &mut wide);
    }
    let (mut detector, mut edges) = (Detector::new(rate, Config::default()), Vec::new());
    // Packets of 20 ms are no multiple of a frame.
    wide.chunks(rate.hz() as usize / 50).for_each(|packet| detector.push(packet, |frame| edges.extend(frame.edge)));
    edges
}

#[test]
fn a_sentence_begins_where_its_words_do_and_ends_within_half_a_second_of_them_at_every_rate() {
    for prompt in PROMPTS {
        let Some((line, first, last)) = spoken(prompt) else {
            eprintln!("skipped: {prompt} of asterisk-core-sounds-*-wav is not installed: make setup");
            continue;
        };
        for hz in [8_000, 16_000, 24_000, 48_000] {
            let Some(rate) = SampleRate::new(hz) else { unreachable!("a rate") };
            let found = edges(&line, rate);
            let place = |at: u64| at as f64 * 8_000.0 / f64::from(hz);
            let (Some(Edge::Started { at: start }), Some(Edge::Stopped { at: stop })) = (found.first(), found.last()) else {
                panic!("{prompt} at {hz}: {found:?}");
            };
            let (early, late) = (place(*start) - first as f64, place(*stop) - last as f64);
            assert!((-800.0..1_200.0).contains(&early), "{prompt} at {hz}: began {early} samples off");
            // The model holds on for a while: no last sound is cut.
            assert!((-800.0..4_800.0).contains(&late), "{prompt} at {hz}: ended {late} samples off");
        }
    }
}

#[test]
fn a_room_in_which_nobody_speaks_has_no_voice() {
    let hum: Vec<i16> = (0..80_000).map(|n| ((f64::from(n) * 0.04).sin() * 60.0) as i16 + ((n * 7_919) % 41) as i16 - 20).collect();
    assert_eq!(edges(&hum, SampleRate::HZ_8000), []);
    assert_eq!(edges(&vec![0; 80_000], SampleRate::HZ_16000), []);
}
