//! Extended reports on their way between two reporters.

use rtc_rtcp::extended_report::{ExtendedReport, StatisticsSummaryReportBlock, VoIPMetricsReportBlock};

use super::*;
use crate::rtcp::Concealment;

const PATH: Duration = Duration::from_millis(30);

fn extended(now: Instant, ssrc: Ssrc) -> Reporter {
    Reporter::new(now, ReporterConfig { extended: ExtendedReports::ALL, ..config(now, ssrc) })
}

/// The extended report of a compound, as the oracle reads it.
fn oracle(compound: &[u8]) -> ExtendedReport {
    let (_, packet) = packets(compound).into_iter().find(|(packet_type, _)| *packet_type == 207).expect("an extended report");
    ExtendedReport::unmarshal(&mut bytes::Bytes::copy_from_slice(packet)).unwrap()
}

fn block<T: 'static + Clone>(report: &ExtendedReport) -> T {
    let found = report.reports.iter().find_map(|block| block.as_any().downcast_ref::<T>());
    found.expect("the block").clone()
}

/// Lets `to` hear of `from` what was lost on a way of 1,000 packets.
fn speak(from: Ssrc, to: &mut Reporter, now: Instant, lost: impl Fn(u16) -> bool) {
    for n in (0..1_000u16).filter(|n| !lost(*n)) {
        to.handle_rtp_received(now + PTIME * u32::from(n) + PATH, &packet(from, n));
    }
}

#[test]
fn two_who_send_nothing_measure_the_round_trip_all_the_same() {
    let now = start();
    let (mut ours, mut theirs) = (extended(now, OURS), reporter(now, THEIRS));
    let (sent, compound) = next_report(&mut ours);
    assert_eq!(types(&compound), [201, 202, 207]);
    let (answered, compound) = exchange(&compound, sent + PATH, &mut theirs);
    assert_eq!(types(&compound), [201, 202, 207], "who was asked answers, though it asks nothing itself");
    ours.handle_rtcp(answered + PATH, &compound).unwrap();
    let trip = ours.round_trip().unwrap();
    assert!((trip.as_secs_f64() - 0.060).abs() < 0.001, "{trip:?}");
    assert_eq!(types(&next_report(&mut theirs).1), [201, 202], "once");
}

#[test]
fn nothing_extended_is_sent_that_was_not_agreed_on() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    speak(THEIRS, &mut reporter, now, |_| false);
    assert_eq!(types(&next_report(&mut reporter).1), [201, 202]);
}

#[test]
fn voip_metrics_tell_bursts_delays_and_ratings_in_the_units_of_the_wire() {
    let now = start();
    let mut ours = extended(now, OURS);
    ours.set_playout(PlayoutReport {
        end_system_delay: Duration::from_millis(25),
        concealment: Concealment::Enhanced,
        adaptive: Some(true),
        nominal: Duration::from_millis(40),
        maximum: Duration::from_millis(80),
        absolute_maximum: Duration::from_millis(160),
        signal_dbm0: Some(-20),
        noise_dbm0: None,
    });
    // A burst of 10 with every other lost, and two losses alone.
    speak(THEIRS, &mut ours, now, |n| matches!(n, 100 | 700) || (400..410).contains(&n) && n % 2 == 0);
    ours.handle_rtp_discarded(&packet(THEIRS, 990).header);
    let (_, compound) = next_report(&mut ours);
    let metrics: VoIPMetricsReportBlock = block(&oracle(&compound));
    assert_eq!((metrics.ssrc, metrics.loss_rate, metrics.discard_rate), (THEIRS.0, (256 * 7 / 1_000) as u8, 0));
    assert_eq!((metrics.burst_density, metrics.burst_duration), ((256 * 5 / 9) as u8, 180));
    assert_eq!((metrics.gap_density, metrics.gap_duration), (0, 9_910));
    assert_eq!((metrics.round_trip_delay, metrics.end_system_delay), (0, 25));
    assert_eq!((metrics.signal_level, metrics.noise_level, metrics.rerl, metrics.gmin), (0u8.wrapping_sub(20), 127, 127, 16));
    // R: 93.2 − 95 × 0.8 / (0.8 / burst ratio + 25.1), which is 90.3 for losses apart.
    assert_eq!((metrics.rfactor, metrics.ext_rfactor, metrics.mos_lq, metrics.mos_cq), (90, 127, 43, 127));
    assert_eq!((metrics.rx_config, metrics.jb_nominal, metrics.jb_maximum, metrics.jb_abs_max), (0b1011_0000, 40, 80, 160));
}

#[test]
fn statistics_summaries_tell_of_the_span_since_the_last_report() {
    let now = start();
    let mut ours = extended(now, OURS);
    speak(THEIRS, &mut ours, now, |n| n == 3 || n >= 500);
    let first: StatisticsSummaryReportBlock = block(&oracle(&next_report(&mut ours).1));
    assert_eq!((first.begin_seq, first.end_seq, first.lost_packets, first.dup_packets), (0, 500, 1, 0));
    assert_eq!((first.min_jitter, first.max_jitter, first.mean_jitter, first.dev_jitter), (0, 0, 0, 0));
    for (n, late_ms) in [(500, 0), (501, 5), (501, 5), (505, 0)] {
        ours.handle_rtp_received(now + PTIME * u32::from(n) + PATH + Duration::from_millis(late_ms), &packet(THEIRS, n));
    }
    let second: StatisticsSummaryReportBlock = block(&oracle(&next_report(&mut ours).1));
    assert_eq!((second.begin_seq, second.end_seq, second.lost_packets, second.dup_packets), (500, 506, 3, 1));
    assert_eq!((second.min_jitter, second.max_jitter, second.mean_jitter, second.dev_jitter), (0, 40, 27, 19));
    assert!(!oracle(&next_report(&mut ours).1).reports.iter().any(|block| block.as_any().is::<StatisticsSummaryReportBlock>()));
}

#[test]
fn what_one_reporter_measures_the_other_is_told() {
    let now = start();
    let (mut ours, mut theirs) = (extended(now, OURS), extended(now, THEIRS));
    theirs.set_playout(PlayoutReport { end_system_delay: Duration::from_millis(70), noise_dbm0: Some(-60), ..PlayoutReport::default() });
    for n in 0..1_000u16 {
        ours.handle_rtp_sent(now + PTIME * u32::from(n), &packet(OURS, n));
    }
    speak(OURS, &mut theirs, now, |n| n % 10 == 9);
    theirs.handle_rtp_received(now + PTIME * 998, &packet(OURS, 998));
    let (at, compound) = next_report(&mut theirs);
    ours.handle_rtcp(at + PATH, &compound).unwrap();
    let stats = ours.stats();
    let metrics = stats.remote_metrics.unwrap();
    assert!((metrics.loss_rate - 0.1).abs() < 0.01 && metrics.discard_rate == 0.0, "{metrics:?}");
    assert!((metrics.loss_pattern.burst_density - 0.1).abs() < 0.01 && metrics.loss_pattern.burst_ms > 15_000.0, "{metrics:?}");
    assert_eq!((metrics.end_system_delay_ms, metrics.noise_level_dbm0, metrics.round_trip_ms), (70.0, Some(-60), None));
    assert_eq!(stats.remote_duplicates, Some(1));
    // Its own word, to the tenth that the wire carries; no guess of the conversation before it knows the round trip.
    let (told, measured) = (stats.remote_quality.unwrap(), theirs.stats().quality.unwrap());
    assert!((told.mos_listening - measured.mos_listening).abs() <= 0.05 + f64::EPSILON, "{told:?} {measured:?}");
    assert!((told.r_factor - measured.r_factor).abs() <= 0.5);
    assert_eq!(told.mos_conversational, None);
}

#[test]
fn blocks_about_others_are_not_ours_to_read() {
    let now = start();
    let (mut ours, mut theirs) = (extended(now, OURS), extended(now, THEIRS));
    speak(Ssrc(9), &mut theirs, now, |n| n % 2 == 0);
    let (at, compound) = next_report(&mut theirs);
    ours.handle_rtcp(at, &compound).unwrap();
    let stats = ours.stats();
    assert_eq!((stats.remote_metrics, stats.remote_duplicates, stats.remote_quality), (None, None, None));
}
