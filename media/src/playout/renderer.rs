//! Payloads and what is made up become chunks of 10 ms at the listener's rate.
//!
//! | stage | why here |
//! | --- | --- |
//! | decode, or make up | what is missing is known only when its turn has come |
//! | time scale | on whole packets, before the resampler takes samples one by one |
//! | resample | last: its ratio follows the far clock, and its chunks are the listener's |

use crate::codec::{Codec, Decoder};
use crate::pipeline::PipelineError;
use crate::playout::bridge::Bridge;
use crate::playout::sound::Sound;
use crate::resample::Adaptive;
use crate::time_scale::{TimeScale, Urgency};
use crate::units::SampleRate;

/// The audio side of a playout buffer. Spans of time are ticks of the codec's clock.
#[derive(Debug)]
pub(super) struct Renderer {
    decoder: Decoder,
    bridge: Bridge,
    scale: TimeScale,
    resampler: Adaptive,
    ticks_per_second: i64,
    /// The end of what was passed on, as long as no gap came, and behind it what is decoded and not passed on.
    fresh: Vec<i16>,
    /// How much of it was passed on.
    passed: usize,
    /// What the resampler takes next.
    ready: Vec<i16>,
}

impl Renderer {
    pub(super) fn new(codec: Codec, output: SampleRate, seed: u32) -> Result<Self, PipelineError> {
        let decoder = Decoder::new(codec, output)?;
        let rate = decoder.rate();
        Ok(Self {
            bridge: Bridge::new(rate, seed),
            scale: TimeScale::new(rate),
            resampler: Adaptive::new(rate, output)?,
            ticks_per_second: i64::from(codec.clock_rate().0),
            decoder,
            fresh: Vec::new(),
            passed: 0,
            ready: Vec::new(),
        })
    }

    /// Appends 10 ms to `out`, resampled from a clock that is fast by `skew_ppm`.
    pub(super) fn emit(&mut self, skew_ppm: f64, out: &mut Vec<i16>) {
        let needed = self.resampler.needed().min(self.ready.len());
        self.resampler.convert(self.ready.get(..needed).unwrap_or_default(), out);
        self.ready.drain(..needed);
        self.resampler.follow(skew_ppm);
    }

    /// What is made up is not made longer or shorter, and says nothing about the line's noise.
    fn make_up(&mut self, samples: usize, next: Option<&[u8]>) {
        self.break_off();
        self.bridge.make_up(&mut self.decoder, next, samples, &mut self.ready);
    }

    /// All is passed on. Its end is kept, half of what a change looks at.
    fn remember(&mut self) {
        self.bridge.set_noise(self.scale.floor());
        self.passed = self.fresh.len().min(self.scale.window() / 2);
        self.fresh.drain(..self.fresh.len() - self.passed);
    }

    /// All is passed on, and what comes next does not follow on it.
    fn break_off(&mut self) {
        if self.has_fresh() {
            self.pass();
        }
        self.fresh.clear();
        self.passed = 0;
    }

    /// Samples in `ticks`; of less than nothing, none.
    fn samples(&self, ticks: i64) -> usize {
        (ticks.max(0) * i64::from(self.decoder.rate().hz()) / self.ticks_per_second) as usize
    }

    fn ticks(&self, samples: usize) -> i64 {
        samples as i64 * self.ticks_per_second / i64::from(self.decoder.rate().hz())
    }
}

impl Sound for Renderer {
    fn decode(&mut self, payload: &[u8], ticks: u32, skipped: i64) {
        let start = self.fresh.len();
        let length = self.samples(i64::from(ticks));
        let skipped = self.samples(skipped).min(length);
        if self.decoder.decode(payload, &mut self.fresh).is_err() {
            self.fresh.truncate(start);
            self.make_up(length - skipped, None);
            return;
        }
        // A decoder that makes more or less than its packet says does not change the line.
        self.fresh.resize(start + length, 0);
        self.fresh.drain(start..start + skipped);
        self.bridge.heard(self.fresh.get_mut(start..).unwrap_or_default());
    }

    fn mute(&mut self, payload: &[u8], ticks: u32, skipped: i64) {
        self.break_off();
        // What cannot be decoded is not heard either.
        let _ = self.decoder.decode(payload, &mut self.fresh);
        self.fresh.clear();
        self.bridge.cut();
        self.bridge.hush();
        self.bridge.fill(self.samples(i64::from(ticks) - skipped), &mut self.ready);
    }

    fn conceal(&mut self, ticks: i64, next: Option<&[u8]>) {
        self.make_up(self.samples(ticks), next);
    }

    fn silence(&mut self, level: Option<u8>) {
        self.bridge.silence(level);
    }

    fn restart(&mut self) {
        self.bridge.hush();
        self.decoder.reset();
    }

    fn cut(&mut self) {
        self.break_off();
        self.bridge.cut();
    }

    fn pass(&mut self) {
        let fresh = self.fresh.get(self.passed..).unwrap_or_default();
        self.scale.listen(fresh);
        self.ready.extend_from_slice(fresh);
        self.remember();
    }

    fn accelerate(&mut self, most: i64, urgency: Urgency) -> i64 {
        let most = self.samples(most);
        let fresh = self.fresh.get(self.passed..).unwrap_or_default();
        let changed = self.scale.accelerate(fresh, most, urgency, &mut self.ready);
        self.remember();
        self.ticks(changed)
    }

    fn stretch(&mut self, most: i64, urgency: Urgency) -> i64 {
        let most = self.samples(most);
        let changed = self.scale.stretch_behind(self.passed, &self.fresh, most, urgency, &mut self.ready);
        self.remember();
        self.ticks(changed)
    }

    fn is_ready(&self) -> bool {
        self.ready.len() >= self.resampler.needed()
    }

    fn has_fresh(&self) -> bool {
        self.fresh.len() > self.passed
    }

    fn can_accelerate(&self) -> bool {
        self.fresh.len() - self.passed >= self.scale.window()
    }

    fn can_stretch(&self) -> bool {
        self.fresh.len() >= self.scale.window()
    }

    fn is_faded(&self) -> bool {
        self.bridge.is_faded()
    }

    fn buffered(&self) -> i64 {
        self.ticks(self.fresh.len() - self.passed + self.ready.len())
    }
}
