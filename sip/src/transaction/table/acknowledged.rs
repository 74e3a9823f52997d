//! ACKs of INVITEs within a dialog: their user writes them once, the transaction sends them as often as it must.

use std::time::Instant;

use bytes::Bytes;

use super::super::non_invite_client::NonInviteClient;
use super::{ClientId, ClientMachine, TransactionTable};
use crate::endpoint::{Outbox, Owner};
use crate::transport::Flow;

impl TransactionTable {
    /// A refusal shall be acknowledged so.
    pub(crate) fn acknowledge_refusal(&mut self, id: ClientId, ack: Bytes) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.refusal_ack = Some(ack);
        }
    }

    /// A 2xx is acknowledged so, and its user need not hear of it: it has acknowledged one already, or waits for none.
    pub(crate) fn acknowledge_copies(&mut self, id: ClientId, path: Flow, ack: Bytes) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.success_ack = Some((path, ack));
        }
    }

    /// It has no user any more, whom nothing is told; an INVITE ends 64 × T1 later, whatever has come.
    pub(crate) fn leave_client(&mut self, now: Instant, id: ClientId, out: &mut Outbox) {
        let ends_at = now + self.timers.give_up();
        if let Some(client) = self.clients.get_mut(&id) {
            client.owner = None;
            client.machine = std::mem::replace(&mut client.machine, ClientMachine::Other(NonInviteClient::Terminated)).leave(ends_at);
            out.deadlines.set(Owner::Client(id), client.deadline());
        }
    }
}
