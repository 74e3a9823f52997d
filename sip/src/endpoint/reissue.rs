//! A request that was challenged goes out once more, with credentials (RFC 3261 §22.2): the same, but for its branch, the next number
//! in its sequence, and what answers the challenge.
//!
//! It takes the place of the first within its client transaction, so that whoever waits for that waits for this.

use std::time::Instant;

use bytes::Bytes;

use super::Endpoint;
use super::event::InviteId;
use super::stack::Stack;
use crate::auth::DigestClient;
use crate::dialog::ViaLine;
use crate::header::{HeaderName, Method, Via};
use crate::message::{Message, MessageWriter, Request, Response};
use crate::transaction::{ClientId, ClientKey};
use crate::transport::Flow;

/// What is new about a request that went out again.
pub(crate) struct Reissued {
    pub(crate) method: Method,
    /// By which way: not always the first.
    pub(crate) path: Flow,
    /// Without the cookie.
    pub(crate) branch: Box<str>,
    pub(crate) cseq: u32,
    pub(crate) authorization: (HeaderName, String),
}

impl Endpoint {
    /// True when the response was a challenge that is answered: nobody else needs to know of it.
    pub(super) fn answer_challenge(&mut self, now: Instant, id: InviteId, client: ClientId, response: &Response) -> bool {
        if !matches!(response.status().code(), 401 | 407) {
            return false;
        }
        if let Some(invite) = self.invites.get_mut(&id) {
            let Some(credentials) = invite.credentials(client) else { return false };
            let reissued = self.stack.reissue(now, client, response, credentials);
            return reissued.map(|reissued| invite.handle_reissued(client, reissued, &mut self.stack)).is_some();
        }
        let Some(mut credentials) = self.credentials_of_request(id).cloned() else { return false };
        let answered = self.stack.reissue(now, client, response, &mut credentials).is_some();
        if let Some(kept) = self.credentials_of_request(id) {
            *kept = credentials;
        }
        answered
    }
}

impl Stack {
    /// `None` when the challenge cannot or must not be answered.
    fn reissue(&mut self, now: Instant, client: ClientId, response: &Response, credentials: &mut DigestClient) -> Option<Reissued> {
        let sent = self.transactions.sent(client)?;
        let (path, answered) = (sent.path, sent.answered);
        let Ok(Message::Request(request)) = Message::parse(sent.request.clone()) else { return None };
        let cnonce = self.identifiers.tag();
        let authorization = credentials
            .answer(response, answered, request.method_text(), request.uri_text(), &cnonce)
            .inspect_err(|error| tracing::debug!(%error, "challenge not answered"))
            .ok()?;
        let (method, cseq) = (request.method(), request.headers().cseq()?.number.checked_add(1)?);
        let branch = self.identifiers.branch();
        let key = ClientKey::new(&format!("{}{branch}", Via::MAGIC_COOKIE), method);
        let again = rewritten(&request, path, &branch, cseq, &authorization);
        self.transactions.replace_client(now, client, key, again, &mut self.out);
        Some(Reissued { method, path, branch, cseq, authorization })
    }
}

fn rewritten(request: &Request, path: Flow, branch: &str, cseq: u32, (name, value): &(HeaderName, String)) -> Bytes {
    let method = request.method();
    let mut writer = MessageWriter::request(method, request.uri_text());
    for (known, written, text) in request.headers().lines() {
        match known {
            HeaderName::Via => writer.header(HeaderName::Via, ViaLine { path, branch }),
            HeaderName::CSeq => writer.header(HeaderName::CSeq, format_args!("{cseq} {method}")),
            HeaderName::ContentLength => {}
            _ if known == *name => {}
            HeaderName::Other => writer.named(written, text),
            _ => writer.header(known, text),
        }
    }
    writer.header(*name, value);
    writer.finish(&request.body())
}
