//! G.711 passed on as it is: bytes in, bytes out, and samples only where something must be made up.
//!
//! A packet is looked at in linear form, for the noise floor and for the concealment that may follow on it, but what
//! goes out are its own bytes, or those that the other law has for them. Too much or too little time is left out or put
//! in as whole frames of 20 ms in which the line is quiet; what is put in is the quiet frame again. Only where much is
//! too much, after a burst, the time scale changes, and what it gives is encoded.

use crate::codec::fade::FADE;
use crate::codec::g711::{self, Law};
use crate::playout::bridge::Bridge;
use crate::playout::sound::Sound;
use crate::time_scale::{TimeScale, Urgency};
use crate::units::SampleRate;

/// The bytes of a relay. A byte is a sample and a tick.
#[derive(Debug)]
pub(super) struct Passage {
    law: Law,
    output: Law,
    bridge: Bridge,
    scale: TimeScale,
    /// What goes out for the packets that were not passed on yet, in the law of the output, and the samples of it.
    fresh: Vec<u8>,
    samples: Vec<i16>,
    /// What goes out next.
    ready: Vec<u8>,
    /// Where something is made up or changed.
    changed: Vec<i16>,
}

impl Passage {
    pub(super) fn new(law: Law, output: Law, seed: u32) -> Self {
        Self {
            law,
            output,
            bridge: Bridge::new(RATE, seed),
            scale: TimeScale::new(RATE),
            fresh: Vec::new(),
            samples: Vec::new(),
            ready: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Appends 10 ms to `out`.
    pub(super) fn emit(&mut self, out: &mut Vec<u8>) {
        let chunk = CHUNK.min(self.ready.len());
        out.extend(self.ready.drain(..chunk));
    }

    /// Passes on `changed` in the place of what is fresh.
    fn replace(&mut self) {
        let output = self.output;
        self.ready.extend(self.changed.drain(..).map(|sample| output.encode(sample)));
        self.passed_on();
    }

    fn passed_on(&mut self) {
        self.bridge.set_noise(self.scale.floor());
        self.fresh.clear();
        self.samples.clear();
    }

    fn fill(&mut self, samples: usize) {
        if self.has_fresh() {
            self.pass();
        }
        self.changed.clear();
        self.bridge.fill(samples, &mut self.changed);
        self.replace();
    }
}

impl Sound for Passage {
    fn decode(&mut self, payload: &[u8], _ticks: u32, skipped: i64) {
        let kept = payload.get(skipped.max(0) as usize..).unwrap_or_default();
        let start = self.samples.len();
        let law = self.law;
        self.samples.extend(kept.iter().map(|&byte| law.decode(byte)));
        match (self.law, self.output) {
            (Law::Mu, Law::A) => self.fresh.extend(kept.iter().map(|&byte| g711::ulaw_to_alaw(byte))),
            (Law::A, Law::Mu) => self.fresh.extend(kept.iter().map(|&byte| g711::alaw_to_ulaw(byte))),
            _ => self.fresh.extend_from_slice(kept),
        }
        let seam = !self.bridge.is_audio();
        let samples = self.samples.get_mut(start..).unwrap_or_default();
        self.bridge.heard(samples);
        if seam {
            let faded = RATE.samples(FADE) as usize;
            for (byte, sample) in self.fresh.iter_mut().skip(start).zip(samples).take(faded) {
                *byte = self.output.encode(*sample);
            }
        }
    }

    fn mute(&mut self, payload: &[u8], _ticks: u32, skipped: i64) {
        self.cut();
        self.bridge.hush();
        self.fill(payload.len().saturating_sub(skipped.max(0) as usize));
    }

    fn conceal(&mut self, ticks: i64, _next: Option<&[u8]>) {
        self.fill(ticks.max(0) as usize);
    }

    fn silence(&mut self, level: Option<u8>) {
        self.bridge.silence(level);
    }

    fn restart(&mut self) {
        self.bridge.hush();
    }

    fn cut(&mut self) {
        if self.has_fresh() {
            self.pass();
        }
        self.bridge.cut();
    }

    fn pass(&mut self) {
        self.scale.listen(&self.samples);
        self.ready.append(&mut self.fresh);
        self.passed_on();
    }

    fn accelerate(&mut self, most: i64, urgency: Urgency) -> i64 {
        let most = most.max(0) as usize;
        if self.scale.is_quiet(&self.samples) {
            let frames = most.min(self.fresh.len()) / FRAME;
            self.fresh.truncate(self.fresh.len() - frames * FRAME);
            self.samples.truncate(self.fresh.len());
            self.pass();
            return (frames * FRAME) as i64;
        }
        if urgency == Urgency::Calm {
            self.pass();
            return 0;
        }
        let removed = self.scale.accelerate(&self.samples, most, urgency, &mut self.changed);
        self.replace();
        removed as i64
    }

    fn stretch(&mut self, most: i64, urgency: Urgency) -> i64 {
        let most = most.max(0) as usize;
        if self.scale.is_quiet(&self.samples) {
            let frame = self.fresh.len().saturating_sub(FRAME);
            self.fresh.extend_from_within(frame..);
            let inserted = self.fresh.len() - self.samples.len();
            self.pass();
            return inserted as i64;
        }
        if urgency == Urgency::Calm {
            self.pass();
            return 0;
        }
        let inserted = self.scale.stretch(&self.samples, most, urgency, &mut self.changed);
        self.replace();
        inserted as i64
    }

    fn is_ready(&self) -> bool {
        self.ready.len() >= CHUNK
    }

    fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    fn can_accelerate(&self) -> bool {
        self.samples.len() >= self.scale.window()
    }

    fn can_stretch(&self) -> bool {
        self.has_fresh()
    }

    fn is_faded(&self) -> bool {
        self.bridge.is_faded()
    }

    fn buffered(&self) -> i64 {
        (self.fresh.len() + self.ready.len()) as i64
    }
}

const RATE: SampleRate = SampleRate::HZ_8000;
/// What is made at a time: 10 ms.
const CHUNK: usize = 80;
/// What is left out or put in: 20 ms.
const FRAME: usize = 160;
