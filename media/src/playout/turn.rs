//! Whose turn it is: the next piece of the line, when the listener needs it.

use std::time::Duration;

use crate::playout::buffer::Buffer;
use crate::playout::shelf::Content;
use crate::playout::sound::Sound;
use crate::playout::steering::{Change, Pace};
use crate::playout::target;

/// Where in the stream the line stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    state: State,
    /// Ticks of the next audio to decode.
    next: i64,
    /// It is silent because nothing was left.
    starved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Noise, until audio is there that has waited.
    Silent,
    Playing,
    /// Nothing is left. So many ticks were made up, and the turn waits.
    Bridging {
        covered: i64,
    },
}

impl Turn {
    pub(super) const fn new() -> Self {
        Self { state: State::Silent, next: 0, starved: false }
    }

    /// Nothing of the stream is played any more, until it begins again.
    pub(super) const fn stop(&mut self) {
        (self.state, self.starved) = (State::Silent, false);
    }

    pub(super) const fn is_playing(&self) -> bool {
        !matches!(self.state, State::Silent)
    }
}

impl<S: Sound> Buffer<S> {
    /// Makes the line longer by something, or finds out what comes next.
    pub(super) fn take_turn(&mut self, at: i64) {
        match self.turn.state {
            State::Silent => {
                if self.sound.is_faded()
                    && let Some(next) = self.successor.take()
                {
                    self.sound = *next;
                }
                if self.successor.is_some() || !self.begin(at) {
                    self.sound.conceal(self.clock.ticks(STEP), None);
                }
            }
            State::Playing => self.play(at),
            State::Bridging { covered } => self.bridge(covered),
        }
    }

    /// Begins to play, if the first packet that waits has waited long enough.
    fn begin(&mut self, at: i64) -> bool {
        // A path that has become this much longer, or a sender whose clock stood still, is the new measure.
        if let Some((came, transit)) = self.clock.last_arrival()
            && self.target.delay_of(transit).is_some_and(|delay| delay > target::MOST)
        {
            self.target.restart();
            self.target.arrived(came, transit);
        }
        while let Some(first) = self.shelf.first() {
            match first.content {
                Content::Audio { .. } => {}
                Content::Noise { level } => {
                    self.sound.silence(level);
                    self.give_up_first();
                    continue;
                }
                Content::Blank => {
                    self.give_up_first();
                    continue;
                }
            }
            let position = self.clock.extend(first.timestamp);
            let delay = self.delay_at(at, position);
            if delay > target::MOST + SLACK {
                self.drop_first();
                continue;
            }
            if delay < self.target.target() {
                return false;
            }
            // Where it goes on at the very place, the far end had not paused.
            self.stats.underruns += u64::from(self.turn.starved && position <= self.turn.next);
            self.turn = Turn { state: State::Playing, next: position, starved: false };
            return true;
        }
        false
    }

    /// Goes on with the next packet, or with what takes its place.
    fn play(&mut self, at: i64) {
        let current = self.delay_at(at, self.turn.next);
        if current > LIMIT && self.skip(at) {
            return;
        }
        if let Some(change) = self.steering.look(at, current, self.target.target())
            && self.change(change)
        {
            return;
        }
        if self.sound.has_fresh() || self.decode_next() {
            self.sound.pass();
            return;
        }
        self.go_on_without();
    }

    /// Makes the next audio shorter or longer. False when there is too little of it.
    fn change(&mut self, Change { pace, urgency, most }: Change) -> bool {
        let most = self.clock.ticks(most);
        let (count, changed) = match pace {
            Pace::Faster => {
                while !self.sound.can_accelerate() {
                    if !self.decode_next() {
                        return false;
                    }
                }
                (&mut self.stats.accelerated, self.sound.accelerate(most, urgency))
            }
            Pace::Slower => {
                while !(self.sound.has_fresh() && self.sound.can_stretch()) {
                    if !self.decode_next() {
                        return false;
                    }
                }
                (&mut self.stats.stretched, self.sound.stretch(most, urgency))
            }
        };
        *count += Duration::from_micros(self.clock.time(changed).unsigned_abs());
        true
    }

    /// Decodes the next packet, if its turn has come and it is there.
    fn decode_next(&mut self) -> bool {
        while let Some(first) = self.shelf.first() {
            let Content::Audio { ticks, muted } = first.content else { return false };
            let behind = self.turn.next - self.clock.extend(first.timestamp);
            if behind < 0 {
                return false;
            }
            if behind >= i64::from(ticks) {
                self.give_up_first();
                self.stats.late += 1;
                continue;
            }
            if muted {
                self.sound.mute(first.payload, ticks, behind);
            } else {
                self.sound.decode(first.payload, ticks, behind);
            }
            self.turn.next += i64::from(ticks) - behind;
            self.stats.played += 1;
            self.give_up_first();
            return true;
        }
        false
    }

    /// The next packet is not there, or holds no audio.
    fn go_on_without(&mut self) {
        let Some(first) = self.shelf.first() else {
            self.turn.state = State::Bridging { covered: 0 };
            return;
        };
        let gap = self.clock.extend(first.timestamp) - self.turn.next;
        match first.content {
            Content::Audio { .. } if first.missing > 0 && gap <= self.clock.ticks(LONGEST_GAP) => {
                let step = gap.min(self.clock.ticks(2 * STEP));
                self.sound.conceal(step, Some(first.payload).filter(|_| step == gap));
                self.turn.next += step;
                self.stats.concealed += Duration::from_micros(self.clock.time(step).unsigned_abs());
            }
            // The far end has paused, or so much is missing that it might have.
            Content::Audio { .. } => self.fall_silent(),
            Content::Noise { level } => {
                self.sound.silence(level);
                self.give_up_first();
                self.fall_silent();
            }
            Content::Blank => self.give_up_first(),
        }
    }

    /// Nothing was left; looks whether anything has come.
    fn bridge(&mut self, covered: i64) {
        let Some(first) = self.shelf.first() else {
            let step = self.clock.ticks(STEP);
            self.sound.conceal(step, None);
            self.stats.concealed += Duration::from_micros(STEP.unsigned_abs());
            self.turn.state = State::Bridging { covered: covered + step };
            if covered + step >= self.clock.ticks(PATIENCE) {
                self.fall_silent();
                self.turn.starved = true;
            }
            return;
        };
        if !matches!(first.content, Content::Audio { .. }) {
            self.go_on_without();
            return;
        }
        let gap = self.clock.extend(first.timestamp) - self.turn.next;
        if gap <= 0 {
            // It was late, and all after it is later by what was made up.
            self.stats.underruns += u64::from(covered > 0);
        } else if first.missing > 0 {
            // It was lost, and its time is made up already.
            self.turn.next += gap.min(covered);
        }
        self.turn.state = State::Playing;
    }

    /// Drops what is too old to be played. False when there is nothing newer.
    fn skip(&mut self, at: i64) -> bool {
        let mut dropped = false;
        while let Some(first) = self.shelf.first() {
            let position = self.clock.extend(first.timestamp);
            if self.delay_at(at, position) <= self.target.target() {
                break;
            }
            self.drop_first();
            dropped = true;
        }
        if dropped {
            self.sound.cut();
            if let Some(first) = self.shelf.first() {
                self.turn.next = self.clock.extend(first.timestamp);
            }
        }
        dropped
    }

    fn fall_silent(&mut self) {
        self.turn.stop();
        self.steering.rest();
    }

    /// How long what stands at `position` will have waited when it is played behind all that is decoded.
    fn delay_at(&self, at: i64, position: i64) -> i64 {
        let transit = at - self.clock.time(position - self.sound.buffered());
        self.target.delay_of(transit).unwrap_or(0)
    }

    fn drop_first(&mut self) {
        let audio = self.shelf.first().is_some_and(|first| matches!(first.content, Content::Audio { .. }));
        self.stats.dropped += u64::from(audio);
        self.give_up_first();
    }

    /// Takes the first packet off the shelf, and gives up on those missing before it.
    fn give_up_first(&mut self) {
        if let Some((_, missing)) = self.shelf.take() {
            self.stats.lost += missing;
        }
    }
}

/// What is made up at a time.
const STEP: i64 = 10_000;
/// After so much made up without a packet the far end counts as silent.
const PATIENCE: i64 = 100_000;
/// A gap of lost packets that is longer is no gap but a pause.
const LONGEST_GAP: i64 = 200_000;
/// What has waited longer than the longest target by more than this does not begin to play.
const SLACK: i64 = 60_000;
/// What has waited longer than this is skipped, not hurried.
const LIMIT: i64 = 400_000;
