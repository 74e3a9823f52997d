//! Azure Voice Live, which speaks OpenAI Realtime in its beta shape.

use auricle::agent::config::{AgentConfig, Eagerness, Protocol, TurnDetection, WireFormat};

use crate::said::{self, validate};

#[test]
fn every_message_we_send_is_known_to_the_vendors_types() {
    let plain = AgentConfig { protocol: Protocol::VoiceLive, ..AgentConfig::at("wss://a.example/") };
    let full = AgentConfig {
        voice: Some("en-US-Ava:DragonHDLatestNeural".into()),
        instructions: Some("Speak of appointments only.".into()),
        language: Some("en".into()),
        transcription_model: Some("azure-speech".into()),
        greet_first: true,
        turn_detection: TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 },
        ..plain.clone()
    };
    let mut lines = Vec::new();
    for (format, input, output) in [
        (WireFormat::Pcmu, "g711_ulaw", "g711_ulaw"),
        (WireFormat::Pcma, "g711_alaw", "g711_alaw"),
        (WireFormat::Pcm8k, "pcm16", "pcm16_8000hz"),
        (WireFormat::Pcm16k, "pcm16", "pcm16_16000hz"),
        (WireFormat::Pcm24k, "pcm16", "pcm16"),
    ] {
        let updated = format!(
            r#"{{"type":"session.updated","session":{{"id":"s","input_audio_format":"{input}","output_audio_format":"{output}"}}}}"#
        );
        let opening = [
            &*updated,
            r#"{"type":"response.created","response":{"id":"resp_1"}}"#,
            r#"{"type":"response.audio.delta","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"AAAAAAAA"}"#,
        ];
        let by_words = AgentConfig { turn_detection: TurnDetection::SemanticVad { eagerness: Eagerness::Auto }, ..plain.clone() };
        for config in [&plain, &full, &by_words] {
            lines.extend(said::in_a_call(&AgentConfig { format, ..config.clone() }, &opening, &[]));
        }
    }
    assert!(lines.iter().any(|line| line.contains("conversation.item.truncate")));
    validate("voicelive", &lines);
}
