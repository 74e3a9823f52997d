//! Which part of the endpoint a message is for.

use std::time::Instant;

use bytes::Bytes;

use super::Endpoint;
use super::admission;
use super::event::{Event, InviteId};
use super::respond::{ResponseBuilder, response_path};
use crate::header::{HeaderName, Method, StatusCode};
use crate::invite::{Incoming, Invite, Replaceable, is_too_short};
use crate::message::{Malformed, Message, Request, Response};
use crate::transaction::{AckReceived, ServerKey};
use crate::transport::Flow;

impl Endpoint {
    pub(super) fn receive(&mut self, now: Instant, arrived: Flow, message: Bytes) {
        let parsed = if arrived.transport.is_stream() { Message::parse_from_stream(message) } else { Message::parse(message) };
        match parsed {
            Ok(Message::Request(request)) => self.receive_request(now, arrived, request),
            Ok(Message::Response(response)) => self.receive_response(now, &response),
            Err(malformed) => self.receive_malformed(arrived, &malformed),
        }
    }

    fn receive_request(&mut self, now: Instant, arrived: Flow, request: Request) {
        let Some(key) = ServerKey::of(&request) else { return };
        if request.method() == Method::Ack {
            return self.receive_ack(now, &key, &request);
        }
        if self.stack.transactions.absorb_copy(&key, &mut self.stack.out) {
            return;
        }
        if request.method() == Method::Cancel {
            return self.receive_cancel(now, arrived, &request);
        }
        let in_dialog = request.headers().to().is_some_and(|to| to.tag().is_some());
        if request.method() == Method::Register && !in_dialog && self.receive_register(now, arrived, &request) {
            return;
        }
        if let Err(refusal) = admission::check(&request) {
            return self.stack.refuse(&request, arrived, refusal);
        }
        if in_dialog {
            return self.receive_in_dialog(now, arrived, &key, &request);
        }
        match request.method() {
            Method::Invite => self.receive_invite(now, arrived, key, request),
            Method::Options if self.closing => self.reply_unavailable(&request, arrived, CLOSING_RETRY_AFTER_SECONDS),
            Method::Options => {
                let response = self.stack.stateless(&request, arrived, StatusCode::OK).capabilities();
                self.stack.reply_stateless(&request, arrived, response);
            }
            // A call that is asked for without a call: nobody who may ask.
            Method::Refer => self.reply_status(&request, arrived, StatusCode::FORBIDDEN),
            _ => self.reply_status(&request, arrived, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    /// A new call.
    fn receive_invite(&mut self, now: Instant, arrived: Flow, key: ServerKey, request: Request) {
        if self.stack.transactions.is_merged(&request) {
            return self.reply_status(&request, arrived, StatusCode::LOOP_DETECTED);
        }
        if self.is_full() {
            tracing::debug!("full: a call is refused");
            return self.reply_unavailable(&request, arrived, RETRY_AFTER_SECONDS);
        }
        if is_too_short(request.headers(), &self.stack.config) {
            let least = self.stack.config.min_session_expires.as_secs();
            let response = self.stack.stateless(&request, arrived, StatusCode::SESSION_INTERVAL_TOO_SMALL).header(HeaderName::MinSe, least);
            return self.stack.reply_stateless(&request, arrived, response);
        }
        let Some(login) = self.pass_gate(now, arrived, &request) else { return };
        let replaced = match self.replaced_by(&request) {
            Ok(replaced) => replaced,
            Err(status) => return self.reply_status(&request, arrived, status),
        };
        let id = self.new_id();
        let Some((invite, mut incoming)) = Invite::inbound(now, id, request, key, arrived, &mut self.stack) else { return };
        incoming.login = login;
        self.insert(invite);
        if let Some(replaced) = replaced {
            incoming.replaces = Some(replaced);
            self.replacing.insert(id, replaced);
        }
        self.stack.event(Event::Incoming { id, invite: incoming });
    }

    /// The call of ours whose place an INVITE wants to take (RFC 3891 §3).
    fn replaced_by(&self, request: &Request) -> Result<Option<InviteId>, StatusCode> {
        if request.headers().value(HeaderName::Replaces).is_none() {
            return Ok(None);
        }
        let replaces = request.headers().replaces().ok_or(StatusCode::BAD_REQUEST)?;
        let id = *self.tags.get(&replaces.to_tag).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        match self.invites.get(&id).map(|invite| invite.is_replaceable(&replaces)) {
            Some(Replaceable::Yes) => Ok(Some(id)),
            Some(Replaceable::Answered) => Err(StatusCode::BUSY_HERE),
            Some(Replaceable::Ended) => Err(StatusCode::DECLINE),
            Some(Replaceable::NoSuchCall) | None => Err(StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    fn receive_in_dialog(&mut self, now: Instant, arrived: Flow, key: &ServerKey, request: &Request) {
        match self.invite_of(request) {
            Some(id) => self.step(id, |invite, stack| invite.handle_request(now, Incoming { request, key, arrived }, stack)),
            None => self.reply_status(request, arrived, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    /// An ACK is never answered.
    fn receive_ack(&mut self, now: Instant, key: &ServerKey, request: &Request) {
        if let AckReceived::Unmatched = self.stack.transactions.acknowledge(now, key, &mut self.stack.out)
            && let Some(id) = self.invite_of(request)
        {
            self.step(id, |invite, stack| invite.handle_ack(now, request, stack));
        }
    }

    /// CANCEL finds its INVITE by the transaction, not by the dialog (§9.2).
    fn receive_cancel(&mut self, now: Instant, arrived: Flow, request: &Request) {
        let found = ServerKey::cancelled(request).and_then(|key| self.stack.transactions.server(&key));
        let Some((server, owner)) = found else { return self.reply_status(request, arrived, StatusCode::CALL_DOES_NOT_EXIST) };
        let invite = owner.and_then(|id| self.invites.get(&id));
        let tag = invite.map_or_else(|| self.stack.identifiers.stateless_tag(request), |invite| invite.local_tag().into());
        let response = ResponseBuilder::new(request, arrived.remote, StatusCode::OK, None, &tag);
        self.stack.reply(now, request, arrived, response);
        if let Some(id) = owner {
            self.step(id, |invite, stack| invite.handle_cancel(now, server, request, stack));
        }
    }

    fn receive_response(&mut self, now: Instant, response: &Response) {
        let invites = &self.invites;
        let ack = |id: InviteId| invites.get(&id).and_then(|invite| invite.ack_of_refusal(response));
        if let Some((id, method, client)) = self.stack.transactions.receive_response(now, response, ack, &mut self.stack.out)
            && !self.answer_challenge(now, id, client, response)
            && !self.take_reply(id, response)
        {
            self.step(id, |invite, stack| invite.handle_response(now, method, client, response, stack));
        }
    }

    /// Answers as well as it can be answered (§8.2.7: without state); responses and ACK never.
    fn receive_malformed(&mut self, arrived: Flow, malformed: &Malformed) {
        tracing::debug!(fault = %malformed.fault, "malformed message");
        let Some(request) = malformed.request.as_deref() else { return };
        if request.method() == Method::Ack || request.headers().value(HeaderName::Via).is_none() {
            return;
        }
        let tag = self.stack.identifiers.stateless_tag(request);
        let response = ResponseBuilder::new(request, arrived.remote, malformed.fault.status(), Some(&malformed.fault), &tag);
        let response = response.server(&self.stack.config.user_agent).finish();
        self.stack.out.send(response_path(request, arrived), Some(response));
    }

    fn reply_status(&mut self, request: &Request, arrived: Flow, status: StatusCode) {
        let response = self.stack.stateless(request, arrived, status);
        self.stack.reply_stateless(request, arrived, response);
    }

    fn reply_unavailable(&mut self, request: &Request, arrived: Flow, retry_after: u64) {
        let response = self.stack.stateless(request, arrived, StatusCode::SERVICE_UNAVAILABLE).header(HeaderName::RetryAfter, retry_after);
        self.stack.reply_stateless(request, arrived, response);
    }

    /// The call of a request within a dialog: its To tag is ours. Whether the rest fits, the call itself checks.
    fn invite_of(&self, request: &Request) -> Option<InviteId> {
        let headers = request.headers();
        let id = *self.tags.get(headers.to()?.tag()?)?;
        self.invites.get(&id)?.holds(headers).then_some(id)
    }
}

/// A full endpoint asks callers to wait so long: some calls end in it.
const RETRY_AFTER_SECONDS: u64 = 5;

/// A closing one so long: until its calls have ended and another has its place.
const CLOSING_RETRY_AFTER_SECONDS: u64 = 30;
