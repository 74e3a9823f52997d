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
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n\
         a=sendrecv\r\na=rtcp-mux\r\n"
    );
}

#[test]
fn an_answer_with_one_codec_is_taken() {
    let agreed = accepted("m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n").unwrap();
    assert_eq!((agreed.codec, agreed.telephone_event), (Codec::Pcma, crate::units::PayloadType::new(101)));
    assert_eq!(agreed.remote_rtcp, "198.51.100.7:4001".parse().unwrap());
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
        (accepted.codec, accepted.payload_type, accepted.telephone_event),
        (answered.codec, answered.payload_type, answered.telephone_event)
    );
    assert_eq!((accepted.rtcp_mux, accepted.ptime), (answered.rtcp_mux, answered.ptime));
    assert_eq!((accepted.remote_rtp, answered.remote_rtp), (theirs.rtp, transport().rtp));
}
