//! Offers in the manner of devices and services in the field; written for these tests.

use super::*;

/// A carrier's session border controller: numeric user, rtpmap for static types, no direction.
pub(super) const CARRIER: &str = "v=0\r\no=root 1205948270 1205948270 IN IP4 198.51.100.7\r\ns=Media Gateway\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
m=audio 14306 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n";

/// Asterisk's manner: several codecs that are not ours first, maxptime.
pub(super) const ASTERISK: &str = "v=0\r\no=- 1545997027 1 IN IP4 198.51.100.7\r\ns=Asterisk\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
m=audio 10002 RTP/AVP 9 8 0 3 97\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:3 GSM/8000\r\n\
a=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-16\r\na=ptime:20\r\na=maxptime:140\r\na=sendrecv\r\n";

/// A desk telephone behind FreePBX: RTCP named, a video line that is declined.
pub(super) const DESK: &str = "v=0\r\no=- 20042 20042 IN IP4 198.51.100.7\r\ns=SDP data\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
m=audio 11780 RTP/AVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n\
a=fmtp:101 0-15\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=rtcp:11790 IN IP4 198.51.100.7\r\na=sendrecv\r\n\
m=video 11782 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\na=fmtp:99 profile-level-id=42801F\r\n";

/// Linphone's manner: AVPF, opus first, events at two clock rates, extended reports.
pub(super) const LINPHONE: &str = "v=0\r\no=caller 3747 2211 IN IP4 198.51.100.7\r\ns=Talk\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\na=record:off\r\n\
m=audio 7078 RTP/AVPF 96 97 98 0 8 101 99 100\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/16000\r\n\
a=fmtp:97 vbr=on\r\na=rtpmap:98 speex/8000\r\na=rtpmap:101 telephone-event/48000\r\na=rtpmap:99 telephone-event/16000\r\n\
a=rtpmap:100 telephone-event/8000\r\na=rtcp-mux\r\na=rtcp-fb:* trr-int 5000\r\na=rtcp-fb:* ccm tmmbr\r\n";

/// A browser: DTLS, ICE, bundling, hidden host candidates.
pub(super) const CHROME: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
a=extmap-allow-mixed\r\na=msid-semantic: WMS 6f2c\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\n\
a=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:Yq3x\r\na=ice-pwd:mYvErySecretPassword0123\r\na=ice-options:trickle\r\n\
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08\r\n\
a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendrecv\r\na=msid:6f2c 9d1e\r\na=rtcp-mux\r\n\
a=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\na=ssrc:3735928559 cname:0aB1c2D3\r\n\
a=candidate:1467250027 1 udp 2122260223 8b2f6a1c-6f0e-4a3b-9d2e-0a1b2c3d4e5f.local 46154 typ host generation 0\r\n\
a=candidate:1853887674 1 udp 1518280447 198.51.100.7 61000 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999\r\n\
a=end-of-candidates\r\n";

/// A trunk that offers SRTP and, as a second line, plain RTP.
pub(super) const BOTH: &str = "v=0\r\no=- 5 5 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
m=audio 20000 RTP/SAVP 8 101\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:32\r\n\
a=rtpmap:101 telephone-event/8000\r\nm=audio 20002 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

pub(super) const ALL: [&str; 6] = [CARRIER, ASTERISK, DESK, LINPHONE, CHROME, BOTH];

fn agreed(text: &str) -> Negotiated {
    answer(&parse(text), &codecs(), &transport()).unwrap()
}

fn payload_types(agreed: &Negotiated) -> (u8, Option<u8>) {
    (both(agreed).audio.get(), both(agreed).telephone_event.map(PayloadType::get))
}

#[test]
fn a_carriers_offer_is_answered_with_its_first_codec_and_events() {
    let agreed = agreed(CARRIER);
    assert_eq!((agreed.codec, payload_types(&agreed)), (Codec::Pcmu, (0, Some(101))));
    assert_eq!(agreed.remote_rtp, "198.51.100.7:14306".parse::<std::net::SocketAddr>().unwrap());
    assert_eq!(agreed.remote_rtcp, "198.51.100.7:14307".parse::<std::net::SocketAddr>().unwrap());
    assert!(agreed.send && agreed.receive && !agreed.rtcp_mux);
    assert_eq!(
        agreed.local.to_string(),
        "v=0\r\no=- 7001 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 16384 RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:60\r\na=sendrecv\r\n"
    );
}

#[test]
fn an_asterisk_that_prefers_a_law_gets_it_with_its_own_event_type() {
    let agreed = agreed(ASTERISK);
    assert_eq!((agreed.codec, payload_types(&agreed)), (Codec::Pcma, (8, Some(97))));
}

#[test]
fn a_desk_telephones_rtcp_port_is_taken_and_its_video_declined() {
    let agreed = agreed(DESK);
    assert_eq!(agreed.remote_rtcp, "198.51.100.7:11790".parse::<std::net::SocketAddr>().unwrap());
    let video = &agreed.local.media[1];
    assert_eq!((video.kind.as_str(), video.port, &video.formats[..]), ("video", 0, &["99".to_owned()][..]));
}

#[test]
fn a_linphone_is_answered_by_its_own_profile_with_events_of_the_codecs_clock() {
    let agreed = agreed(LINPHONE);
    assert_eq!((agreed.codec, payload_types(&agreed)), (Codec::Pcmu, (0, Some(100))));
    assert_eq!(agreed.local.media[0].protocol, MediaProtocol::RtpAvpf);
    assert!(agreed.rtcp_mux && agreed.local.media[0].rtcp_mux());
    assert_eq!(agreed.rtcp_xr, XrBlocks { receiver_round_trip: true, statistics_summary: true, voip_metrics: true });
    assert!(agreed.local.to_string().contains("a=rtcp-xr:rcvr-rtt=all "));
    assert_eq!(agreed.remote_rtcp, agreed.remote_rtp);
}

#[test]
fn a_browsers_offer_is_refused_for_its_transport() {
    assert_eq!(answer(&parse(CHROME), &codecs(), &transport()), Err(AnswerError::Protocol));
}

#[test]
fn of_srtp_and_rtp_the_line_that_is_supported_is_taken() {
    let agreed = agreed(BOTH);
    assert_eq!(agreed.remote_rtp.port(), 20_002);
    let ports: Vec<u16> = agreed.local.media.iter().map(|media| media.port).collect();
    assert_eq!(ports, [0, 16_384]);
    assert_eq!(agreed.local.media[0].protocol, MediaProtocol::RtpSavp);
}

#[test]
fn a_linphone_that_may_speak_opus_does_so_with_events_of_its_clock() {
    let policy = CodecPolicy::new(vec![Codec::Pcmu, Codec::Opus]);
    let agreed = answer(&parse(LINPHONE), &policy, &transport()).unwrap();
    assert_eq!((agreed.codec, payload_types(&agreed)), (Codec::Opus, (96, Some(101))));
    assert_eq!(agreed.telephone_event_clock, Some(ClockRate::HZ_48000));
    assert!(agreed.opus.unwrap().in_band_fec);
}

#[test]
fn an_asterisk_that_prefers_g722_gets_it_where_the_policy_has_it() {
    let policy = CodecPolicy::new(vec![Codec::Pcmu, Codec::G722]);
    let agreed = answer(&parse(ASTERISK), &policy, &transport()).unwrap();
    assert_eq!((agreed.codec, payload_types(&agreed)), (Codec::G722, (9, Some(97))));
}
