//! A request of the far end that waits for the application: a re-INVITE (RFC 3261 §14.2), an UPDATE (RFC 3311), a PRACK with an offer
//! (RFC 3262 §5) or a REFER (RFC 3515).

use std::time::Instant;

use bytes::Bytes;

use super::Incoming;
use crate::endpoint::{InviteId, ResponseBuilder, Stack, response_path};
use crate::header::{Method, StatusCode};
use crate::message::Request;
use crate::transaction::{Opening, ServerId};
use crate::transport::Flow;

pub(super) struct Pending {
    request: Request,
    arrived: Flow,
    server: ServerId,
}

impl Pending {
    /// By which way it came.
    pub(super) const fn arrived(&self) -> Flow {
        self.arrived
    }

    /// An INVITE is told 100 where its answer takes time; for all others that would be wrong (RFC 4320).
    pub(super) fn open(now: Instant, id: InviteId, incoming: Incoming<'_>, stack: &mut Stack) -> Self {
        let Incoming { request, key, arrived } = incoming;
        let path = response_path(request, arrived);
        let server = if request.method() == Method::Invite {
            let trying = ResponseBuilder::new(request, arrived.remote, StatusCode::TRYING, None, "").finish();
            let opening = Opening { key: key.clone(), request, path, owner: id, trying: Some(trying) };
            stack.transactions.open_invite_server(now, opening, &mut stack.out)
        } else {
            stack.transactions.open_waiting_server(now, key.clone(), path, id, &mut stack.out)
        };
        Self { request: request.clone(), arrived, server }
    }

    /// Refuses a re-INVITE at once. A copy of it may come after one that would be taken, and is told what the first was told; where there is
    /// no room to remember that, it is refused as one that is late.
    pub(super) fn refuse_reinvite(
        now: Instant,
        id: InviteId,
        incoming: Incoming<'_>,
        status: StatusCode,
        stack: &mut Stack,
        write: impl FnOnce(ResponseBuilder) -> ResponseBuilder,
    ) {
        if stack.is_full() {
            return incoming.refuse(status, stack, write);
        }
        let Incoming { request, key, arrived } = incoming;
        let path = response_path(request, arrived);
        let opening = Opening { key: key.clone(), request, path, owner: id, trying: None };
        let server = stack.transactions.open_invite_server(now, opening, &mut stack.out);
        Self { request: request.clone(), arrived, server }.respond(now, status, b"", stack, write);
    }

    /// Answers with what `write` adds; what went out, and by which way.
    pub(super) fn respond(
        &self,
        now: Instant,
        status: StatusCode,
        sdp: &[u8],
        stack: &mut Stack,
        write: impl FnOnce(ResponseBuilder) -> ResponseBuilder,
    ) -> (Bytes, Flow) {
        let response = ResponseBuilder::new(&self.request, self.arrived.remote, status, None, "");
        let response = write(response).server(&stack.config.user_agent).finish_with_sdp(sdp);
        stack.transactions.respond(now, self.server, status, response.clone(), &mut stack.out);
        (response, response_path(&self.request, self.arrived))
    }

    pub(super) fn refuse(&self, now: Instant, status: StatusCode, stack: &mut Stack) {
        self.respond(now, status, b"", stack, |response| response);
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    pub(super) fn server(&self) -> ServerId {
        self.server
    }

    pub(super) fn cseq(&self) -> u32 {
        self.request.headers().cseq().map_or(0, |cseq| cseq.number)
    }
}
