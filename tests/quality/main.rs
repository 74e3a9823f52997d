//! What an agent hears of a voice over bad links: the loss table, jitter and outages, in virtual time, judged by PESQ.
//!
//! Real speech (two voices or more, women and men) is encoded, sent over an emulated link whose damage a seed decides,
//! and heard through the ingress. `make quality` measures the whole table with five seeds, saves it with its plots and
//! fails when a gate is missed; a small part of it is among the tests.
#![expect(clippy::indexing_slicing, reason = "a wrong index is a failing test")]
#![expect(clippy::expect_used, clippy::panic, reason = "what the tests share stands outside of test functions")]

mod link;
#[path = "../support/measured.rs"]
mod measured;
mod score;
#[expect(dead_code, reason = "nothing is written, and other tests have other speakers")]
#[path = "../support/sound.rs"]
mod sound;
mod table;
#[expect(dead_code, reason = "no program is looked for")]
#[path = "../support/tools.rs"]
mod tools;
mod trip;
mod voices;

use std::time::Duration;

use media::codec::Codec;
use media::units::SampleRate;

use crate::link::Link;
use crate::measured::Figure;
use crate::table::{CLEAN, Cell, JITTER, Measured};
use crate::trip::{Heard, Return};
use crate::voices::Voice;

#[test]
fn real_voices_keep_their_pesq_under_loss() {
    let Some((narrow, wide)) = voices::narrow().zip(voices::wide()) else { return };
    let tried = ["g711_clean", "g711_loss_10", "g722_clean", "opus_clean", "opus_loss_10"];
    let cells: Vec<Cell> = table::cells().into_iter().filter(|cell| tried.contains(&cell.name)).collect();
    let Some(measured) = table::measure(&cells, &narrow[2..], &wide[..1], 2) else { return };
    for measured in measured {
        let (name, median) = (measured.cell.name, measured.median());
        assert!(measured.cell.gate.is_none_or(|gate| median >= gate), "{name} has PESQ {median:.2} of {:.2?}", measured.scores);
    }
}

#[test]
fn under_jitter_of_a_tenth_of_a_second_one_in_a_hundred_is_discarded_and_calm_is_learned_in_ten_seconds() {
    let shaken = shaken(&tone(), 1);
    assert!(shaken.heard.stats.discarded_share() <= 0.01, "{:?}", shaken.heard.stats);
    assert!(shaken.widest > Duration::from_millis(120), "{:?}", shaken.widest);
    assert!(shaken.calm_after.is_some_and(|after| after <= Duration::from_secs(10)), "{:?}", shaken.calm_after);
}

#[test]
fn after_an_outage_of_five_seconds_audio_is_back_within_three_hundred_milliseconds() {
    for (codec, rate) in [(Codec::Pcmu, SampleRate::HZ_8000), (Codec::G722, SampleRate::HZ_16000), (Codec::Opus, SampleRate::HZ_16000)] {
        for back in [Return::Continued, Return::AnotherSource, Return::BegunAnew] {
            let after = back_after(codec, &tone_at(rate), rate, back);
            assert!(after <= Duration::from_millis(300), "{codec:?}, {back:?}: {after:?}");
        }
    }
}

#[test]
fn the_whole_table_is_measured() {
    if std::env::var_os("AURICLE_MEASURE").is_none() {
        return;
    }
    let Some((narrow, wide)) = voices::narrow().zip(voices::wide()) else { return };
    let measured = table::measure(&table::cells(), &narrow, &wide, SEEDS).expect("PESQ");
    let mut figures: Vec<Figure> = measured.iter().map(figure).collect();
    figures.extend(against_clean(&measured));
    figures.extend(of_jitter(&narrow));
    figures.extend(of_outages(&narrow, &wide));
    measured::save("quality", "What a voice keeps on a bad link", "make quality", &figures).expect("the figures are saved");
    save_plots(&measured, &shaken(&voices::monologue(&narrow, SampleRate::HZ_8000, 60), 1));
    let short: Vec<&str> = figures.iter().filter(|figure| figure.passed() == Some(false)).map(|figure| figure.name).collect();
    assert!(short.is_empty(), "short of their gates: {short:?}");
}

fn figure(measured: &Measured) -> Figure {
    let Cell { name, what, gate, .. } = measured.cell;
    Figure { name, what, value: Some(measured.median()), gate, at_least: true }
}

/// What disorder and duplicates take from the clean score.
fn against_clean(measured: &[Measured]) -> [Figure; 4] {
    let median = |name| measured.iter().find(|measured| measured.cell.name == name).map(Measured::median);
    let taken = |name, what, clean, other| {
        let value = median(clean).zip(median(other)).map(|(clean, other)| clean - other);
        Figure { name, what, value, gate: Some(0.1), at_least: false }
    };
    [
        taken("g711_reorder_takes", "G.711, PESQ that 5 % reordered takes", "g711_clean", "g711_reorder"),
        taken("g711_duplicate_takes", "G.711, PESQ that 5 % twice takes", "g711_clean", "g711_duplicate"),
        taken("opus_reorder_takes", "Opus, PESQ that 5 % reordered takes", "opus_clean", "opus_reorder"),
        taken("opus_duplicate_takes", "Opus, PESQ that 5 % twice takes", "opus_clean", "opus_duplicate"),
    ]
}

/// A minute of jitter and half a minute of calm, with each seed; the worst of them.
fn of_jitter(narrow: &[Voice]) -> [Figure; 2] {
    let speech = voices::monologue(narrow, SampleRate::HZ_8000, 90);
    let runs: Vec<Shaken> = (1..=SEEDS).map(|seed| shaken(&speech, seed)).collect();
    let discarded = runs.iter().map(|run| run.heard.stats.discarded_share() * 100.0).fold(0.0, f64::max);
    let calm = runs.iter().map(|run| run.calm_after.map_or(f64::INFINITY, |after| after.as_secs_f64())).fold(0.0, f64::max);
    let at_most = |name, what, value, gate| Figure { name, what, value: Some(value), gate: Some(gate), at_least: false };
    [
        at_most("jitter_discarded_percent", "jitter of ±100 ms, packets discarded, %", discarded, 1.0),
        at_most("jitter_calm_s", "gap wait back at 60 ms after jitter of ±100 ms, s", calm, 10.0),
    ]
}

/// The longest that any return of any codec takes.
fn of_outages(narrow: &[Voice], wide: &[Voice]) -> [Figure; 3] {
    let longest = |name, what, codec, voice: &Voice| {
        let speech = voices::monologue(std::slice::from_ref(voice), voice.rate, 10);
        let returns = [Return::Continued, Return::AnotherSource, Return::BegunAnew];
        let after = returns.map(|back| back_after(codec, &speech, voice.rate, back).as_secs_f64() * 1_000.0);
        let value = Some(after.into_iter().fold(0.0, f64::max));
        Figure { name, what, value, gate: Some(300.0), at_least: false }
    };
    [
        longest("g711_outage_ms", "G.711, audio back after an outage of 5 s, ms", Codec::Pcmu, &narrow[0]),
        longest("g722_outage_ms", "G.722, audio back after an outage of 5 s, ms", Codec::G722, &wide[0]),
        longest("opus_outage_ms", "Opus, audio back after an outage of 5 s, ms", Codec::Opus, &wide[0]),
    ]
}

/// What came of jitter that lasts for two thirds of the time.
struct Shaken {
    heard: Heard,
    /// The longest wait.
    widest: Duration,
    /// How long after the jitter the wait is at 60 ms, to stay there.
    calm_after: Option<Duration>,
}

fn shaken(speech: &[i16], seed: u64) -> Shaken {
    let until = SampleRate::HZ_8000.duration(speech.len() as u64) * 2 / 3;
    let heard = trip::travel(Codec::Pcmu, speech, SampleRate::HZ_8000, &Link { jitter_until: Some(until), ..JITTER }, seed);
    let widest = heard.waits.iter().map(|&(_, wait)| wait).max().unwrap_or_default();
    // The last packets of the jitter come up to 200 ms after they were sent.
    let last = heard.waits.iter().rposition(|&(_, wait)| wait > Duration::from_millis(60));
    let calm_after = last.and_then(|last| heard.waits.get(last + 1)).map(|&(at, _)| at.saturating_sub(until + JITTER.jitter));
    Shaken { heard, widest, calm_after }
}

/// How long after the first packet that comes again the agent hears the sender.
fn back_after(codec: Codec, speech: &[i16], rate: SampleRate, back: Return) -> Duration {
    let (from, length) = (Duration::from_secs(2), Duration::from_secs(5));
    let heard = trip::travel_back(codec, speech, rate, &Link { outage: Some((from, length)), ..CLEAN }, 1, back);
    let returned = from + length;
    heard.audible.iter().find(|&&at| at >= returned).map_or(Duration::MAX, |&at| at - returned)
}

fn tone() -> Vec<i16> {
    (0..60 * 8_000).map(|n| (8_000.0 * (f64::from(n) * 0.3).sin()) as i16).collect()
}

fn tone_at(rate: SampleRate) -> Vec<i16> {
    (0..10 * rate.hz()).map(|n| (8_000.0 * (f64::from(n) * 0.2).sin()) as i16).collect()
}

/// Saves what `plot.py` draws, and has it drawn beside the figures.
fn save_plots(measured: &[Measured], shaken: &Shaken) {
    let cells: Vec<_> = measured
        .iter()
        .map(|measured| {
            let Cell { name, what, gate, link, .. } = measured.cell;
            serde_json::json!({ "name": name, "what": what, "gate": gate, "loss": link.loss, "burst": link.burst,
                                "scores": measured.scores, "median": measured.median() })
        })
        .collect();
    let waits: Vec<_> = shaken.heard.waits.iter().map(|(at, wait)| (at.as_secs_f64(), wait.as_secs_f64() * 1_000.0)).collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/measured");
    let plotted = folder.join("quality.plot");
    std::fs::write(&plotted, serde_json::json!({ "cells": cells, "waits": waits }).to_string()).expect("what is plotted is saved");
    let Some(python) = tools::python() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/quality/plot.py");
    let mut command = std::process::Command::new(python);
    let drawn = tools::run(command.arg(script).arg(&plotted).arg(&folder), Duration::from_secs(120));
    tools::assert_success("the plots", &drawn);
}

const SEEDS: u64 = 5;
