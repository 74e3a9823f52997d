//! Either client transaction, as the table holds it.

use std::time::Instant;

use bytes::Bytes;

use super::super::invite_client::InviteClient;
use super::super::non_invite_client::NonInviteClient;
use super::super::{Actions, Pacing, Timer};
use crate::header::{Method, StatusCode};

pub(super) enum ClientMachine {
    Invite(InviteClient),
    Other(NonInviteClient),
}

impl ClientMachine {
    pub(super) fn start(now: Instant, method: Method, pacing: &Pacing, request: Bytes, actions: &mut Actions) -> Self {
        match method {
            Method::Invite => Self::Invite(InviteClient::start(now, pacing, request, actions)),
            _ => Self::Other(NonInviteClient::start(now, pacing, request, actions)),
        }
    }

    /// Whether the transaction user shall see the response.
    pub(super) fn receive(
        self,
        now: Instant,
        pacing: &Pacing,
        status: StatusCode,
        ack: impl FnOnce() -> Bytes,
        actions: &mut Actions,
    ) -> (Self, bool) {
        match self {
            Self::Invite(machine) => {
                let (machine, deliver) = machine.receive(now, pacing, status, ack, actions);
                (Self::Invite(machine), deliver)
            }
            Self::Other(machine) => {
                let (machine, deliver) = machine.receive(now, pacing, status);
                (Self::Other(machine), deliver)
            }
        }
    }

    /// Nothing has come back yet.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self, Self::Invite(InviteClient::Calling(_)) | Self::Other(NonInviteClient::Trying(_)))
    }

    pub(super) fn timeout(self, now: Instant, actions: &mut Actions) -> Self {
        match self {
            Self::Invite(machine) => Self::Invite(machine.timeout(now, actions)),
            Self::Other(machine) => Self::Other(machine.timeout(now, actions)),
        }
    }

    /// An INVITE is waited for until `ends_at`; all others have their end from the start.
    pub(super) fn leave(self, ends_at: Instant) -> Self {
        match self {
            Self::Invite(machine) => Self::Invite(machine.leave(ends_at)),
            other @ Self::Other(_) => other,
        }
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Invite(machine) => machine.deadline(),
            Self::Other(machine) => machine.deadline(),
        }
    }
}
