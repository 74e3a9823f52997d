//! The parties and what lies between them, run to the end of everything.

use std::time::Instant;

use auricle::call::command::CallCommand;
use auricle::call::led::{LedCommand, LedReply};
use media::transport::{Flow, Protocol};

use crate::agent::Agent;
use crate::caller::Caller;
use crate::clock::{ms, origin};
use crate::gateway::Gateway;
use crate::post::{Happening, Party, Post};
use crate::scenario::{Act, Outcome, Scenario};

pub(crate) struct World {
    post: Post,
    caller: Caller,
    gateway: Gateway,
    agent: Agent,
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let start = origin();
        let mut post = Post::new(start, scenario.seed, scenario.sip, scenario.rtp);
        for (at, act) in &scenario.acts {
            post.at(start + *at, Happening::Act(act.clone()));
        }
        // Whoever is still on the telephone gives up in the end.
        post.at(start + scenario.gives_up_after, Happening::Act(Act::CallerHangsUp));
        Self {
            post,
            caller: Caller::new(scenario.seed, scenario.caller),
            gateway: Gateway::new(scenario),
            agent: Agent::new(scenario.seed, scenario.welcomes.clone(), scenario.minds),
        }
    }

    /// Until nothing will ever happen any more.
    pub(crate) fn run(mut self, scenario: &Scenario) -> Outcome {
        while let Some(at) = self.next_at() {
            self.post.now = self.post.now.max(at);
            assert!(self.post.now - self.post.start < scenario.gives_up_after + ms(1_680_000), "the world does not come to rest");
            while let Some(happening) = self.post.pop_due() {
                self.take(happening);
            }
            self.caller.handle_timeout(&mut self.post);
            self.gateway.handle_timeout(&mut self.post, &mut self.agent);
        }
        assert!(self.gateway.is_idle(), "the gateway holds something");
        assert!(self.caller.is_idle(), "the caller holds something");
        assert_eq!(self.gateway.books.len() as u64, self.gateway.launched(), "one record a call");
        let Self { caller, gateway, agent, post } = self;
        Outcome { caller, books: gateway.books, agent, start: post.start, is_faithful: scenario.rtp.is_faithful() }
    }

    fn next_at(&self) -> Option<Instant> {
        [self.post.next_at(), self.caller.poll_timeout(), self.gateway.poll_timeout()].into_iter().flatten().min()
    }

    fn take(&mut self, happening: Happening) {
        let Self { post, caller, gateway, agent } = self;
        match happening {
            Happening::Sip(Party::Caller, transmit) => caller.handle_sip(post, transmit),
            Happening::Sip(Party::Gateway, transmit) => gateway.handle_sip(post, agent, transmit),
            Happening::Rtp { to: Party::Caller, datagram, .. } => caller.handle_rtp(&datagram),
            Happening::Rtp { to: Party::Gateway, source, destination, datagram } => {
                let flow = Flow { protocol: Protocol::Udp, local: destination, remote: source };
                gateway.handle_rtp(post, agent, flow, &datagram);
            }
            Happening::Signal(key, event) => gateway.handle_signal(post, agent, key, event),
            Happening::Command(key, command) => gateway.handle_command(post, agent, key, command),
            Happening::ToAgent(id, message) => agent.handle(post, id, message),
            Happening::FromAgent(id, news) => gateway.handle_agent(post, agent, id, news),
            Happening::Agent(id, step) => agent.step(post, id, step),
            Happening::ToolDone(key, report) => gateway.handle_tool(post, agent, key, report),
            Happening::Callee(step) => caller.step(post, step),
            Happening::Act(act) => self.act(act),
        }
    }

    fn act(&mut self, act: Act) {
        let Self { post, caller, gateway, agent } = self;
        match act {
            Act::CallerDials => caller.dial(post),
            Act::CallerHangsUp => caller.hang_up(post),
            Act::CallerHolds(holds) => caller.hold(post, holds),
            Act::CallerPresses(key) => caller.press(post, key),
            Act::GatewayDials => gateway.dial(post, agent),
            Act::OperatorHangsUp => gateway.command_all(post, agent, &CallCommand::Hangup),
            Act::OperatorHolds(true) => gateway.command_all(post, agent, &CallCommand::Hold),
            Act::OperatorHolds(false) => gateway.command_all(post, agent, &CallCommand::Resume),
            Act::Shutdown => gateway.command_all(post, agent, &CallCommand::Shutdown),
            Act::BotHangsUp(name) => {
                let (agents, command) = (vec![name.to_owned()], Box::new(CallCommand::AgentHangup));
                gateway.command_all(post, agent, &CallCommand::Led(LedCommand { agents, command, reply: LedReply::new().0 }));
            }
            Act::Agent(act) => agent.act(post, act),
        }
    }
}
