//! Listeners on a leg: who comes and goes, and what each has heard.

use media::sdp::Negotiated;

use super::Leg;
use super::listeners::{AttachError, HeardFrame, Line, ListenerId, ListenerSetup, ListenerStats, Listeners};

impl Leg {
    /// Lets somebody listen, from the next slot of the line on.
    ///
    /// # Errors
    /// When as many listen as may, or the listener's rate cannot be made.
    pub fn attach(&mut self, setup: ListenerSetup) -> Result<ListenerId, AttachError> {
        let line = self.line();
        let attached = self.listeners.get_or_insert_with(|| Box::new(Listeners::new(line))).attach(setup);
        self.settle_listeners();
        attached
    }

    /// Lets somebody listen no more.
    pub fn detach(&mut self, listener: ListenerId) {
        if let Some(listeners) = &mut self.listeners {
            listeners.detach(listener);
        }
        self.settle_listeners();
    }

    /// What a listener hears next; to be asked until nothing comes, at least every 200 ms.
    pub fn poll_heard(&mut self, listener: ListenerId) -> Option<HeardFrame<'_>> {
        self.listeners.as_mut()?.poll(listener)
    }

    /// Whether something waits for a listener.
    #[must_use]
    pub fn has_heard(&self, listener: ListenerId) -> bool {
        self.listeners.as_ref().is_some_and(|listeners| listeners.has_heard(listener))
    }

    /// How a listener fares.
    #[must_use]
    pub fn listener_stats(&self, listener: ListenerId) -> Option<ListenerStats> {
        self.listeners.as_ref()?.stats(listener)
    }

    /// The line is another one from now on.
    pub(super) fn tell_listeners(&mut self) {
        let line = self.line();
        if let Some(listeners) = &mut self.listeners {
            listeners.set_line(line);
        }
    }

    fn line(&self) -> Line {
        let Negotiated { codec, receive_payload_types: payload_types, ptime, .. } = self.negotiated;
        Line { codec, payload_types, ptime, muted: self.muted }
    }

    /// Nothing is kept for listeners that are gone.
    pub(super) fn settle_listeners(&mut self) {
        self.listeners.take_if(|listeners| listeners.is_empty());
        let wanted = self.ingress.wants_reference()
            || self.hearing.is_some()
            || self.listeners.as_ref().is_some_and(|listeners| listeners.want_reference());
        self.egress.set_tap(wanted);
    }
}
