//! Who has the turn, and whether an interruption is one.
//!
//! ```text
//!              agent silent                     silence
//! listening ──────────────────▶ caller's turn ──────────▶ listening
//!     │                              ▲
//!     │ agent speaks: pause          │ confirm: enough speech, or words
//!     └────────────▶ doubt ──────────┤
//!                      │             │ the agent had all but finished
//!                      └─ window ────┘
//!                           └─ resume ─▶ listening
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Decides on turns and interruptions from what is heard and what is played.
#[derive(Debug)]
pub struct Arbiter {
    config: Config,
    state: State,
    agent: AgentSpeech,
    speaking: bool,
    /// When the speech that goes on, or was the last, began.
    began: Option<Instant>,
    /// It was judged to be nothing.
    dismissed: bool,
    decisions: VecDeque<Decision>,
}

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// From the pause until an interruption that was not confirmed is rejected. Default: 700 ms.
    pub window: Duration,
    /// The caller's speech within the window that confirms it. Default: 400 ms; a "mhm" is shorter, "no, stop" is not.
    pub speech: Duration,
    /// Silence of the caller that ends his turn. Default: 600 ms.
    pub silence: Duration,
    /// An agent that has no more than this left has finished: what was said over it is an answer. Default: 500 ms.
    pub overlap: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self { window: ms(700), speech: ms(400), silence: ms(600), overlap: ms(500) }
    }
}

/// What the agent still has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentSpeech {
    /// Audio that waits to be played.
    pub waiting: Duration,
    /// It makes more, or thinks about it.
    pub more: bool,
    /// What is played must be heard whole.
    pub uninterruptible: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Stop playing, keep everything.
    Pause,
    /// It was nothing: go on where it stopped.
    Resume {
        /// So much speech of the caller was heard.
        heard: Duration,
    },
    /// It is an interruption: throw the agent's audio away and tell the agent.
    Confirm {
        /// What made it certain.
        cause: Cause,
    },
    /// The caller has the turn; what he says from `began` on is for the agent.
    TurnStarted {
        /// When he began to speak.
        began: Instant,
    },
    /// He has finished: the agent may answer.
    TurnEnded,
}

/// What made an interruption certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The caller spoke for long enough.
    Speech,
    /// Somebody made words of it.
    Words,
    /// The agent had all but finished.
    AgentDone,
}

/// What an arbiter has for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Do this.
    Decision(Decision),
    /// Nothing before this instant, or before the next event.
    Timeout(Option<Instant>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody speaks, or the agent alone.
    Listening,
    /// The agent is paused.
    Doubt { until: Instant, heard: Duration },
    /// The caller has the turn, and has been silent since.
    CallersTurn { ends: Option<Instant> },
}

impl Arbiter {
    /// An arbiter of a call in which nobody has spoken.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            state: State::Listening,
            agent: AgentSpeech::default(),
            speaking: false,
            began: None,
            dismissed: false,
            decisions: VecDeque::with_capacity(8),
        }
    }

    /// The caller speaks, and has since `began`.
    pub fn handle_speech_started(&mut self, now: Instant, began: Instant) {
        (self.speaking, self.dismissed) = (true, false);
        match &mut self.state {
            State::Listening => {
                self.began = Some(began.min(now));
                self.begin(now);
            }
            State::CallersTurn { ends } => *ends = None,
            State::Doubt { .. } => {}
        }
    }

    /// So much more of the caller's speech was heard.
    pub fn handle_speech(&mut self, now: Instant, length: Duration) {
        if let State::Doubt { heard, .. } = &mut self.state {
            *heard += length;
            if *heard >= self.config.speech {
                self.confirm(now, Cause::Speech);
            }
        }
    }

    /// Words of the caller were understood.
    pub fn handle_words(&mut self, now: Instant) {
        if matches!(self.state, State::Doubt { .. }) {
            self.confirm(now, Cause::Words);
        }
    }

    /// The caller stopped, at `at`.
    pub fn handle_speech_stopped(&mut self, _now: Instant, at: Instant) {
        self.speaking = false;
        if let State::CallersTurn { ends } = &mut self.state {
            *ends = Some(at + self.config.silence);
        }
    }

    /// What the agent has to say has changed.
    pub fn handle_agent(&mut self, now: Instant, agent: AgentSpeech) {
        let was_silent = std::mem::replace(&mut self.agent, agent).is_silent();
        match self.state {
            State::Listening if self.speaking && !self.dismissed => self.begin(now),
            State::Doubt { .. } if agent.is_silent() => self.take_turn(now),
            State::CallersTurn { ends: None } if was_silent && !agent.is_silent() && !agent.uninterruptible => {
                self.decisions.push_back(Decision::Confirm { cause: Cause::Speech });
            }
            _ => {}
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Doubt { until, heard } if until <= now => self.reject(now, heard),
            State::CallersTurn { ends: Some(ends) } if ends <= now => {
                self.state = State::Listening;
                self.decisions.push_back(Decision::TurnEnded);
            }
            _ => {}
        }
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> Output {
        if let Some(decision) = self.decisions.pop_front() {
            return Output::Decision(decision);
        }
        Output::Timeout(match self.state {
            State::Listening => None,
            State::Doubt { until, .. } => Some(until),
            State::CallersTurn { ends } => ends,
        })
    }

    fn begin(&mut self, now: Instant) {
        if self.agent.is_silent() {
            self.take_turn(now);
        } else if !self.agent.uninterruptible {
            let heard = now.saturating_duration_since(self.began.unwrap_or(now)).min(ONSET);
            self.state = State::Doubt { until: now + self.config.window, heard };
            self.decisions.push_back(Decision::Pause);
        }
    }

    fn confirm(&mut self, now: Instant, cause: Cause) {
        self.decisions.push_back(Decision::Confirm { cause });
        self.take_turn(now);
    }

    fn take_turn(&mut self, now: Instant) {
        let ends = (!self.speaking).then(|| now + self.config.silence);
        self.state = State::CallersTurn { ends };
        self.decisions.push_back(Decision::TurnStarted { began: self.began.unwrap_or(now) });
    }

    fn reject(&mut self, now: Instant, heard: Duration) {
        if !self.agent.more && self.agent.waiting <= self.config.overlap {
            return self.confirm(now, Cause::AgentDone);
        }
        (self.state, self.dismissed) = (State::Listening, true);
        self.decisions.push_back(Decision::Resume { heard });
    }
}

impl AgentSpeech {
    const fn is_silent(&self) -> bool {
        self.waiting.is_zero() && !self.more
    }
}

/// The most that counts as heard before it was certain: two frames.
const ONSET: Duration = Duration::from_millis(32);

#[cfg(test)]
mod tests {
    use super::*;

    /// An arbiter and a clock.
    struct Scene {
        arbiter: Arbiter,
        now: Instant,
    }

    impl Scene {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
        fn new() -> Self {
            Self { arbiter: Arbiter::new(Config::default()), now: Instant::now() }
        }

        fn agent(&mut self, waiting_ms: u64, more: bool) {
            let agent = AgentSpeech { waiting: Duration::from_millis(waiting_ms), more, uninterruptible: false };
            self.arbiter.handle_agent(self.now, agent);
        }

        /// Speaks for so long, then is silent.
        fn speak(&mut self, ms: u64) -> Vec<Decision> {
            self.arbiter.handle_speech_started(self.now, self.now);
            let mut done = self.drain();
            for _ in 0..ms / 16 {
                self.now += CallersFrame;
                self.arbiter.handle_speech(self.now, CallersFrame);
                self.arbiter.handle_timeout(self.now);
                done.extend(self.drain());
            }
            self.arbiter.handle_speech_stopped(self.now, self.now);
            done
        }

        fn wait(&mut self, ms: u64) -> Vec<Decision> {
            self.now += Duration::from_millis(ms);
            self.arbiter.handle_timeout(self.now);
            self.drain()
        }

        fn drain(&mut self) -> Vec<Decision> {
            let arbiter = &mut self.arbiter;
            std::iter::from_fn(|| match arbiter.poll_output() {
                Output::Decision(decision) => Some(decision),
                Output::Timeout(_) => None,
            })
            .collect()
        }
    }

    #[expect(non_upper_case_globals, reason = "reads as a length of time")]
    const CallersFrame: Duration = Duration::from_millis(16);

    #[test]
    fn a_caller_who_speaks_into_silence_has_the_turn_until_he_is_silent() {
        let mut scene = Scene::new();
        let began = scene.now;
        assert_eq!(scene.speak(160), [Decision::TurnStarted { began }]);
        assert_eq!(scene.wait(500), []);
        assert_eq!(scene.speak(160), [], "a pause within a turn is none of its end");
        assert_eq!(scene.wait(599), []);
        assert_eq!(scene.wait(1), [Decision::TurnEnded]);
        assert_eq!(scene.wait(60_000), []);
    }

    #[test]
    fn an_interruption_pauses_at_once_and_is_confirmed_by_speech() {
        let mut scene = Scene::new();
        scene.agent(5_000, true);
        let began = scene.now;
        let done = scene.speak(600);
        assert_eq!(done, [Decision::Pause, Decision::Confirm { cause: Cause::Speech }, Decision::TurnStarted { began }]);
        scene.agent(0, false);
        assert_eq!(scene.wait(600), [Decision::TurnEnded]);
    }

    #[test]
    fn a_cough_is_rejected_and_the_agent_goes_on() {
        let mut scene = Scene::new();
        scene.agent(5_000, true);
        assert_eq!(scene.speak(160), [Decision::Pause]);
        assert_eq!(scene.wait(539), []);
        assert_eq!(scene.wait(1), [Decision::Resume { heard: Duration::from_millis(160) }]);
        scene.agent(4_000, true);
        assert_eq!(scene.wait(5_000), []);
        assert_eq!(scene.speak(16), [Decision::Pause], "the next one is judged anew");
    }

    #[test]
    fn words_confirm_what_was_short() {
        let mut scene = Scene::new();
        scene.agent(5_000, false);
        let began = scene.now;
        assert_eq!(scene.speak(160), [Decision::Pause]);
        scene.arbiter.handle_words(scene.now);
        assert_eq!(scene.drain(), [Decision::Confirm { cause: Cause::Words }, Decision::TurnStarted { began }]);
        assert_eq!(scene.wait(600), [Decision::TurnEnded]);
    }

    #[test]
    fn a_short_answer_over_the_agents_last_word_is_an_answer() {
        let mut scene = Scene::new();
        scene.agent(300, false);
        let began = scene.now;
        assert_eq!(scene.speak(160), [Decision::Pause]);
        let done = scene.wait(540);
        assert_eq!(done, [Decision::Confirm { cause: Cause::AgentDone }, Decision::TurnStarted { began }]);
    }

    #[test]
    fn what_must_be_heard_whole_is_not_paused_and_the_caller_is_heard_after_it() {
        let mut scene = Scene::new();
        let began = scene.now;
        scene.arbiter.handle_agent(scene.now, AgentSpeech { waiting: Duration::from_secs(1), more: false, uninterruptible: true });
        scene.arbiter.handle_speech_started(scene.now, scene.now);
        assert_eq!(scene.drain(), []);
        scene.now += Duration::from_secs(1);
        scene.agent(0, false);
        assert_eq!(scene.drain(), [Decision::TurnStarted { began }]);
    }

    #[test]
    fn an_agent_that_thinks_is_interrupted_by_speech_and_not_by_a_cough() {
        let mut scene = Scene::new();
        scene.agent(0, true);
        assert_eq!(scene.speak(160), [Decision::Pause]);
        assert!(matches!(scene.wait(540)[..], [Decision::Resume { .. }]));
        let done = scene.speak(600);
        assert!(matches!(done[..], [Decision::Pause, Decision::Confirm { .. }, Decision::TurnStarted { .. }]), "{done:?}");
    }
}
