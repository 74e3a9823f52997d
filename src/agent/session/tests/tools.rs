//! Tools as providers are told of them, calls of them that are beyond all measure, and times of words.

use base64_simd::STANDARD;
use media::frame::ItemId;
use serde_json::{Value, json};

use super::*;
use crate::agent::config::{Protocol, TurnDetection};
use crate::agent::model::{BargeInCause, SpeechEdge};
use crate::agent::tools::{BuiltIn, OwnTool};
use crate::domain::redacted::Redacted;

/// An agent that may press keys and ask for free times.
fn with_tools(protocol: Protocol) -> AgentConfig {
    let mut config = AgentConfig { protocol, model: Some("m".into()), ..pcmu() };
    config.tools.built_in.push(BuiltIn::SendDtmf);
    let parameters = json!({"type": "object", "properties": {"day": {"type": "string"}}});
    let (name, description) = ("free_times".to_owned(), "Free times.".to_owned());
    config.tools.own.push(OwnTool { name, description, url: "https://practice.example/".to_owned(), parameters, ..OwnTool::default() });
    config
}

/// What is said to a provider until it takes our settings.
fn opening(config: &AgentConfig, first: &str) -> Vec<Value> {
    let mut line = Line::new(config);
    line.connect();
    line.hear(first);
    line.sent
}

#[test]
fn each_provider_is_told_of_the_tools_in_its_own_way() {
    let names = |tools: &Value| tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let both = ["send_dtmf", "free_times"];
    let openai = &opening(&with_tools(Protocol::OpenAi), "{}")[0]["session"]["tools"];
    assert_eq!((names(openai), &openai[1]["type"]), (both.map(str::to_owned).to_vec(), &json!("function")));
    assert_eq!(openai[1]["parameters"]["properties"]["day"]["type"], "string");
    let deepgram = &opening(&with_tools(Protocol::Deepgram), r#"{"type":"Welcome","request_id":"r"}"#)[0]["agent"]["think"]["functions"];
    assert_eq!(names(deepgram), both);
    let gemini = AgentConfig { format: WireFormat::Pcm24k, ..with_tools(Protocol::Gemini) };
    let gemini = &opening(&gemini, "{}")[0]["setup"]["tools"][0]["functionDeclarations"];
    assert_eq!((names(gemini), &gemini[1]["parametersJsonSchema"]["type"]), (both.map(str::to_owned).to_vec(), &json!("object")));
    let ultravox = AgentConfig { format: WireFormat::Pcm8k, ..with_tools(Protocol::Ultravox) };
    let ultravox: Value = serde_json::from_str(&Line::new(&ultravox).session.invitation(&ultravox).unwrap()).unwrap();
    let told: Vec<_> = ultravox["selectedTools"].as_array().unwrap().iter().map(|tool| &tool["temporaryTool"]).collect();
    assert_eq!(told.iter().map(|tool| &tool["modelToolName"]).collect::<Vec<_>>(), both);
    assert_eq!(
        (&told[1]["dynamicParameters"], &told[1]["client"]),
        (&json!([{"name": "day", "location": "PARAMETER_LOCATION_BODY", "schema": {"type": "string"}, "required": false}]), &json!({}))
    );
    let own = &opening(&with_tools(Protocol::Auricle), "{}")[0]["tools"];
    assert_eq!(names(own), both);
    assert_eq!(opening(&pcmu(), "{}")[0]["session"].get("tools"), None, "nothing is said where there are none");
}

#[test]
fn a_tool_call_beyond_all_measure_is_told_of_and_not_kept() {
    let unfit = [Heard::Event(AgentEvent::ToolCallUnfit)];
    let long = "x".repeat(20_000);
    let mut line = Line::ready(&pcmu());
    line.hear(&format!(
        r#"{{"type":"response.function_call_arguments.done","event_id":"e","response_id":"r","item_id":"i","output_index":0,"call_id":"c","name":"n","arguments":"{long}"}}"#
    ));
    assert_eq!(line.take_events(), unfit);
    let mut line = Line::new(&AgentConfig { protocol: Protocol::Auricle, ..pcmu() });
    line.connect();
    line.hear(r#"{"type":"ready"}"#);
    line.take_events();
    for text in [
        json!({"type": "tool_call", "call_id": long, "name": "n"}),
        json!({"type": "tool_call", "call_id": "", "name": "n"}),
        json!({"type": "tool_call", "call_id": "1", "name": long}),
        json!({"type": "tool_call", "call_id": "1", "name": "n", "arguments": {"a": long}}),
    ] {
        line.hear(&text.to_string());
        assert_eq!(line.take_events(), unfit, "{:.60}", text.to_string());
    }
    line.hear(r#"{"type":"tool_call","call_id":"1","name":"n"}"#);
    let call = AgentEvent::ToolCall { call_id: "1".into(), name: "n".into(), arguments: Redacted::new("{}".into()) };
    assert_eq!(line.take_events(), [Heard::Event(call)]);
}

#[test]
fn a_service_that_is_to_spare_interruptions_is_interrupted_by_the_gateway_alone() {
    let turn_detection =
        TurnDetection::Both { threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500, doubt_ms: 700, confirm_speech_ms: 400 };
    let config = AgentConfig { turn_detection, ..pcmu() };
    assert_eq!(config.faults(), []);
    let turns = &opening(&config, "{}")[0]["session"]["audio"]["input"]["turn_detection"].clone();
    assert_eq!(
        (&turns["interrupt_response"], &turns["create_response"], &turns["type"]),
        (&json!(false), &json!(true), &json!("server_vad"))
    );
    let mut line = Line::ready(&config);
    line.hear(&response_created("resp_1"));
    line.hear(&delta("resp_1", "item_1", &[1; 80]));
    line.take_events();
    line.hear(SPEECH_STARTED);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms: 1240 })]);
    line.hear(&delta("resp_1", "item_1", &[2; 80]));
    assert_eq!(line.take_events(), [Heard::Audio(ItemId(1), vec![2; 80])], "it speaks on");
    line.command(AgentCommand::BargeIn(BargeInCause::LocalVad));
    assert_eq!(line.sent.last().map(|message| &message["type"]), Some(&json!("response.cancel")));
}

#[test]
fn characters_have_their_times_counted_from_the_utterances_first_sample() {
    let mut line = Line::new(&AgentConfig { protocol: Protocol::ElevenLabs, ..pcmu() });
    line.connect();
    line.hear(
        r#"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c","agent_output_audio_format":"ulaw_8000","user_input_audio_format":"ulaw_8000"}}"#,
    );
    line.take_events();
    let audio = STANDARD.encode_to_string(vec![7; 800]);
    let mut timings = Vec::new();
    for (event_id, chars, starts, lengths) in [
        (1, json!(["H", "i"]), json!([0, 40]), json!([40, 60])),
        (2, json!([" ", "é"]), json!([0.0, 10.5]), json!([10, 20])),
        (3, json!(["x"]), json!([-1e300]), json!([0])),
    ] {
        let alignment = json!({"chars": chars, "char_start_times_ms": starts, "char_durations_ms": lengths});
        line.hear(
            &json!({"type": "audio", "audio_event": {"audio_base_64": audio, "event_id": event_id, "alignment": alignment}}).to_string(),
        );
        timings.extend(line.take_events().into_iter().filter_map(|event| match event {
            Heard::Event(AgentEvent::Timing { item, text, ends_ms }) => Some((item, text.into_inner(), ends_ms)),
            _ => None,
        }));
    }
    let item = ItemId(1);
    assert_eq!(
        timings,
        [(item, "Hi".to_owned(), vec![40, 100]), (item, " é".to_owned(), vec![110, 130]), (item, "x".to_owned(), vec![200])]
    );
}
