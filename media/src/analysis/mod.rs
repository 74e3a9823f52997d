//! What a call sounds like: levels, faults of the line, who speaks when, and, where the gateway decides turns, who has
//! the turn.
//!
//! | part | what it tells |
//! | --- | --- |
//! | [`Meter`] | level, peak, clipping, offset and noise floor of one line |
//! | [`TalkTimes`] | who spoke how long: each alone, both, nobody |
//! | [`Condition`] | a fault of the line, told once, after it has lasted |
//! | [`crate::barge_in`] | where the caller begins and stops, for real, and what follows |
//!
//! [`Analysis`] stands behind the taps of both pipelines and hears each frame once: what was sent, what came. A call
//! without it pays nothing. With it: 31 kB at 8 kHz, and for CPU mostly the voice detector. Left out on
//! purpose: loss, jitter and delay, which the RTP statistics tell without listening ([`crate::stats`]).

mod condition;
mod meter;
mod talk;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::barge_in::{self, AgentSpeech, Arbiter, Decision, Ear, Overheard};
use crate::echo::EchoPath;
use crate::egress::{FrameContent, ReferenceFrame};
use crate::ingress::{FrameOrigin, TapFrame};
use crate::resample::Resampler;
use crate::units::SampleRate;
use crate::vad::Edge;

pub use condition::{Condition, Warning};
pub use meter::{LineFigures, Meter};
pub use talk::TalkTimes;

use condition::{Second, Watch};
use talk::Talk;

/// Listens to both lines of a call.
#[derive(Debug)]
pub struct Analysis {
    ear: Ear,
    /// Brings what is sent to the rate of what comes, where they differ.
    converter: Option<Converter>,
    caller: Meter,
    agent: Meter,
    talk: Talk,
    watch: Watch,
    second: Second,
    /// Of the second, what was sent so far.
    elapsed: Duration,
    arbiter: Option<Arbiter>,
    warnings: VecDeque<Warning>,
}

/// What was found so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diagnostics {
    /// What came.
    pub caller: LineFigures,
    /// What was sent.
    pub agent: LineFigures,
    /// Who spoke how long.
    pub talk: TalkTimes,
    /// What comes back of what is sent, once it is known.
    pub echo: Option<EchoPath>,
}

/// What an analysis has for its owner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnalysisOutput {
    /// A turn begins, ends, or is in doubt.
    Decision(Decision),
    /// The line has a fault.
    Warning(Warning),
    /// Nothing before this instant, or before the next frame.
    Timeout(Option<Instant>),
}

#[derive(Debug)]
struct Converter {
    from: SampleRate,
    resampler: Resampler,
    samples: Vec<i16>,
}

impl Analysis {
    /// An analysis of lines of `rate`, which decides turns where it is told how. Another rate is followed.
    #[must_use]
    pub fn new(rate: SampleRate, turns: Option<barge_in::Config>) -> Self {
        Self {
            ear: Ear::new(rate),
            converter: None,
            caller: Meter::default(),
            agent: Meter::default(),
            talk: Talk::default(),
            watch: Watch::default(),
            second: Second::default(),
            elapsed: Duration::ZERO,
            arbiter: turns.map(Arbiter::new),
            warnings: VecDeque::with_capacity(Condition::ALL.len()),
        }
    }

    /// Takes what is sent, as it goes.
    pub fn handle_sent(&mut self, frame: &ReferenceFrame<'_>) {
        let speaks = frame.content == FrameContent::Agent;
        self.talk.agent_speaks(speaks);
        self.agent.push(frame.samples, speaks);
        if frame.rate == self.ear.rate() {
            self.ear.push_sent(frame.samples);
        } else {
            self.convert(frame);
        }
        let length = frame.rate.duration(frame.samples.len() as u64);
        if speaks {
            self.second.agent_spoke += length;
        }
        self.pass(length);
    }

    /// A slot in which nothing is sent: the line that is sent goes on, silent.
    pub fn handle_silent_slot(&mut self, length: Duration) {
        let rate = self.ear.rate();
        let mut left = rate.samples(length) as usize;
        while left > 0 {
            let piece = left.min(SILENCE.len());
            let samples = SILENCE.get(..piece).unwrap_or_default();
            self.ear.push_sent(samples);
            left -= piece;
        }
        self.talk.agent_speaks(false);
        self.pass(length);
    }

    /// Takes what came, as it comes.
    pub fn handle_received(&mut self, now: Instant, frame: &TapFrame<'_>) {
        if frame.rate != self.ear.rate() {
            self.ear = Ear::new(frame.rate);
            self.converter = None;
        }
        let came = matches!(frame.origin, FrameOrigin::Received);
        let before = self.caller;
        self.caller.push(frame.samples, self.ear.is_caller_speaking());
        if came {
            self.second.received += frame.rate.duration(frame.samples.len() as u64);
            self.second.caller.add(&self.caller.since(&before));
        }
        let Self { ear, talk, second, arbiter, .. } = self;
        let rate = ear.rate();
        let mut heard = Tidings::default();
        ear.push_received(frame.samples, !came, |overheard| {
            talk.frame(overheard.heard.speaking);
            if overheard.heard.voiced {
                second.caller_spoke += Ear::FRAME;
            }
            heard.note(&overheard);
        });
        if let Some(arbiter) = arbiter {
            let behind = |at: u64| rate.duration(ear.position().saturating_sub(at));
            heard.tell(now, arbiter, |at| now.checked_sub(behind(at)).unwrap_or(now));
        }
    }

    /// What the agent has to say has changed.
    pub fn handle_agent(&mut self, now: Instant, agent: AgentSpeech) {
        if let Some(arbiter) = &mut self.arbiter {
            arbiter.handle_agent(now, agent);
        }
    }

    /// Words of the caller were understood.
    pub fn handle_words(&mut self, now: Instant) {
        if let Some(arbiter) = &mut self.arbiter {
            arbiter.handle_words(now);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(arbiter) = &mut self.arbiter {
            arbiter.handle_timeout(now);
        }
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> AnalysisOutput {
        if let Some(warning) = self.warnings.pop_front() {
            return AnalysisOutput::Warning(warning);
        }
        match self.arbiter.as_mut().map(Arbiter::poll_output) {
            Some(barge_in::Output::Decision(decision)) => AnalysisOutput::Decision(decision),
            Some(barge_in::Output::Timeout(at)) => AnalysisOutput::Timeout(at),
            None => AnalysisOutput::Timeout(None),
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics { caller: self.caller.figures(), agent: self.agent.figures(), talk: self.talk.times(), echo: self.ear.echo() }
    }

    /// Whether it decides turns.
    #[must_use]
    pub const fn decides_turns(&self) -> bool {
        self.arbiter.is_some()
    }

    fn convert(&mut self, frame: &ReferenceFrame<'_>) {
        let rate = self.ear.rate();
        let converter = match &mut self.converter {
            Some(converter) if converter.from == frame.rate => converter,
            slot => slot.insert(Converter { from: frame.rate, resampler: Resampler::new(frame.rate, rate), samples: Vec::new() }),
        };
        converter.samples.clear();
        converter.resampler.push(frame.samples, &mut converter.samples);
        self.ear.push_sent(&converter.samples);
    }

    /// So much more was sent, or would have been.
    fn pass(&mut self, length: Duration) {
        self.elapsed += length;
        if self.elapsed >= SECOND {
            self.elapsed -= SECOND;
            self.close_second();
        }
    }

    fn close_second(&mut self) {
        let second = std::mem::take(&mut self.second);
        let noise_dbfs = self.caller.figures().noise_floor_dbfs;
        self.watch.judge(&second, noise_dbfs, self.ear.echo(), |warning| self.warnings.push_back(warning));
    }
}

/// What the frames of one push said of the caller: of each kind one at most, since no edge is shorter than a push.
#[derive(Default)]
struct Tidings {
    started: Option<u64>,
    spoke: Duration,
    stopped: Option<u64>,
}

impl Tidings {
    fn note(&mut self, overheard: &Overheard) {
        match overheard.heard.edge {
            Some(Edge::Started { at }) => self.started = Some(at),
            Some(Edge::Stopped { at }) => self.stopped = Some(at),
            None if overheard.heard.voiced => self.spoke += Ear::FRAME,
            None => {}
        }
    }

    fn tell(&self, now: Instant, arbiter: &mut Arbiter, when: impl Fn(u64) -> Instant) {
        if let Some(at) = self.started {
            arbiter.handle_speech_started(now, when(at));
        }
        if !self.spoke.is_zero() {
            arbiter.handle_speech(now, self.spoke);
        }
        if let Some(at) = self.stopped {
            arbiter.handle_speech_stopped(now, when(at));
        }
    }
}

/// 20 ms at 24 kHz, at a time.
static SILENCE: [i16; 480] = [0; 480];
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
