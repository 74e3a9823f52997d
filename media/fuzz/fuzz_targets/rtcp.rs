//! Whatever the peer reports, between our own packets, never stops our reports nor makes nonsense of our figures.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::codec::Codec;
use media::quality::Quality;
use media::rtcp::{ExtendedReports, NtpBase, Reporter, ReporterConfig, ReporterOutput};
use media::rtp::RtpPacket;
use media::units::Ssrc;

fuzz_target!(|input: &[u8]| {
    let Some((&options, mut rest)) = input.split_first() else { return };
    let mut now = Instant::now();
    let mut reporter = reporter(now, Ssrc(0), options);
    // Pieces of the input, each behind an octet with its length, come 40 ms apart.
    while let Some((&len, behind)) = rest.split_first() {
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        now += Duration::from_millis(40);
        let _ = reporter.handle_rtcp(now, piece);
        if let Ok(packet) = RtpPacket::parse(piece) {
            reporter.handle_rtp_received(now, &packet);
            reporter.handle_rtp_sent(now, &packet);
            if len & 1 != 0 {
                reporter.handle_rtp_discarded(&packet.header);
            }
        }
        reporter.handle_timeout(now);
        while !matches!(reporter.poll_output(), ReporterOutput::Timeout(_)) {}
    }
    judge(&reporter);
    // Our own report is one that our peer can read, and we too.
    let report = loop {
        match reporter.poll_output() {
            ReporterOutput::Packet(report) => break report.to_vec(),
            ReporterOutput::Event(_) => {}
            ReporterOutput::Timeout(due) => reporter.handle_timeout(due.expect("a timer until the goodbye")),
        }
    };
    let mut peer = self::reporter(now, Ssrc(1), options);
    assert_eq!(peer.handle_rtcp(now, &report), Ok(()));
    assert_eq!(reporter.handle_rtcp(now, &report), Ok(()));
    judge(&peer);
});

/// A reporter of an SSRC that the input can name with ease.
fn reporter(now: Instant, ssrc: Ssrc, options: u8) -> Reporter {
    let codec = if options & 1 == 0 { Codec::Pcmu } else { Codec::Opus };
    let ntp = NtpBase { at: now, ntp: 0xe000_0000 << 32 };
    let mut config = ReporterConfig::new(ssrc, "fuzz".to_owned(), codec, ntp, 1);
    config.reduced_size = options & 2 != 0;
    config.extended = if options & 4 == 0 { ExtendedReports::default() } else { ExtendedReports::ALL };
    Reporter::new(now, config)
}

/// Parts are parts, and scores are on their scale, whatever came.
fn judge(reporter: &Reporter) {
    let stats = reporter.stats();
    let pattern = stats.loss_pattern;
    for part in [stats.fraction_lost, pattern.burst_density, pattern.gap_density] {
        assert!((0.0..=1.0).contains(&part));
    }
    assert!(stats.jitter_ms.is_finite() && pattern.burst_ms.is_finite() && pattern.gap_ms.is_finite());
    for quality in [stats.quality, stats.worst_quality, stats.remote_quality].into_iter().flatten() {
        let Quality { r_factor, mos_listening, mos_conversational } = quality;
        assert!((0.0..=100.0).contains(&r_factor));
        assert!([Some(mos_listening), mos_conversational].into_iter().flatten().all(|score| (1.0..=5.0).contains(&score)));
    }
}
