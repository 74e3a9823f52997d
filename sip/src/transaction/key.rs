//! How messages find their transaction (RFC 3261 §17.1.3, §17.2.3) and how merged requests are seen (§8.2.2.2).

use crate::header::{Method, Via};
use crate::message::{Headers, Request, Response};

/// Names a server transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerKey {
    identity: Box<[u8]>,
    method: Method,
}

impl ServerKey {
    /// ACK finds the INVITE it acknowledges; CANCEL has a transaction of its own.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let method = if request.method() == Method::Ack { Method::Invite } else { request.method() };
        Self::for_method(request, method)
    }

    /// The INVITE that a CANCEL is about (§9.2).
    pub(crate) fn cancelled(request: &Request) -> Option<Self> {
        Self::for_method(request, Method::Invite)
    }

    fn for_method(request: &Request, method: Method) -> Option<Self> {
        let headers = request.headers();
        let via = headers.top_via()?;
        let identity = match via.unique_branch() {
            Some(branch) => {
                let sent_by = via.sent_by();
                let port = sent_by.port.unwrap_or_default().to_be_bytes();
                join(&[branch.as_bytes(), sent_by.host.as_str().to_ascii_lowercase().as_bytes(), &port])
            }
            // RFC 2543: no branch to go by. The To tag is left out, since an ACK has one and its INVITE has not.
            None => {
                let number = headers.cseq()?.number.to_be_bytes();
                let tag = headers.from()?.tag().unwrap_or_default();
                join(&[via.as_str().as_bytes(), request.uri_text().as_bytes(), tag.as_bytes(), headers.call_id()?.as_bytes(), &number])
            }
        };
        Some(Self { identity, method })
    }
}

/// Names a client transaction: our branch and the method, since CANCEL shares its INVITE's branch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientKey {
    branch: Box<str>,
    method: Method,
}

impl ClientKey {
    pub(crate) fn new(branch: &str, method: Method) -> Self {
        Self { branch: branch.into(), method }
    }

    pub(crate) fn method(&self) -> Method {
        self.method
    }

    /// Of another request with the same branch.
    pub(crate) fn with_method(&self, method: Method) -> Self {
        Self { branch: self.branch.clone(), method }
    }

    pub(crate) fn branch_without_cookie(&self) -> &str {
        self.branch.strip_prefix(Via::MAGIC_COOKIE).unwrap_or(&self.branch)
    }

    pub(crate) fn of(response: &Response) -> Option<Self> {
        let headers = response.headers();
        let branch = headers.top_via()?.unique_branch()?;
        Some(Self::new(branch, Method::from_text(headers.cseq()?.method)))
    }
}

/// What is equal in copies of one request that came by different ways: From tag, Call-ID, CSeq.
pub(crate) fn merge_key(headers: &Headers) -> Option<Box<[u8]>> {
    let cseq = headers.cseq()?;
    let tag = headers.from()?.tag().unwrap_or_default();
    Some(join(&[tag.as_bytes(), headers.call_id()?.as_bytes(), &cseq.number.to_be_bytes(), cseq.method.as_bytes()]))
}

/// Zero bytes, which stand in no header outside quotes, keep the parts apart.
fn join(parts: &[&[u8]]) -> Box<[u8]> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        joined.extend_from_slice(part);
        joined.push(0);
    }
    joined.into_boxed_slice()
}
