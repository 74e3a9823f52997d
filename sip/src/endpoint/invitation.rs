//! An INVITE as the application sees it: one that came, one to send.

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

use super::event::InviteId;
use crate::auth::Account;
use crate::header::{ExtraHeaders, NameAddr, Replaces, Uri};
use crate::message::Request;
use crate::transport::Flow;

/// An INVITE that starts a call.
pub struct IncomingInvite {
    /// By which way it came, and from whom.
    pub flow: Flow,
    /// Who is called: its user is the dialled number.
    pub request_uri: Uri,
    /// Who says that he calls. Not proven.
    pub from_uri: Uri,
    /// Under which name, as written; `None` without one.
    pub from_display: Option<String>,
    /// Whom the caller dialled at first.
    pub to_uri: Uri,
    /// The name that the caller has proven by digest.
    pub login: Option<Box<str>>,
    /// The caller's name of the call.
    pub call_id: String,
    /// The offer; empty when the caller asks us to offer.
    pub sdp: Bytes,
    /// The call of ours whose place this one takes (RFC 3891): once it is answered, that one is hung up.
    pub replaces: Option<InviteId>,
    /// The whole request.
    pub message: Request,
}

/// Hides who calls whom.
impl fmt::Debug for IncomingInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingInvite").field("sdp_bytes", &self.sdp.len()).finish_non_exhaustive()
    }
}

/// A call to make.
#[derive(Clone)]
pub struct OutgoingInvite {
    /// By which way the request goes: to an outbound proxy, or the address behind `request_uri`. Our end is written into Via as it
    /// is, so not the unspecified address.
    pub flow: Flow,
    /// By which it goes next, in order, as long as nobody answers, or 503 is all that is answered (RFC 3263 §4.3). Mostly empty.
    pub alternatives: Vec<Flow>,
    /// Who is called has registered by `flow`: it may stand behind a translator, so the call stays on that way where no proxy asks to be on
    /// it, whatever address its Contact names.
    pub registered: bool,
    /// Who is called.
    pub request_uri: Uri,
    /// Who calls.
    pub from: NameAddr,
    /// Whom; the same as `request_uri` as a rule.
    pub to: NameAddr,
    /// Where the far end reaches us during the call.
    pub contact: Uri,
    /// The offer (application/sdp); empty asks the far end to offer.
    pub body: Bytes,
    /// Who we are to a realm that challenges; without one challenges are refusals.
    pub account: Option<Account>,
    /// Who calls, on our word (P-Asserted-Identity, RFC 3325): for peers that trust us.
    pub asserted: Option<Uri>,
    /// What few calls need.
    pub options: InviteOptions,
}

/// Hides who calls whom.
impl fmt::Debug for OutgoingInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingInvite").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What few calls need.
#[derive(Clone, Debug, Default)]
pub struct InviteOptions {
    /// The far end's call whose place this one takes (RFC 3891).
    pub replaces: Option<Replaces>,
    /// Who asked us to make this call (RFC 3892).
    pub referred_by: Option<NameAddr>,
    /// Every provisional response must be reliable (RFC 3262); otherwise it is up to the far end.
    pub reliable: bool,
    /// What else is said about the caller and the call.
    pub headers: ExtraHeaders,
}

/// Why a call was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InviteError {
    /// The endpoint holds as many calls or transactions as it may.
    #[error("the endpoint is full")]
    Full,
    /// The Request-URI is neither `sip`, `sips` nor `tel`.
    #[error("the scheme of the request URI is not supported")]
    Scheme,
}
