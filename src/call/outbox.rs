//! A call's words to signalling: in order, and without waiting for room, since a task that waits sends no packets.
//!
//! What finds no room is kept and tried again; a call says a few words a second at the most, and signalling has room for thousands.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::event::{SignallingCommand, SignallingKey};

/// The way of one call to signalling.
pub(super) struct Outbox {
    key: SignallingKey,
    signalling: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    unsent: VecDeque<SignallingCommand>,
    control: Handle,
}

impl Outbox {
    pub(super) const fn new(key: SignallingKey, signalling: mpsc::Sender<(SignallingKey, SignallingCommand)>, control: Handle) -> Self {
        Self { key, signalling, unsent: VecDeque::new(), control }
    }

    /// Tells signalling, after all that was told before.
    pub(super) fn send(&mut self, command: SignallingCommand) {
        self.unsent.push_back(command);
        self.flush();
    }

    /// Tries again what found no room.
    pub(super) fn flush(&mut self) {
        while let Some(command) = self.unsent.pop_front() {
            match self.signalling.try_send((self.key, command)) {
                Ok(()) => {}
                Err(TrySendError::Full((_, command))) => return self.unsent.push_front(command),
                // Nobody signals any more.
                Err(TrySendError::Closed(_)) => self.unsent.clear(),
            }
        }
    }

    /// How soon to try again; nothing where all is told.
    pub(super) fn retry_in(&self) -> Option<Duration> {
        (!self.unsent.is_empty()).then_some(RETRY)
    }
}

/// The last word of a call is told all the same.
impl Drop for Outbox {
    fn drop(&mut self) {
        if self.unsent.is_empty() {
            return;
        }
        let (signalling, key, unsent) = (self.signalling.clone(), self.key, std::mem::take(&mut self.unsent));
        self.control.spawn(async move {
            for command in unsent {
                let _ = signalling.send((key, command)).await;
            }
        });
    }
}

/// How soon what found no room is tried again.
const RETRY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_finds_no_room_is_told_later_in_order_and_after_the_end_of_the_call_too() {
        let (signalling, mut told) = mpsc::channel(1);
        let key = SignallingKey(7);
        let mut outbox = Outbox::new(key, signalling, Handle::current());
        outbox.send(SignallingCommand::Ring);
        assert_eq!(outbox.retry_in(), None);
        outbox.send(SignallingCommand::Hangup);
        assert_eq!(outbox.retry_in(), Some(RETRY));
        assert_eq!(told.recv().await, Some((key, SignallingCommand::Ring)));
        outbox.flush();
        outbox.send(SignallingCommand::RejectTakeover);
        outbox.send(SignallingCommand::RejectMove);
        drop(outbox);
        for expected in [SignallingCommand::Hangup, SignallingCommand::RejectTakeover, SignallingCommand::RejectMove] {
            assert_eq!(told.recv().await, Some((key, expected)));
        }
        assert_eq!(told.recv().await, None);
    }
}
