use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::{SdesType, SourceDescription};
use rtc_shared::marshal::Unmarshal;

use super::*;
use crate::rtp::RtpHeader;
use crate::units::{PayloadType, RtpTimestamp, SequenceNumber};

const OURS: Ssrc = Ssrc(0x1111_1111);
const THEIRS: Ssrc = Ssrc(0x2222_2222);
const SECOND: Duration = Duration::from_secs(1);

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn reporter(now: Instant, ssrc: Ssrc, seed: u64) -> Reporter {
    let ntp = NtpBase { at: now, ntp: 0xe000_0000 << 32 };
    let cname = "uC7bT9wq".to_owned();
    Reporter::new(now, ReporterConfig { ssrc, cname, interval: 5 * SECOND, ntp, clock_rate: ClockRate::HZ_8000, seed })
}

fn packet(ssrc: Ssrc, n: u16) -> RtpPacket<'static> {
    let timestamp = RtpTimestamp(u32::from(n) * 160);
    let header = RtpHeader { payload_type: PayloadType::PCMU, sequence: SequenceNumber(n), timestamp, ssrc, marker: false };
    RtpPacket { header, payload: &[0xff; 160] }
}

fn timeout(reporter: &mut Reporter) -> Option<Instant> {
    match reporter.poll_output() {
        ReporterOutput::Timeout(at) => at,
        ReporterOutput::Packet(_) => panic!("a packet where a timeout should stand"),
    }
}

/// Lets the next report's time come.
fn next_report(reporter: &mut Reporter) -> (Instant, Vec<u8>) {
    let now = timeout(reporter).unwrap();
    reporter.handle_timeout(now);
    match reporter.poll_output() {
        ReporterOutput::Packet(compound) => (now, compound.to_vec()),
        ReporterOutput::Timeout(_) => panic!("no report when its time has come"),
    }
}

fn packet_types(compound: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    let mut rest = compound;
    while let [_, packet_type, high, low, ..] = *rest {
        types.push(packet_type);
        rest = &rest[(usize::from(u16::from_be_bytes([high, low])) + 1) * 4..];
    }
    types
}

#[test]
fn the_first_report_comes_between_a_quarter_and_three_quarters_of_the_interval() {
    let now = start();
    for seed in 0..200 {
        let due = timeout(&mut reporter(now, OURS, seed)).unwrap() - now;
        assert!((SECOND * 5 / 4..=SECOND * 15 / 4).contains(&due), "seed {seed}: {due:?}");
    }
}

#[test]
fn later_reports_come_between_half_and_one_and_a_half_intervals_and_differ() {
    let mut reporter = reporter(start(), OURS, 7);
    let (mut last, _) = next_report(&mut reporter);
    let mut gaps = Vec::new();
    for _ in 0..100 {
        let (now, _) = next_report(&mut reporter);
        gaps.push(now - last);
        last = now;
    }
    assert!(gaps.iter().all(|gap| (SECOND * 5 / 2..=SECOND * 15 / 2).contains(gap)));
    gaps.sort();
    gaps.dedup();
    assert!(gaps.len() > 90);
}

#[test]
fn a_run_with_the_same_seed_reports_at_the_same_instants() {
    let now = start();
    let (mut one, mut other) = (reporter(now, OURS, 42), reporter(now, OURS, 42));
    for _ in 0..20 {
        assert_eq!(next_report(&mut one).0, next_report(&mut other).0);
    }
}

#[test]
fn who_sends_writes_sender_reports_and_who_stopped_writes_receiver_reports() {
    let now = start();
    let mut reporter = reporter(now, OURS, 1);
    assert_eq!(packet_types(&next_report(&mut reporter).1), [201, 202]);
    reporter.handle_rtp_sent(now, &packet(OURS, 1));
    assert_eq!(packet_types(&next_report(&mut reporter).1), [200, 202]);
    assert_eq!(packet_types(&next_report(&mut reporter).1), [200, 202]);
    assert_eq!(packet_types(&next_report(&mut reporter).1), [201, 202]);
}

#[test]
fn a_sender_report_tells_counts_and_the_same_moment_on_both_clocks() {
    let now = start();
    let mut reporter = reporter(now, OURS, 1);
    for n in 0..10 {
        reporter.handle_rtp_sent(now, &packet(OURS, n));
    }
    let (at, compound) = next_report(&mut reporter);
    let report = SenderReport::unmarshal(&mut &compound[..28]).unwrap();
    assert_eq!((report.ssrc, report.packet_count, report.octet_count), (OURS.0, 10, 1_600));
    assert_eq!(report.ntp_time, (0xe000_0000 << 32) + ((at - now).as_nanos() << 32) as u64 / 1_000_000_000);
    assert_eq!(report.rtp_time, 9 * 160 + ClockRate::HZ_8000.ticks(at - now) as u32);
}

#[test]
fn the_canonical_name_is_told_whole_for_every_length_and_padded_by_nulls() {
    let now = start();
    for len in [0usize, 1, 2, 3, 4, 5, 31, 255, 300] {
        let mut compound = Vec::new();
        append_cname(&mut compound, OURS, &"x".repeat(len));
        assert_eq!(compound.len() % 4, 0);
        assert_eq!(packet_types(&compound), [202], "length {len}");
        let text_end = SDES_FIXED_LEN + len.min(255);
        assert!(compound[text_end..].iter().all(|octet| *octet == 0) && compound.len() > text_end);
        let read = SourceDescription::unmarshal(&mut &compound[..]).unwrap();
        assert_eq!(read.chunks[0].items[0].sdes_type, SdesType::SdesCname);
        assert_eq!(read.chunks[0].items[0].text.len(), len.min(255));
    }
    let (_, compound) = next_report(&mut reporter(now, OURS, 3));
    assert!(compound.windows(8).any(|window| window == b"uC7bT9wq"));
}

#[test]
fn a_goodbye_ends_with_bye_and_stops_the_timer() {
    let now = start();
    let mut reporter = reporter(now, OURS, 1);
    reporter.handle_rtp_sent(now, &packet(OURS, 1));
    reporter.goodbye(now);
    let ReporterOutput::Packet(compound) = reporter.poll_output() else { panic!("no goodbye") };
    assert_eq!(packet_types(compound), [200, 202, 203]);
    assert_eq!(timeout(&mut reporter), None);
    reporter.handle_timeout(now + 100 * SECOND);
    reporter.goodbye(now);
    assert_eq!(timeout(&mut reporter), None);
}

#[test]
fn who_never_sent_anything_leaves_in_silence() {
    let now = start();
    let mut reporter = reporter(now, OURS, 1);
    reporter.goodbye(now);
    assert_eq!(timeout(&mut reporter), None);
}

#[test]
fn two_reporters_measure_the_round_trip_between_them() {
    let now = start();
    let (mut ours, mut theirs) = (reporter(now, OURS, 1), reporter(now, THEIRS, 2));
    let path = Duration::from_millis(40);
    ours.handle_rtp_sent(now, &packet(OURS, 1));
    theirs.handle_rtp_received(now + path, &packet(OURS, 1));
    let (sent, compound) = next_report(&mut ours);
    theirs.handle_rtcp(sent + path, &compound).unwrap();
    let mut answered = next_report(&mut theirs);
    while answered.0 < sent + path {
        answered = next_report(&mut theirs);
    }
    ours.handle_rtcp(answered.0 + path, &answered.1).unwrap();
    let trip = ours.stats().round_trip.unwrap();
    assert!((trip.as_secs_f64() - 0.080).abs() < 0.001, "{trip:?}");
}

#[test]
fn what_the_peer_lost_and_its_jitter_are_read_from_the_block_about_us() {
    let now = start();
    let mut reporter = reporter(now, OURS, 1);
    let block = |ssrc, fraction_lost, total_lost| ReceptionReport { ssrc, fraction_lost, total_lost, jitter: 80, ..Default::default() };
    let report = ReceiverReport { ssrc: THEIRS.0, reports: vec![block(9, 255, 9), block(OURS.0, 64, 0xff_fffe)], ..Default::default() };
    reporter.handle_rtcp(now, &report.marshal().unwrap()).unwrap();
    assert_eq!(reporter.stats().remote, Some(RemoteReception { fraction_lost: 0.25, lost: -2, jitter_ms: 10.0 }));
}

#[test]
fn a_delay_longer_than_the_time_since_the_report_is_no_round_trip() {
    let now = start();
    let mut reporter = reporter(now, OURS, 1);
    let last_sender_report = reporter.config.ntp.short(now);
    for delay in [2 << 16, u32::MAX] {
        let block = ReceptionReport { ssrc: OURS.0, last_sender_report, delay, ..Default::default() };
        let report = ReceiverReport { ssrc: THEIRS.0, reports: vec![block], ..Default::default() };
        reporter.handle_rtcp(now + SECOND, &report.marshal().unwrap()).unwrap();
        assert_eq!(reporter.stats().round_trip, None);
    }
}

#[test]
fn a_compound_with_a_bad_tail_takes_no_effect() {
    let now = start();
    let mut reporter = reporter(now, OURS, 1);
    let block = ReceptionReport { ssrc: OURS.0, fraction_lost: 1, ..Default::default() };
    let mut compound = ReceiverReport { ssrc: THEIRS.0, reports: vec![block], ..Default::default() }.marshal().unwrap().to_vec();
    compound.extend_from_slice(&[0x80, 200, 0, 0]);
    assert_eq!(reporter.handle_rtcp(now, &compound), Err(RtcpError::Malformed { packet_type: 200 }));
    assert_eq!(reporter.stats().remote, None);
}
