//! What happens between two packets and at the slot of each: when the next is due, what is in it, and at which speed.

use std::time::{Duration, Instant};

use crate::egress::delivery::Arrival;
use crate::egress::tempo::{Flow, Tempo};
use crate::egress::{Egress, EgressCodec, FrameContent, Made};
use crate::frame::AudioChunk;

impl Egress {
    /// Learns from audio that comes how its agent delivers; it is not in the queue yet.
    pub(super) fn note_arrival(&mut self, now: Instant, chunk: AudioChunk<'_>, opened: bool) {
        let arrival = match self.playout.is_dry() && self.playout.queued().is_zero() {
            true if opened => Arrival::Begins,
            true => Arrival::Overdue,
            false => Arrival::Joins,
        };
        let length = chunk.format.rate().duration(chunk.samples());
        let in_time = self.delivery.arrived(now, length, arrival);
        if arrival != Arrival::Joins {
            self.begin_tempo();
        } else if let (Some(tempo), Some(next)) = (&mut self.tempo, self.packets.next_slot())
            && in_time
            && !self.playout.is_dry()
            && !self.playout.is_paused()
        {
            let ptime = self.packets.codec().ptime;
            tempo.note(now, next.saturating_duration_since(now) + ptime * self.playout.frames());
        }
    }

    /// Where silence is left out, what is to be heard begins a talkspurt now and not at the next slot.
    pub(super) fn hasten(&mut self, now: Instant) {
        let begun = || !self.insertion.is_empty() || self.playout.has_begun(self.is_ready(now), &self.pacer);
        if self.sending && self.packets.is_silent() && begun() {
            self.packets.hasten(now);
        }
    }

    /// Whether enough is gathered to begin with.
    fn is_ready(&self, now: Instant) -> bool {
        self.delivery.opens_at().is_none_or(|at| at <= now)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let slot = self.packets.next_slot()?;
        let gathered =
            self.delivery.opens_at().filter(|_| self.sending && self.packets.is_silent() && self.playout.has_begun(true, &self.pacer));
        Some(gathered.map_or(slot, |at| at.min(slot)))
    }

    /// Makes the frame of a slot, and its packet where one is sent; returns what is in it.
    pub(super) fn make(&mut self, slot: Instant) -> FrameContent {
        let ready = self.is_ready(slot);
        let live = self.delivery.live_since(slot).filter(|_| self.catch_up && !self.playout.is_paused());
        if let Some(since) = live {
            self.keep_up(slot, since, ready);
        }
        let composed = self.playout.compose(slot, ready, &mut self.pacer, &mut self.insertion);
        self.delivery.delayed(self.playout.rate().duration(composed.inserted as u64));
        if let Some(tempo) = self.tempo.as_mut().filter(|_| live.is_some() && composed.content == FrameContent::Agent) {
            self.playout.listen(tempo);
        }
        let describes = self.packets.describes() && composed.content == FrameContent::Noise;
        let made = if self.sending && !describes && self.playout.encode(&mut self.pacer) {
            self.pacer.stats.packets += 1;
            Made::Audio(self.packets.audio(composed.begins))
        } else {
            self.pacer.stats.suppressed_slots += 1;
            // A pause of the agent's own that its codec leaves out has a length.
            let nothing_plays = composed.content == FrameContent::Noise;
            let description = self.packets.silence(slot, self.sending, nothing_plays);
            self.pacer.stats.described += u64::from(description.is_some());
            description.map_or(Made::Nothing(slot), Made::Description)
        };
        self.made = Some(made);
        composed.content
    }

    /// Keeps the queue of audio that has been live since an instant at its length.
    fn keep_up(&mut self, slot: Instant, since: Instant, ready: bool) {
        let EgressCodec { codec, ptime, .. } = self.packets.codec();
        let jitter = self.delivery.prebuffer();
        let tempo = self.tempo.get_or_insert_with(|| Box::new(Tempo::new(self.playout.rate())));
        if !self.playout.is_dry() {
            let untouched = codec.law().is_some_and(|law| self.intake.passes(law));
            if let Some(wanted) = tempo.wanted(slot, Flow { jitter, ptime, untouched }) {
                let moved = self.playout.adjust(&mut self.pacer, tempo, wanted);
                self.delivery.shifted(moved);
            }
        } else if ready && slot.saturating_duration_since(since) >= CONVERSANT {
            let surplus = self.playout.queued().saturating_sub(jitter + ptime + BEHIND);
            let dropped = self.playout.overtake(&mut self.pacer, surplus);
            self.delivery.hastened(dropped);
        }
    }

    pub(super) fn begin_tempo(&mut self) {
        if let Some(tempo) = &mut self.tempo {
            tempo.begin();
        }
    }
}

/// Audio has been live for so long that it is taken for a source without pauses.
const CONVERSANT: Duration = Duration::from_secs(5);
/// What an outage held up beyond this is not caught up with but dropped: half the speed more mends no more in two seconds.
const BEHIND: Duration = Duration::from_millis(800);
