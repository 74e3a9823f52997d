//! A scenario: parties, links, and what they do when.

use std::time::{Duration, Instant};

use auricle::agent::conduct::Conduct;
use auricle::agent::config::AgentConfig;
use auricle::agent::tools::ToolsConfig;
use auricle::call::config::AnswerRule;
use auricle::call::session::SessionPolicy;
use auricle::domain::termination::Termination;

use crate::agent::{Agent, AgentAct, Tongue, Welcome};
use crate::book::Book;
use crate::caller::{Called, Caller, CallerPlan, Offered};
use crate::clock::ms;
use crate::link::Damage;
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) enum Act {
    CallerDials,
    CallerHangsUp,
    CallerHolds(bool),
    CallerPresses(char),
    GatewayDials,
    OperatorHangsUp,
    OperatorHolds(bool),
    Shutdown,
    /// A bot of this agent hangs up by its carrier's interface.
    BotHangsUp(&'static str),
    Agent(AgentAct),
}

pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) sip: Damage,
    pub(crate) rtp: Damage,
    pub(crate) policy: SessionPolicy,
    pub(crate) welcomes: Vec<Welcome>,
    /// What the agents of the route speak, in its order.
    pub(crate) tongues: Vec<Tongue>,
    /// All else that is set of each of them.
    pub(crate) settings: AgentConfig,
    /// Agents hear words, write them down and answer turns by themselves.
    pub(crate) minds: bool,
    /// How long what the gateway says to a caller who waits for an agent is.
    pub(crate) phrase: Option<Duration>,
    pub(crate) tools: ToolsConfig,
    pub(crate) conduct: Conduct,
    /// The agent speaks first.
    pub(crate) greets: bool,
    /// How long a tool of the operator's takes, and what comes of it.
    pub(crate) tool_runs: (Duration, Result<&'static str, &'static str>),
    pub(crate) caller: CallerPlan,
    pub(crate) acts: Vec<(Duration, Act)>,
    /// When whoever is still on the telephone gives up in the end.
    pub(crate) gives_up_after: Duration,
}

impl Scenario {
    /// The caller dials at once, over good links, an agent that is there.
    pub(crate) fn inbound(seed: u64) -> Self {
        Self::quiet(seed).at(0, Act::CallerDials)
    }

    /// We dial at once.
    pub(crate) fn outbound(seed: u64, after_ms: u64, called: Called) -> Self {
        let mut scenario = Self::quiet(seed).at(0, Act::GatewayDials);
        scenario.caller.called = (ms(after_ms), called);
        scenario
    }

    pub(crate) fn at(mut self, at_ms: u64, act: Act) -> Self {
        self.acts.push((ms(at_ms), act));
        self
    }

    pub(crate) fn agent_at(self, at_ms: u64, act: AgentAct) -> Self {
        self.at(at_ms, Act::Agent(act))
    }

    /// The agent says something whole.
    pub(crate) fn says_at(self, at_ms: u64, length_ms: u64) -> Self {
        self.agent_at(at_ms, AgentAct::Speak { length: ms(length_ms), every: Duration::ZERO })
    }

    /// The connections to the agent, in their order.
    pub(crate) fn welcomes(mut self, welcomes: &[Welcome]) -> Self {
        self.welcomes = welcomes.to_vec();
        self
    }

    /// Runs it, and checks what must hold of every run.
    pub(crate) fn run(&self) -> Outcome {
        let outcome = World::new(self).run(self);
        outcome.check();
        outcome
    }

    fn quiet(seed: u64) -> Self {
        Self {
            seed,
            sip: Damage::NONE,
            rtp: Damage::NONE,
            policy: SessionPolicy {
                answer: AnswerRule::WhenAgentReady,
                agent_ready_limit: ms(3_000),
                no_answer_limit: ms(20_000),
                max_duration: ms(40_000),
                rtp_limit: ms(8_000),
            },
            welcomes: vec![Welcome::USUAL],
            tongues: vec![Tongue::OpenAi],
            settings: AgentConfig::at("ws://127.0.0.1/"),
            minds: false,
            phrase: None,
            tools: ToolsConfig::default(),
            conduct: Conduct::default(),
            greets: false,
            tool_runs: (ms(400), Ok("nine o'clock")),
            caller: CallerPlan {
                rings: true,
                called: (ms(1_000), Called::Answers),
                speaks_for: ms(60_000),
                leaves_offer: false,
                offered: Offered::Agrees,
                takes_update: true,
                speaks_words: false,
            },
            acts: Vec::new(),
            gives_up_after: ms(120_000),
        }
    }
}

/// What is left when all is over.
pub(crate) struct Outcome {
    pub(crate) caller: Caller,
    pub(crate) books: Vec<Book>,
    pub(crate) agent: Agent,
    pub(crate) start: Instant,
    pub(crate) is_faithful: bool,
}

impl Outcome {
    /// The only call there was.
    pub(crate) fn book(&self) -> &Book {
        let [book] = self.books.as_slice() else { panic!("{} calls", self.books.len()) };
        book
    }

    pub(crate) fn termination(&self) -> Termination {
        self.book().termination()
    }

    /// When the only call ended, since the start of the world.
    pub(crate) fn ended_after(&self) -> Duration {
        self.book().closed().at - self.start
    }

    /// Milliseconds of an utterance, counted from nought, that the caller heard; rounded down.
    pub(crate) fn heard_ms(&self, utterance: usize) -> u64 {
        self.caller.ear().samples(self.agent.utterances[utterance].voice) / 8
    }

    pub(crate) fn truncated_ms(&self, utterance: usize) -> Option<u64> {
        self.agent.utterances[utterance].truncated.map(|(heard_ms, _)| heard_ms)
    }

    fn check(&self) {
        self.books.iter().for_each(Book::check);
        for late in self.agent.utterances.iter().filter(|utterance| utterance.is_late) {
            let heard = self.books.iter().map(|book| book.spoken.samples(late.voice)).sum::<u64>();
            assert_eq!(heard, 0, "samples of an utterance begun after the barge-in");
        }
        if self.is_faithful {
            self.check_truncations();
        }
    }

    /// What the agent believes was heard is what the caller's ear counted.
    fn check_truncations(&self) {
        let ear = self.caller.ear();
        let last_end = self.books.iter().map(|book| book.closed().at).max();
        for utterance in self.agent.utterances.iter().filter(|utterance| utterance.is_whole()) {
            let Some((told_ms, at)) = utterance.truncated else { continue };
            // A fade that has been counted goes out with the next packet, unless the call ends before.
            if last_end.is_some_and(|end| end > at + ms(60)) {
                // Where less than a fade waited, the mirror image of what was heard last makes it up.
                let heard_ms = ear.samples(utterance.voice) / 8;
                assert!((told_ms..=told_ms + 5).contains(&heard_ms), "{told_ms} ms were told, {heard_ms} ms heard");
            }
        }
    }
}
