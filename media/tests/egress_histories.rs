//! Whatever agent and call do, the ledger counts the samples that stand in packets, and nothing else is heard.
//!
//! A model made of tagged single samples, with no arithmetic of blocks or positions, follows the rules of the
//! pipeline's documentation. After each step of a history drawn from a seed, every sample of every packet, every event
//! and every position must be the model's. Set `AURICLE_SEED` to run a history again.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::codec::{Codec, g711};
use media::egress::{Egress, EgressConfig, EgressEvent, EgressOutput, FlushScope, ItemPosition, MarkId, PushError};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtp::RtpSeed;
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

/// 5 ms.
const FADE: usize = 40;

#[test]
fn the_ledger_counts_the_samples_that_stand_in_packets() {
    if let Ok(seed) = std::env::var("AURICLE_SEED") {
        model_history(seed.parse().unwrap());
        return;
    }
    (1..=10_000).for_each(model_history);
}

#[test]
fn resampled_items_are_played_for_as_long_as_they_were_received_and_no_sample_is_unaccounted_for() {
    (1..=300).for_each(resampled_history);
}

struct Draw(u64);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

/// One sample of a frame as the model wants it.
#[derive(Clone, Copy, Debug)]
enum Heard {
    Byte(u8),
    Noise,
}

#[derive(Clone, Copy, PartialEq)]
enum Playback {
    Running,
    Pausing,
    Paused,
}

struct ModelItem {
    id: ItemId,
    received: u64,
    played: u64,
    started: bool,
    open: bool,
    done: bool,
    flushed: bool,
    interruptible: bool,
}

/// Egress as its documentation has it, sample by sample, for a codec that is passed through.
struct Model {
    items: Vec<ModelItem>,
    queue: VecDeque<(ItemId, u8)>,
    /// Marks with the item they follow and its samples before them.
    marks: VecDeque<(MarkId, Option<ItemId>, u64)>,
    events: Vec<EgressEvent>,
    playback: Playback,
    cut: Vec<u8>,
    recent: Vec<u8>,
    mid_audio: bool,
    fade_in: bool,
    starving: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            items: Vec::new(),
            queue: VecDeque::new(),
            marks: VecDeque::new(),
            events: Vec::new(),
            playback: Playback::Running,
            cut: Vec::new(),
            recent: vec![0xff; FADE],
            mid_audio: false,
            fade_in: false,
            starving: false,
        }
    }

    fn push(&mut self, id: ItemId, bytes: &[u8]) -> Result<(), PushError> {
        if !self.items.iter().any(|item| item.id == id) {
            let open = self.items.iter().find(|item| item.open).map(|item| item.id);
            open.into_iter().for_each(|before| self.end(before));
            self.items.push(ModelItem {
                id,
                received: 0,
                played: 0,
                started: false,
                open: true,
                done: false,
                flushed: false,
                interruptible: true,
            });
        }
        let item = self.items.iter_mut().find(|item| item.id == id).unwrap();
        if item.flushed {
            return Err(PushError::Flushed { item: id });
        }
        if !item.open {
            return Err(PushError::Ended { item: id });
        }
        item.received += bytes.len() as u64;
        self.queue.extend(bytes.iter().map(|&byte| (id, byte)));
        Ok(())
    }

    fn end(&mut self, id: ItemId) {
        if let Some(item) = self.items.iter_mut().find(|item| item.id == id && item.open) {
            item.open = false;
            self.settle();
        }
    }

    fn mark(&mut self, mark: MarkId) {
        let newest = self.items.last();
        self.marks.push_back((mark, newest.map(|item| item.id), newest.map_or(0, |item| item.received)));
        self.settle();
    }

    fn flush(&mut self, scope: FlushScope, force: bool) {
        let dropped = |item: &ModelItem| {
            (force || item.interruptible)
                && !item.done
                && !item.flushed
                && (scope == FlushScope::All || matches!(scope, FlushScope::UpTo(id) if item.id <= id))
        };
        let doomed: Vec<ItemId> = self.items.iter().filter(|item| dropped(item)).map(|item| item.id).collect();
        let head = self.queue.front().map(|(id, _)| *id).filter(|id| doomed.contains(id) && self.item(*id).played > 0 && self.mid_audio);
        let mut cut = Vec::new();
        while let Some((id, byte)) = self.queue.front().copied().filter(|(id, _)| head == Some(*id) && cut.len() < FADE) {
            self.queue.pop_front();
            self.item_mut(id).played += 1;
            cut.push(byte);
        }
        if !cut.is_empty() {
            self.mid_audio = false;
            self.cut = faded(&cut);
        }
        for id in doomed {
            let item = self.item_mut(id);
            if item.open || item.played < item.received {
                (item.open, item.flushed) = (false, true);
                self.events.push(EgressEvent::ItemFlushed(self.position(id)));
            } else {
                item.done = true;
                self.events.push(EgressEvent::ItemFinished(self.position(id)));
            }
            self.queue.retain(|(owner, _)| *owner != id);
        }
        let continues = self.queue.front().is_some_and(|(id, _)| self.item(*id).played > 0);
        self.fade_in &= continues;
        self.settle();
    }

    fn compose(&mut self, length: usize) -> Vec<Heard> {
        let mut frame = std::mem::take(&mut self.cut);
        match self.playback {
            Playback::Running => self.play(&mut frame, length),
            Playback::Pausing if self.mid_audio => {
                let next = self.queue.front().map(|(id, _)| *id).filter(|id| self.item(*id).played > 0);
                let copy: Vec<u8> = self.queue.iter().take_while(|(id, _)| Some(*id) == next).take(FADE).map(|(_, byte)| *byte).collect();
                frame.extend(faded(&copy));
                (self.mid_audio, self.fade_in, self.playback) = (false, true, Playback::Paused);
            }
            _ => self.playback = Playback::Paused,
        }
        let noise = length - frame.len();
        frame.into_iter().map(Heard::Byte).chain(std::iter::repeat_n(Heard::Noise, noise)).collect()
    }

    fn play(&mut self, frame: &mut Vec<u8>, length: usize) {
        let start = frame.len();
        while let Some((id, byte)) = self.queue.front().copied().filter(|_| frame.len() < length) {
            self.queue.pop_front();
            let place = frame.len() - start;
            let gained = if self.fade_in && place < FADE { scaled(byte, place as i32 + 1, FADE as i32 + 1) } else { byte };
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
        self.fade_in &= frame.len() == start;
        self.settle();
        let broken_off = self.mid_audio || frame.len() > start;
        self.mid_audio = frame.len() == length;
        let starving = self.items.last().filter(|item| item.open && item.played > 0 && item.played == item.received).map(|item| item.id);
        let Some(starving) = starving.filter(|_| !self.mid_audio) else {
            self.starving = false;
            return;
        };
        if broken_off {
            let tail: Vec<u8> = self.recent.iter().rev().take(length - frame.len()).copied().collect();
            frame.extend(faded(&tail));
            if !std::mem::replace(&mut self.starving, true) {
                self.events.push(EgressEvent::Underrun(starving));
            }
        }
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

    fn position(&self, id: ItemId) -> ItemPosition {
        let item = self.item(id);
        ItemPosition {
            item: id,
            received_ms: item.received / 8,
            played_samples: item.played,
            played_ms: item.played / 8,
            ended: !item.open,
            interruptible: item.interruptible,
        }
    }
}

fn scaled(byte: u8, numerator: i32, denominator: i32) -> u8 {
    g711::encode_ulaw((i32::from(g711::decode_ulaw(byte)) * numerator / denominator) as i16)
}

fn faded(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as i32;
    (0..length).map(|n| scaled(bytes[n as usize], length - n, length + 1)).collect()
}

fn egress(input: AudioFormat, ptime: Duration) -> Egress {
    let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
    Egress::new(EgressConfig { codec: Codec::Pcmu, payload_type: PayloadType::PCMU, ptime, input, bound: EgressConfig::BOUND, seed })
        .unwrap()
}

fn model_history(seed: u64) {
    let mut draw = Draw::new(seed);
    let ptime = Duration::from_millis([10, 20, 20, 30, 60][draw.below(5)]);
    let length = ptime.as_millis() as usize * 8;
    let (mut egress, mut model) = (egress(AudioFormat::Ulaw8k, ptime), Model::new());
    let mut slot = Instant::now();
    egress.start(slot);
    let (mut newest, mut marks) = (1, 0);
    for step in 0..40 + draw.below(60) {
        let item = ItemId((newest - draw.below(3).min(newest - 1)) as u32);
        match draw.below(20) {
            0..=6 => {
                newest += usize::from(draw.below(4) == 0);
                let target = if draw.below(8) == 0 { item } else { ItemId(newest as u32) };
                let most = [20, 200, 600][draw.below(3)];
                let bytes: Vec<u8> = (0..1 + draw.below(most)).map(|_| draw.below(256) as u8).collect();
                if target.0 as usize == newest || model.items.iter().any(|known| known.id == target) {
                    let pushed = egress.push(target, AudioChunk { format: AudioFormat::Ulaw8k, bytes: &bytes });
                    assert_eq!(pushed, model.push(target, &bytes), "seed {seed}, step {step}");
                }
            }
            7 => (egress.end(item), model.end(item)).0,
            8 => {
                marks += 1;
                egress.mark(MarkId(marks));
                model.mark(MarkId(marks));
            }
            9 => {
                let scope = if draw.below(2) == 0 { FlushScope::All } else { FlushScope::UpTo(item) };
                let force = draw.below(3) == 0;
                // An item that was named but has not come is refused for ever; the model keeps to those that came.
                if scope == FlushScope::All || model.items.iter().any(|known| known.id == item) {
                    egress.flush(scope, force);
                    model.flush(scope, force);
                }
            }
            10 => {
                egress.pause();
                if model.playback == Playback::Running {
                    model.playback = Playback::Pausing;
                }
            }
            11 => {
                egress.resume();
                model.playback = Playback::Running;
            }
            12 => {
                let interruptible = draw.below(2) == 0;
                if let Some(known) = model.items.iter_mut().find(|known| known.id == item) {
                    known.interruptible = interruptible;
                    egress.set_interruptible(item, interruptible);
                }
            }
            _ => {
                egress.handle_timeout(slot);
                slot += ptime;
            }
        }
        check(seed, step, &mut egress, &mut model, length);
    }
}

fn check(seed: u64, step: usize, egress: &mut Egress, model: &mut Model, length: usize) {
    let mut events = Vec::new();
    loop {
        match egress.poll_output() {
            EgressOutput::Event(event) => events.push(event),
            EgressOutput::Packet(packet) => {
                let expected = model.compose(length);
                for (n, (&byte, heard)) in packet.payload.iter().zip(&expected).enumerate() {
                    let as_expected = match heard {
                        Heard::Byte(expected) => byte == *expected,
                        Heard::Noise => g711::decode_ulaw(byte).abs() <= 24,
                    };
                    assert!(as_expected, "seed {seed}, step {step}: sample {n} is {byte:#04x}, expected {heard:?}");
                }
                assert_eq!(packet.payload.len(), length);
            }
            EgressOutput::Timeout(_) => break,
        }
    }
    let told = std::mem::take(&mut model.events);
    assert_eq!(events, told, "seed {seed}, step {step}");
    for item in &model.items {
        assert_eq!(egress.position(item.id), Some(model.position(item.id)), "seed {seed}, step {step}");
    }
    assert_eq!(egress.queued(), SampleRate::HZ_8000.duration(model.queue.len() as u64));
}

fn resampled_history(seed: u64) {
    let mut draw = Draw::new(seed);
    let rate = [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000][draw.below(4)];
    let format = AudioFormat::S16 { rate };
    let mut egress = egress(format, Duration::from_millis(20));
    let mut slot = Instant::now();
    egress.start(slot);
    let mut received = [0_u64; 8];
    for item in 1..8_u32 {
        for _ in 0..draw.below(12) {
            let bytes = vec![draw.below(256) as u8; 1 + draw.below(3_000)];
            received[item as usize] += bytes.len() as u64;
            egress.push(ItemId(item), AudioChunk { format, bytes: &bytes }).unwrap();
            egress.handle_timeout(slot);
            slot += Duration::from_millis(20);
            while !matches!(egress.poll_output(), EgressOutput::Timeout(_)) {}
        }
        egress.end(ItemId(item));
    }
    while egress.queued() > Duration::ZERO {
        egress.handle_timeout(slot);
        slot += Duration::from_millis(20);
        while !matches!(egress.poll_output(), EgressOutput::Timeout(_)) {}
    }
    let stats = egress.stats();
    assert_eq!((egress.queued(), stats.audio_samples + stats.noise_samples), (Duration::ZERO, stats.packets * 160), "seed {seed}");
    let mut played = 0;
    for item in 1..8_u32 {
        if let Some(position) = egress.position(ItemId(item)) {
            let samples = received[item as usize] / 2;
            assert_eq!((position.received_ms, position.played_ms), (rate.millis(samples), rate.millis(samples)), "seed {seed}");
            assert_eq!(position.played_samples, samples * 8_000 / u64::from(rate.hz()), "seed {seed}");
            let lead_in = if rate == SampleRate::HZ_8000 { 0 } else { FADE as u64 };
            played += lead_in + (samples * 8_000).div_ceil(u64::from(rate.hz()));
        }
    }
    assert_eq!(stats.audio_samples, played, "seed {seed}");
}
