//! One branch of a call of ours before it is answered (RFC 3261 §12.1, RFC 3262 §4): a fork has one for each callee that rings.

use std::time::Instant;

use bytes::Bytes;

use super::exchange::{Carrier, Exchange};
use super::usage::Usage;
use crate::endpoint::{Event, Stack};
use crate::header::OptionTags;
use crate::message::Response;

pub(super) struct Early {
    pub(super) usage: Usage,
    /// The number of the last reliable response.
    last_rseq: Option<u32>,
    /// Its answer so far.
    sdp: Bytes,
}

impl Early {
    pub(super) fn new(usage: Usage) -> Self {
        Self { usage, last_rseq: None, sdp: Bytes::new() }
    }

    /// Takes a provisional response; false for one that is not to be looked at: a copy, or one before which another is missing.
    pub(super) fn handle_provisional(&mut self, now: Instant, response: &Response, stack: &mut Stack) -> bool {
        let headers = response.headers();
        self.usage.peer.learn(headers);
        let rseq = headers.rseq().filter(|_| headers.requires().contains(OptionTags::RELIABLE));
        if let Some(rseq) = rseq {
            if self.last_rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
                return false;
            }
            self.last_rseq = Some(rseq);
        }
        let sdp = response.sdp();
        match (rseq, &self.usage.exchange) {
            (Some(rseq), Exchange::Fresh) if !sdp.is_empty() => self.usage.ask(Carrier::Provisional { rseq }, sdp, stack),
            (Some(rseq), exchange) => {
                if matches!(exchange, Exchange::Ours) && !sdp.is_empty() {
                    self.usage.exchange = Exchange::Settled;
                    self.hear(sdp, stack);
                }
                self.usage.prack(now, rseq, b"", stack);
            }
            (None, Exchange::Ours) if !sdp.is_empty() => self.hear(sdp, stack),
            (None, _) => {}
        }
        true
    }

    /// What the answer was before the call is answered.
    pub(super) fn into_parts(self) -> (Usage, Bytes) {
        (self.usage, self.sdp)
    }

    fn hear(&mut self, sdp: Bytes, stack: &mut Stack) {
        if self.sdp != sdp {
            self.sdp = sdp.clone();
            stack.event(Event::EarlyMedia { id: self.usage.id, sdp });
        }
    }
}
