//! Later offers of a dialog, theirs and ours (RFC 3264 §8).

use super::*;

const FIRST: &str = "m=audio 4000 RTP/AVP 0 8 9 101\na=rtpmap:101 telephone-event/8000\n";

fn policy() -> CodecPolicy {
    CodecPolicy::new(vec![Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma])
}

fn first(lines: &str) -> Negotiated {
    answer(&peer(lines), &policy(), &transport()).unwrap()
}

fn again(current: &Negotiated, lines: &str) -> Negotiated {
    reanswer(current, &peer(lines), &policy(), &transport()).unwrap()
}

#[test]
fn the_version_goes_up_by_one_when_our_description_changes_and_only_then() {
    let mut current = first(FIRST);
    for (lines, version) in [
        (FIRST, 1),
        ("m=audio 4002 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n", 1),
        ("m=audio 4002 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\na=sendonly\n", 2),
        (FIRST, 3),
        ("m=audio 4000 RTP/AVP 9\n", 4),
        ("m=audio 4000 RTP/AVP 9\na=ptime:40\n", 5),
        ("m=audio 4000 RTP/AVP 9\na=ptime:40\n", 5),
    ] {
        current = again(&current, lines);
        let origin = current.local.origin;
        assert_eq!((origin.session_id, origin.session_version), (7_001, version), "{lines}");
    }
}

#[test]
fn codec_packet_time_and_payload_types_change_with_the_offer() {
    let current = first(FIRST);
    let changed = again(&current, "m=audio 4000 RTP/AVP 97 99\na=rtpmap:97 opus/48000/2\na=rtpmap:99 telephone-event/48000\na=ptime:60\n");
    assert_eq!((changed.codec, both(&changed).audio), (Codec::Opus, number(97)));
    assert_eq!((changed.ptime, events(&changed)), (Duration::from_millis(60), Some((99, ClockRate::HZ_48000))));
}

#[test]
fn hold_and_its_end_are_answered_in_every_form() {
    let mut current = first(FIRST);
    for (lines, send, receive) in [
        ("a=sendonly\n", false, true),
        ("a=inactive\n", false, false),
        ("c=IN IP4 0.0.0.0\n", false, true),
        ("c=IN IP4 0.0.0.0\na=sendonly\n", false, true),
        ("a=recvonly\n", true, false),
        ("a=sendrecv\n", true, true),
    ] {
        current = again(&current, &format!("m=audio 4000 RTP/AVP 0\n{lines}"));
        assert_eq!((current.send, current.receive), (send, receive), "{lines}");
    }
}

#[test]
fn who_holds_does_not_come_off_hold_by_the_peers_offer() {
    let holding = TransportPolicy { direction: Direction::SendOnly, ..transport() };
    let current = first(FIRST);
    for (lines, answered) in [
        ("", Direction::SendOnly),
        ("a=sendonly\n", Direction::Inactive),
        ("a=recvonly\n", Direction::SendOnly),
        ("a=inactive\n", Direction::Inactive),
    ] {
        let agreed = reanswer(&current, &peer(&format!("{FIRST}{lines}")), &policy(), &holding).unwrap();
        assert_eq!(agreed.local.direction_of(&agreed.local.media[0]), answered, "{lines}");
        assert!(!agreed.receive);
    }
}

#[test]
fn our_later_offer_keeps_every_medium_in_its_place() {
    let current = first("m=video 4002 RTP/AVP 99\nm=audio 4000 RTP/AVPF 0\nm=audio 4004 RTP/AVP 0\nm=image 4006 udptl t38\n");
    let offered = reoffer(&current, &policy(), &transport(), Keys::Keep);
    let lines: Vec<_> = offered.media.iter().map(|media| (media.kind.as_str(), media.port, media.protocol.as_str())).collect();
    assert_eq!(lines, [("video", 0, "RTP/AVP"), ("audio", 16_384, "RTP/AVPF"), ("audio", 0, "RTP/AVP"), ("image", 0, "udptl")]);
    let answered = peer("m=video 0 RTP/AVP 99\nm=audio 4000 RTP/AVPF 9\nm=audio 0 RTP/AVP 0\nm=image 0 udptl t38\n");
    assert_eq!(accept(&offered, &answered, &policy(), &transport()).unwrap().codec, Codec::G722);
}

#[test]
fn payload_types_in_use_keep_their_meaning_in_our_later_offers() {
    let current = first("m=audio 4000 RTP/AVP 96 97\na=rtpmap:96 telephone-event/48000\na=rtpmap:97 opus/48000/2\n");
    let offered = reoffer(&current, &policy(), &transport(), Keys::Keep);
    let media = &offered.media[0];
    let name = |number| media.rtpmap(PayloadType::new(number).unwrap()).map(|map| (map.name.as_str(), map.clock_rate));
    assert_eq!(media.formats, ["97", "9", "0", "8", "96", "101"]);
    assert_eq!(name(97), Some(("opus", ClockRate::HZ_48000)));
    assert_eq!(name(96), Some(("telephone-event", ClockRate::HZ_48000)));
    // Where the peer has given a number that we would give to something else, that gets another.
    let current = first("m=audio 4000 RTP/AVP 101\na=rtpmap:101 PCMU/8000\n");
    let offered = reoffer(&current, &policy(), &transport(), Keys::Keep);
    assert_eq!(offered.media[0].formats, ["96", "9", "101", "8", "97", "98"]);
}

#[test]
fn our_hold_and_resume_change_version_and_direction_and_nothing_else() {
    let current = first("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n");
    let holding = TransportPolicy { direction: Direction::SendOnly, ..transport() };
    let hold = reoffer(&current, &policy(), &holding, Keys::Keep);
    assert_eq!((hold.origin.session_version, hold.direction_of(&hold.media[0])), (2, Direction::SendOnly));
    let held = accept(&hold, &peer("m=audio 4000 RTP/AVP 0\na=recvonly\n"), &policy(), &holding).unwrap();
    assert_eq!((held.send, held.receive), (true, false));
    let same = reoffer(&held, &policy(), &holding, Keys::Keep);
    assert_eq!(same.origin.session_version, 2, "nothing has changed");
    let resume = reoffer(&held, &policy(), &transport(), Keys::Keep);
    assert_eq!(resume.origin.session_version, 3);
    let resumed = accept(&resume, &peer("m=audio 4000 RTP/AVP 0\n"), &policy(), &transport()).unwrap();
    assert!(resumed.send && resumed.receive);
}

#[test]
fn an_offer_that_cannot_be_agreed_to_leaves_what_is_agreed_alone() {
    let current = first(FIRST);
    let refused = reanswer(&current, &peer("m=audio 4000 RTP/AVP 18\n"), &policy(), &transport());
    assert_eq!(refused, Err(AnswerError::G729));
    assert_eq!(again(&current, FIRST).local, current.local);
}
