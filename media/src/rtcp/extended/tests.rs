use bytes::Bytes;
use rtc_rtcp::extended_report::{
    DLRRReport, DLRRReportBlock, ExtendedReport, ReceiverReferenceTimeReportBlock, StatisticsSummaryReportBlock, TTLorHopLimitType,
    VoIPMetricsReportBlock,
};
use rtc_shared::marshal::{Marshal, Unmarshal};

use super::statistics_summary::JitterSummary;
use super::*;
use crate::units::SequenceNumber;

const METRICS: VoipMetrics = VoipMetrics {
    ssrc: Ssrc(0x89ab_cdef),
    loss_rate: 1,
    discard_rate: 2,
    burst_density: 3,
    gap_density: 4,
    burst_duration: 0x0506,
    gap_duration: 0x0708,
    round_trip_delay: 0x090a,
    end_system_delay: 0x0b0c,
    signal_level: Some(-15),
    noise_level: Some(-70),
    residual_echo_return_loss: None,
    gap_minimum: 16,
    r_factor: Some(92),
    mos_listening: Some(43),
    mos_conversational: None,
    receiver_configuration: 0xb5,
    jitter_buffer_nominal: 0x1718,
    jitter_buffer_maximum: 0x191a,
    jitter_buffer_absolute_maximum: 0x1b1c,
};

const SUMMARY: StatisticsSummary = StatisticsSummary {
    ssrc: Ssrc(0x0102_0304),
    begin: SequenceNumber(0x1234),
    end: SequenceNumber(0x5678),
    lost: Some(11),
    duplicates: Some(12),
    jitter: Some(JitterSummary { min: 13, max: 14, mean: 15, deviation: 16 }),
};

const DELAYS: [DelayBlock; 2] =
    [DelayBlock { ssrc: Ssrc(1), last_receiver_report: 2, delay: 3 }, DelayBlock { ssrc: Ssrc(4), last_receiver_report: 5, delay: 6 }];

/// Everything that we write.
fn ours() -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, Ssrc(7), |out| {
        receiver_reference_time::write(out, 0x0102_0304_0506_0708);
        dlrr::write(out, &DELAYS);
        SUMMARY.write(out);
        METRICS.write(out);
    });
    out
}

/// The same as the oracle has it.
fn oracles() -> ExtendedReport {
    let delay = |of: &DelayBlock| DLRRReport { ssrc: of.ssrc.0, last_rr: of.last_receiver_report, dlrr: of.delay };
    ExtendedReport {
        sender_ssrc: 7,
        reports: vec![
            Box::new(ReceiverReferenceTimeReportBlock { ntp_timestamp: 0x0102_0304_0506_0708 }),
            Box::new(DLRRReportBlock { reports: DELAYS.iter().map(delay).collect() }),
            Box::new(StatisticsSummaryReportBlock {
                loss_reports: true,
                duplicate_reports: true,
                jitter_reports: true,
                ttl_or_hop_limit: TTLorHopLimitType::Missing,
                ssrc: 0x0102_0304,
                begin_seq: 0x1234,
                end_seq: 0x5678,
                lost_packets: 11,
                dup_packets: 12,
                min_jitter: 13,
                max_jitter: 14,
                mean_jitter: 15,
                dev_jitter: 16,
                min_ttl_or_hl: 0,
                max_ttl_or_hl: 0,
                mean_ttl_or_hl: 0,
                dev_ttl_or_hl: 0,
            }),
            Box::new(VoIPMetricsReportBlock {
                ssrc: 0x89ab_cdef,
                loss_rate: 1,
                discard_rate: 2,
                burst_density: 3,
                gap_density: 4,
                burst_duration: 0x0506,
                gap_duration: 0x0708,
                round_trip_delay: 0x090a,
                end_system_delay: 0x0b0c,
                signal_level: 241,
                noise_level: 186,
                rerl: 127,
                gmin: 16,
                rfactor: 92,
                ext_rfactor: 127,
                mos_lq: 43,
                mos_cq: 127,
                rx_config: 0xb5,
                reserved: 0,
                jb_nominal: 0x1718,
                jb_maximum: 0x191a,
                jb_abs_max: 0x1b1c,
            }),
        ],
    }
}

fn blocks(packet: &[u8]) -> Vec<Block<'_>> {
    Extended::read(&packet.as_chunks().0[1..]).unwrap().blocks().collect()
}

#[test]
fn the_oracle_writes_the_same_octets() {
    assert_eq!(oracles().marshal().unwrap(), ours());
}

#[test]
fn the_oracle_reads_what_we_write() {
    assert_eq!(ExtendedReport::unmarshal(&mut Bytes::from(ours())).unwrap(), oracles());
}

#[test]
fn what_the_oracle_writes_is_read() {
    let packet = oracles().marshal().unwrap();
    let [
        Block::ReceiverReferenceTime(ntp),
        Block::DelaySinceReceiverReport(delays),
        Block::StatisticsSummary(summary),
        Block::VoipMetrics(metrics),
    ] = blocks(&packet)[..]
    else {
        panic!("not the four blocks in their order");
    };
    assert_eq!((ntp, summary, metrics), (0x0102_0304_0506_0708, SUMMARY, METRICS));
    assert!(delays.delays().eq(DELAYS));
}

#[test]
fn blocks_of_unknown_type_or_odd_length_are_passed_over() {
    let mut packet = Vec::new();
    write(&mut packet, Ssrc(7), |out| {
        out.extend_from_slice(&[1, 0, 0, 2, 0, 0, 0, 9, 0, 1, 0, 2]);
        for block_type in [4, 6, 7, 99] {
            out.extend_from_slice(&[block_type, 0, 0, 1, 0, 0, 0, 9]);
        }
        receiver_reference_time::write(out, 1);
    });
    assert!(matches!(blocks(&packet)[..], [Block::ReceiverReferenceTime(1)]));
}

#[test]
fn a_block_that_claims_more_than_there_is_spoils_the_packet() {
    let packet = ours();
    let words = packet.as_chunks().0;
    for len in 2..words.len() {
        let whole = [2, 5, 12, 22].contains(&len);
        assert_eq!(Extended::read(&words[1..len]).is_some(), whole, "{len} words");
    }
}

#[test]
fn what_is_out_of_range_is_not_known() {
    let mut packet = Vec::new();
    VoipMetrics { r_factor: Some(101), mos_listening: Some(9), mos_conversational: Some(51), ..METRICS }.write(&mut packet);
    let read = VoipMetrics::read(&packet.as_chunks().0[1..]).unwrap();
    assert_eq!((read.r_factor, read.mos_listening, read.mos_conversational), (None, None, None));
}
