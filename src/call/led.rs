//! What a bot asks of the call that it leads by another way than its connection: its carrier's interface.
//!
//! Whoever proves to be a bot of some agent has proved nothing about a call. The call itself knows which agent its conversation is with at
//! this moment, so it is the call that judges, and to everybody else it is none: neither an agent whose turn is over, nor one that stands by.

use tokio::sync::mpsc;

use super::command::{CallCommand, CommandError};
use super::registry::{CallRegistry, TransferError};
use super::transfer::{TransferOrder, TransferReply, TransferTarget};
use crate::domain::ids::{CallId, OrgId};

/// A command that is good for a call which one of these leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedCommand {
    /// Agents of the configuration, by their names.
    pub agents: Vec<String>,
    /// What is to be done.
    pub command: Box<CallCommand>,
    /// Who wants to know whether it is done.
    pub reply: LedReply,
}

/// The way to whoever wants to know, once.
#[derive(Clone, Debug)]
pub struct LedReply(mpsc::Sender<bool>);

/// Whether two are the same way.
impl PartialEq for LedReply {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl Eq for LedReply {}

impl LedReply {
    /// A reply, and where it comes; nothing comes where the call ends before.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<bool>) {
        let (reply, answer) = mpsc::channel(1);
        (Self(reply), answer)
    }

    /// Tells whether one of the agents leads the call. Whoever asked may have gone.
    pub fn tell(&self, leads: bool) {
        let _ = self.0.try_send(leads);
    }
}

impl CallRegistry {
    /// Hands a command to a call of `org` that one of these agents of the configuration leads. A call that is led by another looks like a
    /// missing one.
    ///
    /// # Errors
    /// When no such call runs, or it has too many commands waiting.
    pub async fn command_led(&self, org: &OrgId, id: &CallId, agents: Vec<String>, command: CallCommand) -> Result<(), CommandError> {
        let (reply, mut answer) = LedReply::new();
        let led = LedCommand { agents, command: Box::new(command), reply };
        self.command(org, id, CallCommand::Led(led))?;
        // A call that ends meanwhile answers nothing.
        if answer.recv().await == Some(true) { Ok(()) } else { Err(CommandError::NotFound) }
    }

    /// [`Self::transfer`] of a call that one of these agents of the configuration leads.
    ///
    /// # Errors
    /// As [`Self::transfer`], and when another leads it.
    pub async fn transfer_led(&self, org: &OrgId, id: &CallId, agents: Vec<String>, target: TransferTarget) -> Result<(), TransferError> {
        let (reply, mut answer) = TransferReply::new();
        let order = TransferOrder { target, reply: Some(reply) };
        self.command_led(org, id, agents, CallCommand::Transfer(order)).await?;
        Ok(answer.recv().await.ok_or(CommandError::NotFound)??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_another_leads_or_that_does_not_answer_is_none() {
        let (registry, _requests) = CallRegistry::new(2);
        let (commands, mut inbox) = mpsc::channel(1);
        let (id, org) = (CallId::random(), OrgId::default_org());
        let _entry = registry.enter(id.clone(), org.clone(), commands).unwrap();
        for (told, expected) in [(Some(true), Ok(())), (Some(false), Err(CommandError::NotFound)), (None, Err(CommandError::NotFound))] {
            let asked = tokio::spawn({
                let (registry, org, id) = (registry.clone(), org.clone(), id.clone());
                async move { registry.command_led(&org, &id, vec!["bot".to_owned()], CallCommand::AgentHangup).await }
            });
            let Some(CallCommand::Led(led)) = inbox.recv().await else { panic!("the call is asked") };
            assert_eq!((led.agents, *led.command), (vec!["bot".to_owned()], CallCommand::AgentHangup));
            if let Some(told) = told {
                led.reply.tell(told);
            }
            drop(led.reply);
            assert_eq!(asked.await.unwrap(), expected, "{told:?}");
        }
    }
}
