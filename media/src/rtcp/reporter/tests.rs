use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::{SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem};
use rtc_shared::marshal::{Marshal, Unmarshal};

use super::*;
use crate::stats::{RemoteReception, Spread};
use crate::units::{ClockRate, PayloadType, RtpTimestamp, SequenceNumber};

mod extended;

const OURS: Ssrc = Ssrc(0x1111_1111);
const THEIRS: Ssrc = Ssrc(0x2222_2222);
const SECOND: Duration = Duration::from_secs(1);
const PTIME: Duration = Duration::from_millis(20);

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn config(now: Instant, ssrc: Ssrc) -> ReporterConfig {
    let ntp = NtpBase { at: now, ntp: 0xe000_0000 << 32 };
    ReporterConfig::new(ssrc, "uC7bT9wq".to_owned(), Codec::Pcmu, ntp, u64::from(ssrc.0))
}

fn reporter(now: Instant, ssrc: Ssrc) -> Reporter {
    Reporter::new(now, config(now, ssrc))
}

fn packet(ssrc: Ssrc, n: u16) -> RtpPacket<'static> {
    let timestamp = RtpTimestamp(u32::from(n) * 160);
    let header = RtpHeader { payload_type: PayloadType::PCMU, sequence: SequenceNumber(n), timestamp, ssrc, marker: false };
    RtpPacket { header, payload: &[0xff; 160] }
}

fn timeout(reporter: &mut Reporter) -> Option<Instant> {
    match reporter.poll_output() {
        ReporterOutput::Timeout(at) => at,
        output => panic!("{output:?} where a timeout should stand"),
    }
}

/// Lets the next report's time come, however often it is put off.
fn next_report(reporter: &mut Reporter) -> (Instant, Vec<u8>) {
    loop {
        let now = timeout(reporter).unwrap();
        reporter.handle_timeout(now);
        if let ReporterOutput::Packet(compound) = reporter.poll_output() {
            return (now, compound.to_vec());
        }
    }
}

/// Brings a compound over at this moment, and the answer back to where it goes.
fn exchange(compound: &[u8], at: Instant, peer: &mut Reporter) -> (Instant, Vec<u8>) {
    while timeout(peer).unwrap() < at {
        next_report(peer);
    }
    peer.handle_rtcp(at, compound).unwrap();
    next_report(peer)
}

fn events(reporter: &mut Reporter) -> Vec<ReporterEvent> {
    std::iter::from_fn(|| match reporter.poll_output() {
        ReporterOutput::Event(event) => Some(event),
        _ => None,
    })
    .collect()
}

/// The packets of a compound, by their type.
fn packets(compound: &[u8]) -> Vec<(u8, &[u8])> {
    let mut packets = Vec::new();
    let mut rest = compound;
    while let [_, packet_type, high, low, ..] = *rest {
        let (packet, behind) = rest.split_at((usize::from(u16::from_be_bytes([high, low])) + 1) * 4);
        packets.push((packet_type, packet));
        rest = behind;
    }
    packets
}

fn types(compound: &[u8]) -> Vec<u8> {
    packets(compound).iter().map(|(packet_type, _)| *packet_type).collect()
}

fn receiver_report(blocks: Vec<ReceptionReport>) -> Vec<u8> {
    ReceiverReport { ssrc: THEIRS.0, reports: blocks, ..Default::default() }.marshal().unwrap().to_vec()
}

fn bye(sources: Vec<u32>) -> Vec<u8> {
    let goodbye = Goodbye { sources, reason: "whatever".into() }.marshal().unwrap();
    [receiver_report(vec![]), goodbye.to_vec()].concat()
}

#[test]
fn who_sends_writes_sender_reports_and_who_stopped_writes_receiver_reports() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    assert_eq!(types(&next_report(&mut reporter).1), [201, 202]);
    reporter.handle_rtp_sent(now, &packet(OURS, 1));
    assert_eq!(types(&next_report(&mut reporter).1), [200, 202]);
    assert_eq!(types(&next_report(&mut reporter).1), [200, 202]);
    assert_eq!(types(&next_report(&mut reporter).1), [201, 202]);
}

#[test]
fn a_sender_report_tells_counts_and_the_same_moment_on_both_clocks() {
    let now = start();
    let mut reporter = reporter(now, OURS);
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
fn a_report_tells_the_oracle_how_the_peers_stream_arrives_and_our_name() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    for n in [65_534, 65_535, 1, 2] {
        reporter.handle_rtp_received(now + PTIME * u32::from(n % 8), &packet(THEIRS, n));
    }
    let (_, compound) = next_report(&mut reporter);
    let [(201, report), (202, description)] = packets(&compound)[..] else { panic!("{:?}", types(&compound)) };
    let report = ReceiverReport::unmarshal(&mut &report[..]).unwrap();
    let [block] = &report.reports[..] else { panic!("{report:?}") };
    assert_eq!((block.ssrc, block.total_lost, block.last_sequence_number, block.fraction_lost), (THEIRS.0, 1, 0x1_0002, 51));
    let description = SourceDescription::unmarshal(&mut &description[..]).unwrap();
    assert_eq!((description.chunks[0].source, &description.chunks[0].items[0].text[..]), (OURS.0, &b"uC7bT9wq"[..]));
}

#[test]
fn a_goodbye_ends_with_its_reason_and_stops_the_timer() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    reporter.handle_rtp_sent(now, &packet(OURS, 1));
    reporter.goodbye(now, "call ended");
    let ReporterOutput::Packet(compound) = reporter.poll_output() else { panic!("no goodbye") };
    let [(200, _), (202, _), (203, goodbye)] = packets(compound)[..] else { panic!("{:?}", types(compound)) };
    let goodbye = Goodbye::unmarshal(&mut &goodbye[..]).unwrap();
    assert_eq!((goodbye.sources, &goodbye.reason[..]), (vec![OURS.0], &b"call ended"[..]));
    assert_eq!(timeout(&mut reporter), None);
    reporter.handle_timeout(now + 100 * SECOND);
    reporter.goodbye(now, "again");
    assert_eq!(timeout(&mut reporter), None);
}

#[test]
fn who_never_sent_anything_leaves_in_silence() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    reporter.goodbye(now, "");
    assert_eq!(timeout(&mut reporter), None);
}

#[test]
fn two_reporters_measure_the_round_trip_between_them() {
    let now = start();
    let (mut ours, mut theirs) = (reporter(now, OURS), reporter(now, THEIRS));
    let path = Duration::from_millis(40);
    ours.handle_rtp_sent(now, &packet(OURS, 1));
    theirs.handle_rtp_received(now + path, &packet(OURS, 1));
    let (sent, compound) = next_report(&mut ours);
    let (answered, compound) = exchange(&compound, sent + path, &mut theirs);
    assert_eq!(ours.round_trip(), None);
    ours.handle_rtcp(answered + path, &compound).unwrap();
    let trip = ours.round_trip().unwrap();
    assert!((trip.as_secs_f64() - 0.080).abs() < 0.001, "{trip:?}");
    let stats = ours.stats();
    assert_eq!(stats.round_trip, Some(trip));
    assert!((stats.round_trip_spread_ms.unwrap().mean - 80.0).abs() < 1.0);
}

#[test]
fn what_the_peer_lost_and_its_jitter_are_read_from_the_block_about_us() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    let block = |ssrc, fraction_lost, total_lost, jitter| ReceptionReport { ssrc, fraction_lost, total_lost, jitter, ..Default::default() };
    reporter.handle_rtcp(now, &receiver_report(vec![block(9, 255, 9, 900), block(OURS.0, 1, 3, 240)])).unwrap();
    reporter.handle_rtcp(now, &receiver_report(vec![block(OURS.0, 64, 0xff_fffe, 80)])).unwrap();
    let jitter_spread_ms = Spread { min: 10.0, mean: 20.0, max: 30.0 };
    let expected = RemoteReception { fraction_lost: 0.25, lost: -2, jitter_ms: 10.0, jitter_spread_ms };
    assert_eq!(reporter.stats().remote, Some(expected));
}

#[test]
fn a_goodbye_of_the_peer_is_told_once_and_ends_what_is_reported_of_the_stream() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    reporter.handle_rtp_received(now, &packet(THEIRS, 1));
    let blocks = |reporter: &mut Reporter| next_report(reporter).1[0] & 0x1f;
    assert_eq!(blocks(&mut reporter), 1);
    for _ in 0..2 {
        reporter.handle_rtcp(now, &bye(vec![9, THEIRS.0, OURS.0])[8..]).unwrap_err();
    }
    reporter.handle_rtcp(now, &bye(vec![9, THEIRS.0, OURS.0])).unwrap();
    assert_eq!(events(&mut reporter), [ReporterEvent::Goodbye { ssrc: THEIRS }]);
    assert_eq!(blocks(&mut reporter), 0);
    reporter.handle_rtp_received(now, &packet(THEIRS, 2));
    assert_eq!((blocks(&mut reporter), reporter.stats().restarts), (1, 0));
    // As many as nobody polls are not kept.
    for _ in 0..100 {
        reporter.handle_rtcp(now, &bye(vec![THEIRS.0])).unwrap();
    }
    assert!(events(&mut reporter).len() <= EVENTS);
}

#[test]
fn reports_under_our_own_ssrc_are_counted_and_passed_over() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    reporter.handle_rtp_sent(now, &packet(OURS, 1));
    let (sent, own) = next_report(&mut reporter);
    reporter.handle_rtcp(sent, &own).unwrap();
    let block = ReceptionReport { ssrc: OURS.0, fraction_lost: 255, ..Default::default() };
    let forged = ReceiverReport { ssrc: OURS.0, reports: vec![block], ..Default::default() }.marshal().unwrap();
    reporter.handle_rtcp(sent, &forged).unwrap();
    let stats = reporter.stats();
    assert_eq!((stats.reflected_reports, stats.ssrc_collisions, stats.remote, stats.round_trip), (2, 0, None, None));
    let name = SourceDescriptionItem { sdes_type: SdesType::SdesCname, text: "another".into() };
    let description = SourceDescription { chunks: vec![SourceDescriptionChunk { source: OURS.0, items: vec![name] }] };
    reporter.handle_rtcp(sent, &[receiver_report(vec![]), description.marshal().unwrap().to_vec()].concat()).unwrap();
    assert_eq!(reporter.stats().ssrc_collisions, 1);
}

#[test]
fn a_compound_with_a_bad_tail_takes_no_effect() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    let mut compound = receiver_report(vec![ReceptionReport { ssrc: OURS.0, fraction_lost: 1, ..Default::default() }]);
    compound.extend_from_slice(&[0x80, 200, 0, 0]);
    assert_eq!(reporter.handle_rtcp(now, &compound), Err(RtcpError::Malformed { packet_type: 200 }));
    assert_eq!(reporter.stats().remote, None);
}

#[test]
fn packets_of_reduced_size_are_taken_and_sent_only_where_they_were_agreed_on() {
    let now = start();
    let lone_bye = &bye(vec![THEIRS.0])[8..];
    let mut strict = reporter(now, OURS);
    assert_eq!(strict.handle_rtcp(now, lone_bye), Err(RtcpError::NoReport { packet_type: 203 }));
    let mut reduced = Reporter::new(now, ReporterConfig { reduced_size: true, ..config(now, OURS) });
    reduced.handle_rtp_received(now, &packet(THEIRS, 1));
    reduced.handle_rtcp(now, lone_bye).unwrap();
    assert_eq!(events(&mut reduced), [ReporterEvent::Goodbye { ssrc: THEIRS }]);
    let sent: Vec<Vec<u8>> = (0..4).map(|_| types(&next_report(&mut reduced).1)).collect();
    assert_eq!(sent, [vec![201, 202], vec![201], vec![201, 202], vec![201]]);
    let mut peer = Reporter::new(now, ReporterConfig { reduced_size: true, ..config(now, THEIRS) });
    let (at, report) = next_report(&mut reduced);
    peer.handle_rtcp(at, &report).unwrap();
}

#[test]
fn a_call_without_fault_rates_4_4_both_ways_and_loss_lowers_each_way_by_itself() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    assert_eq!((reporter.stats().quality, reporter.stats().remote_quality), (None, None));
    for n in 0..1_000u16 {
        let at = now + PTIME * u32::from(n);
        reporter.handle_rtp_sent(at, &packet(OURS, n));
        reporter.handle_rtp_received(at, &packet(THEIRS, n));
    }
    reporter.handle_rtcp(now, &receiver_report(vec![ReceptionReport { ssrc: OURS.0, ..Default::default() }])).unwrap();
    let scores = |reporter: &Reporter| {
        let stats = reporter.stats();
        [stats.quality, stats.remote_quality].map(|quality| quality.unwrap().mos_listening)
    };
    assert!(scores(&reporter).iter().all(|score| (4.40..4.42).contains(score)));
    // The peer says that it lost 50 of 1,000: R falls by 15.8.
    let lossy = ReceptionReport { ssrc: OURS.0, total_lost: 50, ..Default::default() };
    reporter.handle_rtcp(now, &receiver_report(vec![lossy])).unwrap();
    let [received, sent] = scores(&reporter);
    assert!((4.40..4.42).contains(&received) && (3.90..3.93).contains(&sent), "{received} and {sent}");
    // We lose a tenth of what comes.
    for n in (1_000..2_000u16).filter(|n| n % 10 != 0) {
        reporter.handle_rtp_received(now + PTIME * u32::from(n), &packet(THEIRS, n));
    }
    let [received, _] = scores(&reporter);
    assert!((3.8..3.95).contains(&received), "{received}");
    next_report(&mut reporter);
    assert!(reporter.stats().worst_quality.unwrap().mos_listening <= received);
}

#[test]
fn the_worst_stretch_between_two_reports_is_remembered() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    let mut n = 0u16;
    let mut second = |reporter: &mut Reporter, lost: u16| {
        for _ in 0..200 {
            n += 1;
            if n % 10 >= lost {
                reporter.handle_rtp_received(now + PTIME * u32::from(n), &packet(THEIRS, n));
            }
        }
        next_report(reporter);
        reporter.stats()
    };
    let clean = second(&mut reporter, 0);
    let bad = second(&mut reporter, 4);
    let later = second(&mut reporter, 0);
    let worst = |stats: StreamStats| stats.worst_quality.unwrap().r_factor;
    assert!(worst(clean) > 93.0 && worst(bad) < 45.0, "{} and {}", worst(clean), worst(bad));
    assert_eq!(worst(later), worst(bad));
    assert!(later.quality.unwrap().r_factor > worst(bad) + 5.0);
}

#[test]
fn delay_lowers_the_conversation_and_not_the_listening() {
    let now = start();
    let (mut ours, mut theirs) = (reporter(now, OURS), reporter(now, THEIRS));
    ours.set_playout(PlayoutReport { end_system_delay: Duration::from_millis(100), ..PlayoutReport::default() });
    let path = Duration::from_millis(350);
    ours.handle_rtp_sent(now, &packet(OURS, 1));
    ours.handle_rtp_received(now, &packet(THEIRS, 1));
    theirs.handle_rtp_received(now, &packet(OURS, 1));
    let (sent, compound) = next_report(&mut ours);
    assert_eq!(ours.stats().quality.unwrap().mos_conversational, None);
    let (answered, compound) = exchange(&compound, sent + path, &mut theirs);
    ours.handle_rtcp(answered + path, &compound).unwrap();
    let quality = ours.stats().quality.unwrap();
    assert!(quality.mos_listening > 4.4);
    assert!(quality.mos_conversational.unwrap() < 3.6 && quality.r_factor < 70.0, "{quality:?}");
}

#[test]
fn another_codec_brings_its_own_clock_and_rating() {
    let now = start();
    let mut reporter = reporter(now, OURS);
    for n in 0..50 {
        reporter.handle_rtp_received(now + PTIME * u32::from(n), &packet(THEIRS, n));
    }
    reporter.set_codec(Codec::Opus);
    for n in 50..500u16 {
        let received = packet(THEIRS, n);
        let header = RtpHeader { timestamp: RtpTimestamp(u32::from(n) * 960), ..received.header };
        reporter.handle_rtp_received(now + PTIME * u32::from(n), &RtpPacket { header, ..received });
        reporter.handle_rtp_sent(now + PTIME * u32::from(n), &RtpPacket { header, ..packet(OURS, n) });
    }
    let stats = reporter.stats();
    assert_eq!((stats.jitter_ms, stats.lost), (0.0, 0));
    assert!((85.0..87.0).contains(&stats.quality.unwrap().r_factor), "{stats:?}");
    let (at, compound) = next_report(&mut reporter);
    let report = SenderReport::unmarshal(&mut &packets(&compound)[0].1[..]).unwrap();
    let since = at.saturating_duration_since(now + PTIME * 499);
    assert_eq!(report.rtp_time, 499 * 960 + ClockRate::HZ_48000.ticks(since) as u32);
}
