//! An attended transfer of an agent's: the person that the caller is to be sent to is called first and told what it is about; then the two are joined.
//!
//! The call to that person is one like any other: by the organisation's rules, with a record and a cost of its own, and with the same agent, which is told
//! nothing but the summary and may use nothing. When its words were heard the caller's far end is asked to take the place of ours in that call (RFC 5589
//! section 7). Where anything of it fails, that call ends and this one goes on. Left out on purpose: asking the person whether they want to.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc};

use super::run::ToolFault;
use crate::agent::conduct::Conduct;
use crate::agent::config::AgentConfig;
use crate::agent::tools::ToolsConfig;
use crate::call::command::CallCommand;
use crate::call::registry::{CallRegistry, OutboundCall};
use crate::call::transfer::TransferTarget;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::transfer::TransferOutcome;

/// Whom to call first, and what to tell.
#[derive(Clone, Debug)]
pub struct Consultation {
    pub(super) id: String,
    pub(super) target: Redacted<String>,
    pub(super) summary: Redacted<String>,
    pub(super) call: CallId,
    pub(super) org: OrgId,
    pub(super) agent: String,
}

/// The way to whoever waits for a call's first words to be heard, once.
#[derive(Clone, Debug)]
pub struct SaidReply(mpsc::Sender<()>);

impl SaidReply {
    /// A reply, and where it comes; nothing comes where the call ends before.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<()>) {
        let (reply, said) = mpsc::channel(1);
        (Self(reply), said)
    }

    /// They were heard.
    pub fn tell(&self) {
        let _ = self.0.try_send(());
    }
}

/// Whether two are the same way.
impl PartialEq for SaidReply {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl Eq for SaidReply {}

/// What calls are reached by.
#[derive(Clone)]
pub(in crate::call) struct Switch {
    pub(in crate::call) registry: CallRegistry,
    pub(in crate::call) events: broadcast::Sender<Event>,
    pub(in crate::call) control: Handle,
}

/// A call that ends when nobody wants it any more.
struct Held<'a> {
    registry: &'a CallRegistry,
    org: &'a OrgId,
    call: Option<CallId>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            // One that is over already is what is wanted.
            let _ = self.registry.command(self.org, &call, CallCommand::Hangup);
        }
    }
}

impl Consultation {
    /// Calls, tells, and joins the two; returns when the far end was asked.
    pub(super) async fn hold(&self, switch: &Switch) -> Result<Redacted<String>, ToolFault> {
        let Switch { registry, .. } = switch;
        let briefing = Some(self.summary.clone());
        let call = OutboundCall { to: self.target.clone(), agent: Some(self.agent.clone()), briefing };
        let other = registry.start_call(self.org.clone(), call).await.map_err(|error| {
            tracing::info!(%error, "nobody_consulted");
            fault("target_not_called")
        })?;
        let mut held = Held { registry, org: &self.org, call: Some(other.clone()) };
        let (reply, mut said) = SaidReply::new();
        registry.command(&self.org, &other, CallCommand::TellWhenSaid(reply)).map_err(|_| fault("target_not_reached"))?;
        match tokio::time::timeout(PATIENCE, said.recv()).await {
            Ok(Some(())) => {}
            Ok(None) => return Err(fault("target_not_reached")),
            Err(_) => return Err(fault("timed_out")),
        }
        let watched = switch.events.subscribe();
        let asked = registry.transfer(&self.org, &self.call, TransferTarget::Attended(other.clone())).await;
        asked.map_err(|_| fault("caller_not_transferred"))?;
        held.call = None;
        switch.control.spawn(part(registry.clone(), watched, self.org.clone(), self.call.clone(), other));
        Ok(Redacted::new("The person there was told, and the caller is sent to them. If it fails you are told.".to_owned()))
    }
}

/// Ends the call to the other person where the caller does not get there.
async fn part(registry: CallRegistry, mut events: broadcast::Receiver<Event>, org: OrgId, caller: CallId, other: CallId) {
    let outcome = async {
        loop {
            match events.recv().await {
                Ok(Event { call_id, kind: EventKind::TransferEnded { outcome }, .. }) if call_id.as_ref() == Some(&caller) => {
                    return outcome;
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return TransferOutcome::Unknown,
            }
        }
    };
    // A caller who hangs up on the way there is on the way there.
    if let Ok(outcome) = tokio::time::timeout(PATIENCE, outcome).await
        && outcome != TransferOutcome::Succeeded
    {
        let _ = registry.command(&org, &other, CallCommand::Hangup);
    }
}

/// The agent that tells somebody what a call is about that is about to come.
pub(in crate::call) fn briefed(agent: &AgentConfig, summary: &Redacted<String>) -> AgentConfig {
    let summary = summary.expose().trim();
    let summary = if summary.is_empty() { "A caller is about to be connected to you." } else { summary };
    let greeting = match agent.protocol.greets_word_for_word() {
        true => summary.to_owned(),
        false => format!("Say in at most three short sentences, and then nothing more: {summary}"),
    };
    AgentConfig {
        instructions: Some(BRIEFING.into()),
        greet_first: true,
        greeting: Some(greeting.into()),
        tools: ToolsConfig::default(),
        transfer_targets: Vec::new(),
        variables: Vec::new(),
        conduct: Conduct { protect_greeting: true, max_call_s: 120, ..Conduct::default() },
        ..agent.clone()
    }
}

const fn fault(reason: &'static str) -> ToolFault {
    ToolFault { reason, said: None }
}

const BRIEFING: &str = "You speak with a person to whom a caller is about to be connected. Tell them what the call is about, as you are told, and nothing else.";
/// Until the person there has answered and heard what it is about.
const PATIENCE: Duration = Duration::from_secs(90);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::config::Protocol;
    use crate::call::registry::{OutboundRequest, RegistryEntry, StartError};
    use crate::call::transfer::TransferRefusal;
    use crate::domain::ids::PatientId;

    /// The caller's call, and the table.
    struct House {
        switch: Switch,
        wishes: mpsc::Receiver<OutboundRequest>,
        caller: (CallId, mpsc::Receiver<CallCommand>, RegistryEntry),
    }

    impl House {
        fn new() -> Self {
            let (registry, wishes) = CallRegistry::new(4);
            let caller = call(&registry);
            Self { switch: Switch { registry, events: broadcast::channel(8).0, control: Handle::current() }, wishes, caller }
        }

        fn consultation(&self) -> Consultation {
            let text = |text: &str| Redacted::new(text.to_owned());
            let (target, summary) = (text("+4930901820"), text("Ana wants another time."));
            Consultation {
                id: "call_1".to_owned(),
                target,
                summary,
                call: self.caller.0.clone(),
                org: OrgId::default_org(),
                agent: "desk".to_owned(),
            }
        }

        fn transfer_ended(&self, outcome: TransferOutcome) {
            let (call_id, patient_id) = (Some(self.caller.0.clone()), None::<PatientId>);
            self.switch
                .events
                .send(Event { org_id: OrgId::default_org(), call_id, patient_id, kind: EventKind::TransferEnded { outcome } })
                .unwrap();
        }
    }

    fn call(registry: &CallRegistry) -> (CallId, mpsc::Receiver<CallCommand>, RegistryEntry) {
        let (id, (commands, inbox)) = (CallId::random(), mpsc::channel(4));
        let entry = registry.enter(id.clone(), OrgId::default_org(), commands).unwrap();
        (id, inbox, entry)
    }

    #[tokio::test]
    async fn the_person_is_called_and_told_before_the_two_are_joined() {
        let mut house = House::new();
        let (consultation, switch) = (house.consultation(), house.switch.clone());
        let held = tokio::spawn(async move { consultation.hold(&switch).await });
        let wish = house.wishes.recv().await.unwrap();
        assert_eq!((wish.to.expose().as_str(), wish.agent.as_deref(), wish.briefing.is_some()), ("+4930901820", Some("desk"), true));
        let (other, mut inbox, _entry) = call(&house.switch.registry);
        wish.reply.send(Ok(other.clone())).unwrap();
        let Some(CallCommand::TellWhenSaid(said)) = inbox.recv().await else { panic!("nobody asks for the first words") };
        assert!(house.caller.1.try_recv().is_err(), "not before they were heard");
        said.tell();
        let Some(CallCommand::Transfer(order)) = house.caller.1.recv().await else { panic!("nobody is transferred") };
        assert_eq!(order.target, TransferTarget::Attended(other));
        order.answer(Ok(()));
        assert!(held.await.unwrap().is_ok());
        house.transfer_ended(TransferOutcome::Refused);
        assert_eq!(inbox.recv().await, Some(CallCommand::Hangup), "the caller stays, and the person is let go");
    }

    #[tokio::test]
    async fn whatever_fails_the_person_is_let_go_and_the_agent_is_told() {
        let mut house = House::new();
        let hold = |house: &House| {
            let (consultation, switch) = (house.consultation(), house.switch.clone());
            tokio::spawn(async move { consultation.hold(&switch).await.map_err(|fault| fault.reason).map(drop) })
        };
        let refused = hold(&house);
        house.wishes.recv().await.unwrap().reply.send(Err(StartError::NotAllowed)).unwrap();
        assert_eq!(refused.await.unwrap(), Err("target_not_called"));

        let unanswered = hold(&house);
        let (other, mut inbox, entry) = call(&house.switch.registry);
        house.wishes.recv().await.unwrap().reply.send(Ok(other)).unwrap();
        drop(inbox.recv().await);
        assert_eq!(unanswered.await.unwrap(), Err("target_not_reached"));
        drop(entry);

        let (other, mut inbox, _entry) = call(&house.switch.registry);
        let untransferable = hold(&house);
        house.wishes.recv().await.unwrap().reply.send(Ok(other)).unwrap();
        let Some(CallCommand::TellWhenSaid(said)) = inbox.recv().await else { panic!("nobody asks for the first words") };
        said.tell();
        let Some(CallCommand::Transfer(order)) = house.caller.1.recv().await else { panic!("nobody is transferred") };
        order.answer(Err(TransferRefusal::NotUp));
        assert_eq!(untransferable.await.unwrap(), Err("caller_not_transferred"));
        assert_eq!(inbox.recv().await, Some(CallCommand::Hangup));

        let (other, mut inbox, _entry) = call(&house.switch.registry);
        let abandoned = hold(&house);
        house.wishes.recv().await.unwrap().reply.send(Ok(other)).unwrap();
        let waited = inbox.recv().await;
        abandoned.abort();
        assert_eq!(inbox.recv().await, Some(CallCommand::Hangup), "nobody waits for it any more");
        drop(waited);
    }

    #[test]
    fn the_agent_that_tells_may_do_nothing_else() {
        let mut agent = AgentConfig::at("wss://a.example/");
        agent.tools.built_in.push(crate::agent::tools::BuiltIn::EndCall);
        agent.transfer_targets.push("+4930901820".to_owned());
        let summary = Redacted::new("Ana wants another time.".to_owned());
        let told = briefed(&agent, &summary);
        assert!(told.declarations().is_empty() && told.transfer_targets.is_empty() && told.faults().is_empty());
        assert!(told.greeting().is_some_and(|words| words.ends_with("then nothing more: Ana wants another time.")));
        let told = briefed(&AgentConfig { protocol: Protocol::ElevenLabs, ..agent }, &summary);
        assert_eq!(told.greeting(), Some("Ana wants another time."));
        assert!(!format!("{told:?}").contains("Ana"), "{told:?}");
    }
}
