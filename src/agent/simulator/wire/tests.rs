//! What each protocol's simulator does not take.

use std::sync::{Arc, Mutex};

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde_json::json;

use super::*;

/// Says these things in turn to a simulator; the code of the first that is refused.
fn refused(protocol: Protocol, messages: &[AgentMessage<'_>]) -> Option<&'static str> {
    let format = AudioFormat::S16 { rate: SampleRate::HZ_16000 };
    let mut wire = of(protocol, format, Arc::new(Mutex::default()));
    let mut out = Outputs::default();
    wire.open(&mut out);
    messages.iter().find_map(|message| match wire.read(*message, 0, &mut out) {
        Ok((_, ClientSays::Settings(settings))) => {
            wire.configured(&settings, &mut out);
            None
        }
        Ok(_) => None,
        Err(refusal) => Some(refusal.code),
    })
}

const fn text(text: &str) -> AgentMessage<'_> {
    AgentMessage::Text(text)
}

const DEEPGRAM: &str = r#"{"type":"Settings","audio":{"input":{"encoding":"mulaw","sample_rate":8000},"output":{"encoding":"mulaw","sample_rate":8000,"container":"none"}},"agent":{"listen":{"provider":{"type":"deepgram","model":"nova-3"}},"think":{"provider":{"type":"open_ai","model":"m"}}}}"#;
const ELEVENLABS: &str = r#"{"type":"conversation_initiation_client_data"}"#;
const GEMINI: &str = r#"{"setup":{"model":"models/m","generationConfig":{"responseModalities":["AUDIO"]}}}"#;
const AURICLE: &str = r#"{"type":"start","version":1,"call_id":"call_1","direction":"inbound","audio":{"encoding":"pcmu","sample_rate":8000},"turns":"agent","greet_first":false}"#;
const LIVE: &str = r#"{"type":"session.start","session":{"model":"m","audio":{"format":{"type":"audio/pcmu","rate":8000}}}}"#;
const CONNECTED: &str = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
const TWILIO: &str = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1","callSid":"CA1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#;

#[test]
fn what_comes_first_has_to_come_first() {
    for (protocol, first, other) in [
        (Protocol::Deepgram, DEEPGRAM, r#"{"type":"ForceEndTurn"}"#),
        (Protocol::ElevenLabs, ELEVENLABS, r#"{"user_audio_chunk":"AAAA"}"#),
        (Protocol::Gemini, GEMINI, r#"{"realtimeInput":{"text":"x"}}"#),
        (Protocol::Auricle, AURICLE, r#"{"type":"turn_ended"}"#),
        (Protocol::GptLive, LIVE, r#"{"type":"session.close"}"#),
    ] {
        assert_eq!(refused(protocol, &[text(first)]), None, "{protocol:?}");
        assert_eq!(refused(protocol, &[text(other)]), Some("out_of_order"), "{protocol:?}");
        assert!(refused(protocol, &[text(first), text(first)]).is_some(), "{protocol:?}");
        assert_eq!(refused(protocol, &[text(first), text(r#"{"type":"novelty"}"#)]), Some("unknown_parameter"), "{protocol:?}");
    }
}

#[test]
fn a_key_that_the_service_does_not_know_is_refused() {
    for (protocol, message) in [
        (Protocol::Deepgram, DEEPGRAM.replace("\"agent\":{", "\"agent\":{\"greating\":\"x\",")),
        (Protocol::ElevenLabs, ELEVENLABS.replace("data\"", "data\",\"voice\":1")),
        (Protocol::Gemini, GEMINI.replace("\"model\":", "\"generation_config\":{},\"model\":")),
        (Protocol::Auricle, AURICLE.replace("\"version\":1", "\"version\":1,\"x\":1")),
        (Protocol::GptLive, LIVE.replace("\"model\"", "\"turn_detection\":null,\"model\"")),
        (Protocol::VoiceLive, r#"{"type":"session.update","session":{"audio":{}}}"#.to_owned()),
        (Protocol::OpenAi, r#"{"type":"session.update","session":{"type":"realtime","input_audio_format":"pcm16"}}"#.to_owned()),
        (Protocol::Twilio, TWILIO.replace("\"event\"", "\"stream\":1,\"event\"")),
    ] {
        let code = refused(protocol, &[text(CONNECTED), text(&message)][usize::from(protocol != Protocol::Twilio)..]);
        assert_eq!(code, Some("unknown_parameter"), "{protocol:?}");
    }
}

#[test]
fn a_call_that_is_asked_for_is_read_to_its_last_key_and_its_messages_too() {
    let door = Door { url: "ws://127.0.0.1:1".into(), token: "t".into() };
    let call = r#"{"firstSpeakerSettings":{"user":{}},"medium":{"serverWebSocket":{"inputSampleRate":8000,"outputSampleRate":8000,"clientBufferSizeMs":30000,"dataMessages":{"state":true}}}}"#;
    let asked = |text: &str| {
        let mut wire = of(Protocol::Ultravox, AudioFormat::Ulaw8k, Arc::new(Mutex::default()));
        wire.arrange(text, &door).map(|(answer, _)| (wire, answer)).map_err(|refusal| refusal.code)
    };
    for (wrong, code) in [
        (call.replace("\"state\"", "\"stat\""), "unknown_parameter"),
        (call.replace("\"medium\"", "\"temperatur\":0,\"medium\""), "unknown_parameter"),
        (call.replace("inputSampleRate", "input_sample_rate"), "unknown_parameter"),
        (call.replace("30000", "60"), "not_taken"),
        (call.replace("\"user\":{}", "\"user\":{},\"agent\":{}"), "not_taken"),
        (call.replace(":8000", ":8001"), "invalid_value"),
        ("{}".to_owned(), "invalid_value"),
    ] {
        assert_eq!(asked(&wrong).err(), Some(code), "{wrong}");
    }
    let (mut wire, answer) = asked(call).expect("it is taken");
    assert_eq!(answer["joinUrl"], "ws://127.0.0.1:1/calls/t");
    let mut out = Outputs::default();
    let mut told = |message: AgentMessage<'_>| wire.read(message, 0, &mut out).err().map(|refusal| refusal.code);
    for (message, code) in [
        (text(r#"{"type":"ping","timestamp":20}"#), None),
        (text(r#"{"type":"user_text_message","text":"x","urgency":"later"}"#), None),
        (text(r#"{"type":"user_text_message","text":"x","urgency":"never"}"#), Some("unknown_parameter")),
        (text(r#"{"type":"user_text_message","text":"x","defer":true}"#), Some("unknown_parameter")),
        (text(r#"{"type":"forced_agent_message","content":""}"#), Some("not_taken")),
        (text(r#"{"type":"client_tool_result","invocationId":"t","agentReaction":"sings","result":""}"#), Some("not_taken")),
        (text(r#"{"type":"client_tool_result","invocationId":"t"}"#), Some("not_taken")),
        (AgentMessage::Binary(&[0; 320]), None),
        (AgentMessage::Binary(&[0; 321]), Some("not_taken")),
    ] {
        assert_eq!(told(message), code, "{message:?}");
    }
    let not_asked = refused(Protocol::Ultravox, &[AgentMessage::Binary(&[0; 320])]);
    assert_eq!(not_asked, Some("out_of_order"));
}

#[test]
fn a_bot_is_started_with_the_names_of_its_call() {
    let door = Door { url: "ws://127.0.0.1:1".into(), token: "t".into() };
    let start = r#"{"transport":"websocket","body":{"dialin_settings":{"call_id":"c","call_domain":"d"},"practice":"north"}}"#;
    let asked = |text: &str| {
        let mut wire = of(Protocol::Pipecat, AudioFormat::Ulaw8k, Arc::new(Mutex::default()));
        wire.arrange(text, &door).map(|(answer, _)| answer).map_err(|refusal| refusal.code)
    };
    let answer = asked(start).expect("it is taken");
    assert_eq!((&answer["wsUrl"], &answer["token"]), (&json!("ws://127.0.0.1:1/ws/generic/bot.simulator"), &json!("t")));
    for (wrong, code) in [
        (start.replace("websocket", "daily"), "not_taken"),
        (start.replace("call_id", "callId"), "not_taken"),
        (start.replace("north", &"x".repeat(4_100)), "not_taken"),
        (start.replace("\"transport\"", "\"region\":\"eu\",\"transport\""), "unknown_parameter"),
    ] {
        assert_eq!(asked(&wrong).err(), Some(code), "{wrong}");
    }
}

#[test]
fn a_bot_in_a_room_is_started_with_a_place_for_its_caller_and_a_way_back() {
    let door = Door { url: "ws://127.0.0.1:1".into(), token: "t".into() };
    let start = r#"{"transport":"daily","createDailyRoom":true,"dailyRoomProperties":{"sip":{"display_name":"x","sip_mode":"dial-in","num_endpoints":1}},"body":{"dialin_settings":{"call_id":"c","call_domain":"d"},"daily_api_key":"k","daily_api_url":"https://a.example"}}"#;
    let asked = |text: &str| {
        let mut wire = of(Protocol::Daily, AudioFormat::Ulaw8k, Arc::new(Mutex::default()));
        wire.arrange(text, &door).map(|(answer, _)| answer).map_err(|refusal| refusal.code)
    };
    assert!(asked(start).expect("it is taken")["dailyRoom"].is_string());
    for (wrong, code) in [
        (start.replace("true", "false"), "not_taken"),
        (start.replace("\"num_endpoints\":1", "\"num_endpoints\":2"), "not_taken"),
        (start.replace("daily_api_key", "api_key"), "not_taken"),
        (start.replace("call_domain", "callDomain"), "not_taken"),
        (start.replace("display_name", "displayName"), "unknown_parameter"),
    ] {
        assert_eq!(asked(&wrong).err(), Some(code), "{wrong}");
    }
}

#[test]
fn a_carriers_messages_are_counted_and_its_frames_measured() {
    let media = |sequence: u32, chunk: u32, at: u32, bytes: usize| {
        let payload = base64_simd::STANDARD.encode_to_string(vec![0; bytes]);
        format!(
            r#"{{"event":"media","sequenceNumber":"{sequence}","streamSid":"MZ1","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{at}","payload":"{payload}"}}}}"#
        )
    };
    let after_start = |messages: &[String]| {
        let all: Vec<_> = [CONNECTED, TWILIO].into_iter().chain(messages.iter().map(String::as_str)).map(text).collect();
        refused(Protocol::Twilio, &all)
    };
    assert_eq!(after_start(&[media(2, 1, 0, 160), media(3, 2, 20, 160)]), None);
    for wrong in [media(3, 1, 0, 160), media(2, 2, 0, 160), media(2, 1, 20, 160), media(2, 1, 0, 80)] {
        assert_eq!(after_start(&[wrong]), Some("not_taken"));
    }
    assert_eq!(after_start(&[media(2, 1, 0, 160).replace("MZ1", "MZ2")]), Some("not_taken"));
    assert_eq!(after_start(&[r#"{"event":"mark","sequenceNumber":"2","streamSid":"MZ1","mark":{"name":"u1"}}"#.into()]), Some("not_taken"));
    assert_eq!(after_start(&[r#"{"event":"hangup","sequenceNumber":"2"}"#.into()]), Some("unknown_event"));
    assert_eq!(refused(Protocol::Twilio, &[text(TWILIO)]), Some("not_taken"), "connected comes first");
}

#[test]
fn more_than_was_sent_cannot_have_been_played() {
    let mut wire = of(Protocol::Auricle, AudioFormat::Ulaw8k, Arc::new(Mutex::default()));
    let mut out = Outputs::default();
    let mut told =
        |wire: &mut Box<dyn Wire>, message: &str| wire.read(AgentMessage::Text(message), 0, &mut out).err().map(|refusal| refusal.code);
    assert_eq!(told(&mut wire, AURICLE), None);
    let mut spoken = Outputs::default();
    wire.begin("words", &mut spoken);
    wire.say(&[0xFF; 800], &mut spoken);
    assert_eq!(told(&mut wire, r#"{"type":"playback","item":"u1","played_ms":60,"state":"progress"}"#), None);
    assert_eq!(told(&mut wire, r#"{"type":"playback","item":"u1","played_ms":101,"state":"cleared"}"#), Some("not_taken"));
    assert_eq!(told(&mut wire, r#"{"type":"playback","item":"u1","played_ms":100,"state":"cleared"}"#), None);
    assert_eq!(told(&mut wire, r#"{"type":"playback","item":"u1","played_ms":100,"state":"cleared"}"#), Some("not_taken"));
    assert_eq!(told(&mut wire, r#"{"type":"playback","item":"u9","played_ms":0,"state":"started"}"#), Some("invalid_value"));
}

#[test]
fn audio_of_half_a_sample_or_another_length_of_frame_is_refused() {
    let vonage = r#"{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}"#;
    let jambonz = r#"{"callSid":"CA1","sampleRate":8000,"mixType":"mono"}"#;
    for (protocol, first, wrong) in [
        (Protocol::Vonage, vonage, 320),
        (Protocol::Jambonz, jambonz, 640),
        (Protocol::Deepgram, &*DEEPGRAM.replace("mulaw", "linear16"), 3),
    ] {
        assert_eq!(refused(protocol, &[text(first), AgentMessage::Binary(&vec![0; wrong])]), Some("not_taken"), "{protocol:?}");
    }
    assert_eq!(refused(Protocol::Pipecat, &[AgentMessage::Binary(&[0xFF])]), Some("invalid_value"));
    assert_eq!(refused(Protocol::Pipecat, &[text("{}")]), Some("invalid_value"));
}
