//! Gemini Live.

use std::time::Duration;

use base64_simd::STANDARD;
use media::frame::{AudioFormat, ItemId};
use media::units::SampleRate;
use serde_json::json;

use super::{Heard, Line};
use crate::agent::config::{AgentConfig, Protocol, TurnDetection};
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentState, ClearCause, ClearScope, ContextRole, Handover, Owed, Said, TranscriptKind,
};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

const PCM: AudioFormat = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
const GATEWAY: TurnDetection =
    TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 };

fn config() -> AgentConfig {
    AgentConfig {
        protocol: Protocol::Gemini,
        model: Some("models/gemini-live".into()),
        ..AgentConfig::at("wss://generativelanguage.example/ws/Bidi")
    }
}

fn ready_as(config: &AgentConfig) -> Line {
    let mut line = Line::new(config);
    line.connect();
    line.hear(r#"{"setupComplete":{"sessionId":"s-1"}}"#);
    line
}

fn ready() -> Line {
    let mut line = ready_as(&config());
    line.sent.clear();
    line.events.clear();
    line
}

fn audio(bytes: &[u8]) -> String {
    format!(
        r#"{{"serverContent":{{"modelTurn":{{"role":"model","parts":[{{"inlineData":{{"mimeType":"audio/pcm;rate=24000","data":"{}"}}}}]}}}}}}"#,
        STANDARD.encode_to_string(bytes)
    )
}

#[test]
fn the_setup_names_model_turns_and_asks_for_words_and_resumption() {
    let mut line = Line::new(&AgentConfig { voice: Some("Kore".into()), instructions: Some("Be kind.".into()), ..config() });
    line.connect();
    assert_eq!(
        line.sent,
        [json!({"setup": {"model": "models/gemini-live",
            "generationConfig": {"responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}},
            "systemInstruction": {"parts": [{"text": "Be kind."}]},
            "realtimeInputConfig": {"automaticActivityDetection": {"prefixPaddingMs": 300, "silenceDurationMs": 500},
                "activityHandling": "START_OF_ACTIVITY_INTERRUPTS"},
            "inputAudioTranscription": {}, "outputAudioTranscription": {}, "sessionResumption": {},
            "contextWindowCompression": {"slidingWindow": {}}}})]
    );
}

#[test]
fn answers_may_be_binary_messages_of_the_same_json() {
    let mut line = Line::new(&config());
    line.connect();
    line.hear_bytes(br#"{"setupComplete":{}}"#);
    assert!(matches!(&line.events[..], [Heard::Event(AgentEvent::Ready { .. })]));
    line.hear_bytes(&[0xff, 0xfe]);
    assert_eq!(line.session.stats().adapter.malformed_messages, 1);
}

#[test]
fn it_is_asked_to_begin_since_it_never_does_by_itself() {
    let line = ready_as(&AgentConfig { greet_first: true, greeting: Some("Greet.".into()), ..config() });
    let said = json!({"clientContent": {"turns": [{"role": "user", "parts": [{"text": "Greet."}]}], "turnComplete": true}});
    assert_eq!(line.sent.last(), Some(&said));
}

#[test]
fn a_turn_is_one_utterance_with_the_words_of_both_sides() {
    let mut line = ready();
    line.hear(r#"{"serverContent":{"inputTranscription":{"text":"Is she "}}}"#);
    line.hear(r#"{"serverContent":{"inputTranscription":{"text":"in?"}}}"#);
    line.hear(&audio(&[1; 4]));
    line.hear(r#"{"serverContent":{"outputTranscription":{"text":"She is."}}}"#);
    line.hear(&audio(&[2; 4]));
    line.hear(r#"{"serverContent":{"generationComplete":true}}"#);
    line.hear(r#"{"serverContent":{"turnComplete":true},"usageMetadata":{"totalTokenCount":7}}"#);
    let finals: Vec<_> = line
        .take_events()
        .into_iter()
        .filter(|event| !matches!(event, Heard::Event(AgentEvent::Transcript { kind: TranscriptKind::Partial, .. })))
        .collect();
    let words = |speaker, text: &str, item| {
        Heard::Event(AgentEvent::Transcript { speaker, kind: TranscriptKind::Final, text: Redacted::new(text.to_owned()), item })
    };
    assert_eq!(
        finals,
        [
            words(Speaker::Caller, "Is she in?", None),
            Heard::Audio(ItemId(1), vec![1; 4]),
            Heard::Event(AgentEvent::State(AgentState::Speaking)),
            Heard::Audio(ItemId(1), vec![2; 4]),
            words(Speaker::Agent, "She is.", Some(ItemId(1))),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) }),
            Heard::Event(AgentEvent::State(AgentState::Listening)),
        ]
    );
}

#[test]
fn what_comes_between_an_interruption_and_the_end_of_its_turn_is_late() {
    let mut line = ready();
    line.hear(&audio(&[1; 4]));
    line.take_events();
    line.hear(r#"{"serverContent":{"interrupted":true}}"#);
    line.hear(&audio(&[2; 4]));
    assert_eq!(
        line.take_events(),
        [
            Heard::Event(AgentEvent::State(AgentState::Listening)),
            Heard::Event(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech }),
        ]
    );
    line.hear(r#"{"serverContent":{"turnComplete":true}}"#);
    line.hear(&audio(&[3; 4]));
    assert!(line.take_events().contains(&Heard::Audio(ItemId(2), vec![3; 4])));
    assert_eq!(line.session.stats().adapter.late_audio_messages, 1);
}

#[test]
fn words_of_an_answer_that_was_interrupted_belong_to_it() {
    let interruptions: [fn(&mut Line); 2] = [
        |line| line.hear(r#"{"serverContent":{"interrupted":true}}"#),
        |line| line.command(AgentCommand::BargeIn(crate::agent::model::BargeInCause::LocalVad)),
    ];
    for interrupt in interruptions {
        let mut line = ready();
        line.hear(&audio(&[1; 4]));
        line.hear(r#"{"serverContent":{"outputTranscription":{"text":"She is "}}}"#);
        interrupt(&mut line);
        line.hear(r#"{"serverContent":{"outputTranscription":{"text":"in."}}}"#);
        line.hear(r#"{"serverContent":{"turnComplete":true}}"#);
        let said: Vec<_> =
            line.take_events().into_iter().filter(|event| matches!(event, Heard::Event(AgentEvent::Transcript { .. }))).collect();
        let words = |kind, text: &str| {
            let (text, item) = (Redacted::new(text.to_owned()), Some(ItemId(1)));
            Heard::Event(AgentEvent::Transcript { speaker: Speaker::Agent, kind, text, item })
        };
        let (piece, whole) = (TranscriptKind::Partial, TranscriptKind::Final);
        assert_eq!(said, [words(piece, "She is "), words(piece, "in."), words(whole, "She is in.")]);
        line.hear(r#"{"serverContent":{"outputTranscription":{"text":"Yes?"}}}"#);
        assert!(matches!(&line.take_events()[..], [Heard::Event(AgentEvent::Transcript { item: Some(ItemId(2)), .. })]));
    }
}

#[test]
fn audio_of_another_rate_is_not_played_at_the_wrong_one() {
    let mut line = ready();
    line.hear(&audio(&[1; 4]).replace("24000", "16000"));
    assert_eq!(line.take_events(), []);
    assert_eq!(line.session.stats().adapter.unknown_events, 1);
}

#[test]
fn turns_of_the_gateway_are_told_around_their_audio() {
    let mut line = ready_as(&AgentConfig { turn_detection: GATEWAY, ..config() });
    assert_eq!(line.sent[0]["setup"]["realtimeInputConfig"]["automaticActivityDetection"], json!({"disabled": true}));
    line.sent.clear();
    line.command(AgentCommand::TurnStarted { ago: Duration::ZERO });
    line.push(PCM, &[1; 4]);
    line.command(AgentCommand::TurnEnded);
    assert_eq!(
        line.sent,
        [
            json!({"realtimeInput": {"activityStart": {}}}),
            json!({"realtimeInput": {"audio": {"data": "AQEBAQ==", "mimeType": "audio/pcm;rate=24000"}}}),
            json!({"realtimeInput": {"activityEnd": {}}}),
        ]
    );
}

#[test]
fn tools_keys_and_texts_are_told_in_its_words() {
    let mut line = ready();
    line.hear(r#"{"toolCall":{"functionCalls":[{"id":"c1","name":"book","args":{"day":1}}]}}"#);
    line.hear(r#"{"toolCallCancellation":{"ids":["c1"]}}"#);
    let events = line.take_events();
    assert!(matches!(&events[0], Heard::Event(AgentEvent::ToolCall { arguments, .. }) if arguments.expose() == r#"{"day":1}"#));
    assert_eq!(events[1], Heard::Event(AgentEvent::ToolCancelled { call_id: "c1".into() }));
    line.command(AgentCommand::ToolResult { call_id: "c1".into(), output: Redacted::new("ok".into()), is_error: false, proceed: true });
    line.command(AgentCommand::Dtmf { digit: '1', duration: Duration::from_millis(80) });
    line.command(AgentCommand::ContextText { role: ContextRole::System, text: Redacted::new("note".into()), speak: false });
    assert_eq!(
        line.sent,
        [
            json!({"toolResponse": {"functionResponses": [{"id": "c1", "name": "book", "response": {"output": "ok"}}]}}),
            json!({"realtimeInput": {"text": "The caller pressed the key 1 on the telephone."}}),
            json!({"clientContent": {"turns": [{"role": "user", "parts": [{"text": "note"}]}], "turnComplete": false}}),
        ]
    );
}

#[test]
fn the_next_connection_takes_the_conversation_up_and_does_not_greet_again() {
    let config = AgentConfig { greet_first: true, ..config() };
    let mut line = ready_as(&config);
    line.hear(r#"{"sessionResumptionUpdate":{"newHandle":"h-1","resumable":true}}"#);
    line.hear(r#"{"sessionResumptionUpdate":{"newHandle":"","resumable":false}}"#);
    line.hear(&audio(&[1; 4]));
    line.hear(r#"{"sessionResumptionUpdate":{"newHandle":"h-2","resumable":true}}"#);
    line.events.clear();
    line.hear(r#"{"goAway":{"timeLeft":"9.5s"}}"#);
    assert_eq!(line.take_events(), [Heard::Event(AgentEvent::Expiring { left: Duration::from_millis(9_500) })]);
    line.session = line.session.successor(&config, Handover::default(), line.session.next_item());
    line.sent.clear();
    line.connect();
    assert_eq!(line.sent[0]["setup"]["sessionResumption"], json!({"handle": "h-2"}));
    line.hear(r#"{"setupComplete":{}}"#);
    assert_eq!(line.sent.len(), 1, "it has greeted: {:?}", line.sent);
    line.hear(&audio(&[2; 4]));
    assert!(line.take_events().contains(&Heard::Audio(ItemId(2), vec![2; 4])));
}

#[test]
fn what_was_said_since_the_last_handle_is_told_to_a_conversation_that_begins_anew() {
    let config = config();
    let mut line = ready_as(&config);
    line.hear(r#"{"sessionResumptionUpdate":{"newHandle":"h-1","resumable":true}}"#);
    line.hear(r#"{"sessionResumptionUpdate":{"resumable":false}}"#);
    line.hear(&audio(&[1; 4]));
    let said = |speaker, text: &str| Said { speaker, text: Redacted::new(text.to_owned()) };
    let history = vec![said(Speaker::Caller, "When do you open?"), said(Speaker::Agent, "We open")];
    let handover = Handover { history, owed: Owed::Rest, ..Handover::default() };
    line.session = line.session.successor(&config, handover, line.session.next_item());
    line.sent.clear();
    line.connect();
    assert_eq!(line.sent[0]["setup"]["sessionResumption"], json!({}), "that handle knows nothing of the question");
    line.hear(r#"{"setupComplete":{}}"#);
    assert!(line.sent[1].to_string().contains("When do you open?"), "{:?}", line.sent);
}

#[test]
fn a_conversation_that_could_not_be_taken_up_is_begun_anew() {
    let config = config();
    let mut line = ready_as(&config);
    line.hear(r#"{"sessionResumptionUpdate":{"newHandle":"h-1","resumable":true}}"#);
    line.session = line.session.successor(&config, Handover::default(), line.session.next_item());
    line.connect();
    assert!(line.session.handle_closed(line.now, Some(1007)).retryable, "the handle may be to blame");
    line.session = line.session.successor(&config, Handover::default(), line.session.next_item());
    line.sent.clear();
    line.connect();
    assert_eq!(line.sent[0]["setup"]["sessionResumption"], json!({}));
}
