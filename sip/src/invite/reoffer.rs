//! A re-INVITE of the far end that waits for the application (RFC 3261 §14.2).

use std::time::Instant;

use bytes::Bytes;

use super::Incoming;
use crate::endpoint::{InviteId, ResponseBuilder, Stack, response_path};
use crate::header::{StatusCode, Uri};
use crate::message::Request;
use crate::transaction::ServerId;
use crate::transport::Flow;

pub(super) struct Reoffer {
    request: Request,
    arrived: Flow,
    server: ServerId,
}

impl Reoffer {
    /// 100 goes out.
    pub(super) fn new(id: InviteId, incoming: Incoming<'_>, stack: &mut Stack) -> Self {
        let Incoming { request, key, arrived } = incoming;
        let trying = ResponseBuilder::new(request, arrived.remote, StatusCode::TRYING, None, "").finish();
        let path = response_path(request, arrived);
        let server = stack.transactions.open_invite_server(key.clone(), request, path, id, trying, &mut stack.out);
        Self { request: request.clone(), arrived, server }
    }

    /// Sends the 200 and returns it with its way.
    pub(super) fn accept(&self, now: Instant, contact: Option<&Uri>, sdp: &[u8], stack: &mut Stack) -> (Bytes, Flow) {
        let response = self.response(StatusCode::OK);
        let response = match contact {
            Some(contact) => response.dialog(&self.request, contact),
            None => response.dialog(&self.request, self.arrived.contact(None, false)),
        };
        let response = response.capabilities().server(&stack.config.user_agent).finish_with_sdp(sdp);
        stack.transactions.respond(now, self.server, StatusCode::OK, response.clone(), &mut stack.out);
        (response, response_path(&self.request, self.arrived))
    }

    pub(super) fn refuse(&self, now: Instant, status: StatusCode, stack: &mut Stack) {
        let response = self.response(status).server(&stack.config.user_agent).finish();
        stack.transactions.respond(now, self.server, status, response, &mut stack.out);
    }

    pub(super) fn server(&self) -> ServerId {
        self.server
    }

    pub(super) fn cseq(&self) -> u32 {
        self.request.headers().cseq().map_or(0, |cseq| cseq.number)
    }

    pub(super) fn contact(&self) -> Option<&str> {
        self.request.headers().contact().map(|contact| contact.uri_text())
    }

    fn response(&self, status: StatusCode) -> ResponseBuilder {
        ResponseBuilder::new(&self.request, self.arrived.remote, status, None, "")
    }
}
