//! The near end of egress: what the agent sends becomes payload bytes, item by item.
//!
//! Samples that are not whole yet (an odd byte, a part of the resampler's 10 ms chunk) wait here for the next push of
//! their item, or for its end. Each item begins with a resampler that has heard nothing.

use crate::codec::g711::{self, Law};
use crate::frame::AudioFormat;
use crate::pacer::ledger::Rates;
use crate::pacer::queue::PlayoutQueue;
use crate::resample::Resampler;
use crate::units::SampleRate;

/// Stages 1 to 3.
#[derive(Debug)]
pub(super) struct Intake {
    law: Law,
    input: AudioFormat,
    conversion: Conversion,
    /// The first byte of a sample whose second has not come.
    odd: Option<u8>,
    samples: Vec<i16>,
    resampled: Vec<i16>,
}

#[derive(Debug)]
enum Conversion {
    PassThrough,
    OtherLaw(fn(u8) -> u8),
    Linear(Option<Box<Resampler>>),
}

impl Intake {
    pub(super) fn new(law: Law, input: AudioFormat) -> Self {
        let conversion = match (input, law) {
            (AudioFormat::Ulaw8k, Law::Mu) | (AudioFormat::Alaw8k, Law::A) => Conversion::PassThrough,
            (AudioFormat::Ulaw8k, Law::A) => Conversion::OtherLaw(g711::ulaw_to_alaw),
            (AudioFormat::Alaw8k, Law::Mu) => Conversion::OtherLaw(g711::alaw_to_ulaw),
            (AudioFormat::S16 { rate }, _) if rate == SampleRate::HZ_8000 => Conversion::Linear(None),
            (AudioFormat::S16 { rate }, _) => Conversion::Linear(Some(Box::new(Resampler::new(rate, SampleRate::HZ_8000)))),
        };
        Self { law, input, conversion, odd: None, samples: Vec::new(), resampled: Vec::new() }
    }

    /// Converts `bytes` into the queue, as many whole samples as it has room for; returns (taken, dropped) samples.
    pub(super) fn push(&mut self, bytes: &[u8], queue: &mut PlayoutQueue) -> (u64, u64) {
        let (mut taken, mut dropped) = (0, 0);
        for part in bytes.chunks(PART) {
            let room = queue.room() as u64 * u64::from(self.input.rate().hz()) / u64::from(SampleRate::HZ_8000.hz());
            let (in_part, over) = self.push_part(part, room as usize, queue);
            (taken, dropped) = (taken + in_part as u64, dropped + over as u64);
        }
        (taken, dropped)
    }

    /// The item ended: brings out what the resampler holds, `missing` samples of the leg, and begins anew.
    pub(super) fn finish(&mut self, missing: u64, queue: &mut PlayoutQueue) -> u64 {
        self.odd = None;
        let Conversion::Linear(Some(resampler)) = &mut self.conversion else { return 0 };
        self.resampled.clear();
        resampler.finish(missing as usize, &mut self.resampled);
        let law = self.law;
        queue.extend(self.resampled.iter().map(|&sample| law.encode(sample))) as u64
    }

    /// The item was dropped: forgets what waits of it.
    pub(super) fn reset(&mut self) {
        self.odd = None;
        if let Conversion::Linear(Some(resampler)) = &mut self.conversion {
            resampler.reset();
        }
    }

    pub(super) const fn law(&self) -> Law {
        self.law
    }

    pub(super) const fn input(&self) -> AudioFormat {
        self.input
    }

    pub(super) fn rates(&self) -> Rates {
        let lead_in = match &self.conversion {
            Conversion::Linear(Some(resampler)) => resampler.delay() as u64,
            _ => 0,
        };
        Rates { input: self.input.rate(), leg: SampleRate::HZ_8000, lead_in }
    }

    fn push_part(&mut self, part: &[u8], room: usize, queue: &mut PlayoutQueue) -> (usize, usize) {
        match self.conversion {
            Conversion::PassThrough => {
                let taken = queue.extend(part.iter().copied().take(room));
                (taken, part.len() - taken)
            }
            Conversion::OtherLaw(convert) => {
                let taken = queue.extend(part.iter().map(|&byte| convert(byte)).take(room));
                (taken, part.len() - taken)
            }
            Conversion::Linear(_) => self.push_linear(part, room, queue),
        }
    }

    fn push_linear(&mut self, part: &[u8], room: usize, queue: &mut PlayoutQueue) -> (usize, usize) {
        self.samples.clear();
        let mut rest = part;
        if let (Some(low), Some((&high, tail))) = (self.odd, part.split_first()) {
            self.samples.push(i16::from_le_bytes([low, high]));
            (self.odd, rest) = (None, tail);
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        self.samples.extend(pairs.iter().map(|&pair| i16::from_le_bytes(pair)));
        // The parity of the stream holds even where samples are dropped.
        self.odd = odd.first().copied().or(self.odd);
        let dropped = self.samples.len().saturating_sub(room);
        self.samples.truncate(room);
        let samples = match &mut self.conversion {
            Conversion::Linear(Some(resampler)) => {
                self.resampled.clear();
                resampler.push(&self.samples, &mut self.resampled);
                &self.resampled
            }
            _ => &self.samples,
        };
        let law = self.law;
        queue.extend(samples.iter().map(|&sample| law.encode(sample)));
        (self.samples.len(), dropped)
    }
}

/// Bytes converted at a time, so that a burst of seconds needs no buffer of seconds: 20 ms at 24 kHz.
const PART: usize = 960;
