//! Ultravox, from the side that is called: a call is made over HTTP, and its socket joined.

use std::borrow::Cow;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict::{json as read, require};
use super::{ClientSays, Door, Ending, Output, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;

/// One call.
#[derive(Default)]
pub(super) struct Ultravox {
    format: Option<AudioFormat>,
    /// What was said so far, of both sides.
    ordinal: i64,
    speaking: Option<i64>,
}

/// A call, as it may be asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Call {
    #[serde(rename = "systemPrompt")]
    _system_prompt: Option<String>,
    #[serde(rename = "model")]
    _model: Option<String>,
    #[serde(rename = "voice")]
    _voice: Option<String>,
    #[serde(rename = "languageHint")]
    _language_hint: Option<String>,
    #[serde(rename = "selectedTools")]
    _selected_tools: Option<Vec<Value>>,
    first_speaker_settings: Option<FirstSpeaker>,
    medium: Medium,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstSpeaker {
    user: Option<Value>,
    agent: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Medium {
    server_web_socket: ServerWebSocket,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServerWebSocket {
    input_sample_rate: u32,
    output_sample_rate: Option<u32>,
    client_buffer_size_ms: Option<u32>,
    #[serde(rename = "dataMessages")]
    _data_messages: Option<EnabledMessages>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EnabledMessages {
    #[serde(rename = "pong")]
    _pong: Option<bool>,
    #[serde(rename = "state")]
    _state: Option<bool>,
    #[serde(rename = "transcript")]
    _transcript: Option<bool>,
    #[serde(rename = "clientToolInvocation")]
    _client_tool_invocation: Option<bool>,
    #[serde(rename = "playbackClearBuffer")]
    _playback_clear_buffer: Option<bool>,
    #[serde(rename = "callStarted")]
    _call_started: Option<bool>,
}

/// What a client may say but audio.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase", deny_unknown_fields)]
enum ClientMessage {
    Ping {
        timestamp: f64,
    },
    UserTextMessage {
        #[serde(rename = "text")]
        _text: String,
        urgency: Option<Urgency>,
    },
    ForcedAgentMessage {
        content: String,
        urgency: Option<Urgency>,
        #[serde(rename = "uninterruptible")]
        _uninterruptible: Option<bool>,
    },
    ClientToolResult {
        #[serde(rename = "invocationId")]
        _invocation_id: String,
        result: Option<String>,
        response_type: Option<String>,
        agent_reaction: Option<String>,
        error_type: Option<String>,
        #[serde(rename = "errorMessage")]
        _error_message: Option<String>,
    },
    HangUp {
        #[serde(rename = "message")]
        _message: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Urgency {
    Immediate,
    Soon,
    Later,
}

impl ServerWebSocket {
    fn settings(&self) -> Result<Settings, Refusal> {
        let format = |hz: u32| {
            let rate = SampleRate::new(hz).ok_or_else(|| Refusal::new("invalid_value", format!("no such rate: {hz}")))?;
            Ok(AudioFormat::S16 { rate })
        };
        let input = format(self.input_sample_rate)?;
        let output = self.output_sample_rate.map_or(Ok(input), format)?;
        require(self.client_buffer_size_ms.unwrap_or(60) >= 1_000, "speech would come no faster than it is heard")?;
        Ok(Settings { output, transcribe: true, ..Settings::of(input) })
    }
}

impl Ultravox {
    fn next_ordinal(&mut self) -> i64 {
        self.ordinal += 1;
        self.ordinal - 1
    }
}

impl Wire for Ultravox {
    fn arrange(&mut self, question: &str, door: &Door) -> Result<(Value, Option<Settings>), Refusal> {
        let call: Call = read(question)?;
        let settings = call.medium.server_web_socket.settings()?;
        if let Some(first) = &call.first_speaker_settings {
            require(first.user.is_some() != first.agent.is_some(), "exactly one of user and agent speaks first")?;
        }
        self.format = Some(settings.input);
        let answer = json!({
            "callId": format!("call-{}", door.token), "created": "2026-11-30T12:00:00Z", "ended": null, "model": "ultravox-v0.7",
            "medium": {"serverWebSocket": {"inputSampleRate": call.medium.server_web_socket.input_sample_rate}},
            "joinUrl": format!("{}/calls/{}", door.url, door.token),
        });
        Ok((answer, Some(settings)))
    }

    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let text = match (message, self.format) {
            (AgentMessage::Text(text), _) => text,
            (AgentMessage::Binary(_), None) => return Err(Refusal::new("out_of_order", "no call was made")),
            (AgentMessage::Binary(audio), Some(format)) => {
                require(audio.len().is_multiple_of(format.sample_len_bytes()), "audio is not of whole samples")?;
                return Ok((Cow::Borrowed("audio"), ClientSays::Audio(Cow::Borrowed(audio))));
            }
        };
        Ok(match read::<ClientMessage>(text)? {
            ClientMessage::Ping { timestamp } => {
                out.send(&json!({"type": "pong", "timestamp": timestamp}));
                (Cow::Borrowed("ping"), ClientSays::Taken)
            }
            ClientMessage::UserTextMessage { urgency, .. } => {
                let said = if urgency == Some(Urgency::Later) { ClientSays::Taken } else { ClientSays::Speak };
                (Cow::Borrowed("user_text_message"), said)
            }
            ClientMessage::ForcedAgentMessage { content, urgency, .. } => {
                require(!content.is_empty() && urgency != Some(Urgency::Later), "what is to be said, and when")?;
                (Cow::Borrowed("forced_agent_message"), ClientSays::Speak)
            }
            ClientMessage::ClientToolResult { result, response_type, agent_reaction, error_type, .. } => {
                require(matches!(response_type.as_deref(), None | Some("tool-response" | "hang-up")), "no such responseType")?;
                require(matches!(agent_reaction.as_deref(), None | Some("speaks" | "listens" | "speaks-once")), "no such agentReaction")?;
                require(matches!(error_type.as_deref(), None | Some("undefined" | "implementation-error")), "no such errorType")?;
                require(result.is_some() != error_type.is_some(), "either a result or an error")?;
                (Cow::Borrowed("client_tool_result"), ClientSays::Taken)
            }
            ClientMessage::HangUp { .. } => (Cow::Borrowed("hang_up"), ClientSays::Goodbye),
        })
    }

    fn configured(&mut self, _settings: &Settings, out: &mut Outputs) {
        out.send(&json!({"type": "call_started", "callId": "call-simulator"}));
        out.send(&json!({"type": "state", "state": "listening"}));
    }

    fn begin(&mut self, words: &str, out: &mut Outputs) {
        let ordinal = self.next_ordinal();
        self.speaking = Some(ordinal);
        out.send(&json!({"type": "state", "state": "speaking"}));
        out.send(&json!({"type": "transcript", "role": "agent", "medium": "voice", "delta": words, "final": false, "ordinal": ordinal}));
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        out.push(Output::SendBytes(audio.to_vec()));
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        self.say(&super::strict::base64(base64).unwrap_or_default(), out);
    }

    fn end(&mut self, ending: Ending, words: &str, out: &mut Outputs) {
        if ending == Ending::Interrupted {
            out.send(&json!({"type": "playback_clear_buffer"}));
        }
        if let Some(ordinal) = self.speaking.take() {
            out.send(&json!({"type": "transcript", "role": "agent", "medium": "voice", "text": words, "final": true, "ordinal": ordinal}));
        }
        out.send(&json!({"type": "state", "state": "listening"}));
    }

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        if let Some(words) = words {
            let ordinal = self.next_ordinal();
            out.send(&json!({"type": "transcript", "role": "user", "medium": "voice", "text": words, "final": true, "ordinal": ordinal}));
        }
    }

    /// It has no message for what fails.
    fn fail(&mut self, code: &str, out: &mut Outputs) {
        out.push(Output::Close(1011, code.to_owned()));
    }
}
