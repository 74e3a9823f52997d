//! What is known of the peer's streams: the present one, those before it, and their sums.
//!
//! A stream that another has followed is reported once more, so that the peer hears the end of it, and then summed up.

use std::time::{Duration, Instant};

use super::bursts::Bursts;
use super::received_stream::{Counts, Place, ReceivedStream};
use super::report_block::ReportBlock;
use super::spread::Extremes;
use crate::drift::SkewEstimator;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::stats::{LossPattern, StreamStats};
use crate::units::{ClockRate, Ssrc};

/// All streams of the peer.
#[derive(Debug)]
pub(super) struct Reception {
    clock_rate: ClockRate,
    /// The clock of the present stream against ours.
    skew: SkewEstimator,
    /// Those that may still be reported; the present one is the last.
    streams: Vec<ReceivedStream>,
    /// Sums of streams that ended.
    ended: Counts,
    ended_bursts: Bursts,
    octets: u64,
    restarts: u32,
    /// Jitter over the call, taken once a second.
    jitter: Extremes,
    sampled: Option<Instant>,
}

impl Reception {
    pub(super) fn new(clock_rate: ClockRate) -> Self {
        Self {
            clock_rate,
            skew: SkewEstimator::new(clock_rate),
            streams: Vec::with_capacity(STREAMS),
            ended: Counts::default(),
            ended_bursts: Bursts::default(),
            octets: 0,
            restarts: 0,
            jitter: Extremes::default(),
            sampled: None,
        }
    }

    pub(super) fn packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.octets += packet.payload.len() as u64;
        let header = &packet.header;
        match self.streams.iter().position(|stream| stream.ssrc == header.ssrc) {
            Some(known) => {
                if known + 1 < self.streams.len() {
                    self.skew.restart();
                }
                // Two that take turns keep their books.
                self.streams.get_mut(known..).unwrap_or_default().rotate_left(1);
                match self.streams.last_mut().map(|stream| stream.packet(now, header)) {
                    Some(Place::Restart) => self.restart(now, header),
                    Some(Place::Within) => {
                        self.skew.arrived(now, header.timestamp);
                        self.sample_jitter(now);
                    }
                    Some(Place::Astray) | None => {}
                }
            }
            None => self.begin(now, header),
        }
    }

    /// A packet of the present stream came, but was not played.
    pub(super) fn discard(&mut self, header: &RtpHeader) {
        if let Some(stream) = self.stream_mut(header.ssrc) {
            stream.discard(header.sequence);
        }
    }

    /// Notes the peer's sender report for LSR and DLSR.
    pub(super) fn sender_report(&mut self, now: Instant, ssrc: Ssrc, ntp: u64) {
        if let Some(stream) = self.stream_mut(ssrc) {
            stream.sender_report(now, ntp);
        }
    }

    /// The peer said goodbye: nothing is reported about a stream that left, until it sends again.
    pub(super) fn goodbye(&mut self, ssrc: Ssrc) {
        if let Some(stream) = self.stream_mut(ssrc) {
            stream.left = true;
        }
    }

    /// The timestamps are of another clock from now on.
    pub(super) fn set_clock_rate(&mut self, clock_rate: ClockRate) {
        if clock_rate != self.clock_rate {
            self.clock_rate = clock_rate;
            self.skew = SkewEstimator::new(clock_rate);
            self.streams.iter_mut().for_each(|stream| stream.set_clock_rate(clock_rate));
        }
    }

    /// The blocks of a report, and how many there are.
    pub(super) fn blocks(&self, now: Instant) -> ([ReportBlock; STREAMS], usize) {
        let mut blocks = [NO_BLOCK; STREAMS];
        let reported = self.streams.iter().filter(|stream| !stream.left);
        let count = blocks.iter_mut().zip(reported).map(|(place, stream)| *place = stream.block(now)).count();
        (blocks, count)
    }

    /// A report has told all this.
    pub(super) fn reported(&mut self) {
        let present = self.present().map(|stream| stream.ssrc);
        let Self { streams, ended, ended_bursts, .. } = self;
        streams.retain(|stream| {
            let stays = Some(stream.ssrc) == present;
            if !stays {
                ended.add(&stream.counts());
                ended_bursts.add(stream.bursts());
            }
            stays
        });
        self.streams.iter_mut().for_each(ReceivedStream::reported);
    }

    /// The stream heard last.
    pub(super) fn present(&self) -> Option<&ReceivedStream> {
        self.streams.last()
    }

    /// Sums over all streams.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = self.ended;
        self.streams.iter().for_each(|stream| counts.add(&stream.counts()));
        counts
    }

    /// Bursts and gaps over all streams.
    pub(super) fn bursts(&self) -> Bursts {
        let mut bursts = self.ended_bursts;
        self.streams.iter().for_each(|stream| bursts.add(stream.bursts()));
        bursts
    }

    pub(super) fn fill(&self, stats: &mut StreamStats) {
        let counts = self.counts();
        if let Some(stream) = self.present() {
            stats.ssrc = Some(stream.ssrc);
            stats.jitter_ms = stream.jitter.jitter().as_secs_f64() * 1_000.0;
            stats.loss_pattern = pattern(&self.bursts(), stream.packet_time());
        }
        stats.packets_received = counts.received;
        stats.octets_received = self.octets;
        stats.lost = counts.lost();
        stats.fraction_lost = counts.fraction_lost();
        stats.duplicates = counts.duplicates;
        stats.discarded = counts.discarded;
        stats.restarts = self.restarts;
        stats.clock_skew_ppm = self.skew.skew_ppm();
        stats.jitter_spread_ms = self.jitter.spread();
    }

    fn stream_mut(&mut self, ssrc: Ssrc) -> Option<&mut ReceivedStream> {
        self.streams.iter_mut().find(|stream| stream.ssrc == ssrc)
    }

    /// A source that was not heard before.
    fn begin(&mut self, now: Instant, header: &RtpHeader) {
        self.restarts += u32::from(!self.streams.is_empty());
        if self.streams.len() == STREAMS {
            let oldest = self.streams.remove(0);
            self.sum_up(&oldest);
        }
        self.skew.restart();
        self.streams.push(ReceivedStream::new(now, header, self.clock_rate));
    }

    /// The present stream began anew under its name.
    fn restart(&mut self, now: Instant, header: &RtpHeader) {
        if let Some(old) = self.streams.pop() {
            self.sum_up(&old);
        }
        self.restarts = self.restarts.saturating_add(1);
        self.streams.push(ReceivedStream::new(now, header, self.clock_rate));
    }

    fn sum_up(&mut self, stream: &ReceivedStream) {
        self.ended.add(&stream.counts());
        self.ended_bursts.add(stream.bursts());
    }

    fn sample_jitter(&mut self, now: Instant) {
        let since = now.saturating_duration_since(*self.sampled.get_or_insert(now));
        if since >= SAMPLE_INTERVAL
            && let Some(stream) = self.streams.last()
        {
            self.jitter.add(stream.jitter.jitter().as_secs_f64() * 1_000.0);
            self.sampled = Some(now);
        }
    }
}

/// Bursts and gaps in the units of people.
pub(super) fn pattern(bursts: &Bursts, packet_time: Duration) -> LossPattern {
    let millis = packet_time.as_secs_f64() * 1_000.0;
    LossPattern {
        burst_density: bursts.burst_density(),
        burst_ms: bursts.burst_packets() * millis,
        gap_density: bursts.gap_density(),
        gap_ms: bursts.gap_packets() * millis,
    }
}

/// Streams that one report tells of: a peer that changes its source more often between two reports is not a peer in order.
pub(super) const STREAMS: usize = 4;
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
const NO_BLOCK: ReportBlock =
    ReportBlock { ssrc: Ssrc(0), fraction_lost: 0, lost: 0, highest: 0, jitter: 0, last_sender_report: 0, delay: 0 };

#[cfg(test)]
mod tests;
