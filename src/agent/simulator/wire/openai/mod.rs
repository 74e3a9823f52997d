//! OpenAI Realtime, from the side that is called: in the shape of today, and in that of before which Azure Voice Live has.
//!
//! A message that is refused gets an `error` event, as from the service, and the session goes on.

mod beta;
mod describe;
mod mouth;
mod requests;

use std::borrow::Cow;

use serde_json::json;

use self::mouth::Mouth;
use self::requests::Request;
use super::{ClientSays, Ending, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;
use crate::agent::simulator::observations::{SessionHandle, Truncation, lock};

/// One session.
pub(super) struct OpenAi {
    seen: SessionHandle,
    beta: bool,
    settings: Settings,
    mouth: Mouth,
    caller_items: u64,
    client_items: u64,
}

impl OpenAi {
    pub(super) fn new(seen: SessionHandle) -> Self {
        Self { seen, beta: false, settings: Settings::default(), mouth: Mouth::new(false), caller_items: 0, client_items: 0 }
    }

    pub(super) fn beta(seen: SessionHandle) -> Self {
        Self { beta: true, mouth: Mouth::new(true), ..Self::new(seen) }
    }

    fn describe(&self) -> serde_json::Value {
        if self.beta { describe::beta_session(&self.settings) } else { describe::session(&self.settings) }
    }

    fn next_caller_item(&self) -> String {
        format!("item_caller_{}", self.caller_items + 1)
    }

    fn take<'a>(&mut self, request: Request<'a>, unheard: usize, out: &mut Outputs) -> Result<(&'static str, ClientSays<'a>), Refusal> {
        Ok(match request {
            Request::Append { audio, .. } => ("input_audio_buffer.append", self.append(audio)?),
            Request::SessionUpdate { session, .. } => ("session.update", ClientSays::Settings(session.apply(self.settings, self.beta)?)),
            Request::Commit { .. } if unheard == 0 => {
                return Err(Refusal::new("input_audio_buffer_commit_empty", "the input audio buffer is empty"));
            }
            Request::Commit { .. } => ("input_audio_buffer.commit", ClientSays::TurnEnded),
            Request::ClearInput { .. } => {
                self.mouth.event(json!({"type": "input_audio_buffer.cleared"}), out);
                ("input_audio_buffer.clear", ClientSays::ClearInput)
            }
            Request::ItemCreate { item, .. } => {
                item.check()?;
                self.client_items += 1;
                let id = format!("item_client_{}", self.client_items);
                let added = json!({"type": "conversation.item.added", "previous_item_id": null, "item": item.describe(&id)});
                self.mouth.event(added, out);
                ("conversation.item.create", ClientSays::Taken)
            }
            Request::ItemTruncate { item_id, content_index, audio_end_ms, .. } => {
                self.truncate(&item_id, content_index, audio_end_ms, out)?;
                ("conversation.item.truncate", ClientSays::Taken)
            }
            Request::ResponseCreate { .. } if self.mouth.is_active() => {
                return Err(Refusal::new("conversation_already_has_active_response", "a response is in progress"));
            }
            Request::ResponseCreate { .. } => ("response.create", ClientSays::Speak),
            Request::ResponseCancel { .. } if !self.mouth.is_active() => {
                return Err(Refusal::new("response_cancel_not_active", "no response is in progress"));
            }
            Request::ResponseCancel { .. } => ("response.cancel", ClientSays::Cancel),
        })
    }

    fn append<'a>(&self, base64: Cow<'a, str>) -> Result<ClientSays<'a>, Refusal> {
        let Ok(len_bytes) = base64_simd::STANDARD.decoded_length(base64.as_bytes()) else {
            return Err(Refusal::new("invalid_value", "audio is not base64"));
        };
        if base64_simd::STANDARD.check(base64.as_bytes()).is_err() {
            return Err(Refusal::new("invalid_value", "audio is not base64"));
        }
        if len_bytes > MAX_APPEND_BYTES || !len_bytes.is_multiple_of(self.settings.input.sample_len_bytes()) {
            return Err(Refusal::new("invalid_value", "audio is too long or not of whole samples"));
        }
        Ok(ClientSays::Base64 { base64, len_bytes })
    }

    fn truncate(&mut self, item_id: &str, content_index: u32, audio_end_ms: u64, out: &mut Outputs) -> Result<(), Refusal> {
        let format = self.settings.output;
        let Some(sent_ms) = self.mouth.sent_ms(item_id, format) else {
            return Err(Refusal::new("item_truncate_invalid_item_id", "no such item of the assistant"));
        };
        lock(&self.seen).truncate(Truncation { item_id: item_id.to_owned(), audio_end_ms, sent_ms });
        if content_index != 0 {
            return Err(Refusal::new("invalid_value", "content_index must be 0"));
        }
        if audio_end_ms > sent_ms {
            let message = format!("Audio content of {sent_ms}ms is already shorter than {audio_end_ms}ms");
            return Err(Refusal::new("invalid_value", message));
        }
        self.mouth.truncate(item_id, format, audio_end_ms);
        let truncated =
            json!({"type": "conversation.item.truncated", "item_id": item_id, "content_index": 0, "audio_end_ms": audio_end_ms});
        self.mouth.event(truncated, out);
        Ok(())
    }
}

impl Wire for OpenAi {
    fn open(&mut self, out: &mut Outputs) {
        let session = self.describe();
        self.mouth.event(json!({"type": "session.created", "session": session}), out);
    }

    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        unheard: usize,
        out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let AgentMessage::Text(text) = message else {
            return Err(Refusal::new("invalid_value", "messages are text"));
        };
        if let Some(base64) = Request::append_fast(text) {
            return Ok((Cow::Borrowed("input_audio_buffer.append"), self.append(Cow::Borrowed(base64))?));
        }
        let request = Request::parse(text)?;
        let event_id = request.event_id().map(str::to_owned);
        match self.take(request, unheard, out) {
            Ok((kind, said)) => Ok((Cow::Borrowed(kind), said)),
            Err(refusal) => Err(Refusal { event_id: refusal.event_id.or(event_id), ..refusal }),
        }
    }

    fn configured(&mut self, settings: &Settings, out: &mut Outputs) {
        self.settings = *settings;
        let session = self.describe();
        self.mouth.event(json!({"type": "session.updated", "session": session}), out);
    }

    fn begin(&mut self, _words: &str, out: &mut Outputs) {
        self.mouth.begin(out);
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        self.mouth.delta_base64(&base64_simd::STANDARD.encode_to_string(audio), audio.len(), out);
    }

    fn say_base64(&mut self, base64: &str, len_bytes: usize, out: &mut Outputs) {
        self.mouth.delta_base64(base64, len_bytes, out);
    }

    fn end(&mut self, ending: Ending, words: &str, out: &mut Outputs) {
        let (status, reason) = match ending {
            Ending::Completed => ("completed", None),
            Ending::Interrupted => ("cancelled", Some("turn_detected")),
            Ending::Cancelled => ("cancelled", Some("client_cancelled")),
        };
        self.mouth.end(status, reason, words, out);
    }

    fn caller_started(&mut self, at_ms: u64, out: &mut Outputs) {
        let start = at_ms.saturating_sub(u64::from(self.settings.prefix_padding_ms));
        let item = self.next_caller_item();
        self.mouth.event(json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": start, "item_id": item}), out);
    }

    fn caller_stopped(&mut self, at_ms: u64, out: &mut Outputs) {
        let item = self.next_caller_item();
        self.mouth.event(json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at_ms, "item_id": item}), out);
    }

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        let item = self.next_caller_item();
        self.caller_items += 1;
        self.mouth.event(json!({"type": "input_audio_buffer.committed", "previous_item_id": null, "item_id": item}), out);
        if let Some(words) = words {
            let whole = json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": item,
                "content_index": 0, "transcript": words, "usage": {"type": "duration", "seconds": 1}});
            self.mouth.event(whole, out);
        }
    }

    fn fail(&mut self, code: &str, out: &mut Outputs) {
        self.mouth.error(code, "as the simulator was told to", None, out);
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Outputs) {
        self.mouth.error(refusal.code, &refusal.message, refusal.event_id.as_deref(), out);
    }
}

/// The service's own bound.
const MAX_APPEND_BYTES: usize = 15 * 1024 * 1024;
