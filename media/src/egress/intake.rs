//! The near end of egress: what the agent sends becomes samples of the queue, item by item.
//!
//! Samples that are not whole yet (an odd byte, a part of the resampler's 10 ms chunk) wait here for the next push of
//! their item, or for its end. Each item begins with a resampler that has heard nothing.
//!
//! Where the codec changes in the middle of an item, the resampler that converted the queue goes on behind the one
//! that fed it, so that the rest of the item follows without a seam; the next item takes the straight way again.

use crate::codec::g711::Law;
use crate::frame::AudioFormat;
use crate::pacer::form::Form;
use crate::pacer::ledger::Rates;
use crate::pacer::queue::PlayoutQueue;
use crate::resample::Resampler;
use crate::units::SampleRate;

/// Stages 1 to 3.
#[derive(Debug)]
pub(super) struct Intake {
    input: AudioFormat,
    /// The rate of the queue.
    rate: SampleRate,
    /// From the input to the queue, where their rates differ.
    resampler: Option<Box<Resampler>>,
    /// What the item that is being fed passes instead, since the codec changed within it.
    detour: Vec<Resampler>,
    /// The first byte of a sample whose second has not come.
    odd: Option<u8>,
    samples: Vec<i16>,
    resampled: Vec<i16>,
}

impl Intake {
    pub(super) fn new(input: AudioFormat, rate: SampleRate) -> Self {
        let resampler = (input.rate() != rate).then(|| Box::new(Resampler::new(input.rate(), rate)));
        Self { input, rate, resampler, detour: Vec::new(), odd: None, samples: Vec::new(), resampled: Vec::new() }
    }

    /// The queue's rate has changed to that of `direct`. `detour` continues its conversion for the item that is being
    /// fed; without one nothing is being fed.
    pub(super) fn follow(&mut self, direct: Self, detour: Option<Resampler>) {
        let Some(last) = detour else {
            *self = direct;
            return;
        };
        let first = std::mem::replace(&mut self.resampler, direct.resampler);
        if self.detour.is_empty() {
            self.detour.extend(first.map(|first| *first));
        }
        self.detour.push(last);
        self.rate = direct.rate;
    }

    /// Converts `bytes` into the queue, as many whole samples as it has room for; returns (taken, dropped) samples.
    pub(super) fn push<F: Form>(&mut self, bytes: &[u8], form: F, queue: &mut PlayoutQueue<F::Unit>) -> (u64, u64) {
        let (mut taken, mut dropped) = (0, 0);
        for part in bytes.chunks(PART) {
            let room = queue.room() as u64 * u64::from(self.input.rate().hz()) / u64::from(self.rate.hz());
            let (in_part, over) = self.push_part(part, room as usize, form, queue);
            (taken, dropped) = (taken + in_part as u64, dropped + over as u64);
        }
        (taken, dropped)
    }

    /// Brings out what the resamplers hold of the item, `missing` samples of the leg.
    pub(super) fn finish<F: Form>(&mut self, missing: u64, form: F, queue: &mut PlayoutQueue<F::Unit>) -> u64 {
        self.odd = None;
        let before = queue.len();
        let end = before + missing as usize;
        // Silence pushes it out. Each round brings 10 ms, and nothing is missing where nothing resamples.
        while queue.len() < end && self.resamples() {
            self.samples.clear();
            self.samples.resize(self.input.rate().hz() as usize / 100, 0);
            self.resample();
            let wanted = self.samples.len().min(end - queue.len());
            queue.extend(self.samples.iter().take(wanted).map(|&sample| form.unit(sample)));
        }
        (queue.len() - before) as u64
    }

    /// The item is done with: forgets what waits of it.
    pub(super) fn reset(&mut self) {
        self.odd = None;
        self.detour.clear();
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
    }

    pub(super) const fn input(&self) -> AudioFormat {
        self.input
    }

    /// The rates of an item that begins.
    pub(super) fn rates(&self) -> Rates {
        let lead_in = self.resampler.as_ref().map_or(0, |resampler| resampler.delay() as u32);
        Rates { input: self.input.rate(), leg: self.rate, lead_in }
    }

    /// Whether the item can follow one more change of the codec.
    pub(super) fn can_follow(&self) -> bool {
        self.detour.len() < DETOUR
    }

    /// Whether what the agent sends goes into a queue of `law` as it is.
    pub(super) fn passes(&self, law: Law) -> bool {
        self.law() == Some(law) && !self.resamples()
    }

    fn resamples(&self) -> bool {
        self.resampler.is_some() || !self.detour.is_empty()
    }

    fn push_part<F: Form>(&mut self, part: &[u8], room: usize, form: F, queue: &mut PlayoutQueue<F::Unit>) -> (usize, usize) {
        let law = self.law();
        if let Some(law) = law.filter(|_| !self.resamples()) {
            let taken = queue.extend(part.iter().take(room).map(|&code| form.recode(law, code)));
            return (taken, part.len() - taken);
        }
        self.samples.clear();
        match law {
            Some(law) => self.samples.extend(part.iter().map(|&code| law.decode(code))),
            None => self.read_linear(part),
        }
        let taken = self.samples.len().min(room);
        let dropped = self.samples.len() - taken;
        self.samples.truncate(room);
        self.resample();
        queue.extend(self.samples.iter().map(|&sample| form.unit(sample)));
        (taken, dropped)
    }

    const fn law(&self) -> Option<Law> {
        match self.input {
            AudioFormat::Ulaw8k => Some(Law::Mu),
            AudioFormat::Alaw8k => Some(Law::A),
            AudioFormat::S16 { .. } => None,
        }
    }

    fn read_linear(&mut self, part: &[u8]) {
        let mut rest = part;
        if let (Some(low), Some((&high, tail))) = (self.odd, part.split_first()) {
            self.samples.push(i16::from_le_bytes([low, high]));
            (self.odd, rest) = (None, tail);
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        self.samples.extend(pairs.iter().map(|&pair| i16::from_le_bytes(pair)));
        // The parity of the stream holds even where samples are dropped.
        self.odd = odd.first().copied().or(self.odd);
    }

    /// Brings `samples` to the rate of the queue.
    fn resample(&mut self) {
        let stages = match &mut self.resampler {
            Some(resampler) if self.detour.is_empty() => std::slice::from_mut(&mut **resampler),
            _ => self.detour.as_mut_slice(),
        };
        for stage in stages {
            self.resampled.clear();
            stage.push(&self.samples, &mut self.resampled);
            std::mem::swap(&mut self.samples, &mut self.resampled);
        }
    }
}

/// Bytes converted at a time, so that a burst of seconds needs no buffer of seconds: 20 ms at 24 kHz.
const PART: usize = 960;
/// Resamplers that one item may pass: each adds 5 ms. A far end that changes its mind more often is refused.
const DETOUR: usize = 4;
