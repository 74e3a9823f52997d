//! What a compound of the peer changes.

use std::time::Instant;

use super::{Reporter, ReporterEvent};
use crate::rtcp::compound::{self, Packet, RtcpError};
use crate::rtcp::extended::Block;
use crate::rtcp::report_block::ReportBlock;
use crate::rtcp::schedule::Group;
use crate::units::Ssrc;

impl Reporter {
    pub(super) fn read(&mut self, now: Instant, datagram: &[u8]) -> Result<(), RtcpError> {
        let packets = compound::parse(datagram, self.config.reduced_size)?;
        self.schedule.received(datagram.len());
        packets.for_each(|packet| self.take(now, packet));
        Ok(())
    }

    pub(super) fn group(&self) -> Group {
        self.members.group(self.sender.is_sending())
    }

    fn take(&mut self, now: Instant, packet: Packet<'_>) {
        match packet {
            Packet::SenderReport(report) if self.admit(now, report.ssrc) => {
                self.reception.sender_report(now, report.ssrc, report.sender.ntp);
                self.take_blocks(now, report.blocks());
            }
            Packet::ReceiverReport(report) if self.admit(now, report.ssrc) => self.take_blocks(now, report.blocks()),
            Packet::Extended(extended) if self.admit(now, extended.ssrc) => {
                extended.blocks().for_each(|block| self.take_extended(now, extended.ssrc, block));
            }
            Packet::SourceDescription(description) => description.chunks().for_each(|chunk| {
                if chunk.ssrc != self.config.ssrc {
                    self.members.reported(now, chunk.ssrc);
                } else if chunk.cname().is_some_and(|name| name != self.config.cname.as_bytes()) {
                    self.collisions += 1;
                }
            }),
            Packet::Goodbye(goodbye) => goodbye.sources().for_each(|ssrc| self.take_goodbye(now, ssrc)),
            Packet::SenderReport(_) | Packet::ReceiverReport(_) | Packet::Extended(_) => {}
        }
    }

    /// Whether a report is another's; one under our own SSRC came back to us, or names somebody whom we cannot tell from us.
    fn admit(&mut self, now: Instant, ssrc: Ssrc) -> bool {
        let other = ssrc != self.config.ssrc;
        if other {
            self.members.reported(now, ssrc);
        }
        self.reflected += u64::from(!other);
        other
    }

    /// Takes the block about our stream; others are not ours to read.
    fn take_blocks(&mut self, now: Instant, mut blocks: impl Iterator<Item = ReportBlock>) {
        let Some(block) = blocks.find(|block| block.ssrc == self.config.ssrc) else { return };
        self.remote.block(&block, self.config.codec.clock_rate());
        self.round_trip.measure(now, &self.config.ntp, block.last_sender_report, block.delay);
    }

    fn take_extended(&mut self, now: Instant, from: Ssrc, block: Block<'_>) {
        let ours = self.config.ssrc;
        match block {
            Block::ReceiverReferenceTime(ntp) => self.remote.clock(now, from, ntp),
            Block::DelaySinceReceiverReport(delays) => {
                if let Some(delay) = delays.delays().find(|delay| delay.ssrc == ours) {
                    self.round_trip.measure(now, &self.config.ntp, delay.last_receiver_report, delay.delay);
                }
            }
            Block::StatisticsSummary(summary) if summary.ssrc == ours => self.remote.summary(&summary),
            Block::VoipMetrics(metrics) if metrics.ssrc == ours => self.remote.metrics(&metrics),
            Block::StatisticsSummary(_) | Block::VoipMetrics(_) => {}
        }
    }

    fn take_goodbye(&mut self, now: Instant, ssrc: Ssrc) {
        if self.members.left(ssrc) {
            self.reception.goodbye(ssrc);
            self.schedule.shrank(now, self.group());
            self.tell(ReporterEvent::Goodbye { ssrc });
        }
    }
}
