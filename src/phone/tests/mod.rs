//! Whole calls of the phone in virtual time.

mod callee;

use std::time::Duration;

use callee::{Behaviour, Call};
use media::codec::Codec;
use media::dtmf::Digit;
use sip::header::StatusCode;

use super::{CallEnd, Expectation};

#[test]
fn an_echo_is_recorded_and_correlates() {
    let report = Call::new(Behaviour::Echo, |_| {}).run();
    assert!(report.correlation.unwrap() > 0.99, "{report:?}");
    assert!((-23.0..-19.0).contains(&report.rms_dbfs.unwrap()), "{report:?}");
    assert!(report.meets(Expectation::Echo));
}

#[test]
fn a_whole_call_is_counted_to_the_packet() {
    let report = Call::new(Behaviour::Echo, |_| {}).run();
    assert_eq!((report.end, report.codec), (CallEnd::Completed, Some("PCMU")));
    // 180 and 200 come after the way there and back; the first echo as long after the answer.
    assert_eq!((report.setup_ms, report.first_audio_ms), (Some(20), Some(20)));
    assert_eq!((report.packets_sent, report.packets_received, report.lost), (150, 150, 0));
    assert!(report.jitter_ms.unwrap() < 0.2);
}

#[test]
fn the_recording_begins_with_the_answer_and_lasts_as_long_as_the_talk() {
    let mut call = Call::new(Behaviour::Echo, |_| {});
    call.run();
    let recording = call.phone.recording();
    assert!(recording[..160].iter().all(|&sample| sample == 0));
    assert_eq!(recording.len(), 24_000);
}

#[test]
fn the_one_codec_that_is_offered_is_the_one_spoken() {
    let report = Call::new(Behaviour::Echo, |setup| setup.codecs = vec![Codec::Pcma]).run();
    assert_eq!(report.codec, Some("PCMA"));
    assert!(report.correlation.unwrap() > 0.99);
}

#[test]
fn after_the_recording_noise_goes_on_until_the_end() {
    let mut call = Call::new(Behaviour::Mute, |setup| setup.play.truncate(800));
    let report = call.run();
    assert_eq!(report.packets_sent, 150);
    assert_eq!(call.received().len(), 150);
}

#[test]
fn a_far_end_without_a_sound_leaves_no_figures_of_sound() {
    let report = Call::new(Behaviour::Mute, |_| {}).run();
    assert_eq!((report.rms_dbfs, report.correlation, report.first_audio_ms, report.jitter_ms), (None, None, None, None));
    assert!(report.meets(Expectation::Any));
    assert!(!report.meets(Expectation::Speech));
}

#[test]
fn a_refusal_is_reported_with_its_status() {
    let report = Call::new(Behaviour::Refuse(StatusCode::BUSY_HERE), |_| {}).run();
    assert_eq!((report.end, report.setup_ms), (CallEnd::Refused(486), None));
    assert!(!report.meets(Expectation::Any));
}

#[test]
fn a_far_end_that_hangs_up_is_reported() {
    let mut call = Call::new(Behaviour::HangUpAfter(Duration::from_secs(1)), |_| {});
    assert_eq!(call.run().end, CallEnd::RemoteHungUp);
    assert!(call.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_far_end_that_only_rings_is_given_up_when_patience_ends() {
    let mut call = Call::new(Behaviour::Ring, |setup| setup.patience = Duration::from_secs(10));
    assert_eq!(call.run().end, CallEnd::Unanswered);
    assert!(call.elapsed() < Duration::from_secs(11));
}

#[test]
fn a_far_end_that_never_says_anything_is_unreachable() {
    let mut call = Call::new(Behaviour::Ignore, |_| {});
    let report = call.run();
    assert_eq!((report.end, report.end.to_string().as_str()), (CallEnd::Unreachable, "timeout"));
    assert_eq!(call.elapsed(), Duration::from_secs(32));
}

#[test]
fn an_answer_that_cannot_be_agreed_to_ends_the_call() {
    let report = Call::new(Behaviour::Babble, |_| {}).run();
    assert_eq!((report.end, report.setup_ms), (CallEnd::NoAgreement, None));
}

#[test]
fn keys_come_half_a_second_after_the_answer_in_their_order() {
    let mut call = Call::new(Behaviour::Echo, |setup| setup.digits = ['1', '2', '#'].into_iter().filter_map(Digit::new).collect());
    call.run();
    let first = call.received()[0].0.timestamp;
    let pressed = call.received().iter().filter(|(header, _)| header.payload_type.get() == 101 && header.marker);
    let keys: Vec<_> = pressed.map(|(header, payload)| (payload[0], header.timestamp.since(first) / 8)).collect();
    assert_eq!(keys, [(1, 500), (2, 760), (11, 1_020)]);
}

#[test]
fn keys_that_the_far_end_does_not_take_are_not_pressed_and_told() {
    let mut call = Call::new(Behaviour::NoKeys, |setup| setup.digits = Digit::new('1').into_iter().collect());
    assert!(call.run().keys_refused);
    assert!(call.received().iter().all(|(header, _)| header.payload_type.get() == 0));
}

#[test]
fn the_jitter_of_the_way_is_reported() {
    let mut call = Call::new(Behaviour::Echo, |_| {});
    call.jitter = Duration::from_millis(4);
    let jitter = call.run().jitter_ms.unwrap();
    assert!((3.5..4.5).contains(&jitter), "{jitter} ms");
}

#[test]
fn keys_in_the_place_of_audio_do_not_spoil_the_correlation() {
    let report = Call::new(Behaviour::Echo, |setup| setup.digits = ['1', '2', '#'].into_iter().filter_map(Digit::new).collect()).run();
    assert!(report.correlation.unwrap() > 0.99, "{report:?}");
    assert_eq!(report.lost, 0);
}
