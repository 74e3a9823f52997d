//! The gateway as a carrier that speaks JSON: Twilio, Telnyx, Plivo, Exotel.

use std::time::Duration;

use base64_simd::STANDARD;
use media::egress::MarkId;
use media::frame::{AudioFormat, ItemId};
use serde_json::{Value, json};

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, WireFormat};
use crate::agent::model::{AgentCommand, AgentEvent, ClearCause, ClearScope, Handover};

fn config(protocol: Protocol, format: WireFormat) -> AgentConfig {
    AgentConfig {
        protocol,
        format,
        tell_numbers: true,
        parameters: [("practice".to_owned(), "north".to_owned())].into(),
        account: Some("AC1".into()),
        ..AgentConfig::at("wss://bot.example/ws")
    }
}

fn open(protocol: Protocol, format: WireFormat) -> Line {
    let mut line = Line::new(&config(protocol, format));
    line.connect();
    line
}

/// One that has said what comes first.
fn begun(protocol: Protocol, format: WireFormat) -> Line {
    let mut line = open(protocol, format);
    line.sent.clear();
    line.events.clear();
    line
}

/// What stands in a message, told apart from names that follow from the call.
fn at<'a>(message: &'a Value, path: &str) -> &'a Value {
    message.pointer(path).unwrap_or_else(|| panic!("{path} is not in {message}"))
}

fn events(line: &Line) -> Vec<&AgentEvent<'static>> {
    line.events.iter().filter_map(|heard| if let Heard::Event(event) = heard { Some(event) } else { None }).collect()
}

fn marks_asked_for(line: &Line) -> Vec<MarkId> {
    let asked = |event: &&AgentEvent<'static>| if let AgentEvent::MarkRequest { mark } = event { Some(*mark) } else { None };
    events(line).iter().filter_map(asked).collect()
}

#[test]
fn twilio_tells_of_the_call_before_any_audio_and_is_ready_at_once() {
    let mut line = Line::new(&config(Protocol::Twilio, WireFormat::Pcmu));
    line.push(AudioFormat::Ulaw8k, &[7; 160]);
    line.connect();
    let kinds: Vec<_> = line.sent.iter().map(|message| message["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["connected", "start", "media"]);
    assert_eq!(line.sent[0], json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}));
    let start = &line.sent[1];
    let (stream, call) = (at(start, "/streamSid"), at(start, "/start/callSid"));
    assert!(stream.as_str().unwrap().starts_with("MZ") && call.as_str().unwrap().starts_with("CA"));
    assert_eq!(
        *start,
        json!({"event": "start", "sequenceNumber": "1", "streamSid": stream, "start": {"accountSid": "AC1", "streamSid": stream,
            "callSid": call, "tracks": ["inbound"], "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"from_number": "+15550100", "practice": "north", "to_number": "+15550199"}}})
    );
    let payload = STANDARD.encode_to_string([7; 160]);
    assert_eq!(
        line.sent[2],
        json!({"event": "media", "sequenceNumber": "2", "streamSid": stream,
            "media": {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload}})
    );
    assert!(matches!(events(&line)[0], AgentEvent::Ready { expires_in: None, .. }));
}

#[test]
fn numbers_are_told_only_where_the_configuration_says_so() {
    let quiet = AgentConfig { tell_numbers: false, ..config(Protocol::Twilio, WireFormat::Pcmu) };
    let mut line = Line::new(&quiet);
    line.connect();
    assert_eq!(*at(&line.sent[1], "/start/customParameters"), json!({"practice": "north"}));
    for protocol in [Protocol::Telnyx, Protocol::Exotel] {
        let format = if protocol == Protocol::Telnyx { WireFormat::Pcmu } else { WireFormat::Pcm8k };
        let mut line = Line::new(&AgentConfig { tell_numbers: false, ..config(protocol, format) });
        line.connect();
        assert!(!serde_json::to_string(&line.sent).unwrap().contains("5550"), "{protocol:?}");
    }
}

#[test]
fn the_callers_audio_is_cut_into_the_frames_that_each_expects() {
    for (protocol, format, frame, first) in [
        (Protocol::Twilio, WireFormat::Pcmu, 160, "20"),
        (Protocol::Telnyx, WireFormat::Pcm16k, 640, "20"),
        (Protocol::Plivo, WireFormat::Pcmu, 160, "20"),
        (Protocol::Exotel, WireFormat::Pcm8k, 1_600, "100"),
    ] {
        let mut line = begun(protocol, format);
        // 30 ms at a time, as a telephone may send them.
        let packet = vec![5; frame / if protocol == Protocol::Exotel { 10 } else { 2 } * 3];
        for _ in 0..20 {
            line.push(AudioFormat::from(format), &packet);
        }
        let frames: Vec<_> =
            line.sent.iter().map(|message| STANDARD.decode_to_vec(at(message, "/media/payload").as_str().unwrap()).unwrap()).collect();
        assert_eq!(frames.len(), 20 * packet.len() / frame, "{protocol:?}");
        assert!(frames.iter().all(|audio| audio.len() == frame), "{protocol:?}");
        assert_eq!(at(&line.sent[1], "/media/timestamp"), first, "{protocol:?}");
    }
}

#[test]
fn marks_come_back_in_order_whether_played_or_cleared() {
    for (protocol, format) in
        [(Protocol::Twilio, WireFormat::Pcmu), (Protocol::Telnyx, WireFormat::Pcma), (Protocol::Exotel, WireFormat::Pcm8k)]
    {
        let mut line = begun(protocol, format);
        for name in ["a", "b", "c"] {
            line.hear(r#"{"event":"media","media":{"payload":"AAAAAAAA"}}"#);
            line.hear(&format!(r#"{{"event":"mark","mark":{{"name":"{name}"}}}}"#));
        }
        let asked = marks_asked_for(&line);
        assert_eq!(asked.len(), 3);
        assert!(asked.is_sorted() && asked.windows(2).all(|pair| pair[0] != pair[1]));
        line.hear(r#"{"event":"clear"}"#);
        assert!(matches!(events(&line).last(), Some(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::Bot })));
        for (mark, cleared) in [(asked[0], false), (asked[1], true), (asked[2], true), (MarkId(9_999), false)] {
            line.command(AgentCommand::MarkReached { mark, cleared });
        }
        let back: Vec<_> = line.sent.iter().map(|message| (at(message, "/event").clone(), at(message, "/mark/name").clone())).collect();
        assert_eq!(back, ["a", "b", "c"].map(|name| (json!("mark"), json!(name))), "{protocol:?}");
    }
}

#[test]
fn an_utterance_lasts_to_a_clear_or_to_a_mark_behind_which_nothing_came() {
    let mut line = begun(Protocol::Twilio, WireFormat::Pcmu);
    let media = r#"{"event":"media","media":{"payload":"/////w=="}}"#;
    let items = |line: &mut Line| -> Vec<ItemId> {
        line.take_events().iter().filter_map(|heard| if let Heard::Audio(item, _) = heard { Some(*item) } else { None }).collect()
    };
    line.hear(media);
    line.hear(media);
    let first = items(&mut line);
    assert_eq!(first[0], first[1]);
    line.hear(r#"{"event":"clear"}"#);
    line.hear(media);
    line.hear(r#"{"event":"mark","mark":{"name":"m"}}"#);
    let mark = marks_asked_for(&line)[0];
    let second = items(&mut line);
    assert_ne!(second[0], first[0]);
    line.command(AgentCommand::MarkReached { mark, cleared: false });
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::AudioEnd { item: second[0] })]);
    line.hear(media);
    assert_ne!(items(&mut line)[0], second[0]);
}

#[test]
fn keys_and_the_end_are_told_as_each_writes_them() {
    let told = |protocol, format| {
        let mut line = begun(protocol, format);
        line.command(AgentCommand::Dtmf { digit: '5', duration: Duration::from_millis(80) });
        line.command(AgentCommand::Close);
        line.sent.clone()
    };
    let twilio = told(Protocol::Twilio, WireFormat::Pcmu);
    assert_eq!(twilio[0]["dtmf"], json!({"track": "inbound_track", "digit": "5"}));
    assert_eq!((&twilio[1]["event"], &twilio[1]["stop"]["accountSid"]), (&json!("stop"), &json!("AC1")));
    assert_eq!((&twilio[0]["sequenceNumber"], &twilio[1]["sequenceNumber"]), (&json!("2"), &json!("3")));
    let telnyx = told(Protocol::Telnyx, WireFormat::Pcmu);
    assert_eq!((&telnyx[0]["dtmf"], &telnyx[0]["occurred_at"]), (&json!({"digit": "5"}), &json!("2026-11-18T11:06:40.000Z")));
    assert_eq!(telnyx[1]["stop"]["user_id"], "AC1");
    let exotel = told(Protocol::Exotel, WireFormat::Pcm8k);
    assert_eq!((&exotel[0]["dtmf"], &exotel[1]["stop"]["reason"]), (&json!({"digit": "5", "duration": "80"}), &json!("callended")));
    let plivo = told(Protocol::Plivo, WireFormat::Pcmu);
    assert_eq!(plivo.len(), 1, "its socket closes, and that is all");
    assert_eq!(plivo[0]["dtmf"], json!({"track": "inbound", "digit": "5", "timestamp": "0"}));
}

#[test]
fn telnyx_and_exotel_write_with_underscores_and_plivo_begins_with_start() {
    let telnyx = open(Protocol::Telnyx, WireFormat::Pcm16k);
    assert_eq!(telnyx.sent[0], json!({"event": "connected", "version": "1.0.0"}));
    assert_eq!(telnyx.sent[1]["stream_id"].as_str().unwrap().len(), 34);
    assert_eq!(telnyx.sent[1]["start"]["media_format"], json!({"encoding": "L16", "sample_rate": 16000, "channels": 1}));
    assert_eq!((&telnyx.sent[1]["start"]["from"], &telnyx.sent[1]["start"]["to"]), (&json!("+15550100"), &json!("+15550199")));
    let exotel = open(Protocol::Exotel, WireFormat::Pcm16k);
    assert_eq!(exotel.sent[1]["start"]["media_format"], json!({"encoding": "audio/x-raw", "sample_rate": "16000", "bit_rate": "256kbps"}));
    assert_eq!(exotel.sent[1]["start"]["custom_parameters"], "practice=north");
    let plivo = open(Protocol::Plivo, WireFormat::Pcm8k);
    assert_eq!((plivo.sent.len(), &plivo.sent[0]["event"]), (1, &json!("start")));
    assert_eq!(plivo.sent[0]["start"]["mediaFormat"], json!({"encoding": "audio/x-l16", "sampleRate": 8000}));
    assert_eq!(plivo.sent[0]["extra_headers"], "practice=north,from=+15550100,to=+15550199");
}

#[test]
fn plivo_takes_audio_of_the_agreed_format_alone_and_answers_a_clear() {
    let mut line = begun(Protocol::Plivo, WireFormat::Pcmu);
    line.hear(r#"{"event":"playAudio","media":{"contentType":"audio/x-mulaw","sampleRate":"8000","payload":"AAAA"}}"#);
    assert!(matches!(&line.take_events()[..], [Heard::Audio(_, audio)] if audio.len() == 3));
    line.hear(r#"{"event":"playAudio","media":{"contentType":"audio/x-l16","sampleRate":16000,"payload":"AAAA"}}"#);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Warning { code: "audio_format_not_agreed".into() })]);
    line.hear(r#"{"event":"checkpoint","name":"played"}"#);
    line.hear(r#"{"event":"checkpoint","name":"cleared"}"#);
    line.hear(r#"{"event":"clearAudio"}"#);
    let asked = marks_asked_for(&line);
    line.command(AgentCommand::MarkReached { mark: asked[0], cleared: false });
    line.command(AgentCommand::MarkReached { mark: asked[1], cleared: true });
    let said: Vec<_> = line.sent.iter().map(|message| (message["event"].clone(), message["name"].clone())).collect();
    assert_eq!(said, [(json!("clearedAudio"), Value::Null), (json!("playedStream"), json!("played"))]);
    line.take_events();
    line.hear(r#"{"event":"sendDTMF","dtmf":"12#"}"#);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::SendDtmf { digits: "12#".into() })]);
}

#[test]
fn what_a_bot_gets_wrong_is_counted_or_warned_of_and_the_call_goes_on() {
    let mut line = begun(Protocol::Twilio, WireFormat::Pcmu);
    line.hear(r#"{"event":"media","streamSid":"MZ00000000000000000000000000000000","media":{"payload":"AAAA"}}"#);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Warning { code: "foreign_stream".into() })]);
    for wrong in [r#"{"event":"media"}"#, r#"{"event":"mark"}"#, r#"{"event":"media","media":{"payload":"%%%"}}"#, "{", "[]"] {
        line.hear(wrong);
    }
    line.hear(r#"{"event":"novelty"}"#);
    line.hear_bytes(&[1, 2, 3]);
    let stats = line.session.stats().adapter;
    assert_eq!((stats.malformed_messages, stats.unknown_events), (5, 2));
    line.hear(r#"{"event":"media","media":{"payload":"AAAA"}}"#);
    assert!(matches!(&line.take_events()[..], [Heard::Audio(..)]));
}

#[test]
fn a_bot_that_closes_has_hung_up_and_one_that_is_cut_off_is_dialled_again() {
    for (code, hung_up, again) in
        [(Some(1000), true, false), (Some(1005), true, false), (Some(1008), false, false), (Some(1001), false, true), (None, false, true)]
    {
        let mut line = begun(Protocol::Twilio, WireFormat::Pcmu);
        let now = line.now;
        let closed = line.session.handle_closed(now, code);
        assert_eq!((closed.hung_up, closed.retryable), (hung_up, again), "{code:?}");
    }
}

#[test]
fn the_next_connection_of_a_call_is_another_stream_and_numbers_its_marks_on() {
    let config = config(Protocol::Twilio, WireFormat::Pcmu);
    let mut line = Line::new(&config);
    line.connect();
    line.hear(r#"{"event":"mark","mark":{"name":"m"}}"#);
    let (first, mark) = (line.sent[1].clone(), marks_asked_for(&line)[0]);
    let mut next = Line { session: line.session.successor(&config, Handover::default(), line.session.next_item()), ..Line::new(&config) };
    next.connect();
    next.hear(r#"{"event":"mark","mark":{"name":"m"}}"#);
    assert_eq!(next.sent[1]["start"]["callSid"], first["start"]["callSid"]);
    assert_ne!(next.sent[1]["streamSid"], first["streamSid"]);
    assert!(marks_asked_for(&next)[0] > mark);
}
