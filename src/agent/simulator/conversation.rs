//! One session of the simulator, pure: the client's messages and time in, messages of its protocol out.
//!
//! What is heard and said is the same in every protocol; how it is written is the [`Wire`]'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::frame::AudioFormat;

use super::ear::{Ear, Edge};
use super::observations::{SessionHandle, lock};
use super::script::{Action, Script};
use super::wire::{self, ClientSays, Ending, Output, Outputs, Settings, Wire};
use super::{Behaviour, Config, voice};
use crate::agent::model::AgentMessage;

/// One session.
pub(super) struct Conversation {
    config: Arc<Config>,
    seen: SessionHandle,
    wire: Box<dyn Wire>,
    out: Outputs,
    settings: Settings,
    /// Settings were taken.
    configured: bool,
    /// An utterance of the agent is being said.
    speaking: bool,
    ear: Option<Ear>,
    /// The caller's audio since the last turn; while he is silent only the padding before his next words.
    unheard: Vec<u8>,
    caller_speaks: bool,
    script: Script,
    timers: [Option<Instant>; Timer::COUNT],
}

/// A conversation that was asked for over HTTP, until its socket is opened.
pub(super) struct Arranged {
    pub(super) wire: Box<dyn Wire>,
    pub(super) settings: Option<Settings>,
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The greeter has waited long enough to be asked.
    Greet,
    /// The utterance has been generated whole.
    Generated,
    /// The script's wait is over.
    Script,
    /// A fault: an error is due.
    Error,
    /// A fault: the connection is to be dropped.
    Drop,
    /// A fault: nothing is read or written any more.
    Stall,
}

impl Timer {
    const COUNT: usize = 6;
    const ALL: [Self; Self::COUNT] = [Self::Greet, Self::Generated, Self::Script, Self::Error, Self::Drop, Self::Stall];
}

impl Conversation {
    pub(super) fn new(config: Arc<Config>, seen: SessionHandle) -> Self {
        let script = Script::new(config.behaviour.steps());
        let mut wire = wire::of(config.protocol, config.format, seen.clone());
        let mut out = Outputs::default();
        wire.open(&mut out);
        Self {
            config,
            seen,
            wire,
            out,
            settings: Settings::default(),
            configured: false,
            speaking: false,
            ear: None,
            unheard: Vec::new(),
            caller_speaks: false,
            script,
            timers: [None; Timer::COUNT],
        }
    }

    /// The conversation was asked for before its socket was opened.
    pub(super) fn begin_as_arranged(&mut self, now: Instant, arranged: Arranged) {
        lock(&self.seen).request(ASKED_FOR);
        self.wire = arranged.wire;
        if let Some(settings) = arranged.settings {
            self.configure(now, settings);
        }
    }

    pub(super) fn handle_message(&mut self, now: Instant, message: AgentMessage<'_>) {
        let unheard = self.unheard.len();
        match self.wire.read(message, unheard, &mut self.out) {
            Err(refusal) => {
                lock(&self.seen).error(refusal.code);
                self.wire.refuse(&refusal, &mut self.out);
            }
            Ok((kind, said)) => {
                if !matches!(said, ClientSays::Audio(_) | ClientSays::Base64 { .. }) {
                    lock(&self.seen).request(&kind);
                }
                self.take(now, said);
            }
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
        self.out.pop()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.iter().flatten().min().copied()
    }

    fn take(&mut self, now: Instant, said: ClientSays<'_>) {
        match said {
            ClientSays::Settings(settings) => self.configure(now, settings),
            ClientSays::Audio(audio) => {
                self.note_audio(&audio);
                if self.echoes() { self.echo(|wire, out| wire.say(&audio, out)) } else { self.listen(now, &audio) }
            }
            ClientSays::Base64 { base64, len_bytes } => self.take_base64(now, &base64, len_bytes),
            ClientSays::TurnEnded => {
                self.finish_turn();
            }
            ClientSays::ClearInput => self.unheard.clear(),
            ClientSays::Speak => self.respond(now),
            ClientSays::Cancel => self.stop(Ending::Cancelled),
            ClientSays::Goodbye => self.out.push(Output::Close(NORMAL_CLOSURE, String::new())),
            ClientSays::Taken => {}
        }
    }

    fn configure(&mut self, now: Instant, settings: Settings) {
        let echoes = self.echoes();
        if echoes && settings.input != settings.output {
            let refusal = wire::Refusal::new("invalid_value", "an echo speaks the format it hears");
            lock(&self.seen).error(refusal.code);
            return self.wire.refuse(&refusal, &mut self.out);
        }
        self.settings = settings;
        self.ear = (!echoes && settings.turn_detection).then(|| Ear::new(settings.input, settings.silence_duration_ms));
        self.wire.configured(&settings, &mut self.out);
        if !std::mem::replace(&mut self.configured, true) {
            let after = |ms: u64| Some(now + Duration::from_millis(ms));
            self.set(Timer::Error, self.config.faults.error_after_ms.and_then(after));
            self.set(Timer::Drop, self.config.faults.drop_after_ms.and_then(after));
            self.set(Timer::Stall, self.config.faults.stall_after_ms.and_then(after));
            if matches!(self.config.behaviour, Behaviour::Greeter) {
                let patience = if settings.greets { Duration::ZERO } else { GREETING_PATIENCE };
                self.set(Timer::Greet, Some(now + patience));
            }
            self.run_script(now);
        }
    }

    /// Audio of which base64 is enough for an echo is not decoded at all.
    fn take_base64(&mut self, now: Instant, base64: &str, len_bytes: usize) {
        if self.echoes() && !self.config.keep_audio {
            lock(&self.seen).append(len_bytes);
            return self.echo(|wire, out| wire.say_base64(base64, len_bytes, out));
        }
        // The wire has checked it.
        let audio = base64_simd::STANDARD.decode_to_vec(base64).unwrap_or_default();
        self.note_audio(&audio);
        if self.echoes() { self.echo(|wire, out| wire.say_base64(base64, len_bytes, out)) } else { self.listen(now, &audio) }
    }

    fn note_audio(&self, audio: &[u8]) {
        let mut seen = lock(&self.seen);
        seen.append(audio.len());
        if self.config.keep_audio {
            seen.keep(audio);
        }
    }

    fn echo(&mut self, say: impl FnOnce(&mut dyn Wire, &mut Outputs)) {
        if !self.speaking {
            self.begin();
        }
        say(&mut *self.wire, &mut self.out);
    }

    fn listen(&mut self, now: Instant, audio: &[u8]) {
        self.unheard.extend_from_slice(audio);
        let edge = self.ear.as_mut().and_then(|ear| ear.hear(audio));
        match edge {
            Some(Edge::Started { at_ms }) => self.caller_started(now, at_ms),
            Some(Edge::Stopped { at_ms }) => self.caller_stopped(now, at_ms),
            None => {}
        }
        let bound = if self.caller_speaks || self.ear.is_none() { MAX_UTTERANCE } else { self.padding() };
        let excess = self.unheard.len().saturating_sub(bytes_in(self.settings.input, bound));
        self.unheard.drain(..excess);
    }

    fn caller_started(&mut self, now: Instant, at_ms: u64) {
        self.caller_speaks = true;
        lock(&self.seen).speech_started(now);
        self.wire.caller_started(at_ms, &mut self.out);
        if self.settings.interrupt_response && self.speaking {
            self.stop(Ending::Interrupted);
        }
        self.script.hear_started();
        self.run_script(now);
    }

    fn caller_stopped(&mut self, now: Instant, at_ms: u64) {
        self.caller_speaks = false;
        lock(&self.seen).utterances += 1;
        self.wire.caller_stopped(at_ms, &mut self.out);
        let utterance = self.finish_turn();
        if matches!(self.config.behaviour, Behaviour::Parrot | Behaviour::Greeter) && !self.speaking {
            self.set(Timer::Greet, None);
            let spoken =
                voice::convert(&voice::decode(self.settings.input, &utterance), self.settings.input.rate(), self.settings.output.rate());
            self.say(now, &voice::encode(self.settings.output, spoken.into_iter()));
        }
        self.script.hear_stopped();
        self.run_script(now);
    }

    /// What was said is a turn.
    fn finish_turn(&mut self) -> Vec<u8> {
        let words = self.settings.transcribe.then_some(&*self.config.transcript.caller);
        self.wire.heard(words, &mut self.out);
        std::mem::take(&mut self.unheard)
    }

    fn respond(&mut self, now: Instant) {
        let format = self.settings.output;
        match self.config.behaviour {
            Behaviour::Greeter if self.timer(Timer::Greet).is_some() => {
                self.set(Timer::Greet, None);
                self.say(now, &voice::greeting(format));
            }
            Behaviour::Echo => self.begin(),
            Behaviour::Parrot | Behaviour::Greeter => self.say(now, &voice::tone(format, 440.0, Duration::from_millis(200))),
            Behaviour::Script(_) => {}
        }
    }

    fn begin(&mut self) {
        self.speaking = true;
        self.wire.begin(&self.config.transcript.agent, &mut self.out);
    }

    /// Says `audio` as one utterance: all of it at once, and the end of it after the time a fast generator takes.
    fn say(&mut self, now: Instant, audio: &[u8]) {
        let format = self.settings.output;
        self.begin();
        for piece in audio.chunks(bytes_in(format, PIECE).max(1)) {
            self.wire.say(piece, &mut self.out);
        }
        let length = format.rate().duration((audio.len() / format.sample_len_bytes()) as u64);
        self.set(Timer::Generated, Some(now + length / GENERATION_SPEED));
    }

    fn stop(&mut self, ending: Ending) {
        self.set(Timer::Generated, None);
        self.speaking = false;
        self.wire.end(ending, &self.config.transcript.agent, &mut self.out);
    }

    fn run_script(&mut self, now: Instant) {
        while let Some(action) = self.script.next(self.settings.output) {
            match action {
                Action::Wait(time) => {
                    self.set(Timer::Script, Some(now + time));
                    return;
                }
                Action::Say(audio) => {
                    if self.speaking {
                        self.stop(Ending::Completed);
                    }
                    self.say(now, &audio);
                }
                Action::Send(text) => self.out.push(Output::Send(text)),
                Action::Error(code) => self.fail(&code),
                Action::Socket(output) => self.out.push(output),
            }
        }
    }

    fn fire(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Greet => self.say(now, &voice::greeting(self.settings.output)),
            Timer::Generated => self.stop(Ending::Completed),
            Timer::Script => self.run_script(now),
            Timer::Error => {
                let code = self.config.faults.error_code.clone();
                self.fail(&code);
            }
            Timer::Drop => self.out.push(Output::Drop),
            Timer::Stall => self.out.push(Output::Stall),
        }
    }

    fn fail(&mut self, code: &str) {
        lock(&self.seen).error(code);
        self.wire.fail(code, &mut self.out);
    }

    fn echoes(&self) -> bool {
        matches!(self.config.behaviour, Behaviour::Echo)
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

/// What a question over HTTP is called among what was said.
const ASKED_FOR: &str = "arrange";
const MAX_UTTERANCE: Duration = Duration::from_secs(60);
/// How long the greeter waits to be asked.
const GREETING_PATIENCE: Duration = Duration::from_millis(300);
/// Audio of one message.
const PIECE: Duration = Duration::from_millis(200);
/// How many times faster than it is played speech is generated.
const GENERATION_SPEED: u32 = 4;
/// RFC 6455 §7.4.1.
const NORMAL_CLOSURE: u16 = 1000;

#[cfg(test)]
mod tests;
