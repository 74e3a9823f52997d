//! Our INVITE as it went out, and what must match it: CANCEL (RFC 3261 §9.1), the ACKs of refusals (§17.1.1.3) and of 2xx (§13.2.2.4).

use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::dialog::{Dialog, MAX_FORWARDS, Party, ViaLine};
use crate::endpoint::{InviteId, OutgoingInvite, Reissued, SDP, Stack};
use crate::header::{HeaderName, Method, Uri};
use crate::message::{MessageWriter, Response};
use crate::transaction::{ClientId, Ways};
use crate::transport::Flow;

pub(super) struct Outbound {
    call_id: Box<str>,
    local_tag: Box<str>,
    branch: Box<str>,
    request_uri: Uri,
    contact: Uri,
    from: Box<str>,
    to: Box<str>,
    path: Flow,
    client: ClientId,
    cseq: u32,
    /// What the INVITE was let in with: its ACK must have it, too (§22.1).
    authorization: Option<(HeaderName, String)>,
    /// Who has answered: one, unless a proxy forked.
    answers: SmallVec<[AckSent; 1]>,
}

/// The ACK of one 2xx, to be repeated for each copy of it.
struct AckSent {
    remote_tag: Box<str>,
    path: Flow,
    ack: Bytes,
}

impl Outbound {
    /// Sends the INVITE.
    pub(super) fn start(now: Instant, id: InviteId, call: OutgoingInvite, stack: &mut Stack) -> Self {
        let path = call.flow;
        let (call_id, local_tag, branch) = (stack.identifiers.call_id(), stack.identifiers.tag(), stack.identifiers.branch());
        let (from, to) = (call.from.to_string(), call.to.to_string());

        let mut request = MessageWriter::request(Method::Invite, call.request_uri.as_str());
        request.header(HeaderName::Via, ViaLine { path, branch: &branch });
        request.header(HeaderName::MaxForwards, MAX_FORWARDS);
        request.header(HeaderName::From, Party { address: &from, tag: &local_tag });
        request.header(HeaderName::To, &to);
        request.header(HeaderName::CallId, &call_id);
        request.header(HeaderName::CSeq, format_args!("{CSEQ} {}", Method::Invite));
        request.header(HeaderName::Contact, format_args!("<{}>", call.contact));
        request.header(HeaderName::Allow, Method::ALLOW);
        request.header(HeaderName::Supported, "");
        if !stack.config.user_agent.is_empty() {
            request.header(HeaderName::UserAgent, &stack.config.user_agent);
        }
        if let Some(asserted) = &call.asserted {
            request.named("P-Asserted-Identity", &format!("<{asserted}>"));
        }
        request.header(HeaderName::ContentType, SDP);
        let request = request.finish(&call.body);

        let client = stack.open_client(now, &branch, Method::Invite, Ways { first: path, others: &call.alternatives }, Some(id), request);
        let (from, to) = (from.into(), to.into());
        Self {
            call_id,
            local_tag,
            branch,
            request_uri: call.request_uri,
            contact: call.contact,
            from,
            to,
            path,
            client,
            cseq: CSEQ,
            authorization: None,
            answers: SmallVec::new(),
        }
    }

    /// Acknowledges a 2xx; the new dialog when it is the first of this callee.
    pub(super) fn acknowledge(&mut self, response: &Response, stack: &mut Stack) -> Option<Dialog> {
        let headers = response.headers();
        // Whoever changes what we chose is no party of this call.
        if headers.call_id() != Some(&*self.call_id) || headers.from()?.tag() != Some(&*self.local_tag) {
            return None;
        }
        let remote_tag = headers.to()?.tag().unwrap_or_default();
        if let Some(known) = self.answers.iter().find(|answer| &*answer.remote_tag == remote_tag) {
            stack.out.send(known.path, Some(known.ack.clone()));
            return None;
        }
        if self.answers.len() == MAX_ANSWERS {
            return None;
        }
        let path = stack.transactions.client_flow(self.client).unwrap_or(self.path);
        let dialog = Dialog::outbound(response, self.request_uri.as_str(), path)?;
        let mut ack = dialog.request(Method::Ack, self.cseq, stack.identifiers.branch());
        if let Some((name, value)) = &self.authorization {
            ack.header(*name, value);
        }
        let ack = ack.finish(b"");
        stack.out.send(dialog.path(), Some(ack.clone()));
        self.answers.push(AckSent { remote_tag: dialog.remote_tag().into(), path: dialog.path(), ack });
        Some(dialog)
    }

    /// Sends CANCEL.
    pub(super) fn cancel(&self, now: Instant, stack: &mut Stack) {
        let mut request = self.same_branch(Method::Cancel);
        request.header(HeaderName::To, &self.to);
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

    pub(super) fn contact(&self) -> &Uri {
        &self.contact
    }

    pub(super) fn client(&self) -> ClientId {
        self.client
    }

    /// What belongs to the INVITE's transaction has its branch and number; To is left to the caller.
    fn same_branch(&self, method: Method) -> MessageWriter {
        let mut request = MessageWriter::request(method, self.request_uri.as_str());
        request.header(HeaderName::Via, ViaLine { path: self.path, branch: &self.branch });
        request.header(HeaderName::MaxForwards, MAX_FORWARDS);
        request.header(HeaderName::From, Party { address: &self.from, tag: &self.local_tag });
        request.header(HeaderName::CallId, &self.call_id);
        request.header(HeaderName::CSeq, format_args!("{} {method}", self.cseq));
        request
    }
}

/// Of the first INVITE, the first request of its dialog.
const CSEQ: u32 = 1;

/// Forks beyond are left unacknowledged and time out where they are.
const MAX_ANSWERS: usize = 8;
