//! What a call's media record says of its RTP: counts, loss, jitter and round trip (RFC 3550 §6.4).
//!
//! Values at an edge, so the unit ends the name. Left out on purpose: quality scores; whoever wants one computes it.

use std::time::Duration;

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
    /// `lost` as a part of the packets expected, 0 to 1; nought where it is negative.
    pub fraction_lost: f64,
    /// Interarrival jitter of the present stream (RFC 3550 appendix A.8).
    pub jitter_ms: f64,
    /// The present stream of the peer.
    pub ssrc: Option<Ssrc>,
    /// How often the peer began anew: another SSRC, or a sequence number far from the last.
    pub restarts: u32,
    /// What the peer last reported of our packets.
    pub remote: Option<RemoteReception>,
    /// Round trip by the last report that allowed it (RFC 3550 §6.4.1, LSR and DLSR).
    pub round_trip: Option<Duration>,
}

/// How our packets fare at the peer, by its last report block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemoteReception {
    /// Part of our packets lost between its last two reports, 0 to 1.
    pub fraction_lost: f64,
    /// Packets of ours lost from the beginning; duplicates can make it negative.
    pub lost: i32,
    /// Interarrival jitter.
    pub jitter_ms: f64,
}
