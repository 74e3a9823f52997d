//! What a call's media record says of its RTP: counts, loss, jitter, round trip (RFC 3550 §6.4) and how both directions sound.
//!
//! Values at an edge, so the unit ends the name; parts of a whole are 0 to 1. A snapshot: it may be taken at any time of a
//! call, and costs a few hundred additions.

use std::time::Duration;

use crate::quality::Quality;
use crate::units::Ssrc;

/// Statistics of both directions of one RTP exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StreamStats {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Payload octets sent, without headers and padding.
    pub octets_sent: u64,
    /// RTP packets received, late and duplicate ones included, over all streams of the peer.
    pub packets_received: u64,
    /// Payload octets received, without headers and padding.
    pub octets_received: u64,
    /// Packets expected minus packets received, over all streams of the peer; duplicates can make it negative (RFC 3550 §6.4.1).
    pub lost: i64,
    /// `lost` as a part of the packets expected; nought where it is negative.
    pub fraction_lost: f64,
    /// Packets that came more than once, as far as the last 64 tell.
    pub duplicates: u64,
    /// Packets that came, but too late to be played.
    pub discarded: u64,
    /// How the losses and discards fell.
    pub loss_pattern: LossPattern,
    /// Interarrival jitter of the present stream (RFC 3550 appendix A.8).
    pub jitter_ms: f64,
    /// The same over the call, taken once a second; `None` in its first second.
    pub jitter_spread_ms: Option<Spread>,
    /// How much faster the clock of the present stream runs than ours, in parts in a million; `None` in its first 20 s.
    pub clock_skew_ppm: Option<f64>,
    /// How what we receive sounds, over the whole call; `None` while nothing has come.
    pub quality: Option<Quality>,
    /// The worst of what we received between two reports.
    pub worst_quality: Option<Quality>,
    /// The present stream of the peer.
    pub ssrc: Option<Ssrc>,
    /// How often the peer began anew: another SSRC, or sequence numbers far from the last.
    pub restarts: u32,
    /// Reports that came under our own SSRC, and were passed over: most likely sent back to us.
    pub reflected_reports: u64,
    /// How often our SSRC came under another's name (RFC 3550 §8.2).
    pub ssrc_collisions: u64,
    /// What the peer last reported of our packets.
    pub remote: Option<RemoteReception>,
    /// Packets of ours that came to the peer more than once, by its statistics summaries (RFC 3611 §4.6).
    pub remote_duplicates: Option<u64>,
    /// What the peer says of the call, where it sends VoIP metrics (RFC 3611 §4.7).
    pub remote_metrics: Option<RemoteMetrics>,
    /// How what we send sounds at the peer: by its own word, or else computed from what it reports lost.
    pub remote_quality: Option<Quality>,
    /// Round trip by the last report that allowed it (RFC 3550 §6.4.1, LSR and DLSR; RFC 3611 §4.5).
    pub round_trip: Option<Duration>,
    /// The same over the call.
    pub round_trip_spread_ms: Option<Spread>,
}

/// Least, mean and greatest of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The greatest.
    pub max: f64,
}

/// How losses fall: in bursts, where at most 15 packets in a row arrive, and in the gaps between them (RFC 3611 §4.7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossPattern {
    /// Part of the packets within bursts that was lost or discarded.
    pub burst_density: f64,
    /// Length of the mean burst.
    pub burst_ms: f64,
    /// Part of the packets outside of bursts that was lost or discarded.
    pub gap_density: f64,
    /// Length of the mean gap.
    pub gap_ms: f64,
}

/// How our packets fare at the peer, by its last report block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemoteReception {
    /// Part of our packets lost between its last two reports.
    pub fraction_lost: f64,
    /// Packets of ours lost from the beginning; duplicates can make it negative.
    pub lost: i32,
    /// Interarrival jitter.
    pub jitter_ms: f64,
    /// The same over its reports.
    pub jitter_spread_ms: Spread,
}

/// What the peer says of the call at its end (RFC 3611 §4.7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemoteMetrics {
    /// Part of our packets that never came to it.
    pub loss_rate: f64,
    /// Part of our packets that came to it too late.
    pub discard_rate: f64,
    /// How both fell.
    pub loss_pattern: LossPattern,
    /// The round trip as it measures it; `None` when it does not.
    pub round_trip_ms: Option<f64>,
    /// From its wire to its ear and from its mouth to its wire, added.
    pub end_system_delay_ms: f64,
    /// Level of our speech at its end.
    pub signal_level_dbm0: Option<i8>,
    /// Level of the noise between.
    pub noise_level_dbm0: Option<i8>,
    /// Its rating R of the call, 0 to 100.
    pub r_factor: Option<f64>,
    /// Its opinion score of listening to us.
    pub mos_listening: Option<f64>,
    /// Its opinion score of the conversation.
    pub mos_conversational: Option<f64>,
    /// Delay of its jitter buffer now.
    pub jitter_buffer_nominal_ms: u16,
    /// The greatest delay of its jitter buffer that has been.
    pub jitter_buffer_maximum_ms: u16,
}
