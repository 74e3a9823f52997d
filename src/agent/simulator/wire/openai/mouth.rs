//! What is said: server events in the order of the real service, and how much audio each item has.

use std::collections::VecDeque;
use std::fmt::Write;

use media::frame::AudioFormat;
use serde_json::{Value, json};

use crate::agent::simulator::wire::{Output, Outputs};

/// Server events in the making.
pub(super) struct Mouth {
    /// Events have the names of before.
    beta: bool,
    events: u64,
    responses: u64,
    items: VecDeque<Item>,
    active: Option<Active>,
}

struct Item {
    name: String,
    sent_bytes: u64,
}

/// The response that runs.
struct Active {
    response: String,
    item: String,
    /// All of a delta up to its audio.
    prefix: String,
}

impl Mouth {
    pub(super) const fn new(beta: bool) -> Self {
        Self { beta, events: 0, responses: 0, items: VecDeque::new(), active: None }
    }

    /// Sends an event; its `event_id` is added.
    pub(super) fn event(&mut self, mut event: Value, out: &mut Outputs) {
        self.events += 1;
        if let Some(fields) = event.as_object_mut() {
            let kind = fields.get("type").and_then(Value::as_str).filter(|_| self.beta).and_then(beta_name);
            if let Some(kind) = kind {
                fields.insert("type".to_owned(), kind.into());
            }
            fields.insert("event_id".to_owned(), format!("event_{}", self.events).into());
        }
        out.push(Output::Send(event.to_string()));
    }

    pub(super) fn error(&mut self, code: &str, message: &str, event_id: Option<&str>, out: &mut Outputs) {
        let kind = if code == "server_error" { "server_error" } else { "invalid_request_error" };
        self.event(
            json!({"type": "error", "error": {"type": kind, "code": code, "message": message, "param": null, "event_id": event_id}}),
            out,
        );
    }

    pub(super) const fn is_active(&self) -> bool {
        self.active.is_some()
    }

    /// Begins a response with one item of speech.
    pub(super) fn begin(&mut self, out: &mut Outputs) {
        self.responses += 1;
        let (response, item) = (format!("resp_{}", self.responses), format!("item_{}", self.responses));
        self.event(
            json!({"type": "response.created", "response": {"object": "realtime.response", "id": response, "status": "in_progress",
            "status_details": null, "output": []}}),
            out,
        );
        let message =
            json!({"object": "realtime.item", "id": item, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
        self.event(json!({"type": "response.output_item.added", "response_id": response, "output_index": 0, "item": message}), out);
        self.event(json!({"type": "conversation.item.added", "previous_item_id": null, "item": message}), out);
        self.event(
            json!({"type": "response.content_part.added", "response_id": response, "item_id": item, "output_index": 0,
            "content_index": 0, "part": {"type": "audio", "transcript": ""}}),
            out,
        );
        let kind = if self.beta { "response.audio.delta" } else { "response.output_audio.delta" };
        let prefix =
            format!(r#"{{"type":"{kind}","response_id":"{response}","item_id":"{item}","output_index":0,"content_index":0,"delta":""#);
        if self.items.len() == MAX_ITEMS {
            self.items.pop_front();
        }
        self.items.push_back(Item { name: item.clone(), sent_bytes: 0 });
        self.active = Some(Active { response, item, prefix });
    }

    /// Sends audio of the running response, base64 already, without touching a byte of it.
    pub(super) fn delta_base64(&mut self, base64: &str, len_bytes: usize, out: &mut Outputs) {
        let (Some(active), Some(item)) = (&self.active, self.items.back_mut()) else { return };
        item.sent_bytes += len_bytes as u64;
        self.events += 1;
        let mut text = String::with_capacity(active.prefix.len() + base64.len() + 40);
        text.push_str(&active.prefix);
        text.push_str(base64);
        let _ = write!(text, r#"","event_id":"event_{}"}}"#, self.events);
        out.push(Output::Send(text));
    }

    /// Ends the running response as `status`, for `reason` where it was cancelled; `words` are what it said.
    pub(super) fn end(&mut self, status: &str, reason: Option<&str>, words: &str, out: &mut Outputs) {
        let Some(Active { response, item, .. }) = self.active.take() else { return };
        self.event(
            json!({"type": "response.output_audio.done", "response_id": response, "item_id": item, "output_index": 0,
            "content_index": 0}),
            out,
        );
        self.event(
            json!({"type": "response.output_audio_transcript.done", "response_id": response, "item_id": item, "output_index": 0,
            "content_index": 0, "transcript": words}),
            out,
        );
        self.event(
            json!({"type": "response.content_part.done", "response_id": response, "item_id": item, "output_index": 0,
            "content_index": 0, "part": {"type": "audio", "transcript": words}}),
            out,
        );
        let item_status = if status == "completed" { "completed" } else { "incomplete" };
        let message = json!({"object": "realtime.item", "id": item, "type": "message", "status": item_status, "role": "assistant",
            "content": [{"type": "output_audio", "transcript": words}]});
        self.event(json!({"type": "response.output_item.done", "response_id": response, "output_index": 0, "item": message}), out);
        let details = reason.map(|reason| json!({"type": status, "reason": reason}));
        self.event(
            json!({"type": "response.done", "response": {"object": "realtime.response", "id": response, "status": status,
            "status_details": details, "output": [message], "usage": {"total_tokens": 0}}}),
            out,
        );
    }

    /// Audio sent of an item, in whole milliseconds; `None` for an item there never was.
    pub(super) fn sent_ms(&self, name: &str, format: AudioFormat) -> Option<u64> {
        let item = self.items.iter().find(|item| item.name == name)?;
        Some(format.rate().millis(item.sent_bytes / format.sample_len_bytes() as u64))
    }

    /// The client's word is the truth from now on: a second truncation cannot make it longer again.
    pub(super) fn truncate(&mut self, name: &str, format: AudioFormat, audio_end_ms: u64) {
        if let Some(item) = self.items.iter_mut().find(|item| item.name == name) {
            item.sent_bytes = u64::from(format.rate().hz()) * audio_end_ms / 1_000 * format.sample_len_bytes() as u64;
        }
    }
}

/// What an event was called before, where that was otherwise.
fn beta_name(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "response.output_audio.done" => "response.audio.done",
        "response.output_audio_transcript.done" => "response.audio_transcript.done",
        "conversation.item.added" => "conversation.item.created",
        _ => return None,
    })
}

const MAX_ITEMS: usize = 256;
