//! Exchanges in the manner of RFC 4317, from the offerer's side.

use super::*;

fn accepted(lines: &str) -> Result<Negotiated, AnswerError> {
    accept(&offer(&codecs(), &transport()), &peer(lines), &codecs(), &transport())
}

#[test]
fn our_offer_lists_the_policys_codecs_in_its_order() {
    assert_eq!(
        offer(&codecs(), &transport()).to_string(),
        "v=0\r\no=- 7001 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 16384 RTP/AVP 0 8 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n\
         a=maxptime:60\r\na=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtcp-xr:rcvr-rtt=all stat-summary=loss,dup,jitt voip-metrics\r\n"
    );
}

#[test]
fn an_answer_with_one_codec_is_taken() {
    let agreed = accepted("m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n").unwrap();
    assert_eq!((agreed.codec, events(&agreed)), (Codec::Pcma, Some((101, ClockRate::HZ_8000))));
    assert_eq!(agreed.remote_rtcp, "198.51.100.7:4001".parse::<std::net::SocketAddr>().unwrap());
    assert_eq!(agreed.local, offer(&codecs(), &transport()));
}

#[test]
fn an_answer_with_several_codecs_is_taken_by_its_first() {
    assert_eq!(accepted("m=audio 4000 RTP/AVP 8 0\n").unwrap().codec, Codec::Pcma);
}

#[test]
fn a_codec_that_was_not_offered_is_not_taken() {
    let only_ulaw = CodecPolicy { codecs: vec![Codec::Pcmu], ..codecs() };
    let offered = offer(&only_ulaw, &transport());
    let answered = peer("m=audio 4000 RTP/AVP 8\n");
    assert_eq!(accept(&offered, &answered, &codecs(), &transport()), Err(AnswerError::NoCodec));
}

#[test]
fn rtp_and_rtcp_share_a_port_only_when_both_say_so() {
    assert!(accepted("m=audio 4000 RTP/AVP 0\na=rtcp-mux\n").unwrap().rtcp_mux);
    let mut offered = offer(&codecs(), &transport());
    offered.media[0].attributes.retain(|attribute| *attribute != Attribute::RtcpMux);
    let agreed = accept(&offered, &peer("m=audio 4000 RTP/AVP 0\na=rtcp-mux\n"), &codecs(), &transport()).unwrap();
    assert!(!agreed.rtcp_mux);
    assert_eq!(agreed.remote_rtcp.port(), 4_001);
}

#[test]
fn a_peer_that_answers_on_hold_is_heard_and_not_spoken_to() {
    let agreed = accepted("m=audio 4000 RTP/AVP 0\na=sendonly\n").unwrap();
    assert_eq!((agreed.send, agreed.receive), (false, true));
}

#[test]
fn a_declined_answer_and_one_of_other_media_are_refused() {
    assert_eq!(accepted("m=audio 0 RTP/AVP 0\n"), Err(AnswerError::Declined));
    assert_eq!(accepted("m=video 4000 RTP/AVP 99\n"), Err(AnswerError::Mismatch));
    assert_eq!(accepted("m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 0\n"), Err(AnswerError::Mismatch));
    assert_eq!(accepted(""), Err(AnswerError::Mismatch));
}

#[test]
fn our_answer_to_our_offer_agrees_on_both_sides() {
    let theirs =
        TransportPolicy { rtp: "198.51.100.7:30000".parse().unwrap(), remote: RemoteRule::Signalling(ip("192.0.2.1")), ..transport() };
    let offered = offer(&codecs(), &transport());
    let answered = answer(&offered, &codecs(), &theirs).unwrap();
    let accepted = accept(&offered, &answered.local, &codecs(), &transport()).unwrap();
    assert_eq!(
        (accepted.codec, both(&accepted), accepted.telephone_event_clock),
        (answered.codec, both(&answered), answered.telephone_event_clock)
    );
    assert_eq!((accepted.rtcp_mux, accepted.ptime), (answered.rtcp_mux, answered.ptime));
    assert_eq!((accepted.remote_rtp, answered.remote_rtp), (theirs.rtp, transport().rtp));
}

#[test]
fn payload_types_that_differ_by_direction_are_followed() {
    let policy = CodecPolicy { comfort_noise: true, ..CodecPolicy::new(vec![Codec::Opus, Codec::Pcmu]) };
    let offered = offer(&policy, &transport());
    assert!(offered.to_string().contains("m=audio 16384 RTP/AVP 96 0 13 97 101\r\n"));
    let answered = peer(
        "m=audio 4000 RTP/AVP 111 120 121\na=rtpmap:111 opus/48000/2\na=rtpmap:120 telephone-event/48000\na=rtpmap:121 telephone-event/8000\n",
    );
    let agreed = accept(&offered, &answered, &policy, &transport()).unwrap();
    assert_eq!((agreed.codec, agreed.telephone_event_clock), (Codec::Opus, Some(ClockRate::HZ_48000)));
    let types = |audio, event, noise: Option<u8>| PayloadTypes {
        audio: number(audio),
        telephone_event: Some(number(event)),
        comfort_noise: noise.map(number),
    };
    assert_eq!((agreed.send_payload_types, agreed.receive_payload_types), (types(111, 120, None), types(96, 97, None)));
    let answered = peer("m=audio 4000 RTP/AVP 0 96 121\na=rtpmap:96 CN/8000\na=rtpmap:121 telephone-event/8000\n");
    let agreed = accept(&offered, &answered, &policy, &transport()).unwrap();
    assert_eq!((agreed.codec, agreed.telephone_event_clock), (Codec::Pcmu, Some(ClockRate::HZ_8000)));
    assert_eq!((agreed.send_payload_types, agreed.receive_payload_types), (types(0, 121, Some(96)), types(0, 101, Some(13))));
}

#[test]
fn each_direction_has_the_packet_time_that_its_receiver_asked_for() {
    let agreed = accepted("m=audio 4000 RTP/AVP 0\na=ptime:40\n").unwrap();
    assert_eq!((agreed.ptime, agreed.receive_ptime), (Duration::from_millis(40), Duration::from_millis(20)));
}

#[test]
fn reduced_reports_need_both_and_extended_ones_are_the_peers_wish() {
    let agreed = accepted("m=audio 4000 RTP/AVP 0\na=rtcp-rsize\na=rtcp-xr:voip-metrics\n").unwrap();
    assert!(agreed.rtcp_rsize);
    assert_eq!(agreed.rtcp_xr, XrBlocks { voip_metrics: true, ..XrBlocks::default() });
    let agreed = accepted("m=audio 4000 RTP/AVP 0\n").unwrap();
    assert_eq!((agreed.rtcp_rsize, agreed.rtcp_xr), (false, XrBlocks::default()));
}
