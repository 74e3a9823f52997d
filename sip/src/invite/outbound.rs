//! Our INVITE as it went out, and what must match it: CANCEL (RFC 3261 §9.1), the ACKs of refusals (§17.1.1.3) and of 2xx (§13.2.2.4).

use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use super::exchange::Exchange;
use super::usage::Usage;
use crate::dialog::{Dialog, MAX_FORWARDS, Party, ViaLine};
use crate::endpoint::{InviteId, OutgoingInvite, Reissued, SDP, Stack};
use crate::header::{Causes, HeaderName, Method, OptionTags};
use crate::message::{MessageWriter, Response};
use crate::transaction::{ClientId, Ways};
use crate::transport::Flow;

pub(super) struct Outbound {
    call: Box<OutgoingInvite>,
    call_id: Box<str>,
    local_tag: Box<str>,
    branch: Box<str>,
    from: Box<str>,
    to: Box<str>,
    path: Flow,
    min_se: Duration,
    client: ClientId,
    cseq: u32,
    /// When it went out first.
    sent: Instant,
    /// What the INVITE was let in with: its ACK must have it, too (§22.1).
    authorization: Option<(HeaderName, String)>,
    /// Who has answered: one, unless a proxy forked.
    answers: SmallVec<[AckSent; 1]>,
}

/// The ACK of one 2xx, to be repeated for each copy of it.
struct AckSent {
    remote_tag: Box<str>,
    path: Flow,
    /// `None` while the application owes the answer that it carries.
    ack: Option<Bytes>,
}

/// Whose 2xx it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answerer {
    /// Nobody's of this call, or one too many.
    Stranger,
    /// Of one whose 2xx came before.
    Known,
    New,
}

impl Outbound {
    /// Sends the INVITE.
    pub(super) fn start(now: Instant, id: InviteId, call: OutgoingInvite, stack: &mut Stack) -> Self {
        let path = call.flow;
        let (call_id, local_tag, branch) = (stack.identifiers.call_id(), stack.identifiers.tag(), stack.identifiers.branch());
        let (from, to): (Box<str>, Box<str>) = (call.from.to_string().into(), call.to.to_string().into());
        let min_se = stack.config.min_session_expires;
        let (call, answers) = (Box::new(call), SmallVec::new());
        let request = Invitation { call: &call, call_id: &call_id, local_tag: &local_tag, from: &from, to: &to, path, min_se };
        let request = request.write(FIRST_CSEQ, &branch, stack);
        let client = stack.open_client(now, &branch, Method::Invite, Ways { first: path, others: &call.alternatives }, Some(id), request);
        Self { call, call_id, local_tag, branch, from, to, path, cseq: FIRST_CSEQ, sent: now, min_se, client, authorization: None, answers }
    }

    /// Sends it once more because the far end wants a longer session (422, RFC 4028 §7.3); false when that has been tried.
    pub(super) fn ask_for_longer(&mut self, now: Instant, id: InviteId, least: Option<Duration>, stack: &mut Stack) -> bool {
        let Some(least) = least.filter(|least| *least > self.min_se && self.cseq - FIRST_CSEQ < MAX_MORE) else { return false };
        // Who wants it is whom it had come to by then.
        self.path = stack.transactions.client_flow(self.client).unwrap_or(self.path);
        self.min_se = least;
        self.cseq += 1;
        self.branch = stack.identifiers.branch();
        let Self { call, call_id, local_tag, from, to, path, min_se, .. } = self;
        let request = Invitation { call, call_id, local_tag, from, to, path: *path, min_se: *min_se };
        let request = request.write(self.cseq, &self.branch, stack);
        self.client = stack.open_client(now, &self.branch, Method::Invite, self.path, Some(id), request);
        true
    }

    /// A dialog with whoever sent this response; `None` when it is nobody of this call.
    pub(super) fn usage(&self, id: InviteId, response: &Response, stack: &Stack) -> Option<Usage> {
        if !self.is_ours(response) {
            return None;
        }
        let path = stack.transactions.client_flow(self.client).unwrap_or(self.path);
        let dialog = Dialog::outbound(response, self.call.request_uri.as_str(), path, self.call.registered)?;
        let exchange = if self.call.body.is_empty() { Exchange::Fresh } else { Exchange::Ours };
        Some(Usage::new(id, dialog, self.call.contact.clone(), true, exchange, response.headers()))
    }

    /// Whose 2xx it is; a copy is acknowledged again.
    pub(super) fn answerer(&mut self, response: &Response, stack: &mut Stack) -> Answerer {
        if !self.is_ours(response) {
            return Answerer::Stranger;
        }
        let remote_tag = response.headers().to().and_then(|to| to.tag()).unwrap_or_default();
        if let Some(known) = self.answers.iter().find(|answer| &*answer.remote_tag == remote_tag) {
            stack.out.send(known.path, known.ack.clone());
            return Answerer::Known;
        }
        if self.answers.len() == MAX_ANSWERS { Answerer::Stranger } else { Answerer::New }
    }

    /// The 2xx of a new callee whose offer the application shall answer: its ACK waits.
    pub(super) fn hold_ack(&mut self, dialog: &Dialog) {
        self.answers.push(AckSent { remote_tag: dialog.remote_tag().into(), path: dialog.path(), ack: None });
    }

    /// Acknowledges a 2xx.
    pub(super) fn acknowledge(&mut self, dialog: &Dialog, sdp: &[u8], stack: &mut Stack) {
        let mut ack = dialog.request(Method::Ack, self.cseq, stack.identifiers.branch());
        if let Some((name, value)) = &self.authorization {
            ack.header(*name, value);
        }
        if !sdp.is_empty() {
            ack.header(HeaderName::ContentType, SDP);
        }
        let (path, ack) = (dialog.path(), ack.finish(sdp));
        stack.out.send(path, Some(ack.clone()));
        self.answers.retain(|answer| &*answer.remote_tag != dialog.remote_tag());
        self.answers.push(AckSent { remote_tag: dialog.remote_tag().into(), path, ack: Some(ack) });
    }

    /// Sends CANCEL.
    pub(super) fn cancel(&self, now: Instant, causes: Causes, stack: &mut Stack) {
        let mut request = self.same_branch(Method::Cancel);
        request.header(HeaderName::To, &self.to);
        if !causes.is_empty() {
            request.header(HeaderName::Reason, causes);
        }
        stack.open_client(now, &self.branch, Method::Cancel, self.path, None, request.finish(b""));
    }

    pub(super) fn ack_of_refusal(&self, response: &Response) -> Bytes {
        let mut request = self.same_branch(Method::Ack);
        request.copy_from_response(HeaderName::To, response);
        request.finish(b"")
    }

    /// It was challenged, and went out anew.
    pub(super) fn reissued(&mut self, reissued: Reissued) {
        (self.path, self.branch, self.cseq) = (reissued.path, reissued.branch, reissued.cseq);
        self.authorization = Some(reissued.authorization);
    }

    pub(super) fn call_id(&self) -> &str {
        &self.call_id
    }

    pub(super) fn local_tag(&self) -> &str {
        &self.local_tag
    }

    pub(super) fn sent(&self) -> Instant {
        self.sent
    }

    pub(super) fn client(&self) -> ClientId {
        self.client
    }

    /// Whether the far end was asked to offer.
    pub(super) fn asks_for_offer(&self) -> bool {
        self.call.body.is_empty()
    }

    /// Whoever changes what we chose is no party of this call.
    fn is_ours(&self, response: &Response) -> bool {
        let headers = response.headers();
        headers.call_id() == Some(&*self.call_id) && headers.from().is_some_and(|from| from.tag() == Some(&*self.local_tag))
    }

    /// What belongs to the INVITE's transaction has its branch and number; To is left to the caller.
    fn same_branch(&self, method: Method) -> MessageWriter {
        let mut request = MessageWriter::request(method, self.call.request_uri.as_str());
        request.header(HeaderName::Via, ViaLine { path: self.path, branch: &self.branch });
        request.header(HeaderName::MaxForwards, MAX_FORWARDS);
        request.header(HeaderName::From, Party { address: &self.from, tag: &self.local_tag });
        request.header(HeaderName::CallId, &self.call_id);
        request.header(HeaderName::CSeq, format_args!("{} {method}", self.cseq));
        request
    }
}

/// All that an INVITE says but its number and branch.
struct Invitation<'a> {
    call: &'a OutgoingInvite,
    call_id: &'a str,
    local_tag: &'a str,
    from: &'a str,
    to: &'a str,
    path: Flow,
    min_se: Duration,
}

impl Invitation<'_> {
    fn write(&self, cseq: u32, branch: &str, stack: &Stack) -> Bytes {
        let Self { call, path, .. } = self;
        let options = &call.options;
        let mut request = MessageWriter::request(Method::Invite, call.request_uri.as_str());
        request.header(HeaderName::Via, ViaLine { path: *path, branch });
        request.header(HeaderName::MaxForwards, MAX_FORWARDS);
        request.header(HeaderName::From, Party { address: self.from, tag: self.local_tag });
        request.header(HeaderName::To, self.to);
        request.header(HeaderName::CallId, self.call_id);
        request.header(HeaderName::CSeq, format_args!("{cseq} {}", Method::Invite));
        request.header(HeaderName::Contact, format_args!("<{}>", call.contact));
        request.header(HeaderName::Allow, Method::ALLOW);
        request.header(HeaderName::Supported, OptionTags::SUPPORTED);
        if options.reliable {
            request.header(HeaderName::Require, "100rel");
        }
        if let Some(replaces) = &options.replaces {
            request.header(HeaderName::Require, "replaces");
            request.header(HeaderName::Replaces, replaces);
        }
        if let Some(by) = &options.referred_by {
            request.header(HeaderName::ReferredBy, by);
        }
        if let Some(expires) = stack.config.session_expires {
            request.header(HeaderName::SessionExpires, expires.max(self.min_se).as_secs());
            request.header(HeaderName::MinSe, self.min_se.as_secs());
        }
        if let Some(asserted) = &call.asserted {
            request.header(HeaderName::PAssertedIdentity, format_args!("<{asserted}>"));
        }
        for (name, value) in options.headers.iter() {
            request.header(name, value);
        }
        stack.sign(&mut request);
        if !call.body.is_empty() {
            request.header(HeaderName::ContentType, SDP);
        }
        request.finish(&call.body)
    }
}

const FIRST_CSEQ: u32 = 1;

/// A far end that always wants more gets no more INVITEs: two for longer sessions, and as many for challenges.
const MAX_MORE: u32 = 4;

/// Forks beyond are left unacknowledged and time out where they are.
pub(super) const MAX_ANSWERS: usize = 8;
