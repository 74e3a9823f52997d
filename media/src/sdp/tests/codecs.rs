//! The whole set of codecs, and what the formats say of them.

use super::*;

fn everything() -> CodecPolicy {
    let l16 = |rate| Codec::L16 { rate };
    let codecs = vec![Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma, l16(SampleRate::HZ_16000), l16(SampleRate::HZ_48000)];
    CodecPolicy { comfort_noise: true, ..CodecPolicy::new(codecs) }
}

fn agreed_on(policy: &CodecPolicy, lines: &str) -> Negotiated {
    answer(&peer(lines), policy, &transport()).unwrap()
}

#[test]
fn an_offer_lists_every_codec_with_its_mapping_and_events_of_every_clock() {
    assert_eq!(
        offer(&everything(), &transport()).to_string(),
        "v=0\r\no=- 7001 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 16384 RTP/AVP 96 9 0 8 97 98 13 99 101 100\r\n\
         a=rtpmap:96 opus/48000/2\r\n\
         a=fmtp:96 useinbandfec=1;maxplaybackrate=24000;sprop-maxcapturerate=24000;maxaveragebitrate=32000;cbr=0;usedtx=0;stereo=0\r\n\
         a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:97 L16/16000\r\na=rtpmap:98 L16/48000\r\n\
         a=rtpmap:13 CN/8000\r\n\
         a=rtpmap:99 telephone-event/48000\r\na=fmtp:99 0-16\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
         a=rtpmap:100 telephone-event/16000\r\na=fmtp:100 0-16\r\n\
         a=ptime:20\r\na=maxptime:60\r\na=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
         a=rtcp-xr:rcvr-rtt=all stat-summary=loss,dup,jitt voip-metrics\r\n"
    );
}

#[test]
fn every_codec_of_our_offer_can_be_answered_and_accepted() {
    let offered = offer(&everything(), &transport());
    let theirs = TransportPolicy { remote: RemoteRule::Signalling(ip("192.0.2.1")), ..transport() };
    let theirs = TransportPolicy { rtp: "198.51.100.7:30000".parse().unwrap(), ..theirs };
    for codec in everything().codecs {
        let answered = answer(&offered, &CodecPolicy { comfort_noise: true, ..CodecPolicy::new(vec![codec]) }, &theirs).unwrap();
        let accepted = accept(&offered, &answered.local, &everything(), &transport()).unwrap();
        assert_eq!((accepted.codec, answered.codec), (codec, codec));
        assert_eq!(both(&accepted), both(&answered));
        assert_eq!(accepted.telephone_event_clock, Some(codec.clock_rate()), "{codec:?}");
        assert_eq!(both(&accepted).comfort_noise.is_some(), codec.clock_rate() == ClockRate::HZ_8000, "{codec:?}");
        assert_eq!(accepted.opus, (codec == Codec::Opus).then_some(OpusParameters::OURS));
    }
}

#[test]
fn an_answer_follows_the_offers_order_or_where_the_policy_says_so_its_own() {
    let lines = "m=audio 4000 RTP/AVP 0 9 111\na=rtpmap:111 opus/48000/2\n";
    let own = CodecPolicy { order: CodecOrder::Own, ..everything() };
    assert_eq!(agreed_on(&everything(), lines).codec, Codec::Pcmu);
    assert_eq!((agreed_on(&own, lines).codec, both(&agreed_on(&own, lines)).audio), (Codec::Opus, number(111)));
}

#[test]
fn the_peers_opus_parameters_are_read_from_the_format_that_was_chosen() {
    let agreed = agreed_on(
        &everything(),
        "m=audio 4000 RTP/AVP 109 111\na=rtpmap:109 opus/48000/2\na=fmtp:109 maxplaybackrate=8000;cbr=1\na=rtpmap:111 opus/48000/2\n",
    );
    let opus = agreed.opus.unwrap();
    assert_eq!((opus.max_playback_rate, opus.cbr, opus.in_band_fec), (SampleRate::HZ_8000, true, false));
    assert!(agreed.local.to_string().contains("a=rtpmap:109 opus/48000/2\r\na=fmtp:109 useinbandfec=1;"));
    let silent = agreed_on(&everything(), "m=audio 4000 RTP/AVP 111\na=rtpmap:111 OPUS/48000/2\n");
    assert_eq!(silent.opus, Some(OpusParameters::UNSAID));
    assert_eq!(agreed_on(&everything(), "m=audio 4000 RTP/AVP 0\n").opus, None);
}

#[test]
fn beside_opus_events_of_its_clock_are_preferred_and_those_at_8_khz_better_than_none() {
    let head = "m=audio 4000 RTP/AVP 111 101 102\na=rtpmap:111 opus/48000/2\na=rtpmap:101 telephone-event/8000\n";
    assert_eq!(events(&agreed_on(&everything(), head)), Some((101, ClockRate::HZ_8000)));
    let better = format!("{head}a=rtpmap:102 telephone-event/48000\n");
    assert_eq!(events(&agreed_on(&everything(), &better)), Some((102, ClockRate::HZ_48000)));
}

#[test]
fn comfort_noise_is_taken_by_its_static_type_or_a_mapping_where_the_policy_has_it() {
    let with = |lines| both(&agreed_on(&everything(), lines)).comfort_noise;
    assert_eq!(with("m=audio 4000 RTP/AVP 0 13\n"), Some(PayloadType::CN));
    assert_eq!(with("m=audio 4000 RTP/AVP 0 97\na=rtpmap:97 CN/8000\n"), Some(number(97)));
    assert_eq!(with("m=audio 4000 RTP/AVP 0 13\na=rtpmap:13 G726-32/8000\n"), None);
    assert_eq!(with("m=audio 4000 RTP/AVP 111 13\na=rtpmap:111 opus/48000/2\n"), None);
    assert_eq!(with("m=audio 4000 RTP/AVP 0\n"), None);
    assert_eq!(both(&answer_to("m=audio 4000 RTP/AVP 0 13\n").unwrap()).comfort_noise, None);
}

#[test]
fn packets_are_no_longer_than_codec_peer_policy_and_network_allow() {
    for (lines, ms) in [
        ("m=audio 4000 RTP/AVP 111\na=rtpmap:111 opus/48000/2\na=ptime:30\n", 20),
        ("m=audio 4000 RTP/AVP 111\na=rtpmap:111 opus/48000/2\na=ptime:60\n", 60),
        ("m=audio 4000 RTP/AVP 111\na=rtpmap:111 opus/48000/2\na=ptime:60\na=maxptime:50\n", 40),
        ("m=audio 4000 RTP/AVP 111\na=rtpmap:111 opus/48000/2\na=ptime:3\n", 20),
        ("m=audio 4000 RTP/AVP 9\na=ptime:30\n", 30),
        ("m=audio 4000 RTP/AVP 97\na=rtpmap:97 L16/16000\na=ptime:60\n", 40),
        ("m=audio 4000 RTP/AVP 97\na=rtpmap:97 L16/48000\na=ptime:20\n", 10),
    ] {
        assert_eq!(agreed_on(&everything(), lines).ptime, Duration::from_millis(ms), "{lines}");
    }
    let short = CodecPolicy { max_ptime: Duration::from_millis(30), ..everything() };
    let agreed = agreed_on(&short, "m=audio 4000 RTP/AVP 0\na=ptime:60\n");
    assert_eq!(agreed.ptime, Duration::from_millis(30));
    assert!(agreed.local.to_string().contains("a=maxptime:30\r\n"));
}

#[test]
fn an_offer_of_g729_alone_is_refused_by_name() {
    for lines in [
        "m=audio 4000 RTP/AVP 18\n",
        "m=audio 4000 RTP/AVP 18 101\na=rtpmap:18 G729/8000\n",
        "m=audio 4000 RTP/AVP 99\na=rtpmap:99 g729/8000\n",
    ] {
        assert_eq!(answer(&peer(lines), &everything(), &transport()), Err(AnswerError::G729), "{lines}");
    }
    assert_eq!(agreed_on(&everything(), "m=audio 4000 RTP/AVP 18 8\n").codec, Codec::Pcma);
}
