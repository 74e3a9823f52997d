//! The codec changes in the middle of a call: what waits is converted, and nothing of it is lost.
//!
//! Where only the form changes (PCMU to PCMA) each sample is taken over. Where the rate changes, the queue passes a
//! resampler whose delay is cut off, with what was sent last run in before it, so that the next frame continues the
//! last one. The item that is being fed has a resampler of its own, which goes on behind the intake.

use std::time::Duration;

use crate::egress::playout::Lane;
use crate::pacer::form::Form;
use crate::pacer::ledger::converted;
use crate::pacer::queue::PlayoutQueue;
use crate::resample::Resampler;
use crate::units::SampleRate;

impl<F: Form> Lane<F> {
    /// The lane in another form, at another rate, with other frames. `fed` samples at the end of the queue belong to
    /// the item that is being fed.
    pub(super) fn converted<G: Form>(
        &self,
        form: G,
        rate: SampleRate,
        ptime: Duration,
        fed: Option<usize>,
    ) -> (Lane<G>, Option<Resampler>) {
        let composer = self.composer.converted(form, rate, rate.samples(ptime) as usize);
        let mut lane = Lane { form, queue: PlayoutQueue::new(rate, self.queue.bound()), composer };
        let (from, units) = (self.queue.rate(), self.queue.peek(self.queue.len()));
        if from == rate {
            let units: Vec<G::Unit> = units.map(|unit| self.form.to(unit, form)).collect();
            lane.queue.extend(units.into_iter());
            return (lane, None);
        }
        let samples: Vec<i16> = units.map(|unit| self.form.linear(unit)).collect();
        let (settled, fed_samples) = samples.split_at(samples.len() - fed.unwrap_or(0));
        let recent = self.composer.recent();
        let (before_settled, before_fed): (&[i16], &[i16]) = if settled.is_empty() { (&[], &recent) } else { (&recent, &[]) };
        let mut conversion = Conversion::new(from, rate, before_settled);
        conversion.push(settled, &mut lane);
        conversion.finish(converted(settled.len() as u64, from, rate) as usize, &mut lane);
        if fed.is_none() {
            return (lane, None);
        }
        let mut conversion = Conversion::new(from, rate, before_fed);
        conversion.push(fed_samples, &mut lane);
        (lane, Some(conversion.resampler))
    }
}

/// A resampler without delay: what it says first, of what came before, is dropped.
struct Conversion {
    resampler: Resampler,
    /// Samples that are still to be dropped.
    lead: usize,
    out: Vec<i16>,
    written: usize,
}

impl Conversion {
    fn new(from: SampleRate, to: SampleRate, before: &[i16]) -> Self {
        let mut resampler = Resampler::new(from, to);
        let lead = resampler.delay() + converted(before.len() as u64, from, to) as usize;
        let mut out = Vec::new();
        resampler.push(before, &mut out);
        Self { resampler, lead, out, written: 0 }
    }

    fn push<F: Form>(&mut self, samples: &[i16], lane: &mut Lane<F>) {
        for piece in samples.chunks(PIECE) {
            self.resampler.push(piece, &mut self.out);
            self.write(usize::MAX, lane);
        }
    }

    /// Brings out what is missing of `count` samples.
    fn finish<F: Form>(&mut self, count: usize, lane: &mut Lane<F>) {
        let missing = count.saturating_sub(self.written);
        self.out.clear();
        self.resampler.finish(self.lead + missing, &mut self.out);
        self.write(missing, lane);
    }

    fn write<F: Form>(&mut self, most: usize, lane: &mut Lane<F>) {
        let lead = self.lead.min(self.out.len());
        let form = lane.form;
        let samples = self.out.get(lead..).unwrap_or_default().iter();
        self.written += lane.queue.extend(samples.take(most).map(|&sample| form.unit(sample)));
        self.lead -= lead;
        self.out.clear();
    }
}

/// Samples that pass the resampler at once.
const PIECE: usize = 480;
