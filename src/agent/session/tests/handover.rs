//! What a connection that takes over tells its agent, in each protocol.

use serde_json::json;

use super::*;
use crate::agent::config::Protocol;
use crate::agent::model::{Handover, Owed, Said};
use crate::domain::call_record::Speaker;

fn said(speaker: Speaker, text: &str) -> Said {
    Said { speaker, text: text.to_owned().into() }
}

fn handover(owed: Owed) -> Handover {
    let history = vec![said(Speaker::Agent, "Good morning."), said(Speaker::Caller, "Are you open?")];
    Handover { history, owed, audio: vec![1; 320].into(), in_turn: false, has_begun: true }
}

/// What is sent from the open socket on, where the agent says `opening`.
fn takes_over(config: &AgentConfig, owed: Owed, opening: &[&str]) -> Line {
    let mut line = Line::new(config);
    line.session = line.session.successor(config, handover(owed), ItemId(7));
    line.connect();
    opening.iter().for_each(|message| line.hear(message));
    line
}

fn agent(protocol: Protocol) -> AgentConfig {
    AgentConfig { protocol, model: Some("m".into()), greet_first: true, greeting: Some("Hello!".into()), ..pcmu() }
}

#[test]
fn openai_is_given_items_then_the_callers_audio_then_asked_for_what_is_owed() {
    let config = agent(Protocol::OpenAi);
    for (owed, more) in
        [(Owed::Nothing, &[][..]), (Owed::Answer, &["response.create"]), (Owed::Rest, &["conversation.item.create", "response.create"])]
    {
        let mut line = takes_over(&config, owed, &[&updated(WireFormat::Pcmu)]);
        let (assistant, user) = (line.sent[1].clone(), line.sent[2].clone());
        assert_eq!(
            assistant["item"],
            json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Good morning."}]})
        );
        assert_eq!(user["item"], json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Are you open?"}]}));
        let mut expected = vec!["session.update", "conversation.item.create", "conversation.item.create", "input_audio_buffer.append"];
        expected.extend(more);
        assert_eq!(line.take_sent_types(), expected, "and nobody is greeted twice");
    }
}

#[test]
fn deepgram_is_told_in_its_settings_and_asked_with_the_callers_words() {
    let opening = [r#"{"type":"Welcome","request_id":"r"}"#, r#"{"type":"SettingsApplied"}"#];
    let line = takes_over(&agent(Protocol::Deepgram), Owed::Nothing, &opening);
    let greeted = json!({"type": "History", "role": "assistant", "content": "Good morning."});
    let asked = json!({"type": "History", "role": "user", "content": "Are you open?"});
    assert_eq!(line.sent[0]["agent"]["context"], json!({"messages": [greeted, asked]}));
    assert_eq!((line.sent[0]["agent"].get("greeting"), line.sent.len(), line.sent_bytes[0].len()), (None, 1, 320));
    let line = takes_over(&agent(Protocol::Deepgram), Owed::Answer, &opening);
    assert_eq!(line.sent[0]["agent"]["context"], json!({"messages": [greeted]}));
    assert_eq!(line.sent[1], json!({"type": "InjectUserMessage", "content": "Are you open?"}));
}

#[test]
fn elevenlabs_is_told_in_words() {
    let metadata = r#"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c","agent_output_audio_format":"ulaw_8000","user_input_audio_format":"ulaw_8000"}}"#;
    let line = takes_over(&agent(Protocol::ElevenLabs), Owed::Answer, &[metadata]);
    assert_eq!(line.sent[1], json!({"type": "contextual_update", "text": "The line broke; this was said before:\nYou: Good morning."}));
    assert!(line.sent[2].get("user_audio_chunk").is_some());
    assert_eq!(line.sent[3], json!({"type": "user_message", "text": "Are you open?"}));
}

#[test]
fn gemini_is_told_as_content_and_asked_by_completing_the_turn() {
    let config = AgentConfig { format: WireFormat::Pcm24k, ..agent(Protocol::Gemini) };
    let line = takes_over(&config, Owed::Answer, &[r#"{"setupComplete":{}}"#]);
    let text = |role: &str, text: &str| json!({"role": role, "parts": [{"text": text}]});
    assert_eq!(line.sent[1], json!({"clientContent": {"turns": [text("model", "Good morning.")], "turnComplete": false}}));
    assert!(line.sent[2]["realtimeInput"]["audio"].is_object());
    assert_eq!(line.sent[3], json!({"clientContent": {"turns": [text("user", "Are you open?")], "turnComplete": true}}));
}

#[test]
fn an_agent_of_our_own_is_told_in_its_start() {
    let line = takes_over(&agent(Protocol::Auricle), Owed::Rest, &[r#"{"type":"ready"}"#]);
    let start = &line.sent[0];
    assert_eq!(start["history"], json!([{"speaker": "agent", "text": "Good morning."}, {"speaker": "caller", "text": "Are you open?"}]));
    assert_eq!((start["owed"].as_str(), start["greet_first"].as_bool(), line.sent_bytes[0].len()), (Some("rest"), Some(false), 320));
}

#[test]
fn a_turn_that_the_gateway_found_begins_again_on_the_next_connection() {
    let gateway = crate::agent::config::TurnDetection::Gateway {
        doubt_ms: 700,
        confirm_speech_ms: 400,
        prefix_padding_ms: 300,
        silence_duration_ms: 600,
    };
    let config = AgentConfig { turn_detection: gateway, ..agent(Protocol::Auricle) };
    let mut line = Line::new(&config);
    line.session = line.session.successor(&config, Handover { in_turn: true, ..handover(Owed::Nothing) }, ItemId(1));
    line.connect();
    line.hear(r#"{"type":"ready"}"#);
    assert_eq!(line.take_sent_types(), ["start", "turn_started"]);
    assert_eq!(line.sent_bytes.concat(), [1; 320]);
    line.command(AgentCommand::TurnEnded);
    assert_eq!(line.take_sent_types(), ["turn_ended"]);
}
