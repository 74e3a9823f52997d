//! The protocols that a simulator speaks, each strict on what it hears: what the real one does not know, or would
//! misunderstand, is refused. A [`Conversation`](super::conversation::Conversation) decides what is said; a [`Wire`] says it.

mod auricle;
mod bytes;
mod carrier;
mod deepgram;
mod elevenlabs;
mod gemini;
mod gptlive;
mod openai;
mod pipecat;
mod strict;
#[cfg(test)]
mod tests;
mod ultravox;

use std::borrow::Cow;
use std::collections::VecDeque;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Serialize;
use serde_json::Value;

use super::observations::SessionHandle;
use crate::agent::config::Protocol;
use crate::agent::model::AgentMessage;

pub(super) use self::strict::Refusal;

/// What a client says, whatever the protocol.
#[derive(Debug)]
pub(super) enum ClientSays<'a> {
    /// Its settings, which are taken.
    Settings(Settings),
    /// The caller's audio.
    Audio(Cow<'a, [u8]>),
    /// The same in base64, checked and counted already: an echo needs no more.
    Base64 { base64: Cow<'a, str>, len_bytes: usize },
    /// The caller has finished: what was said is a turn.
    TurnEnded,
    /// What was said and is no turn yet is forgotten.
    ClearInput,
    /// It wants the agent to speak.
    Speak,
    /// It wants the agent to stop.
    Cancel,
    /// The call is over.
    Goodbye,
    /// Taken, and answered where it wants an answer.
    Taken,
}

/// What a client may set, as far as it matters to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) input: AudioFormat,
    pub(super) output: AudioFormat,
    pub(super) transcribe: bool,
    /// The simulator finds turns; otherwise it is told of them.
    pub(super) turn_detection: bool,
    pub(super) prefix_padding_ms: u32,
    pub(super) silence_duration_ms: u32,
    pub(super) interrupt_response: bool,
    /// It is asked to speak first.
    pub(super) greets: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(AudioFormat::S16 { rate: SampleRate::HZ_24000 })
    }
}

impl Settings {
    /// One format both ways, all else as the services have it.
    pub(super) const fn of(format: AudioFormat) -> Self {
        Self {
            input: format,
            output: format,
            transcribe: false,
            turn_detection: true,
            prefix_padding_ms: 300,
            silence_duration_ms: 500,
            interrupt_response: true,
            greets: false,
        }
    }
}

/// How an utterance of the agent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was said whole.
    Completed,
    /// The caller spoke.
    Interrupted,
    /// The client wanted it.
    Cancelled,
}

/// What is to be done to the socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Write this.
    Send(String),
    /// Write these bytes.
    SendBytes(Vec<u8>),
    /// Close with this code, for this reason.
    Close(u16, String),
    /// Drop the connection without a word.
    Drop,
    /// Read no more and write no more, but keep the connection.
    Stall,
}

/// What waits to be done to the socket.
#[derive(Debug, Default)]
pub(super) struct Outputs(VecDeque<Output>);

impl Outputs {
    pub(super) fn push(&mut self, output: Output) {
        self.0.push_back(output);
    }

    /// Queues JSON.
    pub(super) fn send(&mut self, message: &impl Serialize) {
        // Nothing that the simulator says has keys that are no strings.
        self.push(Output::Send(serde_json::to_string(message).unwrap_or_default()));
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        self.0.pop_front()
    }
}

/// Where a conversation that was asked for is met.
#[derive(Debug)]
pub(super) struct Door {
    /// The whole URL but its last part.
    pub(super) url: String,
    /// What opens it, once.
    pub(super) token: String,
}

/// Whether conversations of a protocol may be asked for over HTTP; those of Ultravox have to be.
pub(super) const fn may_be_asked_for(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Ultravox | Protocol::Pipecat | Protocol::Daily)
}

/// One protocol, from the side that is called.
pub(super) trait Wire: Send {
    /// The socket is open: what the service says by itself.
    fn open(&mut self, _out: &mut Outputs) {}

    /// The client asked for the conversation over HTTP: what it set by that, and what it is answered, with where it is met.
    fn arrange(&mut self, _question: &str, _door: &Door) -> Result<(Value, Option<Settings>), Refusal> {
        Err(Refusal::new("not_found", "nobody is asked for here"))
    }

    /// A message: what kind it is, and what it means. `unheard` is the length of the audio that is no turn yet.
    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        unheard: usize,
        out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal>;

    /// The settings are in force.
    fn configured(&mut self, _settings: &Settings, _out: &mut Outputs) {}

    /// An utterance begins.
    fn begin(&mut self, words: &str, out: &mut Outputs);

    /// Some of it.
    fn say(&mut self, audio: &[u8], out: &mut Outputs);

    /// Some of it, in base64 as it came.
    fn say_base64(&mut self, base64: &str, len_bytes: usize, out: &mut Outputs);

    /// It ends.
    fn end(&mut self, ending: Ending, words: &str, out: &mut Outputs);

    /// The caller began to speak, after so much audio.
    fn caller_started(&mut self, _at_ms: u64, _out: &mut Outputs) {}

    /// The caller stopped.
    fn caller_stopped(&mut self, _at_ms: u64, _out: &mut Outputs) {}

    /// What the caller said is a turn, and these are its words.
    fn heard(&mut self, _words: Option<&str>, _out: &mut Outputs) {}

    /// Something failed, as the script wants it.
    fn fail(&mut self, code: &str, out: &mut Outputs);

    /// A message was refused: the connection ends, and says why.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Outputs) {
        out.push(Output::Close(POLICY_VIOLATION, refusal.reason()));
    }
}

/// The wire of a protocol; `format` counts where the client does not name one.
pub(super) fn of(protocol: Protocol, format: AudioFormat, seen: SessionHandle) -> Box<dyn Wire> {
    match protocol {
        Protocol::OpenAi | Protocol::Azure => Box::new(openai::OpenAi::new(seen)),
        Protocol::VoiceLive => Box::new(openai::OpenAi::beta(seen)),
        Protocol::GptLive => Box::new(gptlive::GptLive::default()),
        Protocol::Deepgram => Box::new(deepgram::Deepgram::default()),
        Protocol::ElevenLabs => Box::new(elevenlabs::ElevenLabs::new(format)),
        Protocol::Gemini => Box::new(gemini::Gemini::default()),
        Protocol::Ultravox => Box::new(ultravox::Ultravox::default()),
        Protocol::Auricle => Box::new(auricle::Auricle::default()),
        Protocol::Twilio | Protocol::Telnyx | Protocol::Plivo | Protocol::Exotel => Box::new(carrier::Carrier::new(protocol)),
        Protocol::Vonage | Protocol::Jambonz => Box::new(bytes::Bytes::new(protocol)),
        Protocol::Pipecat => Box::new(pipecat::Pipecat::new(format)),
        // It is started and that is all: there is no room here to send anybody to.
        Protocol::Daily => Box::new(pipecat::Pipecat::in_a_room(format)),
    }
}

/// RFC 6455 §7.4.1.
const POLICY_VIOLATION: u16 = 1008;
