//! What all calls of an endpoint share: identifiers, transactions, the outbox.

use std::time::Instant;

use bytes::Bytes;

use super::admission::Refusal;
use super::config::{EndpointConfig, LEAST_SESSION_EXPIRES};
use super::event::{Event, InviteId, OfferId};
use super::identifiers::Identifiers;
use super::outbox::Outbox;
use super::respond::{ResponseBuilder, SDP, response_path};
use crate::dialog::Dialog;
use crate::header::{Causes, HeaderName, Method, OptionTags, StatusCode, Via};
use crate::message::{Message, MessageWriter, Request};
use crate::transaction::{ClientId, ClientKey, ServerKey, TransactionTable, Ways};
use crate::transport::Flow;

pub(crate) struct Stack {
    pub(crate) config: EndpointConfig,
    pub(crate) identifiers: Identifiers,
    pub(crate) transactions: TransactionTable,
    pub(crate) out: Outbox,
    last_offer: u64,
}

impl Stack {
    pub(crate) fn new(mut config: EndpointConfig) -> Self {
        config.user_agent.retain(|character| !character.is_control());
        config.timers = config.timers.bounded();
        config.min_session_expires = config.min_session_expires.max(LEAST_SESSION_EXPIRES);
        config.session_expires = config.session_expires.map(|interval| interval.max(config.min_session_expires));
        Self {
            identifiers: Identifiers::new(config.seed),
            transactions: TransactionTable::new(config.timers, config.tcp, config.failover_after),
            out: Outbox::default(),
            last_offer: 0,
            config,
        }
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.out.event(event);
    }

    pub(crate) fn new_offer(&mut self) -> OfferId {
        self.last_offer += 1;
        OfferId(self.last_offer)
    }

    /// Answers once and forgets: copies of the request get the same answer again (§8.2.7).
    pub(crate) fn reply_stateless(&mut self, request: &Request, arrived: Flow, response: ResponseBuilder) {
        let response = response.server(&self.config.user_agent).finish();
        self.out.send(response_path(request, arrived), Some(response));
    }

    /// Answers a request other than INVITE through a transaction, or without one when the table is full.
    pub(crate) fn reply(&mut self, now: Instant, request: &Request, arrived: Flow, response: ResponseBuilder) {
        match ServerKey::of(request) {
            Some(key) if !self.is_full() => {
                let response = response.server(&self.config.user_agent).finish();
                let path = response_path(request, arrived);
                self.transactions.open_other_server(now, key, path, response, &mut self.out);
            }
            _ => self.reply_stateless(request, arrived, response),
        }
    }

    /// A response with a tag that depends on the request alone.
    pub(crate) fn stateless(&self, request: &Request, arrived: Flow, status: StatusCode) -> ResponseBuilder {
        ResponseBuilder::new(request, arrived.remote, status, None, &self.identifiers.stateless_tag(request))
    }

    /// Refuses by [`super::admission`].
    pub(crate) fn refuse(&mut self, request: &Request, arrived: Flow, refusal: Refusal) {
        let tag = self.identifiers.stateless_tag(request);
        let reason = refusal.reason();
        let reason = reason.as_ref().map(|reason| reason as &dyn std::fmt::Display);
        let mut response = ResponseBuilder::new(request, arrived.remote, refusal.status(), reason, &tag);
        match refusal {
            Refusal::UnknownMethod | Refusal::Method => response = response.header(HeaderName::Allow, Method::ALLOW),
            Refusal::MediaType => response = response.header(HeaderName::Accept, SDP),
            Refusal::Extension => {
                for extension in OptionTags::unknown(request.headers()) {
                    response = response.header(HeaderName::Unsupported, extension);
                }
            }
            _ => {}
        }
        tracing::debug!(?refusal, "request refused");
        self.reply_stateless(request, arrived, response);
    }

    /// Sends BYE within a dialog (§15.1.1), with the reason if there is one (RFC 3326).
    pub(crate) fn bye(&mut self, now: Instant, dialog: &mut Dialog, causes: Causes, owner: Option<InviteId>) -> ClientId {
        let branch = self.identifiers.branch();
        let cseq = dialog.next_cseq();
        let mut request = dialog.request(Method::Bye, cseq, &branch);
        self.sign(&mut request);
        if !causes.is_empty() {
            request.header(HeaderName::Reason, causes);
        }
        self.open_client(now, &branch, Method::Bye, dialog.path(), owner, request.finish(b""))
    }

    /// Sends CANCEL of an INVITE within a dialog (§9.1): all that must match it is copied from it.
    pub(crate) fn cancel(&mut self, now: Instant, client: ClientId) {
        let Some(sent) = self.transactions.sent(client) else { return };
        let (path, Ok(Message::Request(invite))) = (sent.path, Message::parse(sent.request.clone())) else { return };
        let headers = invite.headers();
        let branch = headers.top_via().and_then(|via| via.unique_branch()?.strip_prefix(Via::MAGIC_COOKIE));
        let (Some(branch), Some(cseq)) = (branch, headers.cseq()) else { return };
        let mut request = MessageWriter::request(Method::Cancel, invite.uri_text());
        for name in [HeaderName::Via, HeaderName::MaxForwards, HeaderName::Route, HeaderName::From, HeaderName::To, HeaderName::CallId] {
            request.copy(name, &invite);
        }
        request.header(HeaderName::CSeq, format_args!("{} {}", cseq.number, Method::Cancel));
        self.open_client(now, branch, Method::Cancel, path, None, request.finish(b""));
    }

    /// `branch` is without the cookie.
    pub(crate) fn open_client<'a>(
        &mut self,
        now: Instant,
        branch: &str,
        method: Method,
        ways: impl Into<Ways<'a>>,
        owner: Option<InviteId>,
        request: Bytes,
    ) -> ClientId {
        let key = ClientKey::new(&format!("{}{branch}", Via::MAGIC_COOKIE), method);
        self.transactions.open_client(now, key, ways.into(), owner, request, &mut self.out)
    }

    /// Who we are, on a request.
    pub(crate) fn sign(&self, request: &mut MessageWriter) {
        if !self.config.user_agent.is_empty() {
            request.header(HeaderName::UserAgent, &self.config.user_agent);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.transactions.len() >= self.config.max_transactions
    }
}
