//! Offers as browsers write them.

use super::*;
use crate::ice::IceCredentials;
use crate::sdp::webrtc::{LocalAddress, WebRtcAgreement, WebRtcAnswerError, WebRtcPolicy, answer};

/// Chromium's, with the lines that matter here and some that do not; audio, a camera, and a data channel.
const CHROMIUM: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\n\
    a=msid-semantic: WMS 0c8a\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
    a=candidate:1 1 udp 2122260223 4dd51aaf-0b0c-4d3e-9df8-1a2b3c4d5e6f.local 54321 typ host generation 0 network-id 1\r\n\
    a=ice-ufrag:gzHm\r\na=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS\r\na=ice-options:trickle\r\n\
    a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08\r\n\
    a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendrecv\r\na=msid:0c8a f00d\r\na=rtcp-mux\r\n\
    a=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n\
    a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\na=ssrc:3735928559 cname:kJ2w\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:gzHm\r\na=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:gzHm\r\na=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS\r\n\
    a=mid:2\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";

fn policy() -> WebRtcPolicy {
    let digest = (0..32).collect();
    WebRtcPolicy {
        codecs: CodecPolicy { order: CodecOrder::Own, ..CodecPolicy::new(vec![Codec::Opus, Codec::Pcmu, Codec::Pcma]) },
        direction: Direction::SendRecv,
        session_id: 7_001,
        credentials: IceCredentials { ufrag: "route001gen0".to_owned(), password: IcePassword::new("a password of twenty-four") },
        fingerprint: Fingerprint { hash: "sha-256".to_owned(), digest },
        addresses: vec![
            LocalAddress { address: "192.0.2.1:16000".parse().unwrap(), tcp: false },
            LocalAddress { address: "[2001:db8::1]:16000".parse().unwrap(), tcp: false },
            LocalAddress { address: "192.0.2.1:16000".parse().unwrap(), tcp: true },
        ],
        channels: Some(16_384),
    }
}

fn agree(offer: &str) -> Result<WebRtcAgreement, WebRtcAnswerError> {
    answer(&SessionDescription::parse(offer.as_bytes()).unwrap(), &policy())
}

#[test]
fn chromiums_offer_is_answered_with_audio_and_a_channel_by_one_bundle_and_no_picture() {
    let agreed = agree(CHROMIUM).unwrap();
    assert_eq!((agreed.negotiated.codec, agreed.channels), (Codec::Opus, true));
    assert_eq!(agreed.negotiated.send_payload_types.audio, number(111));
    assert_eq!(agreed.negotiated.send_payload_types.telephone_event, Some(number(110)));
    assert!(agreed.negotiated.send && agreed.negotiated.receive, "0.0.0.0 is no hold here");
    assert_eq!((agreed.remote.ufrag.as_str(), agreed.fingerprints.len()), ("gzHm", 1));
    let text = agreed.negotiated.local.to_string();
    for line in [
        "a=group:BUNDLE 0 2\r\n",
        "m=audio 16000 UDP/TLS/RTP/SAVPF 111 110\r\n",
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n",
        "m=application 16000 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\na=max-message-size:16384\r\n",
        "a=setup:passive\r\n",
        "a=rtcp-mux\r\n",
        "a=ice-ufrag:route001gen0\r\n",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 16000 typ host\r\n",
        "a=candidate:2 1 udp 2130706175 2001:db8::1 16000 typ host\r\n",
        "a=candidate:3 1 tcp 1520434687 192.0.2.1 16000 typ host tcptype passive\r\n",
        "a=end-of-candidates\r\n",
        "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    // And what we write we read.
    assert_eq!(SessionDescription::parse(text.as_bytes()).unwrap(), agreed.negotiated.local);
}

#[test]
fn a_listener_that_only_receives_is_only_sent_to() {
    let agreed = agree(&CHROMIUM.replace("a=sendrecv", "a=recvonly")).unwrap();
    assert!(agreed.negotiated.send && !agreed.negotiated.receive);
    assert!(agreed.negotiated.local.to_string().contains("a=sendonly\r\n"));
}

#[test]
fn g711_is_taken_where_there_is_no_opus_and_its_events_have_its_clock() {
    let agreed = agree(&CHROMIUM.replace("SAVPF 111 63 9 0", "SAVPF 9 0").replace("a=rtpmap:111", "a=x:111")).unwrap();
    assert_eq!((agreed.negotiated.codec, agreed.negotiated.send_payload_types.telephone_event), (Codec::Pcmu, Some(number(126))));
}

#[test]
fn credentials_and_fingerprint_may_stand_above_the_media() {
    let session = "t=0 0\r\na=ice-ufrag:gzHm\r\na=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS\r\na=setup:actpass\r\n";
    let bare = CHROMIUM
        .replace("a=ice-ufrag:gzHm\r\n", "")
        .replace("a=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS\r\n", "")
        .replace("a=setup:actpass\r\n", "");
    assert_eq!(agree(&bare.replace("t=0 0\r\n", session)).unwrap().remote.ufrag, "gzHm");
}

#[test]
fn what_is_missing_is_named() {
    use WebRtcAnswerError as E;
    let audio_only = |from: &str, to: &str| CHROMIUM.replacen(from, to, 1);
    for (offer, expected) in [
        (audio_only("UDP/TLS/RTP/SAVPF", "RTP/AVP"), E::Protocol),
        (audio_only("a=rtcp-mux", "a=x"), E::NoMux),
        (audio_only("a=ice-ufrag:gzHm", "a=x:x"), E::NoIce),
        (audio_only("a=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS", "a=ice-pwd:short"), E::NoIce),
        (audio_only("a=fingerprint:sha-256", "a=fingerprint:md5"), E::NoFingerprint),
        (audio_only("7B:8B", "7B"), E::NoFingerprint),
        (audio_only("a=fingerprint", "a=x"), E::NoFingerprint),
        (audio_only("a=setup:actpass", "a=setup:passive"), E::Setup),
        (audio_only("t=0 0", "t=0 0\r\na=ice-lite"), E::IceLite),
        (audio_only("m=audio 9", "m=audio 0"), E::Audio(AnswerError::Declined)),
        (audio_only("m=audio 9", "m=text 9"), E::Audio(AnswerError::NoAudio)),
        (audio_only("SAVPF 111 63 9 0 8 13 110 126", "SAVPF 9"), E::Audio(AnswerError::NoCodec)),
    ] {
        assert_eq!(agree(&offer).unwrap_err(), expected);
    }
}

#[test]
fn mutated_offers_are_answered_or_refused_and_no_more() {
    let mut state = 3_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    let lines: Vec<&str> = CHROMIUM.split_inclusive("\r\n").collect();
    for _ in 0..5_000 {
        let mut mutated = lines.clone();
        for _ in 0..=draw() % 3 {
            let (from, to) = (draw() % mutated.len(), draw() % mutated.len());
            match draw() % 3 {
                0 => drop(mutated.remove(from)),
                1 => mutated.insert(to, mutated[from]),
                _ => mutated.swap(from, to),
            }
        }
        let mut octets = mutated.concat().into_bytes();
        for _ in 0..draw() % 4 {
            let at = draw() % octets.len();
            octets[at] = draw() as u8;
        }
        if let Ok(offer) = SessionDescription::parse(&octets)
            && let Ok(agreed) = answer(&offer, &policy())
        {
            assert!(!agreed.fingerprints.is_empty() && agreed.negotiated.local.media.len() == offer.media.len());
        }
    }
}
