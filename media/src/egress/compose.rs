//! A frame for each slot: the agent's audio where there is some, comfort noise where there is none, no click between.
//!
//! | what happens | what is heard | ledger |
//! | --- | --- | --- |
//! | audio runs on | it, byte for byte; items follow each other without a seam | counted |
//! | the queue runs dry within an item | what there is, then its last 5 ms mirrored and fading | the mirror is not the item's |
//! | an item ends | it, then noise | counted |
//! | flush | the next 5 ms of what was dropped, fading | counted: they are heard |
//! | pause | a copy of the next 5 ms, fading | not counted: they stay in the queue |
//! | resume | the audio from where it stopped, its first 5 ms fading in | counted |

use crate::codec::comfort_noise::ComfortNoise;
use crate::codec::fade::{self, FADE};
use crate::codec::g711::Law;
use crate::egress::{EgressEvent, FlushScope};
use crate::pacer::Pacer;
use crate::units::SampleRate;

/// Composes the payloads of a leg's packets.
#[derive(Debug)]
pub(super) struct Composer {
    law: Law,
    /// Samples in a frame.
    length: usize,
    frame: Vec<u8>,
    noise: ComfortNoise,
    playback: Playback,
    /// The last 5 ms of the agent's audio that were sent.
    recent: Vec<u8>,
    /// What a flush left to be heard, faded already.
    cut: Vec<u8>,
    /// The last sample sent was the agent's and is not the last of a fade.
    mid_audio: bool,
    /// The last frame had audio in it.
    talking: bool,
    /// Audio was broken off by a pause, and begins with a fade.
    fade_in: bool,
    /// An episode of too little audio is on.
    starving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Playback {
    Running,
    /// Paused before the next frame, which fades.
    Pausing,
    Paused,
}

impl Composer {
    pub(super) fn new(law: Law, length: usize, seed: u32) -> Self {
        let fade = SampleRate::HZ_8000.samples(FADE) as usize;
        Self {
            law,
            length,
            frame: Vec::with_capacity(length),
            noise: ComfortNoise::new(seed),
            playback: Playback::Running,
            recent: vec![law.silence(); fade],
            cut: Vec::with_capacity(fade),
            mid_audio: false,
            talking: false,
            fade_in: false,
            starving: false,
        }
    }

    /// Makes the next frame; returns whether a talkspurt begins with it.
    pub(super) fn compose(&mut self, pacer: &mut Pacer) -> bool {
        self.frame.clear();
        self.frame.append(&mut self.cut);
        let audible = match self.playback {
            Playback::Running => self.play(pacer),
            Playback::Pausing => self.break_off(pacer),
            Playback::Paused => self.frame.len(),
        };
        pacer.stats.noise_samples += (self.length - audible) as u64;
        self.noise.pad(self.law, &mut self.frame, self.length);
        let begins = audible > 0 && !self.talking;
        self.talking = audible > 0;
        begins
    }

    pub(super) fn pause(&mut self) {
        if self.playback == Playback::Running {
            self.playback = Playback::Pausing;
        }
    }

    pub(super) fn resume(&mut self) {
        self.playback = Playback::Running;
    }

    /// Drops audio; where that breaks off what is being heard, its next 5 ms go first, fading.
    pub(super) fn flush(&mut self, pacer: &mut Pacer, scope: FlushScope, force: bool) {
        let fade = if self.mid_audio { self.recent.len() } else { 0 };
        let before = self.cut.len();
        pacer.flush(scope, force, fade, &mut self.cut);
        if self.cut.len() > before {
            fade_out(self.law, &mut self.cut);
            self.mid_audio = false;
        }
        self.fade_in &= pacer.peek(1).next().is_some();
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Fills the frame with audio; returns how far it reaches.
    fn play(&mut self, pacer: &mut Pacer) -> usize {
        let start = self.frame.len();
        pacer.take(&mut self.frame, self.length);
        let end = self.frame.len();
        let audio = self.frame.get_mut(start..).unwrap_or_default();
        if self.fade_in && !audio.is_empty() {
            self.fade_in = false;
            let length = self.recent.len();
            for (index, byte) in audio.iter_mut().take(length).enumerate() {
                *byte = self.law.encode(fade::fade_in(self.law.decode(*byte), index, length));
            }
        }
        let newest = audio.len().min(self.recent.len());
        self.recent.drain(..newest);
        self.recent.extend(audio.iter().skip(audio.len() - newest));
        if end == self.length {
            (self.mid_audio, self.starving) = (true, false);
            return end;
        }
        let broken_off = self.mid_audio || end > start;
        self.mid_audio = false;
        match pacer.starving() {
            None => self.starving = false,
            Some(item) if broken_off => {
                self.mirror();
                if !self.starving {
                    self.starving = true;
                    pacer.stats.underruns += 1;
                    pacer.tell(EgressEvent::Underrun(item));
                }
            }
            Some(_) => {}
        }
        end
    }

    /// Fades a copy of what would come next, and stops.
    fn break_off(&mut self, pacer: &mut Pacer) -> usize {
        let start = self.frame.len();
        self.playback = Playback::Paused;
        if std::mem::take(&mut self.mid_audio) {
            self.frame.extend(pacer.peek(self.recent.len()));
            self.fade_in = true;
            fade_out(self.law, self.frame.get_mut(start..).unwrap_or_default());
        }
        start
    }

    /// Continues what was sent by its own mirror image, which joins it without a step, fading.
    fn mirror(&mut self) {
        let start = self.frame.len();
        let room = self.length - start;
        self.frame.extend(self.recent.iter().rev().take(room));
        fade_out(self.law, self.frame.get_mut(start..).unwrap_or_default());
    }
}

fn fade_out(law: Law, payload: &mut [u8]) {
    let length = payload.len();
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte = law.encode(fade::fade_out(law.decode(*byte), index, length));
    }
}
