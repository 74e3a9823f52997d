//! Who listens to a call: ports that were handed in by command, each with its listener on the leg once there is a leg.

use std::time::Instant;

use super::journal::Journal;
use super::listening::ListenerPort;
use crate::domain::timeline::Moment;
use crate::leg::Leg;
use crate::leg::listeners::ListenerId;

/// All who listen.
#[derive(Debug, Default)]
pub(super) struct Ears {
    ears: Vec<Ear>,
}

#[derive(Debug)]
struct Ear {
    port: ListenerPort,
    /// On the leg; nothing as long as the two sides have not agreed.
    listener: Option<ListenerId>,
}

impl Ears {
    /// Somebody wants to listen. Refused, by closing the port, when as many listen as may.
    pub(super) fn add(&mut self, now: Instant, port: ListenerPort, journal: &mut Journal) {
        if self.ears.len() >= MOST {
            journal.mark(now, Moment::Warning { code: "listener_refused".to_owned() });
        } else if self.ears.iter().all(|ear| ear.port != port) {
            self.ears.push(Ear { port, listener: None });
        }
    }

    /// Somebody listens no more.
    pub(super) fn remove(&mut self, now: Instant, port: &ListenerPort, leg: Option<&mut Leg>, journal: &mut Journal) {
        let Some(place) = self.ears.iter().position(|ear| ear.port == *port) else { return };
        if let (Some(leg), Some(listener)) = (leg, self.ears.swap_remove(place).listener) {
            leg.detach(listener);
            journal.mark(now, Moment::ListenerDetached);
        }
    }

    /// Hands on what is to be heard, and looks who has come or gone.
    pub(super) fn drain(&mut self, now: Instant, leg: &mut Leg, journal: &mut Journal) {
        self.ears.retain_mut(|ear| {
            if ear.port.is_abandoned() {
                if let Some(listener) = ear.listener {
                    leg.detach(listener);
                    journal.mark(now, Moment::ListenerDetached);
                }
                return false;
            }
            let listener = match ear.listener {
                Some(listener) => listener,
                None => match leg.attach(ear.port.setup()) {
                    Ok(listener) => {
                        journal.mark(now, Moment::ListenerAttached);
                        *ear.listener.insert(listener)
                    }
                    Err(error) => {
                        tracing::warn!(%error, "listener_refused");
                        journal.mark(now, Moment::Warning { code: "listener_refused".to_owned() });
                        return false;
                    }
                },
            };
            if leg.has_heard(listener)
                && let Some(mut writer) = ear.port.writer()
            {
                while let Some(frame) = leg.poll_heard(listener) {
                    writer.put(frame);
                }
            }
            true
        });
    }
}

/// As many may listen to one call.
const MOST: usize = 4;
