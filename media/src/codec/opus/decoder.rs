//! Opus payloads become linear audio, and so do the gaps between them.

use audiopus::coder::{Decoder, GenericCtl as _};
use audiopus::{Channels, MutSignals, packet};

use crate::codec::opus::{Packet, library_rate, own_rate};
use crate::codec::{Codec, CodecError};
use crate::units::SampleRate;

/// Libopus's decoder, mono.
#[derive(Debug)]
pub(crate) struct OpusDecoder {
    library: Decoder,
    rate: SampleRate,
    /// Whether the last packet was CELT's alone: libopus then takes no redundancy from the next.
    after_celt: bool,
    /// Samples that came out of redundancy.
    recovered: u64,
}

impl OpusDecoder {
    /// A decoder at `wanted`, or the next rate above it that libopus has.
    pub(crate) fn new(wanted: SampleRate) -> Result<Self, CodecError> {
        let rate = library_rate(wanted);
        let library = Decoder::new(rate, Channels::Mono).map_err(|_| CodecError::Rate { codec: Codec::Opus, rate: wanted })?;
        Ok(Self { library, rate: own_rate(rate), after_celt: false, recovered: 0 })
    }

    /// Appends the samples of `payload` to `out`.
    pub(crate) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        let malformed = CodecError::Malformed { codec: Codec::Opus };
        let packet = Packet::parse(payload).ok_or(malformed)?;
        self.after_celt = packet.is_celt();
        if self.run(Some(payload), false, self.samples(packet.ticks()), out) { Ok(()) } else { Err(malformed) }
    }

    /// Appends exactly `samples` in the place of lost ones: the end of them from the redundancy in `next` where it has
    /// any, what comes before it by extrapolation.
    pub(crate) fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) {
        let end = out.len() + samples;
        let redundant = next.and_then(Packet::parse).filter(|packet| packet.has_redundancy() && !self.after_celt);
        // Redundancy is the frame before, and is as long as the frames of its packet.
        let frame = redundant.map_or(0, |packet| self.samples(packet.frame_ticks()));
        self.extrapolate(samples.saturating_sub(frame), out);
        let start = out.len();
        if frame > 0 && self.run(next, true, frame, out) {
            // A gap shorter than a frame is its end.
            out.drain(start..start + frame.saturating_sub(samples));
            self.recovered += frame.min(samples) as u64;
        }
        out.resize(end, 0);
    }

    /// Forgets what was heard.
    pub(crate) fn reset(&mut self) {
        let done = self.library.reset_state();
        debug_assert!(done.is_ok(), "a decoder can always be reset");
        self.after_celt = false;
    }

    /// Samples a second of what comes out.
    pub(crate) const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Samples so far that were lost and came out of redundancy.
    pub(crate) const fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Appends `samples` that continue what was heard, fading; silence where nothing was.
    fn extrapolate(&mut self, samples: usize, out: &mut Vec<i16>) {
        let end = out.len() + samples;
        let (step, unit) = (self.samples(EXTRAPOLATED), self.samples(SHORTEST));
        while out.len() < end {
            let left = end - out.len();
            if !self.run(None, false, left.next_multiple_of(unit).min(step), out) {
                break;
            }
        }
        out.resize(end, 0);
    }

    /// Has libopus append exactly `samples`. What it refuses after all leaves no half-changed state behind.
    fn run(&mut self, payload: Option<&[u8]>, redundancy: bool, samples: usize, out: &mut Vec<i16>) -> bool {
        let start = out.len();
        out.resize(start + samples, 0);
        let input = payload.map(packet::Packet::try_from).transpose();
        let output = out.get_mut(start..).unwrap_or_default();
        let decoded = input.and_then(|input| self.library.decode(input, MutSignals::try_from(output)?, redundancy));
        let whole = decoded == Ok(samples);
        if !whole {
            out.truncate(start);
            self.reset();
        }
        whole
    }

    /// Samples in `ticks` of the 48 kHz clock; whole at every rate of libopus, for whole frames.
    const fn samples(&self, ticks: u64) -> usize {
        (ticks * self.rate.hz() as u64 / SampleRate::HZ_48000.hz() as u64) as usize
    }
}

/// What is extrapolated at once, in ticks: 20 ms, the longest that libopus does in one piece.
const EXTRAPOLATED: u64 = 960;
/// What libopus extrapolates is a multiple of this, in ticks: 2.5 ms.
const SHORTEST: u64 = 120;
