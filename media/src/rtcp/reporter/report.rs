//! What a report of ours says.

use std::time::{Duration, Instant};

use super::Reporter;
use crate::quality::Quality;
use crate::rtcp::bursts::GAP_MINIMUM;
use crate::rtcp::extended::{self, DelayBlock, VoipMetrics, dlrr, receiver_reference_time};
use crate::rtcp::received_stream::ReceivedStream;
use crate::rtcp::reception::pattern;
use crate::rtcp::remote::CLOCKS;
use crate::rtcp::{goodbye, receiver_report, sender_report, source_description};
use crate::units::Ssrc;

impl Reporter {
    /// Writes a whole compound, with a goodbye when there is a reason for one.
    pub(super) fn write_report(&mut self, now: Instant, goodbye: Option<&'static str>) {
        let mut out = std::mem::take(&mut self.compound);
        out.clear();
        let (ssrc, (blocks, count)) = (self.config.ssrc, self.reception.blocks(now));
        let blocks = blocks.get(..count).unwrap_or_default();
        match self.sender.report(now, &self.config.ntp) {
            Some(sender) => sender_report::write(&mut out, ssrc, &sender, blocks),
            None => receiver_report::write(&mut out, ssrc, blocks),
        }
        // RFC 5506 §3.4.2: full compounds stay the rule, here each other report, the first and the last.
        if !self.config.reduced_size || self.reports.is_multiple_of(2) || goodbye.is_some() {
            source_description::write(&mut out, ssrc, &self.config.cname);
        }
        self.write_extended(now, &mut out);
        if let Some(reason) = goodbye {
            goodbye::write(&mut out, ssrc, reason);
        }
        self.note_worst();
        self.reception.reported();
        (self.compound, self.waiting) = (out, true);
        self.reports += 1;
    }

    /// Writes the blocks that were agreed on or are owed, if there are any.
    fn write_extended(&mut self, now: Instant, out: &mut Vec<u8>) {
        let wanted = self.config.extended;
        let mut delays = [DelayBlock { ssrc: Ssrc(0), last_receiver_report: 0, delay: 0 }; CLOCKS];
        let owed = delays.iter_mut().zip(self.remote.take_delays(now)).map(|(place, delay)| *place = delay).count();
        let delays = delays.get(..owed).unwrap_or_default();
        let present = self.reception.present().filter(|stream| !stream.left);
        let summary = present.filter(|stream| wanted.statistics_summary && stream.since_report().expected > 0).map(ReceivedStream::summary);
        let metrics = present.filter(|_| wanted.voip_metrics).map(|stream| self.voip_metrics(stream));
        if !wanted.receiver_reference_time && owed == 0 && summary.is_none() && metrics.is_none() {
            return;
        }
        extended::write(out, self.config.ssrc, |out| {
            if wanted.receiver_reference_time {
                receiver_reference_time::write(out, self.config.ntp.timestamp(now));
            }
            if owed > 0 {
                dlrr::write(out, delays);
            }
            summary.iter().for_each(|summary| summary.write(out));
            metrics.iter().for_each(|metrics| metrics.write(out));
        });
    }

    fn voip_metrics(&self, stream: &ReceivedStream) -> VoipMetrics {
        let (counts, bursts, playout) = (stream.counts(), stream.bursts(), &self.playout);
        let pattern = pattern(&bursts, stream.packet_time());
        let quality = self.rate(counts.fraction_unplayed(), bursts.burst_ratio());
        VoipMetrics {
            ssrc: stream.ssrc,
            loss_rate: of_256(counts.fraction_lost()),
            discard_rate: of_256(counts.fraction_discarded()),
            burst_density: of_256(pattern.burst_density),
            gap_density: of_256(pattern.gap_density),
            burst_duration: whole(pattern.burst_ms),
            gap_duration: whole(pattern.gap_ms),
            // Nought would say that it is not known.
            round_trip_delay: self.round_trip.last.map_or(0, |trip| millis(trip).max(1)),
            end_system_delay: millis(playout.end_system_delay),
            signal_level: playout.signal_dbm0,
            noise_level: playout.noise_dbm0,
            residual_echo_return_loss: None,
            gap_minimum: GAP_MINIMUM as u8,
            r_factor: Some(whole(quality.r_factor) as u8),
            mos_listening: Some(tenths(quality.mos_listening)),
            mos_conversational: quality.mos_conversational.map(tenths),
            receiver_configuration: playout.configuration(),
            jitter_buffer_nominal: millis(playout.nominal),
            jitter_buffer_maximum: millis(playout.maximum),
            jitter_buffer_absolute_maximum: millis(playout.absolute_maximum),
        }
    }

    /// Rates what came since the last report, where that is enough to be rated.
    fn note_worst(&mut self) {
        let Some(stream) = self.reception.present() else { return };
        let since = stream.since_report();
        if since.expected < RATEABLE {
            return;
        }
        let quality = self.rate(since.fraction_unplayed(), stream.bursts().burst_ratio());
        let is_worse = |worst: Quality| quality.r_factor < worst.r_factor;
        if self.worst.is_none_or(is_worse) {
            self.worst = Some(quality);
        }
    }
}

/// In units of 1/256, at most 255.
fn of_256(part: f64) -> u8 {
    (part * 256.0) as u8
}

/// Tenths of a score.
fn tenths(score: f64) -> u8 {
    (score * 10.0).round() as u8
}

fn millis(time: Duration) -> u16 {
    u16::try_from(time.as_millis()).unwrap_or(u16::MAX)
}

/// The nearest whole number from 0 to 65,535.
fn whole(value: f64) -> u16 {
    value.round() as u16
}

/// Packets that a rating wants: half a second of short ones.
const RATEABLE: u64 = 25;
