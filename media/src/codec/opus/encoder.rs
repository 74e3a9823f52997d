//! Linear audio becomes Opus payloads.

use audiopus::coder::{Encoder, GenericCtl as _};
use audiopus::{Application, Bandwidth, Bitrate, Channels};

use crate::codec::opus::{library_rate, own_rate};
use crate::codec::{Codec, CodecError};
use crate::units::SampleRate;

/// How Opus is to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusSettings {
    /// Bits a second aimed at, 6,000 to 510,000.
    pub bitrate_bps: u32,
    /// No more audio is sent than a receiver at this rate can play.
    pub max_playback_rate: SampleRate,
    /// Whether each packet may hold the one before it a second time. It does while the receiver reports loss.
    pub fec: bool,
    /// Whether nothing need be sent for silence.
    pub dtx: bool,
    /// Whether every packet is of the same length.
    pub cbr: bool,
    /// What may be spent on quality, 0 to 10.
    pub complexity: u8,
}

/// Libopus's encoder, mono.
#[derive(Debug)]
pub(crate) struct OpusEncoder {
    library: Encoder,
    rate: SampleRate,
    dtx: bool,
    /// What the receiver lost, 0 to 1: up at once, down by half a report.
    loss: f32,
}

impl Default for OpusSettings {
    /// 24 kbit/s, variable, complexity 5, redundancy when there is loss, no discontinuous transmission.
    fn default() -> Self {
        let max_playback_rate = SampleRate::HZ_48000;
        Self { bitrate_bps: 24_000, max_playback_rate, fec: true, dtx: false, cbr: false, complexity: 5 }
    }
}

impl OpusEncoder {
    /// An encoder that takes `wanted`, or the next rate above it that libopus has.
    pub(crate) fn new(wanted: SampleRate, settings: OpusSettings) -> Result<Self, CodecError> {
        let rate = library_rate(wanted);
        let library = configured(rate, settings).map_err(|_| CodecError::Rate { codec: Codec::Opus, rate: wanted })?;
        Ok(Self { library, rate: own_rate(rate), dtx: settings.dtx, loss: 0.0 })
    }

    /// Appends the payload of one frame of 10, 20, 40 or 60 ms to `out`. False when nothing need be sent for it.
    pub(crate) fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) -> Result<bool, CodecError> {
        let refused = CodecError::FrameLength { codec: Codec::Opus, samples: frame.len() };
        let unit = self.rate.hz() as usize / 100;
        if !FRAME_LENGTHS.iter().any(|tens| tens * unit == frame.len()) {
            return Err(refused);
        }
        let start = out.len();
        out.resize(start + LONGEST_PAYLOAD, 0);
        let written = self.library.encode(frame, out.get_mut(start..).unwrap_or_default());
        let length = written.unwrap_or_default();
        let sent = length > if self.dtx { LONGEST_UNSENT } else { 0 };
        out.truncate(start + if sent { length } else { 0 });
        written.map(|_| sent).map_err(|_| refused)
    }

    /// Takes note of what the receiver lost, 0 to 1.
    pub(crate) fn set_loss(&mut self, fraction: f32) {
        // Losses come in bursts: one quiet report does not yet mean that the redundancy is in vain.
        self.loss = fraction.clamp(0.0, 1.0).max(self.loss / 2.0);
        let done = self.library.set_packet_loss_perc((self.loss * 100.0).round() as u8);
        debug_assert!(done.is_ok(), "a percentage is taken");
    }

    /// Whether nothing need be sent for silence from now on.
    pub(crate) fn set_dtx(&mut self, dtx: bool) {
        self.dtx = dtx;
        let done = self.library.set_dtx(dtx);
        debug_assert!(done.is_ok(), "discontinuous transmission can be switched at any time");
    }

    /// Forgets what was said; the settings stay.
    pub(crate) fn reset(&mut self) {
        let done = self.library.reset_state();
        debug_assert!(done.is_ok(), "an encoder can always be reset");
    }

    /// Samples a second that it takes.
    pub(crate) const fn rate(&self) -> SampleRate {
        self.rate
    }
}

fn configured(rate: audiopus::SampleRate, settings: OpusSettings) -> audiopus::Result<Encoder> {
    let mut library = Encoder::new(rate, Channels::Mono, Application::Voip)?;
    let bitrate = settings.bitrate_bps.clamp(MIN_BITRATE_BPS, MAX_BITRATE_BPS);
    library.set_bitrate(Bitrate::BitsPerSecond(bitrate.cast_signed()))?;
    library.set_complexity(settings.complexity.min(10))?;
    library.set_max_bandwidth(bandwidth(settings.max_playback_rate))?;
    library.set_vbr(!settings.cbr)?;
    library.set_dtx(settings.dtx)?;
    // Costs nothing before a loss is reported.
    library.set_inband_fec(settings.fec)?;
    Ok(library)
}

/// The widest band of which a receiver at `rate` plays all (RFC 7587 §3.1.1).
const fn bandwidth(rate: SampleRate) -> Bandwidth {
    match library_rate(rate) {
        audiopus::SampleRate::Hz8000 => Bandwidth::Narrowband,
        audiopus::SampleRate::Hz12000 => Bandwidth::Mediumband,
        audiopus::SampleRate::Hz16000 => Bandwidth::Wideband,
        audiopus::SampleRate::Hz24000 => Bandwidth::Superwideband,
        audiopus::SampleRate::Hz48000 => Bandwidth::Fullband,
    }
}

/// In units of 10 ms.
const FRAME_LENGTHS: [usize; 4] = [1, 2, 4, 6];
/// Bytes: with all that is put before it, a payload fits into one datagram on any path.
const LONGEST_PAYLOAD: usize = 1_200;
/// A payload of so few bytes need not be sent where transmission may pause (the documentation of `opus_encode`).
const LONGEST_UNSENT: usize = 2;
const MIN_BITRATE_BPS: u32 = 6_000;
const MAX_BITRATE_BPS: u32 = 510_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_believed_at_once_and_forgotten_in_halves() {
        let mut encoder = OpusEncoder::new(SampleRate::HZ_16000, OpusSettings::default()).unwrap();
        let mut percent = |fraction| {
            encoder.set_loss(fraction);
            encoder.library.packet_loss_perc().unwrap()
        };
        assert_eq!([0.0, 0.08, 0.0, 0.0, 0.2, 0.15, 0.0].map(&mut percent), [0, 8, 4, 2, 20, 15, 8]);
        assert_eq!([2.0, f32::NAN, -1.0].map(&mut percent), [100, 50, 25]);
    }

    #[test]
    fn the_library_is_the_one_that_is_meant() {
        assert_eq!(audiopus::version(), "libopus 1.6.1");
    }
}
