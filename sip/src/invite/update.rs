//! UPDATE of the far end (RFC 3311 §5.2): a new offer before or after the answer, or a refresh of the session.

use std::time::Instant;

use super::Incoming;
use super::exchange::{Carrier, Exchange};
use super::pending::Pending;
use super::session_timer;
use super::usage::Usage;
use crate::endpoint::Stack;
use crate::header::{HeaderName, StatusCode};

impl Usage {
    pub(super) fn handle_update(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let headers = incoming.request.headers();
        if session_timer::is_too_short(headers, &stack.config) {
            let least = stack.config.min_session_expires.as_secs();
            return incoming
                .reply(now, StatusCode::SESSION_INTERVAL_TOO_SMALL, stack, |response| response.header(HeaderName::MinSe, least));
        }
        let sdp = incoming.sdp();
        if !sdp.is_empty() && !self.is_free() {
            return self.refuse_crossing(now, incoming, stack);
        }
        if !sdp.is_empty() && stack.is_full() {
            return incoming.put_off(stack);
        }
        if let Some(contact) = headers.contact() {
            self.dialog.refresh_target(contact.uri_text());
        }
        self.dialog.follow(incoming.arrived);
        if sdp.is_empty() {
            let expires = self.agree_session(now, headers, stack);
            let contact = self.contact.clone();
            return incoming.reply(now, StatusCode::OK, stack, |response| {
                response.header(HeaderName::Contact, format_args!("<{contact}>")).session(expires)
            });
        }
        let carrier = Carrier::Request(Box::new(Pending::open(now, self.id, incoming, stack)));
        self.ask(carrier, sdp, stack);
    }

    /// Another offer is open (RFC 3311 §5.2): ours, and both shall wait by chance; or theirs, which is not answered yet.
    pub(super) fn refuse_crossing(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        if matches!(self.exchange, Exchange::Theirs(_) | Exchange::Fresh) {
            let wait = stack.identifiers.retry_seconds();
            incoming.reply(now, StatusCode::SERVER_INTERNAL_ERROR, stack, |response| response.header(HeaderName::RetryAfter, wait));
        } else {
            incoming.reply(now, StatusCode::REQUEST_PENDING, stack, |response| response);
        }
    }
}
