use proptest::prelude::*;

use super::*;
use crate::units::{PayloadType, RtpTimestamp, SequenceNumber};

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn header(ssrc: u32, sequence: u16) -> RtpHeader {
    RtpHeader {
        payload_type: PayloadType::PCMU,
        sequence: SequenceNumber(sequence),
        timestamp: RtpTimestamp(u32::from(sequence) * 160),
        ssrc: Ssrc(ssrc),
        marker: false,
    }
}

fn receive(reception: &mut Reception, now: Instant, ssrc: u32, sequence: u16) {
    reception.packet(now, &RtpPacket { header: header(ssrc, sequence), payload: &[0; 160] });
}

fn stats(reception: &Reception) -> StreamStats {
    let mut stats = StreamStats::default();
    reception.fill(&mut stats);
    stats
}

/// What a report would say now, and has said from now on.
fn report(reception: &mut Reception, now: Instant) -> Vec<ReportBlock> {
    let (blocks, count) = reception.blocks(now);
    reception.reported();
    blocks[..count].to_vec()
}

fn received(sequences: impl IntoIterator<Item = u16>) -> (Reception, Instant) {
    let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
    for sequence in sequences {
        receive(&mut reception, now, 1, sequence);
    }
    (reception, now)
}

#[test]
fn loss_is_counted_across_the_wrap_of_the_sequence_number() {
    let (mut reception, now) = received([65_530, 65_531, 65_533, 65_535, 0, 1, 4]);
    let stats = stats(&reception);
    assert_eq!((stats.packets_received, stats.lost), (7, 4));
    assert_eq!(report(&mut reception, now)[0].highest, 0x1_0004);
}

#[test]
fn the_fraction_lost_is_that_since_the_last_report() {
    let (mut reception, now) = received([0, 1, 3]);
    assert_eq!(report(&mut reception, now)[0].fraction_lost, 64);
    for sequence in [4, 5, 6, 7] {
        receive(&mut reception, now, 1, sequence);
    }
    let block = report(&mut reception, now)[0];
    assert_eq!((block.fraction_lost, block.lost), (0, 1));
}

#[test]
fn duplicates_make_the_loss_negative_and_the_fraction_nought_and_are_counted() {
    let (mut reception, now) = received([5, 5, 5]);
    let stats = stats(&reception);
    assert_eq!((stats.lost, stats.duplicates, stats.fraction_lost), (-2, 2, 0.0));
    let block = report(&mut reception, now)[0];
    assert_eq!((block.fraction_lost, block.lost), (0, -2));
}

#[test]
fn another_ssrc_begins_a_new_stream_and_the_old_one_is_reported_once_more() {
    let (mut reception, now) = received([10, 12]);
    receive(&mut reception, now, 2, 40_000);
    let before = stats(&reception);
    assert_eq!((before.packets_received, before.lost, before.restarts, before.ssrc), (3, 1, 1, Some(Ssrc(2))));
    let both: Vec<(u32, i32)> = report(&mut reception, now).iter().map(|block| (block.ssrc.0, block.lost)).collect();
    assert_eq!(both, [(1, 1), (2, 0)]);
    let after: Vec<u32> = report(&mut reception, now).iter().map(|block| block.ssrc.0).collect();
    assert_eq!(after, [2]);
    assert_eq!(stats(&reception), before);
}

#[test]
fn two_sources_that_take_turns_keep_their_books() {
    let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
    for sequence in 0..50 {
        receive(&mut reception, now, 1, sequence);
        receive(&mut reception, now, 2, 30_000 + 2 * sequence);
    }
    let blocks: Vec<(u32, i32)> = report(&mut reception, now).iter().map(|block| (block.ssrc.0, block.lost)).collect();
    assert_eq!(blocks, [(1, 0), (2, 49)]);
    assert_eq!(stats(&reception).restarts, 1);
}

#[test]
fn more_sources_than_a_report_holds_are_summed_up() {
    let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
    for ssrc in 0..100 {
        receive(&mut reception, now, ssrc, 7);
        receive(&mut reception, now, ssrc, 9);
    }
    assert_eq!(report(&mut reception, now).len(), STREAMS);
    let stats = stats(&reception);
    assert_eq!((stats.packets_received, stats.lost, stats.restarts), (200, 100, 99));
}

#[test]
fn a_leap_of_the_sequence_number_is_a_restart_and_no_loss_once_the_next_one_follows() {
    let (reception, _) = received([100, 101, 30_000, 30_001, 30_002]);
    let stats = stats(&reception);
    assert_eq!((stats.packets_received, stats.lost, stats.restarts), (4, 0, 1));
}

#[test]
fn a_single_packet_far_from_the_others_counts_for_nothing() {
    let (reception, _) = received([100, 101, 30_000, 102, 50_000, 103]);
    let stats = stats(&reception);
    assert_eq!((stats.packets_received, stats.lost, stats.restarts), (4, 0, 0));
}

#[test]
fn the_delay_since_the_last_sender_report_is_told_for_the_stream_it_was_about() {
    let (mut reception, now) = received([0]);
    reception.sender_report(now, Ssrc(2), u64::MAX);
    assert_eq!(report(&mut reception, now)[0].last_sender_report, 0);
    reception.sender_report(now, Ssrc(1), 0x1122_3344_5566_7788);
    let block = report(&mut reception, now + Duration::from_millis(250))[0];
    assert_eq!((block.last_sender_report, block.delay), (0x3344_5566, 1 << 14));
}

#[test]
fn nothing_is_reported_of_a_stream_that_said_goodbye_until_it_sends_again() {
    let (mut reception, now) = received([0]);
    reception.goodbye(Ssrc(1));
    assert_eq!(report(&mut reception, now), []);
    receive(&mut reception, now, 1, 1);
    assert_eq!(report(&mut reception, now).len(), 1);
}

#[test]
fn a_packet_that_came_but_was_not_played_is_in_the_pattern_and_not_in_the_loss() {
    let (mut reception, _) = received(0..100);
    [50, 52, 53].iter().for_each(|sequence| reception.discard(&header(1, *sequence)));
    let stats = stats(&reception);
    assert_eq!((stats.lost, stats.discarded), (0, 3));
    assert_eq!((stats.loss_pattern.burst_density, stats.loss_pattern.burst_ms), (0.75, 80.0));
}

#[test]
fn bursts_are_measured_in_the_packets_own_length() {
    let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
    for n in (0..200u16).filter(|n| !(100..110).contains(n)) {
        let header = RtpHeader { timestamp: RtpTimestamp(u32::from(n) * 240), ..header(1, n) };
        reception.packet(now, &RtpPacket { header, payload: &[0; 240] });
    }
    let pattern = stats(&reception).loss_pattern;
    assert_eq!((pattern.burst_density, pattern.burst_ms, pattern.gap_ms), (1.0, 300.0, 95.0 * 30.0));
}

#[test]
fn jitter_over_the_call_is_taken_once_a_second() {
    let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
    let mut sent = 0;
    let mut second = |reception: &mut Reception, delay_ms: u64| {
        for _ in 0..50u64 {
            let delay = Duration::from_millis(if sent % 2 == 0 { 0 } else { delay_ms });
            receive(reception, now + Duration::from_millis(20 * sent) + delay, 1, sent as u16);
            sent += 1;
        }
    };
    second(&mut reception, 0);
    assert_eq!(stats(&reception).jitter_spread_ms, None);
    [0, 0, 10, 10, 10, 10].iter().for_each(|delay_ms| second(&mut reception, *delay_ms));
    let spread = stats(&reception).jitter_spread_ms.unwrap();
    assert_eq!(spread.min, 0.0);
    assert!((9.0..10.1).contains(&spread.max) && (3.0..8.0).contains(&spread.mean), "{spread:?}");
}

/// RFC 3550 appendix A.3, over the true numbers of all packets that came: expected, lost, and the fraction since `before`.
fn naive(came: &[u64], before: &[u64]) -> (u64, i64, u8) {
    let expected = |came: &[u64]| came.iter().max().map_or(0, |max| max - came[0] + 1);
    let lost = expected(came) as i64 - came.len() as i64;
    let (expected_since, received_since) = (expected(came) - expected(before), came.len() - before.len());
    let lost_since = expected_since as i64 - received_since as i64;
    let fraction = if expected_since == 0 || lost_since <= 0 { 0 } else { (lost_since * 256 / expected_since as i64).min(255) };
    // Rounds of 2^16 are counted from the one in which the first packet came.
    let rounds_before = came.first().map_or(0, |first| first - first % 65_536);
    (came.iter().max().map_or(0, |max| max - rounds_before), lost, fraction as u8)
}

/// Packets as they come: lost, doubled, out of order and with long outages, from any first number on.
fn histories() -> impl Strategy<Value = (u64, Vec<(u64, bool)>)> {
    let packet = (prop_oneof![40 => Just(1u64), 3 => 2u64..20, 1 => 20u64..2_900], 0u64..9, 0u8..20);
    let history = proptest::collection::vec(packet, 1..600).prop_map(|packets| {
        let (mut at, mut came) = (0, Vec::new());
        for (step, late, kind) in packets {
            at += step;
            // A report stands between some of them; some come late by up to eight, some twice.
            came.push((at - late.min(at) * u64::from(kind == 1), kind == 2));
            if kind == 3 {
                came.push((at, false));
            }
        }
        came
    });
    (0u64..65_536, history)
}

#[test]
fn a_stream_whose_first_packet_is_the_first_of_a_round_has_been_round_never() {
    let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
    let came = [65_536u64, 65_537];
    came.iter().for_each(|&number| receive(&mut reception, now, 1, number as u16));
    assert_eq!((u64::from(report(&mut reception, now)[0].highest), naive(&came, &[]).0), (1, 1));
}

proptest! {
    #[test]
    fn any_history_gives_exactly_the_figures_of_appendix_a_3((first, history) in histories()) {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        let (mut came, mut before) = (Vec::new(), Vec::new());
        for (at, then_report) in history {
            receive(&mut reception, now, 1, (first + at) as u16);
            came.push(first + at);
            if then_report {
                let block = report(&mut reception, now)[0];
                let (highest, lost, fraction_lost) = naive(&came, &before);
                prop_assert_eq!((u64::from(block.highest), i64::from(block.lost), block.fraction_lost), (highest, lost, fraction_lost));
                before.clone_from(&came);
            }
        }
        let stats = stats(&reception);
        prop_assert_eq!((stats.lost, stats.packets_received, stats.restarts), (naive(&came, &[]).1, came.len() as u64, 0));
    }

    #[test]
    fn no_history_whatever_makes_the_books_nonsense(packets in proptest::collection::vec((any::<u16>(), 0u32..6, 0u8..10), 1..400)) {
        let (mut reception, mut now) = (Reception::new(ClockRate::HZ_8000), start());
        for (sequence, ssrc, kind) in packets {
            now += Duration::from_millis(20);
            // Mostly in order, sometimes anywhere.
            let sequence = if kind > 2 { sequence % 50 } else { sequence };
            receive(&mut reception, now, ssrc, sequence);
            match kind {
                0 => drop(report(&mut reception, now)),
                1 => reception.discard(&header(ssrc, sequence)),
                _ => {}
            }
            let stats = stats(&reception);
            let pattern = stats.loss_pattern;
            for part in [stats.fraction_lost, pattern.burst_density, pattern.gap_density] {
                prop_assert!((0.0..=1.0).contains(&part));
            }
            prop_assert!(pattern.burst_ms >= 0.0 && pattern.gap_ms.is_finite() && reception.bursts().burst_ratio() >= 0.0);
        }
    }
}
