//! A session of one protocol, ready, with a frame of either side at hand.

use std::hint::black_box;
use std::time::{Duration, Instant};

use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use auricle::agent::model::{AgentEvent, AgentMessage};
use auricle::agent::session::{AgentSession, CallFacts};
use auricle::domain::call_record::Direction;
use auricle::domain::ids::CallId;
use base64_simd::STANDARD;
use media::frame::{AudioChunk, AudioFormat};

/// A conversation, and what is said in it over and over.
pub(crate) struct Talk {
    session: AgentSession,
    now: Instant,
    format: AudioFormat,
    frame: Vec<u8>,
    message: Message,
    pushed: u64,
    sent: u64,
    heard: u64,
}

/// As it came from the socket.
enum Message {
    Text(String),
    Bytes(Vec<u8>),
}

impl Talk {
    pub(crate) fn new(protocol: Protocol, wire: WireFormat) -> Self {
        let (now, format) = (Instant::now(), AudioFormat::from(wire));
        let named = matches!(protocol, Protocol::Deepgram | Protocol::Gemini | Protocol::GptLive);
        let config = AgentConfig {
            protocol,
            format: wire,
            model: named.then(|| "models/any".to_owned()),
            ..AgentConfig::at("wss://agent.example/")
        };
        let facts = CallFacts {
            now,
            unix_time: Duration::from_secs(1_795_000_000),
            call: CallId::random(),
            direction: Direction::Inbound,
            from: String::new().into(),
            to: String::new().into(),
        };
        let mut session = AgentSession::new(&config, facts);
        session.handle_connected(now);
        for message in opening(protocol, wire) {
            session.handle_message(now, AgentMessage::Text(&message));
        }
        let length = format.rate().hz() as usize / 50 * format.sample_len_bytes();
        let frame: Vec<u8> = (0..length).map(|n| (n * 37 % 251) as u8).collect();
        let message = speech(protocol, format, &frame);
        let mut talk = Self { session, now, format, frame, message, pushed: 0, sent: 0, heard: 0 };
        talk.drain();
        (talk.sent, talk.heard) = (0, 0);
        talk
    }

    /// A frame of the caller's, up to the message for the socket.
    pub(crate) fn push(&mut self) {
        self.pushed += 1;
        self.session.push_audio(self.now, AudioChunk { format: self.format, bytes: &self.frame });
        while let Some(transmit) = self.session.poll_transmit() {
            self.sent += 1;
            black_box(transmit);
        }
    }

    /// A frame of the agent's, up to the audio for the call.
    pub(crate) fn hear(&mut self) {
        let message = match &self.message {
            Message::Text(text) => AgentMessage::Text(text),
            Message::Bytes(bytes) => AgentMessage::Binary(bytes),
        };
        self.session.handle_message(self.now, message);
        while let Some(event) = self.session.poll_event() {
            if let AgentEvent::Audio { chunk, .. } = event {
                self.heard += u64::from(chunk.bytes.len() == self.frame.len());
            }
        }
    }

    /// Whether what was measured was what it should be.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        // Exotel's frames hold five of ours.
        anyhow::ensure!(self.pushed > 0 && self.sent >= self.pushed / 5, "{} messages of {} frames", self.sent, self.pushed);
        anyhow::ensure!(self.heard > 0, "no audio was understood");
        Ok(())
    }

    fn drain(&mut self) {
        while self.session.poll_transmit().is_some() {}
        while self.session.poll_event().is_some() {}
    }
}

/// What makes a session ready.
fn opening(protocol: Protocol, format: WireFormat) -> Vec<String> {
    let text = |text: &str| vec![text.to_owned()];
    match protocol {
        Protocol::OpenAi | Protocol::Azure => {
            let format = if format == WireFormat::Pcmu { r#"{"type":"audio/pcmu"}"# } else { r#"{"type":"audio/pcm","rate":24000}"# };
            vec![format!(
                r#"{{"type":"session.updated","session":{{"id":"s","audio":{{"input":{{"format":{format}}},"output":{{"format":{format}}}}}}}}}"#
            )]
        }
        Protocol::VoiceLive => {
            text(r#"{"type":"session.updated","session":{"id":"s","input_audio_format":"g711_ulaw","output_audio_format":"g711_ulaw"}}"#)
        }
        Protocol::GptLive => text(r#"{"type":"session.started","session":{"id":"s"}}"#),
        Protocol::Deepgram => vec![r#"{"type":"Welcome","request_id":"r"}"#.to_owned(), r#"{"type":"SettingsApplied"}"#.to_owned()],
        Protocol::ElevenLabs => text(
            r#"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c","agent_output_audio_format":"ulaw_8000","user_input_audio_format":"ulaw_8000"}}"#,
        ),
        Protocol::Gemini => text(r#"{"setupComplete":{}}"#),
        Protocol::Ultravox => text(r#"{"type":"call_started","callId":"c"}"#),
        Protocol::Auricle => text(r#"{"type":"ready","session":"s"}"#),
        // Ready when the socket is.
        _ => Vec::new(),
    }
}

/// A frame of speech, as the agent writes it.
fn speech(protocol: Protocol, format: AudioFormat, frame: &[u8]) -> Message {
    let base64 = STANDARD.encode_to_string(frame);
    Message::Text(match protocol {
        Protocol::OpenAi | Protocol::Azure | Protocol::VoiceLive => {
            let kind = if protocol == Protocol::VoiceLive { "response.audio.delta" } else { "response.output_audio.delta" };
            format!(
                r#"{{"type":"{kind}","event_id":"event_0123456789abcdef","response_id":"resp_0123456789","item_id":"item_0123456789","output_index":0,"content_index":0,"delta":"{base64}"}}"#
            )
        }
        Protocol::GptLive => format!(r#"{{"type":"session.output_audio.delta","delta":"{base64}"}}"#),
        Protocol::ElevenLabs => format!(r#"{{"type":"audio","audio_event":{{"audio_base_64":"{base64}","event_id":7}}}}"#),
        Protocol::Gemini => format!(
            r#"{{"serverContent":{{"modelTurn":{{"parts":[{{"inlineData":{{"mimeType":"audio/pcm;rate=24000","data":"{base64}"}}}}]}}}}}}"#
        ),
        Protocol::Twilio | Protocol::Telnyx | Protocol::Exotel => format!(r#"{{"event":"media","media":{{"payload":"{base64}"}}}}"#),
        Protocol::Plivo => {
            format!(r#"{{"event":"playAudio","media":{{"contentType":"audio/x-mulaw","sampleRate":8000,"payload":"{base64}"}}}}"#)
        }
        Protocol::Pipecat | Protocol::Daily => return Message::Bytes(pipecat_frame(frame, format.rate().hz())),
        Protocol::Deepgram | Protocol::Ultravox | Protocol::Auricle | Protocol::Vonage | Protocol::Jambonz => {
            return Message::Bytes(frame.to_vec());
        }
    })
}

/// `Frame { audio: AudioRawFrame { audio, sample_rate, num_channels: 1 } }` in protocol buffers.
fn pipecat_frame(audio: &[u8], hz: u32) -> Vec<u8> {
    let field = |tag: u8, body: &[u8]| {
        let length = body.len() as u16;
        [&[tag, (length & 0x7F) as u8 | 0x80, (length >> 7) as u8][..], body].concat()
    };
    let rate = [0x20, (hz & 0x7F) as u8 | 0x80, (hz >> 7) as u8];
    field(0x12, &[&field(0x1A, audio)[..], &rate, &[0x28, 1]].concat())
}
