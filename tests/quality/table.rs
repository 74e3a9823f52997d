//! The loss table: what each codec keeps of a voice over each link.

use std::time::Duration;

use media::codec::Codec;
use media::units::SampleRate;

use crate::link::Link;
use crate::score::{self, Recording};
use crate::trip;
use crate::voices::Voice;

/// One cell of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// For scripts.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) what: &'static str,
    pub(crate) codec: Codec,
    pub(crate) link: Link,
    /// The least PESQ.
    pub(crate) gate: Option<f64>,
}

/// What was measured in a cell.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) cell: Cell,
    /// PESQ of each voice and seed.
    pub(crate) scores: Vec<f64>,
}

impl Cell {
    /// 8 kHz and narrow band, or 16 kHz and wide band.
    pub(crate) fn rate(&self) -> SampleRate {
        if self.codec.law().is_some() { SampleRate::HZ_8000 } else { SampleRate::HZ_16000 }
    }
}

impl Measured {
    /// The median over all voices and seeds.
    pub(crate) fn median(&self) -> f64 {
        let mut scores = self.scores.clone();
        scores.sort_by(f64::total_cmp);
        let middle = scores.len() / 2;
        if scores.len().is_multiple_of(2) { f64::midpoint(scores[middle - 1], scores[middle]) } else { scores[middle] }
    }
}

/// Sends every voice over every cell's link with `seeds` seeds, and scores what is heard. Nothing without Python.
pub(crate) fn measure(cells: &[Cell], narrow: &[Voice], wide: &[Voice], seeds: u64) -> Option<Vec<Measured>> {
    let (mut recordings, mut counts) = (Vec::new(), Vec::new());
    for cell in cells {
        let before = recordings.len();
        let voices = if cell.rate() == SampleRate::HZ_8000 { narrow } else { wide };
        // A link that nothing is drawn for is the same with any seed.
        let seeds = if cell.link.is_random() { seeds } else { 1 };
        for (index, voice) in voices.iter().enumerate() {
            for seed in 0..seeds {
                let heard = trip::travel(cell.codec, &voice.samples, voice.rate, &cell.link, 1 + seed * 100 + index as u64);
                recordings.push(Recording { rate: voice.rate, said: &voice.samples, heard: heard.samples });
            }
        }
        counts.push(recordings.len() - before);
    }
    let scores = score::pesq(&recordings)?;
    let mut rest = scores.as_slice();
    let measured = cells.iter().zip(counts).map(|(&cell, count)| {
        let (own, others) = rest.split_at(count);
        rest = others;
        Measured { cell, scores: own.to_vec() }
    });
    Some(measured.collect())
}

/// All of it.
pub(crate) fn cells() -> Vec<Cell> {
    let (g711, g722, opus) = (Codec::Pcmu, Codec::G722, Codec::Opus);
    let cell = |name, what, codec, link, gate| Cell { name, what, codec, link, gate };
    vec![
        cell("g711_clean", "G.711, clean", g711, CLEAN, Some(4.3)),
        cell("g711_loss_5", "G.711, 5 % lost", g711, lossy(0.05), Some(3.3)),
        cell("g711_loss_10", "G.711, 10 % lost", g711, lossy(0.1), Some(2.8)),
        cell("g711_loss_20", "G.711, 20 % lost", g711, lossy(0.2), Some(2.3)),
        cell("g711_bursts_10", "G.711, 10 % lost in bursts of 3", g711, BURSTS, Some(2.3)),
        cell("g711_jitter", "G.711, jitter of ±100 ms", g711, JITTER, Some(3.8)),
        cell("g711_reorder", "G.711, 5 % reordered", g711, REORDER, None),
        cell("g711_duplicate", "G.711, 5 % twice", g711, DUPLICATE, None),
        cell("g722_clean", "G.722, clean", g722, CLEAN, Some(3.9)),
        cell("g722_loss_5", "G.722, 5 % lost", g722, lossy(0.05), None),
        cell("g722_loss_10", "G.722, 10 % lost", g722, lossy(0.1), None),
        cell("g722_loss_20", "G.722, 20 % lost", g722, lossy(0.2), None),
        cell("g722_bursts_10", "G.722, 10 % lost in bursts of 3", g722, BURSTS, None),
        cell("opus_clean", "Opus at 24 kbit/s, clean", opus, CLEAN, Some(4.2)),
        cell("opus_loss_5", "Opus with redundancy, 5 % lost", opus, lossy(0.05), Some(3.8)),
        cell("opus_loss_10", "Opus with redundancy, 10 % lost", opus, lossy(0.1), Some(3.4)),
        cell("opus_loss_20", "Opus with redundancy, 20 % lost", opus, lossy(0.2), Some(2.5)),
        cell("opus_bursts_10", "Opus with redundancy, 10 % lost in bursts of 3", opus, BURSTS, Some(2.6)),
        cell("opus_reorder", "Opus, 5 % reordered", opus, REORDER, None),
        cell("opus_duplicate", "Opus, 5 % twice", opus, DUPLICATE, None),
    ]
}

pub(crate) const fn lossy(loss: f64) -> Link {
    Link { loss, ..CLEAN }
}

pub(crate) const CLEAN: Link =
    Link { loss: 0.0, burst: 1.0, jitter: Duration::ZERO, jitter_until: None, reorder: 0.0, duplicate: 0.0, outage: None };
pub(crate) const JITTER: Link = Link { jitter: Duration::from_millis(100), ..CLEAN };
const BURSTS: Link = Link { loss: 0.1, burst: 3.0, ..CLEAN };
const REORDER: Link = Link { reorder: 0.05, ..CLEAN };
const DUPLICATE: Link = Link { duplicate: 0.05, ..CLEAN };
