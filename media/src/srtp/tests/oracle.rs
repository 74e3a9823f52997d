//! What we protect `rtc-srtp` opens, and the other way round, for every suite.

use std::time::Duration;

use proptest::prelude::*;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

use super::*;

/// Their context; good for one direction.
fn theirs(suite: CryptoSuite) -> Context {
    let profile = match suite {
        CryptoSuite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        CryptoSuite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        CryptoSuite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        CryptoSuite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
    };
    let (key, provider) = (key(suite), rtc_crypto::default_provider().unwrap());
    let windows = (Some(srtp_replay_protection(128)), Some(srtcp_replay_protection(128)));
    Context::new(key.key(), key.salt(), profile, windows.0, windows.1, provider.crypto()).unwrap()
}

#[test]
fn every_suite_is_the_oracles_both_ways_across_two_roll_overs() {
    for suite in CryptoSuite::ALL {
        let ((mut sender, mut receiver), (mut encrypt, mut decrypt)) = (pair(suite), (theirs(suite), theirs(suite)));
        for step in 0..400_u32 {
            let clear = packet((65_000 + step * 401) as u16);
            let ours = sealed(&mut sender, clear.clone());
            assert_eq!(ours, encrypt.encrypt_rtp(&clear).unwrap(), "{} {step}", suite.name());
            assert_eq!(decrypt.decrypt_rtp(&ours).unwrap(), clear);
            assert_eq!(opened(&mut receiver, &ours), Ok(clear));
        }
    }
}

#[test]
fn reports_of_every_suite_are_the_oracles_both_ways() {
    for suite in CryptoSuite::ALL {
        let ((mut sender, mut receiver), (mut encrypt, mut decrypt)) = (pair(suite), (theirs(suite), theirs(suite)));
        for _ in 0..300 {
            assert_eq!(decrypt.decrypt_rtcp(&sealed_rtcp(&mut sender)).unwrap(), compound());
            assert_eq!(opened_rtcp(&mut receiver, &encrypt.encrypt_rtcp(&compound()).unwrap()), Ok(compound()));
        }
    }
}

#[test]
fn the_oracle_agrees_beyond_two_to_the_thirty_second_packets() {
    let suite = CryptoSuite::AeadAes128Gcm;
    let ((mut sender, mut receiver), mut encrypt) = (pair(suite), theirs(suite));
    let (now, mut out) = (start(), Vec::new());
    // Every 32,000th packet, so that each side counts the roll-overs by itself; 2^32 packets are two years and a half.
    for step in 0..140_000_u64 {
        let clear = packet((step * 32_000) as u16);
        let theirs = encrypt.encrypt_rtp(&clear).unwrap();
        assert_eq!(sealed(&mut sender, clear.clone()), theirs, "packet {}", step * 32_000);
        receiver.open_rtp(now + Duration::from_secs(step), &theirs, &mut out).unwrap();
        assert_eq!(out, clear);
    }
}

#[test]
fn the_oracle_takes_a_report_that_says_it_is_not_encrypted_and_we_do_not() {
    let suite = CryptoSuite::AesCm128HmacSha1_80;
    let forged = [&compound()[..], &[0, 0, 0, 1], &[0; 10]].concat();
    assert!(theirs(suite).decrypt_rtcp(&forged).is_ok(), "the reason why it is the oracle and not the transform");
    assert_eq!(opened_rtcp(&mut pair(suite).1, &forged), Err(SrtpError::NotEncrypted));
}

proptest! {
    #[test]
    fn packets_of_any_shape_are_the_oracles(
        suite in proptest::sample::select(CryptoSuite::ALL.to_vec()), sources in 0u8..16, extension in proptest::option::of(0u8..8),
        marker in any::<bool>(), sequence in any::<u16>(), ssrc in any::<u32>(), payload in proptest::collection::vec(any::<u8>(), 0..1_400),
    ) {
        let mut clear = vec![0x80 | sources | if extension.is_some() { 0x10 } else { 0 }, if marker { 0x80 } else { 0 }];
        clear.extend_from_slice(&sequence.to_be_bytes());
        clear.extend_from_slice(&[0, 0, 1, 2]);
        clear.extend_from_slice(&ssrc.to_be_bytes());
        clear.extend(std::iter::repeat_n(0xcc, usize::from(sources) * 4));
        if let Some(words) = extension {
            // Of a profile that the oracle reads as a whole, as we do.
            clear.extend_from_slice(&[0x12, 0x34, 0, words]);
            clear.extend(std::iter::repeat_n(0xee, usize::from(words) * 4));
        }
        clear.extend_from_slice(&payload);
        let (mut sender, mut receiver) = pair(suite);
        let ours = sealed(&mut sender, clear.clone());
        prop_assert_eq!(&ours[..], &theirs(suite).encrypt_rtp(&clear).unwrap()[..]);
        prop_assert_eq!(opened(&mut receiver, &ours), Ok(clear));
    }
}
