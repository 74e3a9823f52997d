//! A call is entered in the table and starts on a media thread.

use std::pin::Pin;
use std::time::Instant;

use chrono::Utc;
use media::barge_in::Config;
use tokio::sync::mpsc;

use super::lineup::Lineup;
use super::{COMMAND_QUEUE, LaunchError, LaunchRequest, Launcher, Resources, SIGNAL_QUEUE};
use crate::call::call::{Call, CallSetup};
use crate::call::driver::{CallWiring, drive};
use crate::call::event::SignallingEvent;
use crate::call::journal::CallIdentity;
use crate::call::thread::ThreadContext;
use crate::call::wire::CallWire;
use crate::domain::audit_event::Actor;
use crate::domain::call_record::Direction;
use crate::domain::ids::CallId;
use crate::leg::plan::PlannedLeg;

impl Launcher {
    /// Enters a call and starts it, on one thread or on any.
    pub(super) fn begin(
        &self,
        began: Instant,
        request: LaunchRequest,
        lineup: Lineup,
        leg: PlannedLeg,
        wire: CallWire,
        thread: Option<usize>,
    ) -> Result<(CallId, mpsc::Sender<SignallingEvent>), LaunchError> {
        let Resources { registry, records, .. } = &*self.shared;
        let (direction, peer) = (request.direction, request.peer);
        let actor = match (&wire, direction) {
            (CallWire::Ports(_), Direction::Inbound) => Actor::Trunk("any".to_owned()),
            // Of whoever called from a page the interface has an entry of its own.
            (CallWire::Browser(_), _) | (CallWire::Ports(_), Direction::Outbound) => Actor::Gateway,
        };
        let (id, (commands_in, commands)) = (CallId::random(), mpsc::channel(COMMAND_QUEUE));
        let entry = registry.enter(id.clone(), request.org.clone(), commands_in).ok_or(LaunchError::Capacity)?;
        let (signals_in, signals) = mpsc::channel(SIGNAL_QUEUE);
        let Lineup { first, members, dialled } = lineup;
        let turns = first.config.turn_detection.by_gateway();
        let conduct = request.conduct.filter(|_| request.briefing.is_none()).unwrap_or_else(|| first.config.conduct.clone());
        let setup = CallSetup {
            identity: CallIdentity {
                id: id.clone(),
                org: request.org,
                direction,
                from: request.from,
                to: request.to,
                verification: request.verification,
                arrival: request.arrival,
                agent: first.name,
                agent_version: first.version,
            },
            policy: self.policy(request.answer),
            agents: members,
            conduct,
            keys_to_agent: request.keys_to_agent,
            leg,
            early_media: request.line.early_media,
        };
        let wiring = CallWiring {
            wire,
            entry,
            key: request.key,
            signalling: request.signalling,
            signals,
            commands,
            agents: dialled,
            runner: self.shared.runner.clone(),
            health: self.shared.health.clone(),
            waiting_phrase: self.shared.waiting_phrase.clone(),
            records: records.clone(),
        };
        let (org, caller, dialled) = (setup.identity.org.clone(), setup.identity.from.clone(), setup.identity.to.clone());
        let listens = (request.analysis || turns.is_some()).then_some(turns);
        self.start(began, setup, listens, wiring, thread)?;
        records.started(&id, &org, direction, actor, peer);
        if direction == Direction::Inbound {
            records.recognise(registry.clone(), id.clone(), org, caller, dialled);
        }
        Ok((id, signals_in))
    }

    fn start(
        &self,
        began: Instant,
        setup: CallSetup,
        listens: Option<Option<Config>>,
        wiring: CallWiring,
        on: Option<usize>,
    ) -> Result<(), LaunchError> {
        let wall = Utc::now();
        let task = move |thread: ThreadContext| -> Pin<Box<dyn Future<Output = ()>>> {
            let phase = thread.wheel.phase(began);
            let mut call = Box::new(Call::new(began, wall, phase.first_slot(), setup));
            if wiring.records.collector.is_some() {
                call.watch_reports();
            }
            if let Some(turns) = listens {
                call.listen(turns);
            }
            Box::pin(drive(call, Box::new(wiring), thread, phase))
        };
        let threads = &self.shared.threads;
        let started = match on {
            Some(thread) => threads.spawn_on(thread, Box::new(task)),
            None => threads.spawn(Box::new(task)),
        };
        started.map_err(|_| LaunchError::Saturated)
    }
}
