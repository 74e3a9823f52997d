//! ACKs of INVITEs within a dialog: their user writes them once, the transaction sends them as often as it must.

use bytes::Bytes;

use super::{ClientId, TransactionTable};
use crate::transport::Flow;

impl TransactionTable {
    /// A refusal shall be acknowledged so.
    pub(crate) fn acknowledge_refusal(&mut self, id: ClientId, ack: Bytes) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.refusal_ack = Some(ack);
        }
    }

    /// A 2xx is acknowledged so, and its user need not hear of it: it has acknowledged one already, or is over.
    pub(crate) fn acknowledge_copies(&mut self, id: ClientId, path: Flow, ack: Bytes) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.success_ack = Some((path, ack));
        }
    }
}
