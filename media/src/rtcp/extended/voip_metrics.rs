//! VoIP Metrics (RFC 3611 §4.7): what a call is like at the one who reports.
//!
//! The fields have the units of the wire here; [`crate::stats`] has those of people.

use super::write_head;
use crate::rtcp::compound::Word;
use crate::units::Ssrc;

/// One call as its receiver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rtcp) struct VoipMetrics {
    pub(in crate::rtcp) ssrc: Ssrc,
    /// Part of the packets that never came, in units of 1/256, as the next three.
    pub(in crate::rtcp) loss_rate: u8,
    /// Part of the packets that came too late to be played.
    pub(in crate::rtcp) discard_rate: u8,
    /// Part lost or discarded within bursts.
    pub(in crate::rtcp) burst_density: u8,
    /// Part lost or discarded between bursts.
    pub(in crate::rtcp) gap_density: u8,
    /// Mean length of a burst, in milliseconds, as the next three.
    pub(in crate::rtcp) burst_duration: u16,
    pub(in crate::rtcp) gap_duration: u16,
    /// Nought when it is not known.
    pub(in crate::rtcp) round_trip_delay: u16,
    /// From the wire to the ear and from the mouth to the wire, added.
    pub(in crate::rtcp) end_system_delay: u16,
    /// dBm0, as the noise level.
    pub(in crate::rtcp) signal_level: Option<i8>,
    pub(in crate::rtcp) noise_level: Option<i8>,
    /// Residual echo return loss, dB.
    pub(in crate::rtcp) residual_echo_return_loss: Option<u8>,
    /// So many packets without loss end a burst.
    pub(in crate::rtcp) gap_minimum: u8,
    /// 0 to 100.
    pub(in crate::rtcp) r_factor: Option<u8>,
    /// Tenths, 10 to 50.
    pub(in crate::rtcp) mos_listening: Option<u8>,
    /// Tenths, 10 to 50.
    pub(in crate::rtcp) mos_conversational: Option<u8>,
    /// Concealment, kind and rate of the jitter buffer.
    pub(in crate::rtcp) receiver_configuration: u8,
    /// In milliseconds, as the next two.
    pub(in crate::rtcp) jitter_buffer_nominal: u16,
    pub(in crate::rtcp) jitter_buffer_maximum: u16,
    pub(in crate::rtcp) jitter_buffer_absolute_maximum: u16,
}

impl VoipMetrics {
    pub(super) fn read(body: &[Word]) -> Option<Self> {
        let [ssrc, rates, durations, delays, levels, scores, buffer, maxima] = body.first_chunk::<8>().filter(|_| body.len() == 8)?;
        let [loss_rate, discard_rate, burst_density, gap_density] = *rates;
        let [burst_duration, gap_duration] = halves(*durations);
        let [round_trip_delay, end_system_delay] = halves(*delays);
        let [signal, noise, echo, gap_minimum] = *levels;
        let [r_factor, _external, listening, conversational] = *scores;
        let [receiver_configuration, _reserved, ..] = *buffer;
        let [_, jitter_buffer_nominal] = halves(*buffer);
        let [jitter_buffer_maximum, jitter_buffer_absolute_maximum] = halves(*maxima);
        let known = |octet: u8| Some(octet).filter(|octet| *octet != UNKNOWN);
        Some(Self {
            ssrc: Ssrc(u32::from_be_bytes(*ssrc)),
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            burst_duration,
            gap_duration,
            round_trip_delay,
            end_system_delay,
            signal_level: known(signal).map(u8::cast_signed),
            noise_level: known(noise).map(u8::cast_signed),
            residual_echo_return_loss: known(echo),
            gap_minimum,
            r_factor: known(r_factor).filter(|r_factor| *r_factor <= 100),
            mos_listening: known(listening).filter(|score| (10..=50).contains(score)),
            mos_conversational: known(conversational).filter(|score| (10..=50).contains(score)),
            receiver_configuration,
            jitter_buffer_nominal,
            jitter_buffer_maximum,
            jitter_buffer_absolute_maximum,
        })
    }

    pub(in crate::rtcp) fn write(&self, out: &mut Vec<u8>) {
        write_head(out, BLOCK_TYPE, 0, 8);
        out.extend_from_slice(&self.ssrc.0.to_be_bytes());
        out.extend_from_slice(&[self.loss_rate, self.discard_rate, self.burst_density, self.gap_density]);
        for half in [self.burst_duration, self.gap_duration, self.round_trip_delay, self.end_system_delay] {
            out.extend_from_slice(&half.to_be_bytes());
        }
        let known = |octet: Option<u8>| octet.unwrap_or(UNKNOWN);
        let (signal, noise) = (self.signal_level.map(i8::cast_unsigned), self.noise_level.map(i8::cast_unsigned));
        out.extend_from_slice(&[known(signal), known(noise), known(self.residual_echo_return_loss), self.gap_minimum]);
        out.extend_from_slice(&[known(self.r_factor), UNKNOWN, known(self.mos_listening), known(self.mos_conversational)]);
        out.extend_from_slice(&[self.receiver_configuration, 0]);
        for half in [self.jitter_buffer_nominal, self.jitter_buffer_maximum, self.jitter_buffer_absolute_maximum] {
            out.extend_from_slice(&half.to_be_bytes());
        }
    }
}

const fn halves([a, b, c, d]: Word) -> [u16; 2] {
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

pub(super) const BLOCK_TYPE: u8 = 7;
/// Stands where a value is not known.
const UNKNOWN: u8 = 127;
