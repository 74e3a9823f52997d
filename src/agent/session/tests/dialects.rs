//! OpenAI's protocol in its other forms: Azure OpenAI, Azure Voice Live in the beta shape, and GPT-Live.

use media::frame::{AudioFormat, ItemId};
use serde_json::json;

use super::{Heard, Line, UNIX_TIME, updated};
use crate::agent::config::{AgentConfig, Protocol, WireFormat};
use crate::agent::model::{AgentCommand, AgentEvent, BargeInCause, ClearCause, ClearScope, PlaybackState, TranscriptKind};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

fn config(protocol: Protocol, format: WireFormat) -> AgentConfig {
    AgentConfig {
        protocol,
        format,
        model: Some("gpt-live-1".into()),
        ..AgentConfig::at("wss://res.example/voice-live/realtime?api-version=1")
    }
}

fn opened(config: &AgentConfig) -> Line {
    let mut line = Line::new(config);
    line.connect();
    line
}

const BETA_UPDATED: &str =
    r#"{"type":"session.updated","session":{"id":"s","input_audio_format":"g711_ulaw","output_audio_format":"g711_ulaw"}}"#;

#[test]
fn azure_openai_is_spoken_as_openai_is() {
    let mut line = opened(&config(Protocol::Azure, WireFormat::Pcmu));
    assert_eq!(line.sent[0]["session"]["type"], "realtime");
    line.hear(&updated(WireFormat::Pcmu));
    assert!(matches!(line.events[0], Heard::Event(AgentEvent::Ready { .. })));
}

#[test]
fn voice_live_is_told_its_settings_in_the_shape_of_before() {
    let wanted = AgentConfig {
        voice: Some("en-US-Ava:DragonHDLatestNeural".into()),
        instructions: Some("Be brief.".into()),
        transcription_model: Some("azure-speech".into()),
        ..config(Protocol::VoiceLive, WireFormat::Pcm8k)
    };
    let session = &opened(&wanted).sent[0]["session"];
    assert_eq!(
        *session,
        json!({"modalities": ["text", "audio"], "instructions": "Be brief.", "input_audio_format": "pcm16", "input_audio_sampling_rate": 8000,
            "output_audio_format": "pcm16_8000hz", "input_audio_transcription": {"model": "azure-speech"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
                "create_response": true, "interrupt_response": true},
            "voice": {"type": "azure-standard", "name": "en-US-Ava:DragonHDLatestNeural"}})
    );
}

#[test]
fn the_names_of_before_mean_what_todays_do() {
    let mut line = opened(&config(Protocol::VoiceLive, WireFormat::Pcmu));
    line.hear(BETA_UPDATED);
    line.hear(r#"{"type":"response.created","response":{"id":"r","status":"in_progress"}}"#);
    line.hear(r#"{"type":"response.audio.delta","event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"AAAA"}"#);
    line.hear(r#"{"type":"response.audio_transcript.done","response_id":"r","item_id":"i","transcript":"Good morning."}"#);
    line.hear(r#"{"type":"conversation.item.created","item":{"id":"i"}}"#);
    line.hear(r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":7,"item_id":"c"}"#);
    let events = line.take_events();
    assert!(events.contains(&Heard::Audio(ItemId(1), vec![0; 3])));
    assert!(events.contains(&Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech })));
    let words =
        |event: &Heard| matches!(event, Heard::Event(AgentEvent::Transcript { speaker: Speaker::Agent, kind: TranscriptKind::Final, .. }));
    assert!(events.iter().any(words));
    assert_eq!(line.session.stats().adapter.unknown_events, 0);
    line.sent.clear();
    line.command(AgentCommand::Playback { item: ItemId(1), played_ms: 0, state: PlaybackState::Cleared });
    assert_eq!(line.sent[0]["type"], "conversation.item.truncate");
}

#[test]
fn a_format_that_voice_live_did_not_take_ends_the_connection() {
    let mut line = opened(&config(Protocol::VoiceLive, WireFormat::Pcm16k));
    line.hear(BETA_UPDATED);
    assert!(line.session.poll_close().is_some_and(|closed| !closed.retryable));
}

#[test]
fn the_name_of_a_tool_is_taken_from_its_item_and_the_call_is_handed_on_once() {
    for arguments in [
        r#"{"type":"response.function_call_arguments.done","response_id":"r","call_id":"c","arguments":"{}"}"#,
        r#"{"type":"response.function_call_arguments.done","response_id":"r","call_id":"c","name":"book","arguments":"{}"}"#,
    ] {
        let mut line = opened(&config(Protocol::VoiceLive, WireFormat::Pcmu));
        line.hear(BETA_UPDATED);
        line.take_events();
        line.hear(arguments);
        line.hear(r#"{"type":"response.output_item.done","response_id":"r","item":{"type":"message","id":"m","content":[]}}"#);
        line.hear(r#"{"type":"response.output_item.done","response_id":"r","item":{"type":"function_call","call_id":"c","name":"book","arguments":"{}"}}"#);
        line.hear(r#"{"type":"response.done","response":{"id":"r","status":"completed"}}"#);
        let calls: Vec<_> = line
            .take_events()
            .into_iter()
            .filter(|event| matches!(event, Heard::Event(AgentEvent::ToolCall { name, .. }) if name == "book"))
            .collect();
        assert_eq!(calls.len(), 1, "{arguments}");
    }
}

#[test]
fn gpt_live_hears_nothing_before_it_has_started() {
    let wanted = AgentConfig { voice: Some("marin".into()), greet_first: true, ..config(Protocol::GptLive, WireFormat::Pcmu) };
    let mut line = opened(&wanted);
    line.push(AudioFormat::Ulaw8k, &[1; 160]);
    assert_eq!(
        line.sent,
        [json!({"type": "session.start", "session": {"model": "gpt-live-1", "store": false,
            "audio": {"format": {"type": "audio/pcmu", "rate": 8000}, "output": {"voice": "marin"}}}})]
    );
    line.sent.clear();
    line.hear(&format!(r#"{{"type":"session.started","event_id":"e","session":{{"id":"live_1","expires_at":{}}}}}"#, UNIX_TIME + 3600));
    assert_eq!(line.take_sent_types(), ["session.input_audio.append", "session.instructions.append"]);
    assert!(matches!(&line.events[0], Heard::Event(AgentEvent::Ready { session, expires_in: Some(_), .. }) if session == "live_1"));
}

#[test]
fn gpt_lives_voice_is_one_stream_and_a_side_has_finished_when_the_other_is_heard() {
    let mut line = opened(&config(Protocol::GptLive, WireFormat::Pcmu));
    line.hear(r#"{"type":"session.started","event_id":"e","session":{"id":"live_1"}}"#);
    line.take_events();
    line.hear(r#"{"type":"session.output_audio.delta","delta":"AAAA"}"#);
    line.hear(r#"{"type":"session.input_transcript.delta","event_id":"e","delta":"Good ","start_ms":0,"end_ms":1}"#);
    line.hear(r#"{"type":"session.input_transcript.delta","event_id":"e","delta":"day.","start_ms":1,"end_ms":2}"#);
    line.hear(r#"{"type":"session.output_transcript.delta","event_id":"e","delta":"Hello.","start_ms":2,"end_ms":3}"#);
    line.hear(r#"{"type":"session.output_audio.delta","delta":"AAAA"}"#);
    let events = line.take_events();
    let whole = AgentEvent::Transcript {
        speaker: Speaker::Caller,
        kind: TranscriptKind::Final,
        text: Redacted::new("Good day.".into()),
        item: None,
    };
    assert!(events.contains(&Heard::Event(whole)));
    assert_eq!(events.iter().filter(|event| matches!(event, Heard::Audio(ItemId(1), _))).count(), 2);
    line.hear(r#"{"type":"session.input_transcript.delta","event_id":"e","delta":"Bye.","start_ms":3,"end_ms":4}"#);
    line.hear(r#"{"type":"session.output_audio.delta","delta":"AAAA"}"#);
    let (speaker, kind) = (Speaker::Agent, TranscriptKind::Final);
    let whole = AgentEvent::Transcript { speaker, kind, text: Redacted::new("Hello.".into()), item: Some(ItemId(1)) };
    let events = line.take_events();
    assert_eq!(events[..2], [Heard::Event(whole), Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) })]);
    assert_eq!(events.last(), Some(&Heard::Audio(ItemId(2), vec![0; 3])), "what it says from here on is another utterance");
    line.command(AgentCommand::BargeIn(BargeInCause::Operator));
    line.hear(r#"{"type":"session.output_audio.delta","delta":"AAAA"}"#);
    assert!(line.take_events().contains(&Heard::Audio(ItemId(3), vec![0; 3])));
    line.sent.clear();
    line.command(AgentCommand::Close);
    assert_eq!(line.take_sent_types(), ["session.close"]);
}
