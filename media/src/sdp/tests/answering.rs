use super::*;

#[test]
fn static_types_need_no_rtpmap() {
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 8\n").unwrap().codec, Codec::Pcma);
}

#[test]
fn an_rtpmap_outranks_the_static_type() {
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 0\na=rtpmap:0 G726-32/8000\n"), Err(AnswerError::NoCodec));
    let agreed = answer_to("m=audio 4000 RTP/AVP 0 96\na=rtpmap:0 G726-32/8000\na=rtpmap:96 pcma/8000\n").unwrap();
    assert_eq!((agreed.codec, both(&agreed)), (Codec::Pcma, PayloadTypes::audio(number(96))));
}

#[test]
fn the_offers_order_decides_among_the_policys_codecs() {
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 8 0\n").unwrap().codec, Codec::Pcma);
    let only_ulaw = CodecPolicy { codecs: vec![Codec::Pcmu], ..codecs() };
    assert_eq!(answer(&peer("m=audio 4000 RTP/AVP 8 0\n"), &only_ulaw, &transport()).unwrap().codec, Codec::Pcmu);
}

#[test]
fn telephone_events_are_answered_with_the_offers_type_and_the_events_of_a_keypad() {
    let agreed = answer_to("m=audio 4000 RTP/AVP 0 120\na=rtpmap:120 telephone-event/8000\na=fmtp:120 0-16,66,70\n").unwrap();
    let text = agreed.local.to_string();
    assert!(text.contains("m=audio 16384 RTP/AVP 0 120\r\n") && text.contains("a=fmtp:120 0-16\r\n"));
}

#[test]
fn telephone_events_are_left_out_where_policy_or_offer_lack_them() {
    let offered = "m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n";
    let without = CodecPolicy { telephone_event: false, ..codecs() };
    assert_eq!(answer(&peer(offered), &without, &transport()).unwrap().telephone_event_clock, None);
    // Mapped, but not among the formats; of another clock rate.
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 0\na=rtpmap:101 telephone-event/8000\n").unwrap().telephone_event_clock, None);
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/16000\n").unwrap().telephone_event_clock, None);
}

#[test]
fn directions_are_mirrored() {
    for (offered, answered, send, receive) in [
        ("sendrecv", Direction::SendRecv, true, true),
        ("sendonly", Direction::RecvOnly, false, true),
        ("recvonly", Direction::SendOnly, true, false),
        ("inactive", Direction::Inactive, false, false),
    ] {
        let agreed = answer_to(&format!("m=audio 4000 RTP/AVP 0\na={offered}\n")).unwrap();
        assert_eq!(agreed.local.direction_of(&agreed.local.media[0]), answered, "{offered}");
        assert_eq!((agreed.send, agreed.receive), (send, receive), "{offered}");
    }
}

#[test]
fn the_old_hold_is_answered_and_nothing_is_sent() {
    let agreed = answer_to("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n").unwrap();
    assert_eq!((agreed.send, agreed.receive), (false, true));
    assert!(agreed.local.to_string().contains("a=recvonly"));
    let agreed = answer_to("m=audio 4000 RTP/AVP 0\nc=IN IP6 ::\na=inactive\n").unwrap();
    assert_eq!((agreed.send, agreed.receive), (false, false));
}

#[test]
fn the_packet_time_is_the_offers_where_it_can_be_and_never_above_its_limit() {
    for (lines, ms) in [
        ("", 20),
        ("a=ptime:30\n", 30),
        ("a=ptime:60\n", 60),
        ("a=ptime:10\n", 10),
        ("a=ptime:25\n", 20),
        ("a=ptime:80\n", 20),
        ("a=ptime:5\n", 20),
        ("a=ptime:4294967295\n", 20),
        ("a=ptime:40\na=maxptime:30\n", 30),
        ("a=maxptime:10\n", 10),
        ("a=maxptime:15\n", 10),
        ("a=maxptime:1\n", 10),
    ] {
        let agreed = answer_to(&format!("m=audio 4000 RTP/AVP 0\n{lines}")).unwrap();
        assert_eq!(agreed.ptime, Duration::from_millis(ms), "{lines}");
        assert!(agreed.local.to_string().contains(&format!("a=ptime:{ms}\r\n")));
    }
}

#[test]
fn the_first_acceptable_audio_is_taken_and_all_else_declined_in_place() {
    let agreed = answer_to(
        "m=video 4000 RTP/AVP 99\nm=audio 4002 RTP/AVP 18\nm=audio 4004 RTP/AVP 0\nm=image 4006 udptl t38\nm=audio 4008 RTP/AVP 0\n",
    );
    let agreed = agreed.unwrap();
    let lines: Vec<_> = agreed.local.media.iter().map(|media| (media.kind.as_str(), media.port, media.protocol.as_str())).collect();
    let (avp, port) = ("RTP/AVP", 16_384);
    assert_eq!(lines, [("video", 0, avp), ("audio", 0, avp), ("audio", port, avp), ("image", 0, "udptl"), ("audio", 0, avp)]);
    assert_eq!(agreed.remote_rtp.port(), 4_004);
}

#[test]
fn a_peer_by_ipv6_is_answered_by_ipv6() {
    let description = parse("v=0\no=- 1 1 IN IP6 2001:db8::7\ns=-\nc=IN IP6 2001:db8::7\nt=0 0\nm=audio 4000 RTP/AVP 0\n");
    let ours =
        TransportPolicy { rtp: "[2001:db8::1]:16384".parse().unwrap(), remote: RemoteRule::Signalling(ip("2001:db8::7")), ..transport() };
    let agreed = answer(&description, &codecs(), &ours).unwrap();
    assert_eq!(agreed.remote_rtp, "[2001:db8::7]:4000".parse::<std::net::SocketAddr>().unwrap());
    assert!(agreed.local.to_string().contains("c=IN IP6 2001:db8::1\r\n"));
}

#[test]
fn the_version_of_our_description_is_the_callers() {
    let third = TransportPolicy { session_version: 3, ..transport() };
    let agreed = answer(&peer("m=audio 4000 RTP/AVP 0\n"), &codecs(), &third).unwrap();
    assert!(agreed.local.to_string().contains("o=- 7001 3 IN IP4 192.0.2.1\r\n"));
}

#[test]
fn the_error_is_that_of_the_audio_that_came_farthest() {
    assert_eq!(answer_to(""), Err(AnswerError::NoAudio));
    assert_eq!(answer_to("m=video 4000 RTP/AVP 99\n"), Err(AnswerError::NoAudio));
    assert_eq!(answer_to("m=audio 0 RTP/AVP 0\n"), Err(AnswerError::Declined));
    assert_eq!(answer_to("m=audio 0 RTP/AVP 0\nm=audio 4000 RTP/SAVP 0\n"), Err(AnswerError::Protocol));
    assert_eq!(answer_to("m=audio 4000 RTP/SAVP 0\nm=audio 4000 RTP/AVP 3\n"), Err(AnswerError::NoCodec));
    assert_eq!(answer_to("m=audio 4000 RTP/AVP 3\nm=audio 4000 RTP/AVP 18\n"), Err(AnswerError::G729));
}
