//! Takes the echo out, by AEC3 in `sonora-aec3`: blocks of 4 ms at 16 kHz, 4 ms of delay.
//!
//! AEC3 wants a block that was sent with every one that came. In a telephone both come from one sound card; here packets
//! come when they come, and what is sent goes on. So what was sent is kept, and read beside what came. That place moves only in
//! whole blocks, and while nothing was sent lately that could echo, so that the filter finds what it has learned; a clock
//! that drifts moves it by 8 ms now and then, which AEC3 takes for another delay and finds again.

use std::time::Duration;

use sonora_aec3::block::Block;
use sonora_aec3::block_processor::BlockProcessor;
use sonora_aec3::common::BLOCK_SIZE;
use sonora_aec3::config::EchoCanceller3Config;

use super::Enhancer;
use crate::echo::Alignment;

/// The canceller of one line.
pub(super) struct EchoCanceller {
    processor: BlockProcessor,
    alignment: Alignment,
    /// What was sent, by number.
    sent: Box<[i16; KEPT]>,
    /// Samples sent so far.
    end: i64,
    /// The last of them that could be heard.
    loud_until: i64,
    /// Where the next block is read,
    place: i64,
    /// and where the alignment has it.
    target: Option<i64>,
    render: Block,
    capture: Block,
}

impl EchoCanceller {
    pub(super) fn new() -> Self {
        let rate = Enhancer::RATE;
        Self {
            processor: BlockProcessor::new(&for_telephones(), rate.hz() as usize, 1, 1),
            alignment: Alignment::new(rate),
            sent: Box::new([0; KEPT]),
            end: 0,
            loud_until: -REACH,
            place: 0,
            target: None,
            render: Block::new(1, 1),
            capture: Block::new(1, 1),
        }
    }

    /// Takes what is sent, as it goes.
    pub(super) fn push_sent(&mut self, samples: &[i16]) {
        self.alignment.sent(samples.len());
        for &sample in samples {
            if let Some(slot) = self.sent.get_mut(self.end as usize % KEPT) {
                *slot = sample;
            }
            self.end += 1;
            if sample.unsigned_abs() >= AUDIBLE {
                self.loud_until = self.end;
            }
        }
    }

    /// `samples` came, behind `waiting` that are not processed yet.
    pub(super) fn received(&mut self, samples: usize, waiting: usize) {
        let place = self.alignment.received(samples).map(|place| place - waiting as i64 - MARGIN);
        if self.target.is_none()
            && let Some(place) = place
        {
            self.place = place;
        }
        self.target = place;
    }

    /// Takes the echo out of the next block that came.
    pub(super) fn process(&mut self, block: &mut [f32; BLOCK]) {
        self.follow();
        let Self { sent, end, place, render, capture, processor, .. } = self;
        for (n, sample) in (*place..).zip(render.view_mut(0, 0)) {
            let kept = n >= 0 && n < *end && n + KEPT as i64 >= *end;
            *sample = sent.get(n.rem_euclid(KEPT as i64) as usize).filter(|_| kept).map_or(0.0, |&sample| f32::from(sample));
        }
        *place += BLOCK as i64;
        if let Some(target) = &mut self.target {
            *target += BLOCK as i64;
        }
        capture.view_mut(0, 0).copy_from_slice(block);
        let saturated = block.iter().any(|sample| sample.abs() >= SATURATED);
        processor.buffer_render(render);
        processor.process_capture(false, saturated, None, capture);
        block.copy_from_slice(capture.view(0, 0));
    }

    pub(super) fn return_loss_enhancement_db(&self) -> f64 {
        self.processor.get_metrics().echo_return_loss_enhancement
    }

    /// Moves the place of the reference to where it belongs, if now is the time.
    fn follow(&mut self) {
        let Some(target) = self.target else { return };
        let off = (target - self.place) / BLOCK as i64 * BLOCK as i64;
        let silent = self.place - self.loud_until >= REACH;
        let ahead = self.place + BLOCK as i64 > self.end;
        if off != 0 && (silent || ahead || off.abs() > FARTHEST) {
            self.place += off;
        }
    }
}

impl std::fmt::Debug for EchoCanceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EchoCanceller").field("sent", &self.end).field("place", &self.place).finish_non_exhaustive()
    }
}

/// AEC3's defaults are for a loudspeaker beside a microphone, whose echo is as loud as the speaker and must never be heard: while
/// both speak little of the near end is left. A telephone's echo is 20 dB down and more before anything is done, and who
/// listens here wants words: so the filter is trusted to do more (15 dB), and what it leaves is suppressed at a ratio to the caller
/// that is 11 dB higher.
fn for_telephones() -> EchoCanceller3Config {
    let mut config = EchoCanceller3Config::default();
    (config.erle.max_l, config.erle.max_h) = (FILTERED, FILTERED);
    let suppressor = &mut config.suppressor;
    for tuning in [&mut suppressor.normal_tuning, &mut suppressor.nearend_tuning] {
        for mask in [&mut tuning.mask_lf, &mut tuning.mask_hf] {
            mask.enr_transparent *= LENIENCY;
            mask.enr_suppress *= LENIENCY;
        }
    }
    config
}

/// The most that the filter is believed to take out, as a ratio of powers.
const FILTERED: f32 = 30.0;
/// How much more of an echo beside the caller is let through than by default, as a ratio of powers.
const LENIENCY: f32 = 12.0;
/// Samples of a block.
pub(super) const BLOCK: usize = BLOCK_SIZE;
/// One second: more than the longest echo, and what late packets add to it.
const KEPT: usize = 16_000;
const fn samples(time: Duration) -> i64 {
    Enhancer::RATE.samples(time) as i64
}
/// The reference stands so much before its alignment: what the alignment may be wrong by before the next step of it.
const MARGIN: i64 = samples(Duration::from_millis(16));
/// What was sent may be heard for so long.
const REACH: i64 = samples(Duration::from_millis(400));
/// The reference may be off by so much before it moves while it can be heard.
const FARTHEST: i64 = samples(Duration::from_millis(40));
/// −57 dB: comfort noise of ours is below it.
const AUDIBLE: u16 = 46;
/// Above this the caller's telephone was overdriven, and no filter fits.
const SATURATED: f32 = 32_000.0;
