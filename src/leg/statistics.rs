//! How a leg's audio fared, in the words of a call's record.

use std::time::Duration;

use media::ingress::IngressStats;

use super::Leg;
use crate::domain::call_record::MediaStatistics;

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
        codec: leg.negotiated.codec.name().to_owned(),
        packets_received: ingress.received,
        packets_sent: stream.packets_sent,
        packets_lost: u64::try_from(stream.lost).unwrap_or_default(),
        packets_forwarded: ingress.forwarded,
        packets_late: ingress.late,
        packets_duplicate: ingress.duplicate,
        packets_rejected: rejected + foreign + unreadable + unprotected,
        concealed_ms: IngressStats::millis(ingress.concealed_ticks),
        filled_ms: IngressStats::millis(ingress.filled_ticks),
        timeline_ms: IngressStats::millis(ingress.timeline_ticks),
        jitter_ms: stream.jitter_ms,
        remote_fraction_lost: stream.remote.map(|remote| remote.fraction_lost),
        remote_jitter_ms: stream.remote.map(|remote| remote.jitter_ms),
        round_trip_ms: stream.round_trip.map(as_millis),
        agent_dropped_ms: 0,
    }
}

fn as_millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
