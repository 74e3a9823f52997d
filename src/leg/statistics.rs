//! How a leg's audio fared, in the words of a call's record.

use std::time::Duration;

use media::egress::Egress;
use media::ingress::IngressStats;
use media::{quality, stats};

use super::Leg;
use crate::domain::media_statistics::{AgentPlayback, CallQuality, LossPattern, MediaStatistics, Spread};

/// Gathers what transport, ingress, egress and RTCP have counted.
pub(super) fn statistics(leg: &Leg) -> MediaStatistics {
    let ingress = leg.ingress.stats();
    let stream = leg.reporter.stats();
    let discards = leg.transport.discards();
    let rejected = ingress.rejected_payload_type
        + ingress.rejected_telephone_event
        + ingress.rejected_size
        + ingress.rejected_malformed
        + ingress.rejected_held
        + ingress.rejected_stray;
    let foreign = discards.foreign_address + discards.foreign_port + discards.foreign_stream + discards.remote_unknown;
    let unreadable = discards.too_long + discards.junk + discards.malformed_rtp + discards.malformed_rtcp;
    let unprotected = discards.unauthentic + discards.replayed;
    MediaStatistics {
        // Taken by the call.
        course: Vec::new(),
        codec: leg.negotiated.codec.name().to_owned(),
        packets_received: ingress.received,
        packets_sent: stream.packets_sent,
        packets_lost: u64::try_from(stream.lost).unwrap_or_default(),
        fraction_lost: rounded(stream.fraction_lost, PARTS),
        packets_forwarded: ingress.forwarded,
        packets_late: ingress.late,
        packets_duplicate: ingress.duplicate,
        packets_reordered: ingress.reordered,
        packets_rejected: rejected + foreign + unreadable + unprotected,
        loss_pattern: stream.ssrc.map(|_| loss_pattern(&stream.loss_pattern)),
        gap_wait_ms: ingress.gap_wait.as_millis() as u64,
        concealed_ms: IngressStats::millis(ingress.concealed_ticks),
        filled_ms: IngressStats::millis(ingress.filled_ticks),
        timeline_ms: IngressStats::millis(ingress.timeline_ticks),
        jitter_ms: rounded(stream.jitter_ms, MILLIS),
        jitter_over_call: stream.jitter_spread_ms.map(spread),
        clock_skew_ppm: stream.clock_skew_ppm.map(|ppm| rounded(ppm, SKEW)),
        round_trip_ms: stream.round_trip.map(millis),
        round_trip_over_call: stream.round_trip_spread_ms.map(spread),
        quality: stream.quality.map(quality),
        worst_quality: stream.worst_quality.map(quality),
        remote_packets_lost: stream.remote.map(|remote| i64::from(remote.lost)),
        remote_fraction_lost: stream.remote.map(|remote| rounded(remote.fraction_lost, PARTS)),
        remote_jitter_ms: stream.remote.map(|remote| rounded(remote.jitter_ms, MILLIS)),
        remote_jitter_over_call: stream.remote.map(|remote| spread(remote.jitter_spread_ms)),
        remote_quality: stream.remote_quality.map(quality),
        agent_dropped_ms: 0,
        playback: playback(&leg.egress),
        audio: leg.hearing.as_ref().map(|hearing| Box::new(hearing.diagnostics())),
    }
}

fn playback(egress: &Egress) -> AgentPlayback {
    let (stats, rate) = (egress.stats(), egress.sample_rate());
    AgentPlayback {
        played_ms: rate.millis(stats.audio_samples),
        noise_ms: rate.millis(stats.noise_samples),
        flushed_ms: rate.millis(stats.flushed_samples),
        dropped_ms: stats.dropped.as_millis() as u64,
        underruns: stats.underruns,
        prebuffer_ms: stats.prebuffer.as_millis() as u64,
        squeezed_ms: rate.millis(stats.squeezed_samples),
        stretched_ms: rate.millis(stats.stretched_samples),
        overtaken_ms: rate.millis(stats.overtaken_samples),
        frames_skipped: stats.skipped_frames,
        frames_repeated: stats.repeated_frames,
        slots_suppressed: stats.suppressed_slots,
        slots_missed: stats.skipped_slots,
    }
}

fn quality(of: quality::Quality) -> CallQuality {
    CallQuality {
        r_factor: rounded(of.r_factor, SCORES),
        mos_listening: rounded(of.mos_listening, SCORES),
        mos_conversational: of.mos_conversational.map(|score| rounded(score, SCORES)),
    }
}

fn loss_pattern(of: &stats::LossPattern) -> LossPattern {
    LossPattern {
        burst_density: rounded(of.burst_density, PARTS),
        burst_ms: rounded(of.burst_ms, MILLIS),
        gap_density: rounded(of.gap_density, PARTS),
        gap_ms: rounded(of.gap_ms, MILLIS),
    }
}

fn spread(of: stats::Spread) -> Spread {
    Spread { min_ms: rounded(of.min, MILLIS), mean_ms: rounded(of.mean, MILLIS), max_ms: rounded(of.max, MILLIS) }
}

fn millis(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1_000.0, MILLIS)
}

/// So many places behind the point: what is behind them says nothing, and is read by people.
fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}

/// To the microsecond.
const MILLIS: i32 = 3;
/// To a tenth of a part in a million.
const SKEW: i32 = 1;
/// To a hundredth of a point of R or MOS.
const SCORES: i32 = 2;
/// To a hundredth of a per cent.
const PARTS: i32 = 4;
