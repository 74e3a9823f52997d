use proptest::prelude::*;

use super::*;

fn round_trip(text: &str) {
    let description = parse(text);
    assert_eq!(parse(&description.to_string()), description, "{text}");
}

#[test]
fn every_example_is_the_same_after_writing_and_reading() {
    devices::ALL.iter().for_each(|text| round_trip(text));
    let ours = offer(&codecs(), &transport());
    assert_eq!(parse(&ours.to_string()), ours);
}

#[test]
fn lines_may_end_by_line_feed_alone_and_the_body_by_empty_lines() {
    let description = peer("m=audio 4000 RTP/AVP 0\r\na=rtcp-mux\n\r\n\n");
    assert!(description.media[0].rtcp_mux());
}

#[test]
fn subjects_in_another_character_set_do_no_harm() {
    let body = b"v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=Anruf f\xfcr Sie\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    assert_eq!(SessionDescription::parse(body).unwrap().media.len(), 1);
}

#[test]
fn the_user_and_the_subject_are_not_kept() {
    let description = parse("v=0\no=alice.example 1 1 IN IP4 198.51.100.7\ns=Alice Example\ne=alice@example.org\nt=0 0\n");
    let kept = format!("{description}{description:?}").to_ascii_lowercase();
    assert!(!kept.contains("alice"));
}

#[test]
fn a_user_with_blanks_does_not_hide_the_origin() {
    let description = parse("v=0\no=Reception desk 17 18 IN IP4 198.51.100.7\ns=-\nt=0 0\n");
    assert_eq!((description.origin.session_id, description.origin.session_version), (17, 18));
}

#[test]
fn numbers_of_the_origin_that_do_not_fit_are_read_as_the_greatest() {
    let description = parse("v=0\no=- 99999999999999999999999 1 IN IP4 198.51.100.7\ns=-\nt=0 0\n");
    assert_eq!(description.origin.session_id, u64::MAX);
}

#[test]
fn attributes_of_the_media_outrank_those_of_the_session() {
    let description = peer("a=sendonly\nm=audio 4000 RTP/AVP 0\nc=IN IP4 203.0.113.9\na=recvonly\nm=audio 4002 RTP/AVP 0\n");
    let [first, second] = &description.media[..] else { panic!("two media") };
    assert_eq!(description.direction_of(first), Direction::RecvOnly);
    assert_eq!(description.direction_of(second), Direction::SendOnly);
    assert_eq!(description.connection_of(first), Some(&ConnectionAddress::Ip(ip("203.0.113.9"))));
    assert_eq!(description.connection_of(second), Some(&ConnectionAddress::Ip(ip(PEER))));
}

#[test]
fn a_crypto_line_is_typed_and_its_key_does_not_print() {
    let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP";
    let description = peer(&format!("m=audio 4000 RTP/SAVP 0\n{line}\n"));
    let Some(Attribute::Crypto(crypto)) = description.media[0].attributes.first() else { panic!("no crypto") };
    assert_eq!((crypto.tag, crypto.suite.as_str(), crypto.parameters.as_str()), (1, "AES_CM_128_HMAC_SHA1_80", "FEC_ORDER=FEC_SRTP"));
    assert!(crypto.key.expose().starts_with("inline:WVNf"));
    assert!(!format!("{description:?}").contains("WVNf"));
    assert!(description.to_string().contains(line));
}

#[test]
fn fingerprint_setup_and_ice_lines_are_typed() {
    let description = parse(devices::CHROME);
    let attributes = &description.media[0].attributes;
    let fingerprint = attributes.iter().find_map(|attribute| match attribute {
        Attribute::Fingerprint(fingerprint) => Some(fingerprint),
        _ => None,
    });
    assert_eq!(fingerprint.map(|fingerprint| (fingerprint.hash.as_str(), fingerprint.digest.len())), Some(("sha-256", 32)));
    assert!(attributes.contains(&Attribute::Setup(Setup::ActPass)));
    assert!(attributes.contains(&Attribute::IceUfrag("Yq3x".to_owned())));
    assert!(!format!("{description:?}").contains("mYvErySecretPassword"));
    let candidates: Vec<_> = attributes
        .iter()
        .filter_map(|attribute| if let Attribute::Candidate(candidate) = attribute { Some(candidate) } else { None })
        .collect();
    assert_eq!(candidates.len(), 2);
    assert_eq!(candidates[0].socket(), None);
    assert_eq!(candidates[1].socket(), Some("198.51.100.7:61000".parse().unwrap()));
    assert_eq!(candidates[1].extensions, "raddr 0.0.0.0 rport 0 generation 0 network-cost 999");
}

#[test]
fn malformed_lines_of_transports_that_are_not_used_are_kept_as_text() {
    let lines = ["candidate:1 1 udp", "fingerprint:sha-256 AA:B", "setup:sometimes", "crypto:x y z", "fmtp:101", "ice-ufrag"];
    for line in lines {
        let description = peer(&format!("m=audio 4000 RTP/AVP 0\na={line}\n"));
        assert!(matches!(description.media[0].attributes[..], [Attribute::Other { .. }]), "{line}");
        assert!(description.to_string().contains(line));
    }
}

#[test]
fn a_fraction_of_a_packet_time_is_cut() {
    assert_eq!(peer("m=audio 4000 RTP/AVP 0\na=ptime:20.0\n").media[0].ptime_ms(), Some(20));
}

proptest! {
    #[test]
    fn what_can_be_read_is_the_same_after_writing_and_reading(example in 0..devices::ALL.len(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..12)) {
        let mut body = devices::ALL[example].as_bytes().to_vec();
        for (index, octet, change) in changes {
            let at = index.index(body.len());
            match change {
                0 => body[at] = octet,
                1 => body.insert(at, octet),
                2 if body.len() > 1 => drop(body.remove(at)),
                _ => body.truncate(at.max(1)),
            }
        }
        if let Ok(description) = SessionDescription::parse(&body) {
            prop_assert_eq!(SessionDescription::parse(description.to_string().as_bytes()), Ok(description.clone()));
            let policy = CodecPolicy { comfort_noise: true, ..CodecPolicy::new(vec![Codec::Opus, Codec::G722, Codec::Pcmu]) };
            let protected = TransportPolicy { srtp: SrtpPolicy::Optional(crate::srtp::KeySeed::new([1; 32])), ..transport() };
            if let Ok(agreed) = answer(&description, &policy, &protected) {
                prop_assert_eq!(agreed.local.media.len(), description.media.len());
                prop_assert_eq!(SessionDescription::parse(agreed.local.to_string().as_bytes()), Ok(agreed.local.clone()));
                let again = reanswer(&agreed, &description, &policy, &protected).unwrap();
                prop_assert_eq!(again, agreed);
            }
            let _ = accept(&offer(&policy, &protected), &description, &policy, &protected);
        }
    }

    #[test]
    fn any_octets_are_read_or_refused_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = SessionDescription::parse(&body);
    }
}
