//! The caller's latest audio, kept for the agent that takes over.
//!
//! Kept as G.711 at 8 kHz, so that 5 s of a voice are 40 kB whatever the agent hears: audio that was made of 8 kHz holds nothing above
//! 4 kHz, and every third sample of 24 kHz is all of it. Of a wideband line it is what a telephone would have carried; it is heard again
//! only after a loss. Of silence the length is kept. Left out on purpose: what of it an agent still has to hear, which the conversation
//! knows.

use std::collections::VecDeque;
use std::time::Duration;

use media::codec::g711::{Law, alaw_to_ulaw, ulaw_to_alaw};
use media::frame::{AudioChunk, AudioFormat};
use media::resample::Resampler;
use media::units::SampleRate;

use super::narrow::Narrower;

/// A place on the caller's timeline, from the first audio on; in ticks of 48 kHz, which every rate divides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    /// So much earlier; never before the beginning.
    pub(super) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(SampleRate::HZ_48000.samples(time)))
    }
}

/// The latest audio, [`Self::MOST`] at the most.
#[derive(Debug)]
pub(super) struct Ring {
    law: Law,
    rate: SampleRate,
    /// What was not silent, and in which order that and silence came.
    codes: VecDeque<u8>,
    runs: VecDeque<Run>,
    /// Samples in all runs.
    length: usize,
    end: Place,
    /// Of the next chunk, so many samples are passed over before the next that is kept.
    skip: usize,
    /// Takes a wideband line down to what is kept.
    narrower: Option<Narrower>,
    /// The newest chunk, on its way in.
    chunk: Vec<u8>,
}

/// Samples of one kind in a row.
#[derive(Clone, Copy, Debug)]
struct Run {
    silent: bool,
    samples: usize,
}

impl Ring {
    /// What is kept for an agent that takes over: older speech than this is not worth hearing.
    pub(super) const MOST: Duration = Duration::from_secs(5);

    /// Nothing was said yet.
    pub(super) const fn new() -> Self {
        Self {
            law: Law::Mu,
            rate: SampleRate::HZ_8000,
            codes: VecDeque::new(),
            runs: VecDeque::new(),
            length: 0,
            end: Place(0),
            skip: 0,
            narrower: None,
            chunk: Vec::new(),
        }
    }

    /// Where the caller's audio has come to.
    pub(super) const fn end(&self) -> Place {
        self.end
    }

    /// Keeps `chunk`, whose line has samples at `line` a second.
    pub(super) fn push(&mut self, chunk: AudioChunk<'_>, line: SampleRate) {
        let rate = chunk.format.rate();
        self.adopt(chunk.format);
        self.end.0 += chunk.samples() * u64::from(SampleRate::HZ_48000.hz() / rate.hz());
        let mut taken = std::mem::take(&mut self.chunk);
        match chunk.format {
            AudioFormat::Ulaw8k | AudioFormat::Alaw8k => taken.extend_from_slice(chunk.bytes),
            AudioFormat::S16 { .. } => {
                let step = (rate.hz() / self.rate.hz()).max(1) as usize;
                let (pairs, _) = chunk.bytes.as_chunks::<2>();
                let (law, samples) = (self.law, pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
                if line > self.rate && step > 1 {
                    let narrower = match &mut self.narrower {
                        Some(narrower) if narrower.step() == step => narrower,
                        other => other.insert(Narrower::new(step)),
                    };
                    narrower.push(samples, |sample| taken.push(law.encode(sample)));
                } else {
                    taken.extend(samples.skip(self.skip).step_by(step).map(|sample| law.encode(sample)));
                    self.skip = (step - (pairs.len() + step - self.skip) % step) % step;
                }
            }
        }
        self.take(&taken);
        taken.clear();
        self.chunk = taken;
        self.keep_latest(samples_of(self.rate, Self::MOST));
    }

    /// Forgets what came before `place`.
    pub(super) fn forget(&mut self, place: Place) {
        self.keep_latest(self.samples_since(place));
        if self.codes.capacity() > 4 * self.codes.len() + STEP {
            self.codes.shrink_to(self.codes.len());
        }
    }

    /// What was said from `from` on, as far as it is kept, in a format of the agent that is to hear it.
    pub(super) fn since(&self, from: Place, format: AudioFormat) -> Vec<u8> {
        let codes = self.all();
        let wanted = self.samples_since(from);
        let codes = codes.get(codes.len().saturating_sub(wanted)..).unwrap_or_default();
        let into = match format {
            AudioFormat::Ulaw8k => Some(Law::Mu),
            AudioFormat::Alaw8k => Some(Law::A),
            AudioFormat::S16 { .. } => None,
        };
        if let Some(into) = into.filter(|_| self.rate == SampleRate::HZ_8000) {
            return codes.iter().map(|&code| recoded(self.law, into, code)).collect();
        }
        let samples: Vec<i16> = codes.iter().map(|&code| self.law.decode(code)).collect();
        let samples = resampled(samples, self.rate, format.rate());
        match into {
            Some(law) => samples.into_iter().map(|sample| law.encode(sample)).collect(),
            None => samples.into_iter().flat_map(i16::to_le_bytes).collect(),
        }
    }

    /// Puts codes at the end.
    fn take(&mut self, codes: &[u8]) {
        let law = self.law;
        let silent = codes.iter().all(|&code| law.decode(code).unsigned_abs() < LOUD);
        match self.runs.back_mut().filter(|run| run.silent == silent) {
            Some(run) => run.samples += codes.len(),
            None => self.runs.push_back(Run { silent, samples: codes.len() }),
        }
        self.length += codes.len();
        if !silent {
            if self.codes.capacity() < self.codes.len() + codes.len() {
                self.codes.reserve_exact(codes.len().max(STEP));
            }
            self.codes.extend(codes);
        }
    }

    /// All that is kept, with its silence.
    fn all(&self) -> Vec<u8> {
        let (mut all, mut codes) = (Vec::with_capacity(self.length), self.codes.iter().copied());
        for run in &self.runs {
            match run.silent {
                true => all.resize(all.len() + run.samples, self.law.silence()),
                false => all.extend(codes.by_ref().take(run.samples)),
            }
        }
        all
    }

    /// Keeps what comes in the way that suits it; what is kept already is made over.
    fn adopt(&mut self, format: AudioFormat) {
        let law = if format == AudioFormat::Alaw8k { Law::A } else { Law::Mu };
        let heard = format.rate();
        let rate = if heard.hz().is_multiple_of(SampleRate::HZ_8000.hz()) { SampleRate::HZ_8000 } else { heard };
        if (law, rate) == (self.law, self.rate) {
            return;
        }
        let samples: Vec<i16> = self.all().into_iter().map(|code| self.law.decode(code)).collect();
        let codes: Vec<u8> = resampled(samples, self.rate, rate).into_iter().map(|sample| law.encode(sample)).collect();
        *self = Self { law, rate, end: self.end, ..Self::new() };
        codes.chunks(samples_of(rate, PIECE)).for_each(|piece| self.take(piece));
    }

    fn keep_latest(&mut self, samples: usize) {
        while self.length > samples {
            let Some(run) = self.runs.front_mut() else { return };
            let excess = (self.length - samples).min(run.samples);
            if !run.silent {
                self.codes.drain(..excess.min(self.codes.len()));
            }
            run.samples -= excess;
            self.length -= excess;
            if run.samples == 0 {
                self.runs.pop_front();
            }
        }
    }

    fn samples_since(&self, place: Place) -> usize {
        let ticks = u64::from(SampleRate::HZ_48000.hz() / self.rate.hz());
        usize::try_from(self.end.0.saturating_sub(place.0) / ticks).unwrap_or(usize::MAX)
    }
}

/// Whether nobody is heard in `chunk`, as far as every seventh sample tells.
pub(super) fn is_silent(chunk: AudioChunk<'_>) -> bool {
    const STRIDE: usize = 7;
    let g711 = |law: Law| chunk.bytes.iter().step_by(STRIDE).all(|&code| law.decode(code).unsigned_abs() < LOUD);
    match chunk.format {
        AudioFormat::Ulaw8k => g711(Law::Mu),
        AudioFormat::Alaw8k => g711(Law::A),
        AudioFormat::S16 { .. } => {
            let (pairs, _) = chunk.bytes.as_chunks::<2>();
            pairs.iter().step_by(STRIDE).all(|pair| i16::from_le_bytes(*pair).unsigned_abs() < LOUD)
        }
    }
}

fn recoded(from: Law, into: Law, code: u8) -> u8 {
    match (from, into) {
        (Law::Mu, Law::A) => ulaw_to_alaw(code),
        (Law::A, Law::Mu) => alaw_to_ulaw(code),
        _ => code,
    }
}

/// All of `samples` at another rate: as long as they are, with nothing in front.
fn resampled(samples: Vec<i16>, from: SampleRate, to: SampleRate) -> Vec<i16> {
    if from == to || samples.is_empty() {
        return samples;
    }
    let mut resampler = Resampler::new(from, to);
    let lead_in = resampler.delay();
    let length = samples.len() * to.hz() as usize / from.hz() as usize;
    let mut out = Vec::with_capacity(length + lead_in);
    resampler.push(&samples, &mut out);
    resampler.finish((length + lead_in).saturating_sub(out.len()), &mut out);
    out.drain(..lead_in);
    out
}

fn samples_of(rate: SampleRate, time: Duration) -> usize {
    usize::try_from(rate.samples(time)).unwrap_or(usize::MAX)
}

/// By so many bytes room is made.
const STEP: usize = 2_000;

/// In pieces of this length it is judged whether something is silent.
const PIECE: Duration = Duration::from_millis(20);

/// A sample below this is no voice: 52 dB below the loudest.
const LOUD: u16 = 80;

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn pcm(rate: SampleRate, hz: f64, ms: u64) -> Vec<u8> {
        let count = rate.samples(Duration::from_millis(ms));
        (0..count).map(|n| ((TAU * hz * n as f64 / f64::from(rate.hz())).sin() * 8_000.0) as i16).flat_map(i16::to_le_bytes).collect()
    }

    fn push(ring: &mut Ring, format: AudioFormat, bytes: &[u8]) {
        ring.push(AudioChunk { format, bytes }, SampleRate::HZ_8000);
    }

    #[test]
    fn beyond_five_seconds_the_oldest_gives_way() {
        let mut ring = Ring::new();
        for second in 0..7_u8 {
            push(&mut ring, AudioFormat::Ulaw8k, &[second; 8_000]);
        }
        let kept = ring.since(Place::default(), AudioFormat::Ulaw8k);
        assert_eq!((kept.len(), kept[0], kept[39_999]), (40_000, 2, 6));
        assert_eq!(ring.since(ring.end().before(Duration::from_millis(500)), AudioFormat::Ulaw8k), [6; 4_000]);
    }

    #[test]
    fn a_voice_takes_its_length_in_memory_and_silence_none() {
        let mut ring = Ring::new();
        (0..500).for_each(|_| push(&mut ring, AudioFormat::Ulaw8k, &[1; 160]));
        assert!((40_000..=48_000).contains(&ring.codes.capacity()), "{}", ring.codes.capacity());
        (0..100).for_each(|_| push(&mut ring, AudioFormat::Ulaw8k, &[0xFC; 160]));
        assert_eq!(ring.codes.len(), 24_000);
        let kept = ring.since(Place::default(), AudioFormat::Ulaw8k);
        assert_eq!((kept.len(), &kept[..24_000], &kept[24_000..]), (40_000, &[1; 24_000][..], &[0xFF; 16_000][..]));
        ring.forget(ring.end());
        assert!(ring.codes.capacity() < 1_000 && ring.since(Place::default(), AudioFormat::Ulaw8k).is_empty());
    }

    #[test]
    fn a_telephone_is_kept_as_it_is_whatever_the_agent_hears() {
        let (wide, narrow) = (AudioFormat::S16 { rate: SampleRate::HZ_24000 }, AudioFormat::S16 { rate: SampleRate::HZ_8000 });
        let mut ring = Ring::new();
        let audio = pcm(SampleRate::HZ_24000, 440.0, 1_000);
        // Cut in pieces that are no multiple of three samples.
        audio.chunks(250 * 2).for_each(|piece| push(&mut ring, wide, piece));
        assert_eq!(ring.codes.len(), 8_000);
        let heard: Vec<i16> =
            ring.since(Place::default(), narrow).as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        let expected: Vec<i16> =
            pcm(SampleRate::HZ_8000, 440.0, 1_000).as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        assert!(heard.iter().zip(&expected).all(|(heard, said)| heard.abs_diff(*said) < 300), "companded, and no more than that");
    }

    #[test]
    fn a_wideband_line_takes_no_more_than_a_telephone_and_is_heard_again_as_one() {
        let wide = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
        let mut ring = Ring::new();
        let audio = pcm(SampleRate::HZ_24000, 440.0, 6_000);
        audio.chunks(480 * 2).for_each(|bytes| ring.push(AudioChunk { format: wide, bytes }, SampleRate::HZ_48000));
        assert_eq!(ring.codes.len(), 40_000);
        assert!(ring.codes.capacity() <= 48_000, "{}", ring.codes.capacity());
        let kept = ring.since(ring.end().before(Duration::from_secs(1)), wide);
        let heard: Vec<i16> = kept.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        assert_eq!(heard.len(), 24_000);
        let turns = heard[600..23_400].windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        assert!((416..=420).contains(&turns), "{turns} turns of 440 a second in 0.95 s");
    }

    #[test]
    fn another_format_goes_on_where_the_old_one_ended() {
        let wide = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
        let mut ring = Ring::new();
        push(&mut ring, AudioFormat::Ulaw8k, &[0x10; 800]);
        push(&mut ring, wide, &pcm(SampleRate::HZ_24000, 440.0, 100));
        push(&mut ring, AudioFormat::Alaw8k, &[0x2A; 800]);
        assert_eq!(ring.since(Place::default(), AudioFormat::Ulaw8k).len(), 2_400);
        assert_eq!(ring.since(ring.end().before(Duration::from_millis(100)), AudioFormat::Alaw8k), [0x2A; 800]);
        assert_eq!(ring.since(Place::default(), wide).len(), 3 * 2 * 2_400);
    }

    #[test]
    fn what_is_resampled_keeps_its_length_and_its_place() {
        let mut ring = Ring::new();
        let tone: Vec<u8> = pcm(SampleRate::HZ_8000, 440.0, 1_003)
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| Law::Mu.encode(i16::from_le_bytes(*pair)))
            .collect();
        push(&mut ring, AudioFormat::Ulaw8k, &tone);
        let wide = ring.since(Place::default(), AudioFormat::S16 { rate: SampleRate::HZ_16000 });
        let heard: Vec<i16> = wide.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        assert_eq!(heard.len(), tone.len() * 2);
        let every_second: Vec<i16> = heard.iter().step_by(2).copied().collect();
        let said: Vec<i16> = tone.iter().map(|&code| Law::Mu.decode(code)).collect();
        let far = every_second.iter().zip(&said).skip(200).take(7_600).filter(|(heard, said)| heard.abs_diff(**said) > 400).count();
        assert_eq!(far, 0);
    }
}
