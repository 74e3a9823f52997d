//! Whose offer is open in a dialog (RFC 3264 §4, RFC 6337 §2): at most one at a time, whatever request carries it.

use super::pending::Pending;

pub(super) enum Exchange {
    /// Nobody has offered yet.
    Fresh,
    /// Our offer is out; the answer is awaited.
    Ours,
    /// The far end's offer waits for our answer.
    Theirs(Carrier),
    /// Offer and answer have met, and no other offer is open.
    Settled,
}

/// What brought the far end's offer, and with it by which way our answer goes.
pub(super) enum Carrier {
    /// The INVITE that makes the call: a reliable provisional response or the 2xx.
    Invite,
    /// A re-INVITE, an UPDATE or a PRACK: its 2xx.
    Request(Box<Pending>),
    /// A reliable provisional response to our INVITE without offer: its PRACK.
    Provisional { rseq: u32 },
    /// The 2xx to our INVITE without offer: its ACK.
    Success,
}

impl Exchange {
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::Settled)
    }

    /// Whether the application owes an answer that goes by anything but the answer to the call itself.
    pub(super) fn waits_for_us(&self) -> bool {
        matches!(self, Self::Theirs(Carrier::Request(_) | Carrier::Provisional { .. } | Carrier::Success))
    }

    /// The far end's offer, to be answered; settled from here on.
    pub(super) fn take_theirs(&mut self) -> Option<Carrier> {
        match std::mem::replace(self, Self::Settled) {
            Self::Theirs(carrier) => Some(carrier),
            other => {
                *self = other;
                None
            }
        }
    }
}
