//! Egress as its documentation has it, sample by sample, for audio that is neither resampled nor held back.

use std::collections::VecDeque;

use media::codec::Codec;
use media::codec::g711::Law;
use media::egress::{EgressEvent, FlushScope, ItemPosition, MarkId, PushError};
use media::frame::{AudioFormat, ItemId};
use media::units::SampleRate;

/// A sample as it stands in the queue: a byte of G.711, or a linear value.
pub(crate) type Unit = i32;

/// In which form audio waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Law(Law),
    Linear,
}

impl Form {
    pub(crate) fn of(codec: Codec) -> Self {
        codec.law().map_or(Self::Linear, Self::Law)
    }

    pub(crate) fn linear(self, unit: Unit) -> i32 {
        match self {
            Self::Law(law) => i32::from(law.decode(unit as u8)),
            Self::Linear => unit,
        }
    }

    pub(crate) fn unit(self, linear: i32) -> Unit {
        match self {
            Self::Law(law) => i32::from(law.encode(linear as i16)),
            Self::Linear => linear,
        }
    }

    /// The units of what an agent sends.
    pub(crate) fn read(self, format: AudioFormat, bytes: &[u8]) -> Vec<Unit> {
        let law = match format {
            AudioFormat::Ulaw8k => Law::Mu,
            AudioFormat::Alaw8k => Law::A,
            AudioFormat::S16 { .. } => {
                return bytes.as_chunks::<2>().0.iter().map(|&pair| self.unit(i32::from(i16::from_le_bytes(pair)))).collect();
            }
        };
        let same = self == Self::Law(law);
        bytes.iter().map(|&byte| if same { i32::from(byte) } else { self.unit(i32::from(law.decode(byte))) }).collect()
    }

    /// The units of a payload.
    pub(crate) fn read_payload(self, payload: &[u8]) -> Vec<Unit> {
        match self {
            Self::Law(_) => payload.iter().map(|&byte| i32::from(byte)).collect(),
            Self::Linear => payload.as_chunks::<2>().0.iter().map(|&pair| i32::from(i16::from_be_bytes(pair))).collect(),
        }
    }

    fn scaled(self, unit: Unit, numerator: usize, denominator: usize) -> Unit {
        self.unit(self.linear(unit) * numerator as i32 / denominator as i32)
    }

    fn faded(self, units: &[Unit]) -> Vec<Unit> {
        let length = units.len();
        units.iter().enumerate().map(|(n, &unit)| self.scaled(unit, length - n, length + 1)).collect()
    }
}

/// One sample of a frame as the model wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    Unit(Unit),
    Noise,
}

#[derive(Clone, Copy, PartialEq)]
enum Playback {
    Running,
    Pausing,
    Paused,
}

pub(crate) struct ModelItem {
    pub(crate) id: ItemId,
    received: u64,
    played: u64,
    started: bool,
    open: bool,
    done: bool,
    flushed: bool,
    interruptible: bool,
}

impl ModelItem {
    /// Whether it is done with.
    pub(crate) const fn is_over(&self) -> bool {
        self.done || self.flushed
    }
}

pub(crate) struct Model {
    form: Form,
    rate: SampleRate,
    /// 5 ms.
    fade: usize,
    pub(crate) items: Vec<ModelItem>,
    queue: VecDeque<(ItemId, Unit)>,
    /// Marks with the item they follow and its samples before them.
    marks: VecDeque<(MarkId, Option<ItemId>, u64)>,
    pub(crate) events: Vec<EgressEvent>,
    inserted: VecDeque<i16>,
    playback: Playback,
    cut: Vec<Unit>,
    recent: Vec<Unit>,
    mid_audio: bool,
    fade_in: usize,
    starving: bool,
    /// Nothing is played, and what comes is gathered first.
    dry: bool,
    /// What was gathered has let a slot go by.
    waited: bool,
}

impl Model {
    pub(crate) fn new(form: Form, rate: SampleRate) -> Self {
        let fade = rate.hz() as usize / 200;
        Self {
            form,
            rate,
            fade,
            items: Vec::new(),
            queue: VecDeque::new(),
            marks: VecDeque::new(),
            events: Vec::new(),
            inserted: VecDeque::new(),
            playback: Playback::Running,
            cut: Vec::new(),
            recent: vec![form.unit(0); fade],
            mid_audio: false,
            fade_in: 0,
            starving: false,
            dry: true,
            waited: false,
        }
    }

    pub(crate) fn knows(&self, id: ItemId) -> bool {
        self.items.iter().any(|item| item.id == id)
    }

    pub(crate) fn queued(&self) -> u64 {
        self.queue.len() as u64
    }

    pub(crate) fn push(&mut self, id: ItemId, format: AudioFormat, bytes: &[u8]) -> Result<(), PushError> {
        if !self.knows(id) {
            let open = self.items.iter().find(|item| item.open).map(|item| item.id);
            open.into_iter().for_each(|before| self.end(before));
            let (open, interruptible) = (true, true);
            let (received, played, started, done, flushed) = (0, 0, false, false, false);
            self.items.push(ModelItem { id, received, played, started, open, done, flushed, interruptible });
        }
        let units = self.form.read(format, bytes);
        let item = self.item_mut(id);
        if item.flushed {
            return Err(PushError::Flushed { item: id });
        }
        if !item.open {
            return Err(PushError::Ended { item: id });
        }
        item.received += units.len() as u64;
        self.queue.extend(units.into_iter().map(|unit| (id, unit)));
        Ok(())
    }

    pub(crate) fn end(&mut self, id: ItemId) {
        if let Some(item) = self.items.iter_mut().find(|item| item.id == id && item.open) {
            item.open = false;
            self.settle();
        }
    }

    pub(crate) fn mark(&mut self, mark: MarkId) {
        let newest = self.items.last();
        self.marks.push_back((mark, newest.map(|item| item.id), newest.map_or(0, |item| item.received)));
        self.settle();
    }

    pub(crate) fn pause(&mut self) {
        if self.playback == Playback::Running {
            self.playback = Playback::Pausing;
        }
    }

    pub(crate) fn resume(&mut self) {
        self.playback = Playback::Running;
    }

    pub(crate) fn set_interruptible(&mut self, id: ItemId, interruptible: bool) {
        self.item_mut(id).interruptible = interruptible;
    }

    pub(crate) fn insert(&mut self, samples: &[i16]) {
        self.inserted.extend(samples);
    }

    /// Another form at the same rate.
    pub(crate) fn convert(&mut self, form: Form) {
        let old = std::mem::replace(&mut self.form, form);
        if old == form {
            return;
        }
        let convert = |unit: &mut Unit| *unit = form.unit(old.linear(*unit));
        self.queue.iter_mut().for_each(|(_, unit)| convert(unit));
        self.cut.iter_mut().chain(&mut self.recent).for_each(convert);
    }

    pub(crate) fn flush(&mut self, scope: FlushScope, force: bool) {
        let dropped = |item: &ModelItem| {
            (force || item.interruptible)
                && !item.done
                && !item.flushed
                && (scope == FlushScope::All || matches!(scope, FlushScope::UpTo(id) if item.id <= id))
        };
        let doomed: Vec<ItemId> = self.items.iter().filter(|item| dropped(item)).map(|item| item.id).collect();
        // The item that is being played: the first in the queue, or the open one whose audio has all been played.
        let head = self.queue.front().map(|(id, _)| *id);
        let head = head.or_else(|| self.items.iter().find(|item| item.open).map(|item| item.id));
        let head = head.filter(|id| doomed.contains(id) && self.item(*id).played > 0);
        if let Some(head) = head.filter(|_| self.mid_audio) {
            let most = if self.fade_in == 0 { self.fade } else { 0 };
            let mut ahead = Vec::new();
            while ahead.len() < most && self.queue.front().is_some_and(|(id, _)| *id == head) {
                ahead.extend(self.queue.pop_front().map(|(_, unit)| unit));
                self.item_mut(head).played += 1;
            }
            self.die_away(&ahead);
        }
        for id in doomed {
            self.queue.retain(|(owner, _)| *owner != id);
            let item = self.item_mut(id);
            if item.open || item.played < item.received {
                (item.open, item.flushed) = (false, true);
                self.events.push(EgressEvent::ItemFlushed(self.position(id)));
            } else {
                item.done = true;
                self.events.push(EgressEvent::ItemFinished(self.position(id)));
            }
        }
        self.dry |= self.queue.is_empty();
        self.settle();
    }

    pub(crate) fn compose(&mut self, length: usize) -> Vec<Heard> {
        if self.mid_audio && (self.playback == Playback::Pausing || !self.inserted.is_empty()) {
            let next = self.queue.front().map(|(id, _)| *id).filter(|id| self.item(*id).played > 0 && self.fade_in == 0);
            let ahead: Vec<Unit> =
                self.queue.iter().take_while(|(id, _)| Some(*id) == next).take(self.fade).map(|(_, unit)| *unit).collect();
            self.die_away(&ahead);
            self.fade_in = self.fade;
        }
        if self.playback == Playback::Pausing {
            self.playback = Playback::Paused;
        }
        let mut frame = std::mem::take(&mut self.cut);
        let inserted = self.inserted.len().min(length - frame.len());
        frame.extend(self.inserted.drain(..inserted).map(|sample| self.form.unit(i32::from(sample))));
        if self.playback == Playback::Running && frame.len() < length {
            self.gather(length);
            if !self.dry {
                self.play(&mut frame, length);
            }
        }
        let noise = length - frame.len();
        frame.into_iter().map(Heard::Unit).chain(std::iter::repeat_n(Heard::Noise, noise)).collect()
    }

    /// Where nothing is played a whole frame is waited for, for one slot at most, while more may come.
    fn gather(&mut self, length: usize) {
        if !self.dry {
            return;
        }
        let more_may_come = self.items.last().is_some_and(|item| item.open);
        if self.queue.is_empty() || more_may_come && self.queue.len() < length && !self.waited {
            self.waited = !self.queue.is_empty();
            self.starving &= self.starves().is_some();
        } else {
            (self.dry, self.waited) = (false, false);
        }
    }

    fn starves(&self) -> Option<ItemId> {
        self.items.last().filter(|item| item.open && item.played > 0 && item.played == item.received).map(|item| item.id)
    }

    fn play(&mut self, frame: &mut Vec<Unit>, length: usize) {
        let start = frame.len();
        let mut rising = match self.queue.front() {
            Some((id, _)) if self.item(*id).played > 0 => self.fade_in,
            _ => 0,
        };
        while let Some((id, unit)) = self.queue.front().copied().filter(|_| frame.len() < length) {
            self.queue.pop_front();
            let gained = if rising > 0 { self.form.scaled(unit, self.fade - rising + 1, self.fade + 1) } else { unit };
            rising = rising.saturating_sub(1);
            self.fade_in = rising;
            frame.push(gained);
            self.recent.remove(0);
            self.recent.push(gained);
            self.item_mut(id).played += 1;
            // A start is told with the position at the end of the frame or of the item in it.
            let last_of_item = self.queue.front().is_none_or(|(next, _)| *next != id) || frame.len() == length;
            if last_of_item {
                if !std::mem::replace(&mut self.item_mut(id).started, true) {
                    self.events.push(EgressEvent::ItemStarted(self.position(id)));
                }
                self.finish();
            }
        }
        self.settle();
        let broken_off = self.mid_audio || frame.len() > start;
        self.mid_audio = frame.len() == length;
        if self.mid_audio {
            self.starving = false;
            return;
        }
        self.dry = true;
        match self.starves() {
            None => self.starving = false,
            Some(item) if broken_off => {
                self.die_away(&[]);
                let room = self.cut.len().min(length - frame.len());
                frame.extend(self.cut.drain(..room));
                self.fade_in = self.fade;
                if !std::mem::replace(&mut self.starving, true) {
                    self.events.push(EgressEvent::Underrun(item));
                }
            }
            Some(_) => {}
        }
    }

    /// What is heard where audio stops: what would have come, then all of it mirrored, fading.
    fn die_away(&mut self, ahead: &[Unit]) {
        let heard: Vec<Unit> = self.recent.iter().chain(ahead).copied().collect();
        let tail: Vec<Unit> = ahead.iter().chain(heard.iter().rev()).take(self.fade).copied().collect();
        self.cut.extend(self.form.faded(&tail));
        self.mid_audio = false;
    }

    /// Tells what has come about: finished items and reached marks.
    fn settle(&mut self) {
        self.finish();
        while let Some((mark, id, after)) = self.marks.front().copied() {
            let item = id.map(|id| self.item(id));
            let (played, flushed) = item.map_or((0, false), |item| (item.played, item.flushed));
            if played < after && !flushed {
                return;
            }
            self.marks.pop_front();
            self.events.push(EgressEvent::MarkReached { mark, cleared: played < after });
        }
    }

    fn finish(&mut self) {
        for n in 0..self.items.len() {
            let item = &mut self.items[n];
            if !item.open && !item.flushed && !item.done && item.played == item.received {
                item.done = true;
                let position = self.position(self.items[n].id);
                self.events.push(EgressEvent::ItemFinished(position));
            }
        }
    }

    fn item(&self, id: ItemId) -> &ModelItem {
        self.items.iter().find(|item| item.id == id).unwrap()
    }

    fn item_mut(&mut self, id: ItemId) -> &mut ModelItem {
        self.items.iter_mut().find(|item| item.id == id).unwrap()
    }

    pub(crate) fn position(&self, id: ItemId) -> ItemPosition {
        let item = self.item(id);
        ItemPosition {
            item: id,
            received_ms: self.rate.millis(item.received),
            played_samples: item.played,
            played_ms: self.rate.millis(item.played),
            queued_ms: self.rate.millis(self.queue.iter().filter(|(owner, _)| *owner == id).count() as u64),
            arrived_ms: None,
            ended: !item.open,
            interruptible: item.interruptible,
        }
    }
}
