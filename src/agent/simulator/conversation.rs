//! One session of the simulator, pure: the client's messages and time in, events out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64_simd::STANDARD;
use media::frame::AudioFormat;
use serde_json::json;

use super::ear::{Ear, Edge};
use super::mouth::{Mouth, Output};
use super::observations::{SessionHandle, Truncation, lock};
use super::requests::{Refusal, Request};
use super::script::{Action, Script};
use super::settings::Settings;
use super::{Behaviour, Config, voice};

/// One session.
pub(super) struct Conversation {
    config: Arc<Config>,
    seen: SessionHandle,
    settings: Settings,
    /// A `session.update` was taken.
    configured: bool,
    mouth: Mouth,
    ear: Option<Ear>,
    /// The caller's audio since the last commit; while he is silent only the padding before his next words.
    uncommitted: Vec<u8>,
    caller_speaks: bool,
    caller_items: u64,
    script: Script,
    timers: [Option<Instant>; Timer::COUNT],
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The greeter has waited long enough for a `response.create`.
    Greet,
    /// The running response has been generated whole.
    Generated,
    /// The script's wait is over.
    Script,
    /// A fault: an error event is due.
    Error,
    /// A fault: the connection is to be dropped.
    Drop,
}

impl Timer {
    const COUNT: usize = 5;
    const ALL: [Self; Self::COUNT] = [Self::Greet, Self::Generated, Self::Script, Self::Error, Self::Drop];
}

impl Conversation {
    pub(super) fn new(config: Arc<Config>, seen: SessionHandle) -> Self {
        let script = Script::new(config.behaviour.steps());
        let mut conversation = Self {
            config,
            seen,
            settings: Settings::default(),
            configured: false,
            mouth: Mouth::default(),
            ear: None,
            uncommitted: Vec::new(),
            caller_speaks: false,
            caller_items: 0,
            script,
            timers: [None; Timer::COUNT],
        };
        let session = conversation.settings.describe();
        conversation.mouth.event(json!({"type": "session.created", "session": session}));
        conversation
    }

    pub(super) fn handle_message(&mut self, now: Instant, text: &str) {
        if let Some(base64) = Request::append_fast(text) {
            return self.append(now, base64);
        }
        let request = match Request::parse(text) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(&refusal),
        };
        let event_id = request.event_id().map(str::to_owned);
        if let Err(mut refusal) = self.handle_request(now, request) {
            refusal.event_id = refusal.event_id.or(event_id);
            self.refuse(&refusal);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for timer in Timer::ALL {
            if self.timer(timer).is_some_and(|at| at <= now) {
                self.set(timer, None);
                self.fire(now, timer);
            }
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.mouth.poll()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.iter().flatten().min().copied()
    }

    fn handle_request(&mut self, now: Instant, request: Request<'_>) -> Result<(), Refusal> {
        let kind = match &request {
            Request::Append { audio, .. } => {
                self.append(now, &audio.clone());
                return Ok(());
            }
            Request::SessionUpdate { session, .. } => {
                let settings = session.apply(self.settings)?;
                self.configure(now, settings)?;
                "session.update"
            }
            Request::Commit { .. } => {
                if self.uncommitted.is_empty() {
                    return Err(Refusal::new("input_audio_buffer_commit_empty", "the input audio buffer is empty"));
                }
                self.commit();
                "input_audio_buffer.commit"
            }
            Request::ClearInput { .. } => {
                self.uncommitted.clear();
                self.mouth.event(json!({"type": "input_audio_buffer.cleared"}));
                "input_audio_buffer.clear"
            }
            Request::ItemCreate { item, .. } => {
                item.check()?;
                self.caller_items += 1;
                let id = format!("item_client_{}", self.caller_items);
                self.mouth.event(json!({"type": "conversation.item.added", "previous_item_id": null, "item": item.describe(&id)}));
                "conversation.item.create"
            }
            Request::ItemTruncate { item_id, content_index, audio_end_ms, .. } => {
                self.truncate(item_id, *content_index, *audio_end_ms)?;
                "conversation.item.truncate"
            }
            Request::ResponseCreate { .. } => {
                if self.mouth.is_active() {
                    return Err(Refusal::new("conversation_already_has_active_response", "a response is in progress"));
                }
                self.respond(now);
                "response.create"
            }
            Request::ResponseCancel { .. } => {
                if !self.mouth.is_active() {
                    return Err(Refusal::new("response_cancel_not_active", "no response is in progress"));
                }
                self.cancel("client_cancelled");
                "response.cancel"
            }
        };
        lock(&self.seen).request(kind);
        Ok(())
    }

    fn configure(&mut self, now: Instant, settings: Settings) -> Result<(), Refusal> {
        let echo = matches!(self.config.behaviour, Behaviour::Echo);
        if echo && settings.input != settings.output {
            return Err(Refusal::new("invalid_value", "an echo speaks the format it hears"));
        }
        self.settings = settings;
        self.ear = (!echo && settings.turn_detection).then(|| Ear::new(settings.input, settings.silence_duration_ms));
        let session = settings.describe();
        self.mouth.event(json!({"type": "session.updated", "session": session}));
        if !std::mem::replace(&mut self.configured, true) {
            let after = |ms: u64| Some(now + Duration::from_millis(ms));
            self.set(Timer::Error, self.config.faults.error_after_ms.and_then(after));
            self.set(Timer::Drop, self.config.faults.drop_after_ms.and_then(after));
            if matches!(self.config.behaviour, Behaviour::Greeter) {
                self.set(Timer::Greet, Some(now + GREETING_PATIENCE));
            }
            self.run_script(now);
        }
        Ok(())
    }

    fn append(&mut self, now: Instant, base64: &str) {
        let Ok(len_bytes) = STANDARD.decoded_length(base64.as_bytes()) else {
            return self.refuse(&Refusal::new("invalid_value", "audio is not base64"));
        };
        if len_bytes > MAX_APPEND_BYTES || !len_bytes.is_multiple_of(self.settings.input.sample_len_bytes()) {
            return self.refuse(&Refusal::new("invalid_value", "audio is too long or not of whole samples"));
        }
        lock(&self.seen).append(len_bytes);
        if matches!(self.config.behaviour, Behaviour::Echo) && !self.config.keep_audio {
            return self.echo(base64, len_bytes);
        }
        let Ok(audio) = STANDARD.decode_to_vec(base64) else {
            return self.refuse(&Refusal::new("invalid_value", "audio is not base64"));
        };
        if self.config.keep_audio {
            lock(&self.seen).keep(&audio);
        }
        if matches!(self.config.behaviour, Behaviour::Echo) { self.echo(base64, len_bytes) } else { self.listen(now, &audio) }
    }

    fn echo(&mut self, base64: &str, len_bytes: usize) {
        if !self.mouth.is_active() {
            self.mouth.begin();
        }
        self.mouth.delta_base64(base64, len_bytes);
    }

    fn listen(&mut self, now: Instant, audio: &[u8]) {
        self.uncommitted.extend_from_slice(audio);
        let edge = self.ear.as_mut().and_then(|ear| ear.hear(audio));
        match edge {
            Some(Edge::Started { at_ms }) => self.caller_started(now, at_ms),
            Some(Edge::Stopped { at_ms }) => self.caller_stopped(now, at_ms),
            None => {}
        }
        let bound = if self.caller_speaks || self.ear.is_none() { MAX_UTTERANCE } else { self.padding() };
        let excess = self.uncommitted.len().saturating_sub(bytes_in(self.settings.input, bound));
        self.uncommitted.drain(..excess);
    }

    fn caller_started(&mut self, now: Instant, at_ms: u64) {
        self.caller_speaks = true;
        lock(&self.seen).speech_started(now);
        let start = at_ms.saturating_sub(u64::from(self.settings.prefix_padding_ms));
        let item = self.next_caller_item();
        self.mouth.event(json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": start, "item_id": item}));
        if self.settings.interrupt_response && self.mouth.is_active() {
            self.cancel("turn_detected");
        }
        self.script.hear_started();
        self.run_script(now);
    }

    fn caller_stopped(&mut self, now: Instant, at_ms: u64) {
        self.caller_speaks = false;
        lock(&self.seen).utterances += 1;
        let item = self.next_caller_item();
        self.mouth.event(json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at_ms, "item_id": item}));
        let utterance = self.commit();
        if matches!(self.config.behaviour, Behaviour::Parrot | Behaviour::Greeter) && !self.mouth.is_active() {
            self.set(Timer::Greet, None);
            let spoken =
                voice::convert(&voice::decode(self.settings.input, &utterance), self.settings.input.rate(), self.settings.output.rate());
            self.say(now, &voice::encode(self.settings.output, spoken.into_iter()));
        }
        self.script.hear_stopped();
        self.run_script(now);
    }

    fn commit(&mut self) -> Vec<u8> {
        let item = self.next_caller_item();
        self.caller_items += 1;
        self.mouth.event(json!({"type": "input_audio_buffer.committed", "previous_item_id": null, "item_id": item}));
        if self.settings.transcribe {
            self.mouth.event(json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": item,
                "content_index": 0, "transcript": self.config.transcript.caller, "usage": {"type": "duration", "seconds": 1}}));
        }
        std::mem::take(&mut self.uncommitted)
    }

    fn respond(&mut self, now: Instant) {
        let format = self.settings.output;
        match self.config.behaviour {
            Behaviour::Greeter if self.timer(Timer::Greet).is_some() => {
                self.set(Timer::Greet, None);
                self.say(now, &voice::greeting(format));
            }
            Behaviour::Echo => self.mouth.begin(),
            Behaviour::Parrot | Behaviour::Greeter => self.say(now, &voice::tone(format, 440.0, Duration::from_millis(200))),
            Behaviour::Script(_) => {}
        }
    }

    /// Says `audio` as one response: all of it at once, and the end of it after the time a fast generator takes.
    fn say(&mut self, now: Instant, audio: &[u8]) {
        let format = self.settings.output;
        self.mouth.begin();
        self.mouth.burst(audio, bytes_in(format, PIECE));
        let length = format.rate().duration((audio.len() / format.sample_len_bytes()) as u64);
        self.set(Timer::Generated, Some(now + length / GENERATION_SPEED));
    }

    fn cancel(&mut self, reason: &str) {
        self.set(Timer::Generated, None);
        let words = self.config.transcript.agent.clone();
        self.mouth.end("cancelled", Some(reason), &words);
    }

    fn truncate(&mut self, item_id: &str, content_index: u32, audio_end_ms: u64) -> Result<(), Refusal> {
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
        self.mouth
            .event(json!({"type": "conversation.item.truncated", "item_id": item_id, "content_index": 0, "audio_end_ms": audio_end_ms}));
        Ok(())
    }

    fn run_script(&mut self, now: Instant) {
        while let Some(action) = self.script.next(self.settings.output) {
            match action {
                Action::Wait(time) => {
                    self.set(Timer::Script, Some(now + time));
                    return;
                }
                Action::Say(audio) => {
                    if self.mouth.is_active() {
                        self.finish();
                    }
                    self.say(now, &audio);
                }
                Action::Send(text) => self.mouth.push(Output::Send(text)),
                Action::Error(code) => self.send_error(&code),
                Action::Socket(output) => self.mouth.push(output),
            }
        }
    }

    fn fire(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Greet => self.say(now, &voice::greeting(self.settings.output)),
            Timer::Generated => self.finish(),
            Timer::Script => self.run_script(now),
            Timer::Error => {
                let code = self.config.faults.error_code.clone();
                self.send_error(&code);
            }
            Timer::Drop => self.mouth.push(Output::Drop),
        }
    }

    fn finish(&mut self) {
        self.set(Timer::Generated, None);
        let words = self.config.transcript.agent.clone();
        self.mouth.end("completed", None, &words);
    }

    fn refuse(&mut self, refusal: &Refusal) {
        lock(&self.seen).error(refusal.code);
        self.mouth.error(refusal.code, &refusal.message, refusal.event_id.as_deref());
    }

    fn send_error(&mut self, code: &str) {
        lock(&self.seen).error(code);
        self.mouth.error(code, "as the simulator was told to", None);
    }

    fn next_caller_item(&self) -> String {
        format!("item_caller_{}", self.caller_items + 1)
    }

    fn padding(&self) -> Duration {
        // The ear notices a while after the words began.
        Duration::from_millis(u64::from(self.settings.prefix_padding_ms)) + Duration::from_millis(100)
    }

    fn timer(&self, timer: Timer) -> Option<Instant> {
        self.timers.get(timer as usize).copied().flatten()
    }

    fn set(&mut self, timer: Timer, at: Option<Instant>) {
        if let Some(place) = self.timers.get_mut(timer as usize) {
            *place = at;
        }
    }
}

fn bytes_in(format: AudioFormat, time: Duration) -> usize {
    usize::try_from(format.rate().samples(time)).unwrap_or(usize::MAX).saturating_mul(format.sample_len_bytes())
}

/// The service's own bound.
const MAX_APPEND_BYTES: usize = 15 * 1024 * 1024;
const MAX_UTTERANCE: Duration = Duration::from_secs(60);
/// How long the greeter waits to be asked.
const GREETING_PATIENCE: Duration = Duration::from_millis(300);
/// Audio of one delta.
const PIECE: Duration = Duration::from_millis(200);
/// How many times faster than it is played speech is generated.
const GENERATION_SPEED: u32 = 4;

#[cfg(test)]
mod tests;
