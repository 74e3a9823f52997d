//! Gemini Live, from the side that is called. What it says goes as bytes with JSON in them, as from the service.

use std::borrow::Cow;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict::{base64, json as read, require};
use super::{ClientSays, Ending, Output, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;

/// One session.
#[derive(Default)]
pub(super) struct Gemini {
    settings: Option<Settings>,
    /// The rate that audio came in, once some has.
    rate: Option<SampleRate>,
    active: bool,
}

/// A message has one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum ClientMessage<'a> {
    Setup(Box<Setup>),
    #[serde(borrow)]
    RealtimeInput(RealtimeInput<'a>),
    ClientContent(ClientContent),
    ToolResponse(ToolResponse),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Setup {
    model: String,
    generation_config: GenerationConfig,
    #[serde(rename = "systemInstruction")]
    _system_instruction: Option<Value>,
    #[serde(rename = "tools")]
    _tools: Option<Value>,
    realtime_input_config: Option<RealtimeInputConfig>,
    input_audio_transcription: Option<Value>,
    #[serde(rename = "outputAudioTranscription")]
    _output_audio_transcription: Option<Value>,
    #[serde(rename = "sessionResumption")]
    _session_resumption: Option<Value>,
    #[serde(rename = "contextWindowCompression")]
    _context_window_compression: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GenerationConfig {
    response_modalities: Vec<String>,
    #[serde(rename = "speechConfig")]
    _speech_config: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RealtimeInputConfig {
    automatic_activity_detection: Option<Detection>,
    #[serde(rename = "activityHandling")]
    _activity_handling: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Detection {
    #[serde(default)]
    disabled: bool,
    silence_duration_ms: Option<u32>,
    prefix_padding_ms: Option<u32>,
    #[serde(rename = "startOfSpeechSensitivity")]
    _start: Option<String>,
    #[serde(rename = "endOfSpeechSensitivity")]
    _end: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RealtimeInput<'a> {
    #[serde(borrow)]
    audio: Option<Blob<'a>>,
    text: Option<String>,
    activity_start: Option<Value>,
    activity_end: Option<Value>,
    audio_stream_end: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Blob<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    mime_type: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClientContent {
    #[serde(rename = "turns")]
    _turns: Option<Vec<Value>>,
    #[serde(default)]
    turn_complete: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ToolResponse {
    function_responses: Vec<Value>,
}

impl Setup {
    fn settings(&self) -> Result<Settings, Refusal> {
        require(self.model.starts_with("models/"), "the model is models/…")?;
        require(self.generation_config.response_modalities == ["AUDIO"], "the answer is AUDIO")?;
        let detection = self.realtime_input_config.as_ref().and_then(|turns| turns.automatic_activity_detection.as_ref());
        let usual = Settings::of(AudioFormat::S16 { rate: SampleRate::HZ_24000 });
        Ok(Settings {
            transcribe: self.input_audio_transcription.is_some(),
            turn_detection: !detection.is_some_and(|detection| detection.disabled),
            silence_duration_ms: detection.and_then(|detection| detection.silence_duration_ms).unwrap_or(usual.silence_duration_ms),
            prefix_padding_ms: detection.and_then(|detection| detection.prefix_padding_ms).unwrap_or(usual.prefix_padding_ms),
            ..usual
        })
    }
}

impl Gemini {
    fn tell(out: &mut Outputs, message: &Value) {
        out.push(Output::SendBytes(message.to_string().into_bytes()));
    }

    fn input<'a>(&mut self, input: RealtimeInput<'a>) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let manual = self.settings.as_ref().is_some_and(|settings| !settings.turn_detection);
        if let Some(Blob { data, mime_type }) = input.audio {
            let rate = mime_type.strip_prefix("audio/pcm;rate=").and_then(|hz| SampleRate::new(hz.parse().ok()?));
            let rate = rate.ok_or_else(|| Refusal::new("invalid_value", format!("no such audio: {mime_type}")))?;
            require(*self.rate.get_or_insert(rate) == rate, "the rate stays as it is")?;
            require(rate == SampleRate::HZ_24000, "this simulator hears what it speaks")?;
            require(!manual || self.active, "audio outside of an activity")?;
            let audio = base64(&data)?;
            require(audio.len().is_multiple_of(2), "audio is not of whole samples")?;
            return Ok((Cow::Borrowed("realtimeInput.audio"), ClientSays::Audio(Cow::Owned(audio))));
        }
        if input.activity_start.is_some() {
            require(manual && !std::mem::replace(&mut self.active, true), "an activity begins where none may")?;
            return Ok((Cow::Borrowed("realtimeInput.activityStart"), ClientSays::Taken));
        }
        if input.activity_end.is_some() {
            require(manual && std::mem::replace(&mut self.active, false), "an activity ends that has not begun")?;
            return Ok((Cow::Borrowed("realtimeInput.activityEnd"), ClientSays::TurnEnded));
        }
        require(input.text.is_some() || input.audio_stream_end.is_some(), "the input is empty")?;
        Ok((Cow::Borrowed("realtimeInput.text"), ClientSays::Taken))
    }
}

impl Wire for Gemini {
    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        _out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let AgentMessage::Text(text) = message else { return Err(Refusal::new("invalid_value", "messages are text")) };
        let message: ClientMessage<'a> = read(text)?;
        match message {
            ClientMessage::Setup(setup) => {
                require(self.settings.is_none(), "the setup came twice")?;
                let settings = setup.settings()?;
                self.settings = Some(settings);
                Ok((Cow::Borrowed("setup"), ClientSays::Settings(settings)))
            }
            _ if self.settings.is_none() => Err(Refusal::new("out_of_order", "the setup comes first")),
            ClientMessage::RealtimeInput(input) => self.input(input),
            ClientMessage::ClientContent(content) => {
                let said = if content.turn_complete { ClientSays::Speak } else { ClientSays::Taken };
                Ok((Cow::Borrowed("clientContent"), said))
            }
            ClientMessage::ToolResponse(response) => {
                require(!response.function_responses.is_empty(), "no function has answered")?;
                Ok((Cow::Borrowed("toolResponse"), ClientSays::Taken))
            }
        }
    }

    fn configured(&mut self, _settings: &Settings, out: &mut Outputs) {
        Self::tell(out, &json!({"setupComplete": {}}));
        Self::tell(out, &json!({"sessionResumptionUpdate": {"newHandle": "handle-1", "resumable": true}}));
    }

    fn begin(&mut self, words: &str, out: &mut Outputs) {
        Self::tell(out, &json!({"serverContent": {"outputTranscription": {"text": words}}}));
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        self.say_base64(&base64_simd::STANDARD.encode_to_string(audio), audio.len(), out);
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        let part = json!({"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": base64}});
        Self::tell(out, &json!({"serverContent": {"modelTurn": {"role": "model", "parts": [part]}}}));
    }

    fn end(&mut self, ending: Ending, _words: &str, out: &mut Outputs) {
        let over = if ending == Ending::Completed { "generationComplete" } else { "interrupted" };
        Self::tell(out, &json!({"serverContent": {over: true}}));
        Self::tell(out, &json!({"serverContent": {"turnComplete": true}}));
    }

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        if let Some(words) = words {
            Self::tell(out, &json!({"serverContent": {"inputTranscription": {"text": words}}}));
        }
    }

    /// It has no message for errors: it closes.
    fn fail(&mut self, code: &str, out: &mut Outputs) {
        out.push(Output::Close(1011, code.to_owned()));
    }
}
