//! A frame for each slot: the agent's audio where there is some, comfort noise where there is none, no click between.
//!
//! Wherever the agent's audio is broken off it dies away within 5 ms, and where it goes on it comes up again within 5 ms:
//!
//! | what happens | what is heard | ledger |
//! | --- | --- | --- |
//! | audio runs on | it, sample for sample; items follow each other without a seam | counted |
//! | audio comes where none is played | it, once enough is gathered ([`super::delivery`]), and a whole frame or one slot later | – |
//! | an item ends | it, as its agent ended it, then noise | counted |
//! | the queue runs dry within an item | what there is, then its mirror image, fading | the mirror is not the item's |
//! | more comes after it ran dry | it, its first 5 ms fading in | counted |
//! | flush | the next 5 ms of what was dropped, fading; where less waits, its mirror image after it | what waited: it is heard |
//! | pause, or something is inserted | a copy of the next 5 ms, fading | not counted: they stay in the queue |
//! | resume, or the end of what was inserted | the audio from where it stopped, its first 5 ms fading in | counted |

use std::time::Instant;

use crate::codec::comfort_noise::ComfortNoise;
use crate::codec::fade::{self, FADE};
use crate::egress::insertion::Insertion;
use crate::egress::{EgressEvent, FlushScope, FrameContent};
use crate::pacer::Pacer;
use crate::pacer::form::Form;
use crate::pacer::queue::PlayoutQueue;
use crate::units::SampleRate;

/// Composes a leg's frames in one form.
#[derive(Debug)]
pub(super) struct Composer<F: Form> {
    form: F,
    /// Samples in a frame.
    length: usize,
    /// Samples in a fade.
    fade: usize,
    frame: Vec<F::Unit>,
    noise: ComfortNoise,
    playback: Playback,
    /// The last 15 ms of the agent's audio that were sent.
    recent: Vec<F::Unit>,
    /// What dies away, faded already.
    cut: Vec<F::Unit>,
    /// The samples of the cut that are an item's, and counted.
    counted: usize,
    /// The last sample sent was the agent's and is not the last of a fade.
    mid_audio: bool,
    /// The last frame had audio in it.
    talking: bool,
    /// Samples that are still to fade in when the audio that was broken off goes on.
    fade_in: usize,
    /// An episode of too little audio is on.
    starving: bool,
    /// Nothing of the agent is being played, and what comes is gathered first.
    dry: bool,
    /// What was gathered has let a slot go by.
    waited: bool,
}

/// What a frame turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Composed {
    pub(super) content: FrameContent,
    /// A talkspurt begins with it.
    pub(super) begins: bool,
    /// Samples in it that were inserted.
    pub(super) inserted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Playback {
    Running,
    /// Paused before the next frame, which fades.
    Pausing,
    Paused,
}

impl<F: Form> Composer<F> {
    pub(super) fn new(form: F, rate: SampleRate, length: usize, seed: u32) -> Self {
        let fade = rate.samples(FADE) as usize;
        Self {
            form,
            length,
            fade,
            frame: Vec::with_capacity(length),
            noise: ComfortNoise::new(seed),
            playback: Playback::Running,
            recent: vec![form.unit(0); fade * RECENT],
            cut: Vec::with_capacity(fade),
            counted: 0,
            mid_audio: false,
            talking: false,
            fade_in: 0,
            starving: false,
            dry: true,
            waited: false,
        }
    }

    /// One in another form, or with other frames, that goes on where this one stands.
    pub(super) fn converted<G: Form>(&self, form: G, rate: SampleRate, length: usize) -> Composer<G> {
        let fade = rate.samples(FADE) as usize;
        let resized = |units: &[F::Unit]| -> Vec<G::Unit> {
            if fade == self.fade {
                return units.iter().map(|&unit| self.form.to(unit, form)).collect();
            }
            let linear: Vec<i16> = units.iter().map(|&unit| self.form.linear(unit)).collect();
            resized(&linear, units.len() * fade / self.fade).map(|sample| form.unit(sample)).collect()
        };
        let mut cut = Vec::with_capacity(fade);
        cut.append(&mut resized(&self.cut));
        Composer {
            form,
            length,
            fade,
            frame: Vec::with_capacity(length),
            noise: self.noise.clone(),
            playback: self.playback,
            recent: resized(&self.recent),
            counted: self.counted * fade / self.fade,
            cut,
            mid_audio: self.mid_audio,
            talking: self.talking,
            fade_in: self.fade_in * fade / self.fade,
            starving: self.starving,
            dry: self.dry,
            waited: self.waited,
        }
    }

    /// Makes the frame of a slot. What has come while nothing was played begins when it is `ready`.
    pub(super) fn compose(
        &mut self,
        slot: Instant,
        ready: bool,
        pacer: &mut Pacer,
        queue: &mut PlayoutQueue<F::Unit>,
        insertion: &mut Insertion,
    ) -> Composed {
        if self.playback == Playback::Pausing || !insertion.is_empty() {
            self.break_off(pacer, queue);
        }
        if self.playback == Playback::Pausing {
            self.playback = Playback::Paused;
        }
        self.frame.clear();
        self.frame.append(&mut self.cut);
        let mut counted = std::mem::take(&mut self.counted);
        let inserted = insertion.take(self.form, &mut self.frame, self.length);
        if self.playback == Playback::Running && self.frame.len() < self.length {
            if self.dry {
                (self.dry, self.waited) = self.gather(ready, pacer, queue);
            }
            if self.dry {
                self.starving &= pacer.starving().is_some();
            } else {
                counted += self.play(slot, pacer, queue);
            }
        }
        let audible = self.frame.len();
        pacer.stats.inserted_samples += inserted as u64;
        pacer.stats.noise_samples += (self.length - counted - inserted) as u64;
        while self.frame.len() < self.length {
            self.frame.push(self.form.unit(self.noise.next_sample()));
        }
        let before = std::mem::replace(&mut self.talking, audible > 0);
        let begins = self.talking && !before;
        let content = match (inserted, audible) {
            (1.., _) => FrameContent::Inserted,
            (0, 1..) => FrameContent::Agent,
            (0, 0) => FrameContent::Noise,
        };
        Composed { content, begins, inserted }
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
    pub(super) fn flush(&mut self, now: Instant, pacer: &mut Pacer, queue: &mut PlayoutQueue<F::Unit>, scope: FlushScope, force: bool) {
        // What is fading in is too quiet still to be followed by anything but itself.
        let fade = if self.mid_audio && self.fade_in == 0 { self.fade } else { 0 };
        let before = self.cut.len();
        let broken_off = pacer.flush(now, queue, scope, force, fade, &mut self.cut);
        if broken_off && self.mid_audio {
            self.counted += self.cut.len() - before;
            self.die_away();
        }
        self.dry |= queue.len() == 0;
    }

    pub(super) fn frame(&self) -> &[F::Unit] {
        &self.frame
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Whether what comes is gathered before it is played.
    pub(super) const fn is_dry(&self) -> bool {
        self.dry
    }

    /// Whether audio is played, and nothing but audio.
    pub(super) fn is_steady(&self) -> bool {
        self.mid_audio && self.fade_in == 0 && self.cut.is_empty() && self.playback == Playback::Running
    }

    /// Whether the agent is held up by us.
    pub(super) fn is_paused(&self) -> bool {
        self.playback != Playback::Running
    }

    /// Whether something is heard as soon as there is a slot.
    pub(super) fn has_begun(&self, ready: bool, pacer: &Pacer, queue: &PlayoutQueue<F::Unit>) -> bool {
        self.playback == Playback::Running && queue.len() > 0 && (!self.dry || !self.gather(ready, pacer, queue).0)
    }

    /// The last `count` samples of the audio that was sent, 15 ms at most.
    pub(super) fn heard(&self, count: usize) -> impl Iterator<Item = F::Unit> + '_ {
        self.recent.iter().skip(self.recent.len().saturating_sub(count)).copied()
    }

    /// The end of the audio that the next sample continues; nothing where none does.
    pub(super) fn recent(&self) -> Vec<i16> {
        let heard = if self.mid_audio { self.recent.as_slice() } else { &[] };
        heard.iter().map(|&unit| self.form.linear(unit)).collect()
    }

    /// Whether audio that has come while nothing was played has to wait still, and whether it lets this slot go by for
    /// less than a frame of it. A frame's worth is waited for, but for one slot only: it may be all there is.
    fn gather(&self, ready: bool, pacer: &Pacer, queue: &PlayoutQueue<F::Unit>) -> (bool, bool) {
        let enough = queue.len() >= self.length || self.waited;
        match queue.len() {
            0 => (true, false),
            _ if !pacer.awaits_more() || ready && enough => (false, false),
            _ => (true, ready),
        }
    }

    /// Fills the frame with audio; returns how much of it there was.
    fn play(&mut self, slot: Instant, pacer: &mut Pacer, queue: &mut PlayoutQueue<F::Unit>) -> usize {
        let start = self.frame.len();
        let goes_on = pacer.continuing(1) > 0;
        pacer.take(slot, queue, &mut self.frame, self.length);
        let form = self.form;
        let audio = self.frame.get_mut(start..).unwrap_or_default();
        let taken = audio.len();
        if taken > 0 {
            let rising = if goes_on { self.fade_in } else { 0 };
            for (unit, index) in audio.iter_mut().zip(self.fade - rising..self.fade) {
                *unit = form.unit(fade::fade_in(form.linear(*unit), index, self.fade));
            }
            self.fade_in = rising.saturating_sub(taken);
        }
        let newest = taken.min(self.recent.len());
        self.recent.drain(..newest);
        self.recent.extend_from_slice(audio.get(taken - newest..).unwrap_or_default());
        if self.frame.len() == self.length {
            (self.mid_audio, self.starving) = (true, false);
            return taken;
        }
        self.dry = true;
        let broken_off = std::mem::take(&mut self.mid_audio) || taken > 0;
        match pacer.starving() {
            None => self.starving = false,
            Some(item) if broken_off => {
                self.die_away();
                let room = (self.length - self.frame.len()).min(self.cut.len());
                self.frame.extend(self.cut.drain(..room));
                self.fade_in = self.fade;
                if !std::mem::replace(&mut self.starving, true) {
                    pacer.stats.underruns += 1;
                    pacer.tell(EgressEvent::Underrun(item));
                }
            }
            Some(_) => {}
        }
        taken
    }

    /// Stops the audio where it stands: a copy of what would come next dies away.
    fn break_off(&mut self, pacer: &Pacer, queue: &PlayoutQueue<F::Unit>) {
        if self.mid_audio {
            let ahead = if self.fade_in == 0 { pacer.continuing(self.fade) } else { 0 };
            self.cut.extend(queue.peek(ahead));
            self.fade_in = self.fade;
            self.die_away();
        }
    }

    /// Continues what stands in the cut by the mirror image of all that was heard last, which joins it without a step,
    /// to the length of a fade, and fades it.
    fn die_away(&mut self) {
        let ahead = self.cut.len().min(self.fade);
        for place in 0..self.fade - ahead {
            let mirrored = if place < ahead { self.cut.get(ahead - 1 - place) } else { self.recent.iter().rev().nth(place - ahead) };
            let mirrored = mirrored.copied().unwrap_or_else(|| self.form.unit(0));
            self.cut.push(mirrored);
        }
        let form = self.form;
        for (index, unit) in self.cut.iter_mut().enumerate() {
            *unit = form.unit(fade::fade_out(form.linear(*unit), index, self.fade));
        }
        self.mid_audio = false;
    }
}

/// Fades that are remembered of what was sent: half a window of the time scale.
const RECENT: usize = 3;

/// `samples` drawn out or together to another count by straight lines: good enough for a fade.
pub(super) fn resized(samples: &[i16], count: usize) -> impl Iterator<Item = i16> {
    let last = samples.len().saturating_sub(1);
    (0..count).map(move |place| {
        let at = (place * last) as f32 / (count.max(2) - 1) as f32;
        let (before, part) = (at as usize, at.fract());
        let at = |place: usize| f32::from(samples.get(place.min(last)).copied().unwrap_or_default());
        (at(before) + (at(before + 1) - at(before)) * part) as i16
    })
}
