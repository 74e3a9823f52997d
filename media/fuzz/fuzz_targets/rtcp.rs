//! Whatever the peer reports, between our own packets, never stops our reports.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::rtcp::{NtpBase, Reporter, ReporterConfig, ReporterOutput};
use media::rtp::RtpPacket;
use media::units::{ClockRate, Ssrc};

fuzz_target!(|input: &[u8]| {
    let start = Instant::now();
    let ntp = NtpBase { at: start, ntp: 0xe000_0000 << 32 };
    let config = ReporterConfig {
        // What the input can name with ease.
        ssrc: Ssrc(0),
        cname: "fuzz".to_owned(),
        interval: Duration::from_secs(5),
        ntp,
        clock_rate: ClockRate::HZ_8000,
        seed: 1,
    };
    let mut reporter = Reporter::new(start, config);
    // Pieces of the input, each behind an octet with its length, come 40 ms apart.
    let (mut now, mut rest) = (start, input);
    while let Some((&len, behind)) = rest.split_first() {
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        now += Duration::from_millis(40);
        let _ = reporter.handle_rtcp(now, piece);
        if let Ok(packet) = RtpPacket::parse(piece) {
            reporter.handle_rtp_received(now, &packet);
            reporter.handle_rtp_sent(now, &packet);
        }
        reporter.handle_timeout(now);
        let _ = reporter.poll_output();
    }
    let stats = reporter.stats();
    assert!((0.0..=1.0).contains(&stats.fraction_lost) && stats.jitter_ms.is_finite());
    let ReporterOutput::Timeout(Some(due)) = reporter.poll_output() else { panic!("no timer") };
    reporter.handle_timeout(due);
    let ReporterOutput::Packet(report) = reporter.poll_output() else { panic!("no report") };
    let report = report.to_vec();
    assert_eq!(reporter.handle_rtcp(due, &report), Ok(()));
});
