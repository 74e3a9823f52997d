//! Sending the far end elsewhere: by REFER (RFC 3515, RFC 5589), to a target or to the far end of another call.
//!
//! The state machine is pure, and told of everything by the call's. The far end makes the new call and tells how far it
//! is; while it does, this one goes on, and it ends once the other is up. Who hangs up after it has begun to make the
//! other call has gone there: far ends that do not wait to tell are common. Left out on purpose: bridging the two
//! ourselves where a far end takes no REFER; the transfer is refused then, and the call goes on with its agent.

use tokio::sync::mpsc;

use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;
use crate::domain::transfer::TransferOutcome;

/// A wish to send the far end elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferOrder {
    /// Whither.
    pub target: TransferTarget,
    /// Who wants to know whether the far end was asked; an agent is told by other ways.
    pub reply: Option<TransferReply>,
}

/// Whither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferTarget {
    /// To a number or a SIP URI, without asking there first.
    Blind(Redacted<String>),
    /// To the far end of another call of ours, in the place of ours (attended, RFC 5589 §7).
    Attended(CallId),
}

/// The way to whoever wants to know, once.
#[derive(Clone, Debug)]
pub struct TransferReply(mpsc::Sender<Result<(), TransferRefusal>>);

/// Whether two are the same way.
impl PartialEq for TransferReply {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl Eq for TransferReply {}

impl TransferReply {
    /// A reply, and where it comes; nothing comes where the call ends before.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Result<(), TransferRefusal>>) {
        let (reply, answer) = mpsc::channel(1);
        (Self(reply), answer)
    }

    /// Tells. Whoever asked may have gone.
    pub fn tell(&self, answer: Result<(), TransferRefusal>) {
        let _ = self.0.try_send(answer);
    }
}

impl TransferOrder {
    /// Tells whoever wants to know.
    pub fn answer(&self, answer: Result<(), TransferRefusal>) {
        if let Some(reply) = &self.reply {
            reply.tell(answer);
        }
    }
}

/// Why the far end was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferRefusal {
    /// The line is not up.
    #[error("the line is not up")]
    NotUp,
    /// Another transfer is under way.
    #[error("another transfer is under way")]
    UnderWay,
    /// The target is neither a number that is dialled nor a SIP URI.
    #[error("the target is not understood")]
    Target,
    /// The target's name has no server.
    #[error("the target has no server that can be found")]
    Unresolved,
    /// The organisation may not call it.
    #[error("the target is not allowed")]
    NotAllowed,
    /// The other call is none that is up and may be joined with this one.
    #[error("the other call cannot be joined")]
    OtherCall,
    /// Signalling has no room, or stops.
    #[error("signalling is not available")]
    Unavailable,
}

/// What signalling tells of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferNews {
    /// The far end makes the other call.
    Progress,
    /// It came to an end.
    Ended(TransferOutcome),
    /// The far end of this call went to that of another, in our place.
    TakenAlong,
}

/// How far the transfer of a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Transfer {
    /// None is under way.
    #[default]
    Idle,
    /// The far end is asked.
    Asked,
    /// It makes the other call.
    Trying,
}

/// What comes of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransferStep {
    /// Nothing new.
    Nothing,
    /// It is over, and the call goes on.
    Over(TransferOutcome),
    /// The far end is gone; we still have to hang up.
    Gone,
    /// The far end is gone and has hung up.
    GoneAlready,
}

impl Transfer {
    /// Begins, unless one is under way.
    pub(super) const fn begin(&mut self) -> Result<(), TransferRefusal> {
        if !matches!(self, Self::Idle) {
            return Err(TransferRefusal::UnderWay);
        }
        *self = Self::Asked;
        Ok(())
    }

    /// Takes news.
    pub(super) const fn handle(&mut self, news: TransferNews) -> TransferStep {
        match news {
            TransferNews::TakenAlong => TransferStep::GoneAlready,
            // Of a transfer that is over already.
            _ if matches!(self, Self::Idle) => TransferStep::Nothing,
            TransferNews::Progress => {
                *self = Self::Trying;
                TransferStep::Nothing
            }
            TransferNews::Ended(TransferOutcome::Succeeded) => TransferStep::Gone,
            TransferNews::Ended(outcome) => {
                *self = Self::Idle;
                TransferStep::Over(outcome)
            }
        }
    }

    /// Whether a far end that hangs up now has gone where it was sent.
    pub(super) const fn explains_hang_up(self) -> bool {
        matches!(self, Self::Trying)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_transfer_is_under_way_at_a_time() {
        let mut transfer = Transfer::default();
        assert_eq!((transfer.begin(), transfer.begin()), (Ok(()), Err(TransferRefusal::UnderWay)));
        let failed = TransferNews::Ended(TransferOutcome::Failed);
        assert_eq!(transfer.handle(failed), TransferStep::Over(TransferOutcome::Failed));
        assert_eq!(transfer.handle(failed), TransferStep::Nothing, "told once");
        assert_eq!(transfer.begin(), Ok(()));
    }

    #[test]
    fn a_far_end_that_hangs_up_has_gone_only_if_it_had_begun_to() {
        let mut transfer = Transfer::default();
        transfer.begin().unwrap();
        assert!(!transfer.explains_hang_up());
        transfer.handle(TransferNews::Progress);
        assert!(transfer.explains_hang_up());
        transfer.handle(TransferNews::Ended(TransferOutcome::Unknown));
        assert!(!transfer.explains_hang_up());
    }
}
