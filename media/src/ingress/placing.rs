//! The next packet in order gets its place on the timeline, and what was missing before it is made up.

use std::time::Instant;

use crate::codec::{Codec, SilenceDescriptor};
use crate::ingress::Ingress;
use crate::ingress::content::Content;
use crate::ingress::delivery::Placed;
use crate::jitter::timeline::Placement;
use crate::units::RtpTimestamp;

impl Ingress {
    /// Puts the next packet in order on the timeline.
    pub(super) fn place(&mut self, arrived: Instant, timestamp: RtpTimestamp, content: Content, payload: &[u8]) {
        match content {
            Content::Audio { ticks } => self.place_audio(arrived, timestamp, ticks, payload),
            Content::ComfortNoise => self.place_noise(arrived, timestamp, payload),
            Content::Blank => self.paused = true,
        }
    }

    fn place_audio(&mut self, arrived: Instant, timestamp: RtpTimestamp, ticks: u32, payload: &[u8]) {
        let length = self.timeline.length(ticks);
        self.paused = false;
        let lost = std::mem::take(&mut self.lost);
        self.stats.lost += lost;
        // Of a silence what was lost is the end: the beginning of the first word.
        let silent = self.timeline.is_resting() || self.timeline.is_filling();
        match self.timeline.place(arrived, timestamp, ticks) {
            Placement::Late => self.stats.late += 1,
            Placement::Forward { gap, covered, anchored } => {
                // A gap with no packet missing is a pause of the sender (RFC 3551 §4.1), not a loss.
                let concealed = gap.min(lost * self.frame);
                if silent {
                    self.delivery.pause(gap - concealed);
                }
                let filled = if silent { 0 } else { gap - concealed };
                let following = self.ring.peek().filter(|packet| packet.content.is_audio()).map(|packet| packet.payload.as_slice());
                let decoded = self.delivery.packet(Placed { concealed, filled, payload, following, kept: length - covered });
                self.delivery.note_end(timestamp.advance(ticks));
                *if decoded { &mut self.stats.forwarded } else { &mut self.stats.rejected_malformed } += 1;
                self.stats.resets += u64::from(anchored);
                if self.config.codec == Codec::Opus && payload.len() <= OPUS_SILENCE {
                    self.timeline.expect_nothing();
                }
            }
        }
        self.frame = length;
    }

    /// The sender falls silent, and says what its silence sounds like.
    fn place_noise(&mut self, arrived: Instant, timestamp: RtpTimestamp, payload: &[u8]) {
        let lost = std::mem::take(&mut self.lost);
        self.stats.lost += lost;
        self.stats.comfort_noise += 1;
        let gap = self.timeline.rest(arrived, timestamp);
        let concealed = gap.min(lost * self.frame);
        self.delivery.lost(concealed);
        if let Some(descriptor) = SilenceDescriptor::parse(payload) {
            self.delivery.describe_silence(&descriptor);
        }
        self.delivery.pause(gap - concealed);
    }
}

/// Opus in silence sends packets of at most so many octets, and then none (RFC 7587 §3.1.3).
const OPUS_SILENCE: usize = 2;
