//! Client transactions whose request was challenged: it goes out anew within them (RFC 3261 §22.2).

use std::time::Instant;

use bytes::Bytes;

use super::{ClientId, ClientKey, TransactionTable};
use crate::endpoint::{Outbox, Owner};
use crate::transport::Flow;

/// What a client transaction has sent.
pub(crate) struct Sent<'a> {
    pub(crate) path: Flow,
    pub(crate) request: &'a Bytes,
    pub(crate) answered: u8,
}

impl TransactionTable {
    /// What a client transaction has sent.
    pub(crate) fn sent(&self, id: ClientId) -> Option<Sent<'_>> {
        self.clients.get(&id).map(|client| Sent { path: client.path, request: &client.request, answered: client.answered })
    }

    /// Sends a challenged request anew under the id of the first, which goes on under another, without a user.
    pub(crate) fn replace_client(&mut self, now: Instant, id: ClientId, key: ClientKey, request: Bytes, out: &mut Outbox) {
        let Some(mut challenged) = self.clients.remove(&id) else { return };
        let (path, owner, answered) = (challenged.path, challenged.owner.take(), challenged.answered.saturating_add(1));
        let another = self.open_client(now, key, path.into(), owner, request, out);
        let Some(mut again) = self.clients.remove(&another) else { return };
        again.answered = answered;
        for (id, client) in [(id, again), (another, challenged)] {
            self.client_keys.insert(client.key.clone(), id);
            out.deadlines.set(Owner::Client(id), client.deadline());
            self.clients.insert(id, client);
        }
    }
}
