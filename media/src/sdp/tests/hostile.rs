//! Descriptions that mean harm: codec bombs, third parties, sizes.

use super::*;

fn refused(body: &str) -> SdpError {
    SessionDescription::parse(body.as_bytes()).unwrap_err()
}

fn refused_line(line: &str) -> SdpError {
    refused(&format!("v=0\no=- 1 1 IN IP4 {PEER}\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\n{line}\n"))
}

#[test]
fn what_is_wrong_below_a_medium_that_is_declined_costs_no_audio() {
    for line in ["a=rtcp:0", "a=ptime:0", "a=rtpmap:x"] {
        let text = format!("v=0\no=- 1 1 IN IP4 {PEER}\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\nm=video 0 RTP/AVP 96\n{line}\n");
        assert_eq!(SessionDescription::parse(text.as_bytes()).map(|description| description.media.len()), Ok(2), "{line}");
    }
}

#[test]
fn rates_and_packet_times_of_nought_are_refused() {
    for line in
        ["a=rtpmap:0 PCMU/0", "a=ptime:0", "a=maxptime:0", "a=ptime:-20", "a=ptime:nought", "a=ptime:99999999999", "a=rtpmap:0 PCMU/8000/0"]
    {
        assert_eq!(refused_line(line), SdpError::Malformed { line: 6, kind: 'a' }, "{line}");
    }
}

#[test]
fn a_codec_of_two_hundred_and_fifty_five_channels_or_of_another_rate_is_none_of_ours() {
    for rate in ["8000/255", "8000/2", "4294967295", "1"] {
        assert_eq!(answer_to(&format!("m=audio 4000 RTP/AVP 0\na=rtpmap:0 PCMU/{rate}\n")), Err(AnswerError::NoCodec), "{rate}");
    }
}

#[test]
fn linear_audio_and_opus_of_other_rates_or_many_channels_are_none_of_ours() {
    let rates = [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000];
    let policy = CodecPolicy::new(rates.into_iter().map(|rate| Codec::L16 { rate }).chain([Codec::Opus, Codec::G722]).collect());
    for encoding in ["L16/44100", "L16/16000/2", "L16/8000/255", "L16/1", "L16/4294967295", "opus/48000/255", "opus/16000/2", "G722/16000"]
    {
        let offered = peer(&format!("m=audio 4000 RTP/AVP 96\na=rtpmap:96 {encoding}\n"));
        assert_eq!(answer(&offered, &policy, &transport()), Err(AnswerError::NoCodec), "{encoding}");
    }
    // Static types of 44.1 kHz.
    assert_eq!(answer(&peer("m=audio 4000 RTP/AVP 10 11\n"), &policy, &transport()), Err(AnswerError::NoCodec));
}

#[test]
fn media_is_never_promised_to_a_third_party() {
    for address in ["IN IP4 203.0.113.66", "IN IP4 198.51.100.8", "IN IP6 2001:db8::1"] {
        let agreed = answer_to(&format!("m=audio 4000 RTP/AVP 0\nc={address}\n"));
        assert_eq!(agreed, Err(AnswerError::Address(AddressError::Foreign)), "{address}");
    }
    for address in
        ["IN IP4 224.2.0.1/127", "IN IP4 255.255.255.255", "IN IP4 127.0.0.1", "IN IP4 169.254.169.254", "IN IP6 ::1", "IN IP6 ff02::1"]
    {
        let agreed = answer_to(&format!("m=audio 4000 RTP/AVP 0\nc={address}\n"));
        assert_eq!(agreed, Err(AnswerError::Address(AddressError::Special)), "{address}");
    }
}

#[test]
fn reports_are_never_promised_to_a_third_party() {
    let agreed = answer_to("m=audio 4000 RTP/AVP 0\na=rtcp:53 IN IP4 203.0.113.66\n");
    assert_eq!(agreed, Err(AnswerError::Address(AddressError::Foreign)));
}

#[test]
fn an_answer_cannot_redirect_media_either() {
    let answered = peer("m=audio 4000 RTP/AVP 0\nc=IN IP4 203.0.113.66\n");
    let refused = accept(&offer(&codecs(), &transport()), &answered, &codecs(), &transport());
    assert_eq!(refused, Err(AnswerError::Address(AddressError::Foreign)));
}

#[test]
fn names_and_missing_addresses_are_refused() {
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 0\nc=IN IP4 media.example.org\n"), Err(AnswerError::Address(AddressError::Name)));
    let without = parse("v=0\no=- 1 1 IN IP4 198.51.100.7\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\n");
    assert_eq!(answer(&without, &codecs(), &transport()), Err(AnswerError::Address(AddressError::Missing)));
}

#[test]
fn the_last_port_leaves_none_for_reports() {
    assert_eq!(answer_to("m=audio 65535 RTP/AVP 0\n"), Err(AnswerError::Address(AddressError::Port)));
    assert!(answer_to("m=audio 65535 RTP/AVP 0\na=rtcp-mux\n").is_ok());
}

#[test]
fn ports_beyond_the_last_and_payload_types_beyond_the_last_are_refused() {
    assert_eq!(refused_line("m=audio 65536 RTP/AVP 0"), SdpError::Malformed { line: 6, kind: 'm' });
    assert_eq!(refused_line("a=rtcp:0"), SdpError::Malformed { line: 6, kind: 'a' });
    assert_eq!(refused_line("a=rtpmap:128 PCMU/8000"), SdpError::Malformed { line: 6, kind: 'a' });
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 256 128 x\n"), Err(AnswerError::NoCodec));
}

#[test]
fn sizes_beyond_the_limits_are_refused_and_those_at_the_limits_taken() {
    let head = format!("v=0\no=- 1 1 IN IP4 {PEER}\ns=-\nt=0 0\n");
    let media = "m=audio 4000 RTP/AVP 0\n";
    assert!(SessionDescription::parse(format!("{head}{}", media.repeat(16)).as_bytes()).is_ok());
    assert_eq!(refused(&format!("{head}{}", media.repeat(17))), SdpError::TooManyMedia);
    assert!(SessionDescription::parse(format!("{head}{}", "a=x\n".repeat(508)).as_bytes()).is_ok());
    assert_eq!(refused(&format!("{head}{}", "a=x\n".repeat(509))), SdpError::TooManyLines);
    assert!(SessionDescription::parse(format!("{head}m=audio 1 RTP/AVP{}\n", " 0".repeat(64)).as_bytes()).is_ok());
    assert_eq!(refused(&format!("{head}m=audio 1 RTP/AVP{}\n", " 0".repeat(65))), SdpError::TooManyFormats { line: 5 });
    assert_eq!(refused(&"v".repeat(65_537)), SdpError::TooLong { len: 65_537 });
}

#[test]
fn bodies_that_are_no_description_are_refused() {
    assert_eq!(refused(""), SdpError::Line { line: 1 });
    assert_eq!(refused("v=1\n"), SdpError::Version);
    assert_eq!(refused("o=- 1 1 IN IP4 198.51.100.7\n"), SdpError::Version);
    assert_eq!(refused("v=0\nv=0\n"), SdpError::Version);
    assert_eq!(refused("v=0\ns=-\n"), SdpError::NoOrigin);
    assert_eq!(refused("v=0\nm=audio 4000 RTP/AVP 0\n"), SdpError::NoOrigin);
    assert_eq!(refused_line("aa=x"), SdpError::Line { line: 6 });
    assert_eq!(refused_line("a=x\0"), SdpError::NotText);
    assert_eq!(refused_line("c=IN IP4"), SdpError::Malformed { line: 6, kind: 'c' });
    assert_eq!(refused_line("m=audio 4000 RTP/AVP"), SdpError::Malformed { line: 6, kind: 'm' });
}

#[test]
fn every_truncation_of_every_example_is_read_or_refused() {
    for text in devices::ALL {
        for len in 0..text.len() {
            if let Ok(description) = SessionDescription::parse(&text.as_bytes()[..len]) {
                let _ = answer(&description, &codecs(), &transport());
            }
        }
    }
}
