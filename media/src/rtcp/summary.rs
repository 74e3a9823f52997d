//! What the reports of one datagram say, for whoever watches a call from outside (RFC 3550 §6.4, RFC 3611 §4.7).
//!
//! Left out on purpose: names of sources (SDES), which may say who somebody is, and the blocks of extended reports that no collector shows.

use super::compound::{self, Packet, RtcpError};
use super::extended::Block;
use super::report_block::ReportBlock;
use crate::units::{RtpTimestamp, Ssrc};

/// The reports of one datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSummary {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What the reporter says of its own stream.
    pub sender: Option<SenderSummary>,
    /// How the reporter receives others, one a stream.
    pub received: Vec<ReceivedSummary>,
    /// How the call sounds to the reporter.
    pub voip: Option<VoipSummary>,
}

/// What a sender says of its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderSummary {
    /// The moment of the report, in units of 2⁻³² s since 1900.
    pub ntp: u64,
    /// The same moment on the stream's clock.
    pub rtp: RtpTimestamp,
    /// Packets since the stream began.
    pub packets: u32,
    /// Payload octets since the stream began.
    pub octets: u32,
}

/// How one stream arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedSummary {
    /// Of whom it speaks.
    pub ssrc: Ssrc,
    /// In units of 1/256, since the last report.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; less than nought where some came twice.
    pub lost: i32,
    /// The highest sequence number, roll-overs in its upper half.
    pub highest: u32,
    /// In ticks of the stream's clock.
    pub jitter: u32,
    /// LSR: the middle of the last sender report's NTP timestamp; nought when there was none.
    pub last_sender_report: u32,
    /// DLSR: since then, in units of 2⁻¹⁶ s.
    pub delay: u32,
}

/// How a call sounds to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoipSummary {
    /// Of whose audio it speaks.
    pub ssrc: Ssrc,
    /// Part of the packets that never came, in units of 1/256, as the next three.
    pub loss_rate: u8,
    /// Part that came too late to be played.
    pub discard_rate: u8,
    /// Part lost or discarded within bursts.
    pub burst_density: u8,
    /// Part lost or discarded between bursts.
    pub gap_density: u8,
    /// Mean length of a burst, in milliseconds, as the next three.
    pub burst_duration: u16,
    /// Mean length of what lies between.
    pub gap_duration: u16,
    /// Nought when it is not known.
    pub round_trip_delay: u16,
    /// From the wire to the ear and from the mouth to the wire, added.
    pub end_system_delay: u16,
}

impl ReportSummary {
    /// Reads a datagram, of reduced size or not (RFC 5506). `None` when nobody reports in it. Of several reporters the first counts.
    ///
    /// # Errors
    /// When it is no RTCP.
    pub fn read(datagram: &[u8]) -> Result<Option<Self>, RtcpError> {
        let mut found: Option<Self> = None;
        for packet in compound::parse(datagram, true)? {
            match packet {
                Packet::SenderReport(report) => {
                    let sender = SenderSummary {
                        ntp: report.sender.ntp,
                        rtp: report.sender.rtp,
                        packets: report.sender.packets,
                        octets: report.sender.octets,
                    };
                    let own = Self::of(&mut found, report.ssrc);
                    own.sender.get_or_insert(sender);
                    own.received.extend(report.blocks().map(ReceivedSummary::from));
                }
                Packet::ReceiverReport(report) => {
                    Self::of(&mut found, report.ssrc).received.extend(report.blocks().map(ReceivedSummary::from));
                }
                Packet::Extended(report) => {
                    let voip = report.blocks().find_map(|block| match block {
                        Block::VoipMetrics(metrics) => Some(metrics),
                        _ => None,
                    });
                    if let Some(metrics) = voip {
                        let own = Self::of(&mut found, report.ssrc);
                        own.voip.get_or_insert(VoipSummary {
                            ssrc: metrics.ssrc,
                            loss_rate: metrics.loss_rate,
                            discard_rate: metrics.discard_rate,
                            burst_density: metrics.burst_density,
                            gap_density: metrics.gap_density,
                            burst_duration: metrics.burst_duration,
                            gap_duration: metrics.gap_duration,
                            round_trip_delay: metrics.round_trip_delay,
                            end_system_delay: metrics.end_system_delay,
                        });
                    }
                }
                Packet::SourceDescription(_) | Packet::Goodbye(_) => {}
            }
        }
        Ok(found)
    }

    fn of(found: &mut Option<Self>, ssrc: Ssrc) -> &mut Self {
        found.get_or_insert_with(|| Self { ssrc, sender: None, received: Vec::new(), voip: None })
    }
}

impl From<ReportBlock> for ReceivedSummary {
    fn from(block: ReportBlock) -> Self {
        let ReportBlock { ssrc, fraction_lost, lost, highest, jitter, last_sender_report, delay } = block;
        Self { ssrc, fraction_lost, lost, highest, jitter, last_sender_report, delay }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::sender_report::{self, SenderInformation};
    use crate::rtcp::{goodbye, receiver_report};

    const BLOCK: ReportBlock =
        ReportBlock { ssrc: Ssrc(9), fraction_lost: 64, lost: -2, highest: 70_000, jitter: 80, last_sender_report: 5, delay: 6 };

    #[test]
    fn what_a_sender_and_a_receiver_say_is_told_number_by_number() {
        let mut datagram = Vec::new();
        let sender = SenderInformation { ntp: 1 << 40 | 7, rtp: RtpTimestamp(8), packets: 3, octets: 480 };
        sender_report::write(&mut datagram, Ssrc(1), &sender, &[BLOCK]);
        let told = ReportSummary::read(&datagram).unwrap().unwrap();
        assert_eq!((told.ssrc, told.voip), (Ssrc(1), None));
        assert_eq!(told.sender, Some(SenderSummary { ntp: 1 << 40 | 7, rtp: RtpTimestamp(8), packets: 3, octets: 480 }));
        assert_eq!(told.received, [ReceivedSummary::from(BLOCK)]);
        assert_eq!((told.received[0].lost, told.received[0].fraction_lost, told.received[0].highest), (-2, 64, 70_000));
        datagram.clear();
        receiver_report::write(&mut datagram, Ssrc(2), &[]);
        assert_eq!(
            ReportSummary::read(&datagram).unwrap().map(|told| (told.ssrc, told.sender, told.received)),
            Some((Ssrc(2), None, vec![]))
        );
    }

    #[test]
    fn a_goodbye_alone_is_no_report_and_what_is_cut_off_is_an_error() {
        let mut datagram = Vec::new();
        goodbye::write(&mut datagram, Ssrc(1), "");
        assert_eq!(ReportSummary::read(&datagram), Ok(None));
        datagram.clear();
        receiver_report::write(&mut datagram, Ssrc(2), &[BLOCK]);
        for length in 0..datagram.len() {
            assert!(ReportSummary::read(&datagram[..length]).is_err(), "{length}");
        }
    }
}
