//! Exchanges of keys in the manner of RFC 4568 §7 and RFC 8643.

use super::*;
use crate::srtp::{CryptoSuite, KeySeed, MasterKey, SdesKeys};

const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn optional() -> TransportPolicy {
    TransportPolicy { srtp: SrtpPolicy::Optional(KeySeed::new([1; 32])), ..transport() }
}

fn required() -> TransportPolicy {
    TransportPolicy { srtp: SrtpPolicy::Required(KeySeed::new([2; 32])), ..transport() }
}

fn answer_with(policy: &TransportPolicy, lines: &str) -> Result<Negotiated, AnswerError> {
    answer(&peer(lines), &codecs(), policy)
}

fn crypto(line: &str) -> String {
    format!("a=crypto:{line}\n")
}

fn good() -> String {
    crypto(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"))
}

#[test]
fn a_protected_offer_is_answered_by_its_line_with_a_key_of_our_own() {
    for policy in [optional(), required()] {
        let agreed = answer_with(&policy, &format!("m=audio 4000 RTP/SAVP 0\n{}", good())).unwrap();
        let SdesKeys { local, remote } = agreed.srtp.clone().unwrap();
        assert_eq!(Crypto::new(1, &remote).key.expose(), format!("inline:{KEY}"));
        assert_ne!(local, remote);
        let ours = &agreed.local.media[0];
        assert_eq!(ours.protocol, MediaProtocol::RtpSavp);
        let lines: Vec<_> = ours.crypto().collect();
        assert_eq!(lines, [&Crypto::new(1, &local)]);
        assert!(agreed.local.to_string().contains(&format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 {}\r\n", lines[0].key.expose())));
    }
}

#[test]
fn of_several_lines_the_first_that_is_supported_is_taken_with_its_tag() {
    let lines = [
        crypto(&format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}")),
        crypto(&format!("2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4")),
        crypto(&format!("3 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP")),
        crypto(&format!("40 AES_CM_128_HMAC_SHA1_32 inline:{KEY}")),
        good(),
    ];
    let agreed = answer_with(&required(), &format!("m=audio 4000 RTP/SAVPF 0\n{}", lines.concat())).unwrap();
    assert_eq!(agreed.srtp.unwrap().suite(), CryptoSuite::AesCm128HmacSha1_32);
    let line = agreed.local.media[0].crypto().next().unwrap();
    assert_eq!((line.tag, agreed.local.media[0].protocol.clone()), (40, MediaProtocol::RtpSavpf));
}

#[test]
fn protection_that_is_off_optional_or_required_meets_every_kind_of_offer() {
    let (plain, both, protected) = ("m=audio 4000 RTP/AVP 0\n", "m=audio 4000 RTP/AVPF 0\n", "m=audio 4000 RTP/SAVP 0\n");
    let bad = crypto(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4"));
    let offers = [
        plain.to_owned(),
        format!("{both}{}", good()),
        format!("{both}{bad}"),
        format!("{protected}{}", good()),
        format!("{protected}{bad}"),
        protected.to_owned(),
    ];
    let outcomes = |policy: &TransportPolicy| -> Vec<_> {
        offers.iter().map(|offer| answer_with(policy, offer).map(|agreed| agreed.srtp.is_some())).collect()
    };
    let (mki, missing) = (Err(AnswerError::Crypto(CryptoError::Mki)), Err(AnswerError::Crypto(CryptoError::Missing)));
    let off = Err(AnswerError::Protocol);
    assert_eq!(outcomes(&transport()), [Ok(false), Ok(false), Ok(false), off, off, off]);
    assert_eq!(outcomes(&optional()), [Ok(false), Ok(true), Ok(false), Ok(true), mki, missing]);
    assert_eq!(outcomes(&required()), [Err(AnswerError::Unprotected), Ok(true), mki, Ok(true), mki, missing]);
}

#[test]
fn of_a_protected_and_a_plain_line_the_first_that_fits_the_policy_is_taken() {
    let lines = format!("m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/SAVP 0\n{}", good());
    assert_eq!(answer_with(&optional(), &lines).unwrap().remote_rtp.port(), 4_000);
    assert_eq!(answer_with(&required(), &lines).unwrap().remote_rtp.port(), 4_002);
    // That one's key has an MKI.
    assert_eq!(answer(&parse(devices::BOTH), &codecs(), &optional()).unwrap().remote_rtp.port(), 20_002);
    assert_eq!(answer(&parse(devices::BOTH), &codecs(), &required()), Err(AnswerError::Crypto(CryptoError::Mki)));
}

#[test]
fn our_offer_has_a_key_for_every_suite_best_first_and_its_protocol_says_whether_it_must_be() {
    for (policy, protocol) in [(optional(), MediaProtocol::RtpAvp), (required(), MediaProtocol::RtpSavp)] {
        let offered = offer(&codecs(), &policy);
        assert_eq!(offered.media[0].protocol, protocol);
        let lines: Vec<_> = offered.media[0].crypto().map(|line| (line.tag, line.suite.clone())).collect();
        let suites = ["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"];
        assert_eq!(lines, [(1, suites[0].into()), (2, suites[1].into()), (3, suites[2].into())]);
        assert_eq!(parse(&offered.to_string()), offered);
    }
    assert_eq!(offer(&codecs(), &transport()).media[0].crypto().count(), 0);
}

#[test]
fn an_answers_key_is_taken_with_the_key_that_we_offered_under_its_tag() {
    for (policy, protocol) in [(optional(), "RTP/AVP"), (optional(), "RTP/SAVP"), (required(), "RTP/SAVP")] {
        let offered = offer(&codecs(), &policy);
        let answered = peer(&format!("m=audio 4000 {protocol} 0\n{}", crypto(&format!("3 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"))));
        let keys = accept(&offered, &answered, &codecs(), &policy).unwrap().srtp.unwrap();
        let ours = offered.media[0].crypto().nth(2).unwrap().master_key().unwrap();
        assert_eq!((keys.local, Crypto::new(3, &keys.remote).key.expose()), (ours, format!("inline:{KEY}").as_str()));
    }
}

#[test]
fn an_answer_that_does_not_protect_as_agreed_is_refused() {
    let line = |text: &str| crypto(&text.replace("KEY", KEY));
    for (lines, reason) in [
        ("m=audio 4000 RTP/SAVP 0\n".to_owned(), AnswerError::Crypto(CryptoError::Missing)),
        ("m=audio 4000 RTP/AVP 0\n".to_owned(), AnswerError::Unprotected),
        (
            format!("m=audio 4000 RTP/SAVP 0\n{}", line("4 AES_CM_128_HMAC_SHA1_80 inline:KEY")),
            AnswerError::Crypto(CryptoError::NotOffered),
        ),
        (
            format!("m=audio 4000 RTP/SAVP 0\n{}", line("1 AES_CM_128_HMAC_SHA1_80 inline:KEY")),
            AnswerError::Crypto(CryptoError::NotOffered),
        ),
        (format!("m=audio 4000 RTP/SAVP 0\n{}", line("3 AES_CM_128_HMAC_SHA1_80 inline:KEY|1:4")), AnswerError::Crypto(CryptoError::Mki)),
        ("m=audio 4000 UDP/TLS/RTP/SAVP 0\n".to_owned(), AnswerError::Protocol),
    ] {
        assert_eq!(accept(&offer(&codecs(), &required()), &peer(&lines), &codecs(), &required()), Err(reason), "{lines}");
    }
    // Who did not offer protection did not offer it.
    let protected = peer(&format!("m=audio 4000 RTP/SAVP 0\n{}", good()));
    assert_eq!(accept(&offer(&codecs(), &transport()), &protected, &codecs(), &transport()), Err(AnswerError::Protocol));
}

#[test]
fn an_optional_offer_that_is_answered_in_clear_is_spoken_in_clear() {
    let agreed = accept(&offer(&codecs(), &optional()), &peer("m=audio 4000 RTP/AVP 0\n"), &codecs(), &optional()).unwrap();
    assert_eq!(agreed.srtp, None);
}

#[test]
fn both_sides_of_an_exchange_have_each_others_keys() {
    let theirs =
        TransportPolicy { rtp: "198.51.100.7:30000".parse().unwrap(), remote: RemoteRule::Signalling(ip("192.0.2.1")), ..optional() };
    for ours in [optional(), required()] {
        let offered = offer(&codecs(), &ours);
        let answered = answer(&offered, &codecs(), &theirs).unwrap();
        let accepted = accept(&offered, &answered.local, &codecs(), &ours).unwrap();
        let (here, there) = (accepted.srtp.unwrap(), answered.srtp.unwrap());
        assert_eq!((here.suite(), &here.local, &here.remote), (CryptoSuite::AeadAes256Gcm, &there.remote, &there.local));
    }
}

#[test]
fn a_peers_key_that_comes_again_keeps_ours_and_a_new_one_gets_a_new_one() {
    let with_key = |key: &MasterKey| peer(&format!("m=audio 4000 RTP/SAVP 0\n{}", crypto(&Crypto::new(1, key).to_string())));
    let seed = KeySeed::new([9; 32]);
    let key = |generation| MasterKey::generate(CryptoSuite::AeadAes128Gcm, &seed, generation, 1);
    let first = answer(&with_key(&key(1)), &codecs(), &required()).unwrap();
    let again = reanswer(&first, &with_key(&key(1)), &codecs(), &required()).unwrap();
    assert_eq!((&again.srtp, again.local.origin.session_version), (&first.srtp, 1));
    let renewed = reanswer(&again, &with_key(&key(2)), &codecs(), &required()).unwrap();
    let (old, new) = (again.srtp.unwrap(), renewed.srtp.clone().unwrap());
    assert!(new.remote == key(2) && new.local != old.local && new.local != new.remote);
    assert_eq!(renewed.local.origin.session_version, 2);
}

#[test]
fn our_later_offers_keep_the_key_until_it_shall_be_renewed() {
    let first = answer_with(&required(), &format!("m=audio 4000 RTP/SAVP 0\n{}", good())).unwrap();
    let keys = first.srtp.clone().unwrap();
    let kept = reoffer(&first, &codecs(), &required(), Keys::Keep);
    assert_eq!(kept.media[0].crypto().map(|line| line.master_key().unwrap()).collect::<Vec<_>>(), std::slice::from_ref(&keys.local));
    let agreed = accept(&kept, &peer(&format!("m=audio 4000 RTP/SAVP 0\n{}", good())), &codecs(), &required()).unwrap();
    assert_eq!(agreed.srtp.as_ref(), Some(&keys));
    let fresh = reoffer(&first, &codecs(), &required(), Keys::Fresh);
    assert_eq!(fresh.media[0].protocol, MediaProtocol::RtpSavp);
    assert!(fresh.media[0].crypto().count() == 3 && fresh.media[0].crypto().all(|line| line.master_key().unwrap() != keys.local));
}

#[test]
fn no_description_and_no_agreement_prints_a_key() {
    let agreed = answer_with(&required(), &format!("m=audio 4000 RTP/SAVP 0\n{}", good())).unwrap();
    let offered = offer(&codecs(), &required());
    let shown = format!("{agreed:?}{offered:?}{:?}", required());
    assert!(!shown.contains("inline:") && !shown.contains(KEY), "{shown}");
}
