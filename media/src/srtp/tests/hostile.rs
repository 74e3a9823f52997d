//! Packets that mean harm: replayed, forged, cut short, of more sources than anybody has.

use super::*;

#[test]
fn of_a_million_replayed_packets_none_is_taken() {
    let (mut sender, mut receiver) = pair(CryptoSuite::AeadAes128Gcm);
    let captured: Vec<_> = (0..10_000_u32).map(|n| sealed(&mut sender, packet((60_000 + n) as u16))).collect();
    let reports: Vec<_> = (0..100).map(|_| sealed_rtcp(&mut sender)).collect();
    let (now, mut out) = (start(), Vec::new());
    for packet in &captured {
        receiver.open_rtp(now, packet, &mut out).unwrap();
    }
    for report in &reports {
        receiver.open_rtcp(report, &mut out).unwrap();
    }
    for _ in 0..100 {
        for packet in &captured {
            assert!(receiver.open_rtp(now, packet, &mut out).is_err());
        }
        for report in &reports {
            assert_eq!(receiver.open_rtcp(report, &mut out), Err(SrtpError::Replayed));
        }
    }
    // And the stream itself goes on.
    receiver.open_rtp(now, &sealed(&mut sender, packet(4_464)), &mut out).unwrap();
    println!("RESULT histories_replayed count={}", 100 * captured.len());
}

#[test]
fn every_truncation_of_every_kind_of_packet_is_refused() {
    for suite in CryptoSuite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let (rtp, rtcp) = (sealed(&mut sender, packet(7)), sealed_rtcp(&mut sender));
        for cut in 1..=64 {
            assert!(opened(&mut receiver, &rtp[..rtp.len() - cut]).is_err(), "{} {cut}", suite.name());
            assert!(opened_rtcp(&mut receiver, &rtcp[..rtcp.len().saturating_sub(cut)]).is_err(), "{} {cut}", suite.name());
        }
        for len in 0..64 {
            assert!(opened(&mut receiver, &rtp[..len]).is_err(), "{} {len}", suite.name());
        }
        assert!(opened(&mut receiver, &rtp).is_ok() && opened_rtcp(&mut receiver, &rtcp).is_ok());
    }
}

#[test]
fn every_flipped_bit_of_a_packet_is_seen_and_changes_nothing_for_the_true_one() {
    for suite in CryptoSuite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let (rtp, rtcp) = (sealed(&mut sender, packet(7)), sealed_rtcp(&mut sender));
        for bit in 0..rtp.len() * 8 {
            let mut forged = rtp.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&mut receiver, &forged).is_err(), "{} bit {bit}", suite.name());
        }
        for bit in 0..rtcp.len() * 8 {
            let mut forged = rtcp.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(opened_rtcp(&mut receiver, &forged).is_err(), "{} bit {bit}", suite.name());
        }
        assert!(opened(&mut receiver, &rtp).is_ok() && opened_rtcp(&mut receiver, &rtcp).is_ok());
    }
}

#[test]
fn forged_sources_and_sequence_numbers_leave_no_trace() {
    let (mut sender, mut receiver) = pair(CryptoSuite::AesCm128HmacSha1_80);
    let mut stranger = Sender::new(&MasterKey::generate(CryptoSuite::AesCm128HmacSha1_80, &KeySeed::new([1; 32]), 0, 1));
    for ssrc in 0..60 {
        for sequence in [0, 20_000, 40_000, 60_000] {
            assert_eq!(opened(&mut receiver, &sealed(&mut stranger, packet_of(Ssrc(ssrc), sequence))), Err(SrtpError::NotAuthentic));
        }
    }
    // A forged packet far ahead would carry the window away if it were believed.
    for n in 0..200 {
        assert!(opened(&mut receiver, &sealed(&mut sender, packet(n))).is_ok());
        let forged = sealed(&mut stranger, packet(n.wrapping_add(30_000)));
        assert_eq!(opened(&mut receiver, &forged), Err(SrtpError::NotAuthentic));
    }
}

#[test]
fn a_key_serves_sixty_four_sources_and_refuses_one_more_without_forgetting_any() {
    let (mut sender, mut receiver) = (pair(CryptoSuite::AeadAes256Gcm).0, pair(CryptoSuite::AeadAes256Gcm).1);
    let first: Vec<_> = (0..64).map(|ssrc| sealed(&mut sender, packet_of(Ssrc(ssrc), 1))).collect();
    assert!(first.iter().all(|packet| opened(&mut receiver, packet).is_ok()));
    let one_more = sealed(&mut pair(CryptoSuite::AeadAes256Gcm).0, packet_of(Ssrc(64), 1));
    assert_eq!(opened(&mut receiver, &one_more), Err(SrtpError::TooManyStreams));
    assert_eq!(sender.seal_rtp(&mut packet_of(Ssrc(64), 1)), Err(SrtpError::TooManyStreams));
    assert!(first.iter().all(|packet| opened(&mut receiver, packet) == Err(SrtpError::Replayed)));
}

#[test]
fn a_report_is_no_packet_and_a_packet_no_report() {
    for suite in CryptoSuite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let (rtp, rtcp) = (sealed(&mut sender, packet(7)), sealed_rtcp(&mut sender));
        assert!(opened(&mut receiver, &rtcp).is_err());
        assert!(opened_rtcp(&mut receiver, &rtp).is_err());
    }
}
