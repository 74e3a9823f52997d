//! REFER of the far end (RFC 3515 §2.4, RFC 4488): asked, answered, and told by NOTIFY what becomes of it. One at a time.
//!
//! Left out on purpose: REFER outside a dialog, and telling on after this call has ended: its dialog is the way of the NOTIFYs.

use std::time::Instant;

use super::Incoming;
use super::pending::Pending;
use super::usage::Usage;
use crate::endpoint::{Event, IncomingRefer, Stack};
use crate::header::{HeaderName, Method, NameAddrRef, REFER, StatusCode};

pub(super) enum Referral {
    /// The application has not decided.
    Asked(Box<Pending>),
    /// Accepted: NOTIFYs follow under the number of the REFER.
    Accepted { cseq: u32 },
}

impl Referral {
    pub(super) fn refuse(&self, now: Instant, status: StatusCode, stack: &mut Stack) {
        if let Self::Asked(pending) = self {
            pending.refuse(now, status, stack);
        }
    }
}

impl Usage {
    pub(super) fn handle_refer(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let headers = incoming.request.headers();
        // Exactly one Refer-To, and a call is the only thing that we can make (§2.4.2).
        let Some(target) = headers.refer_to().filter(|target| target.method == Method::Invite) else {
            return incoming.reply(now, StatusCode::BAD_REQUEST, stack, |response| response);
        };
        if self.referral.is_some() {
            return incoming.reply(now, StatusCode::REQUEST_PENDING, stack, |response| response);
        }
        if stack.is_full() {
            return incoming.put_off(stack);
        }
        let referred_by = headers.value(HeaderName::ReferredBy).and_then(|text| NameAddrRef::parse(text).ok()?.uri().ok());
        let refer = IncomingRefer { target, referred_by, wants_progress: wants_progress(&incoming), message: incoming.request.clone() };
        self.referral = Some(Referral::Asked(Box::new(Pending::open(now, self.id, incoming, stack))));
        self.event(Event::Referred { id: self.id, refer: Box::new(refer) }, stack);
    }

    /// 202, and the first NOTIFY; or 200 to who wants to hear no more (RFC 4488 §4).
    pub(super) fn accept_refer(&mut self, now: Instant, stack: &mut Stack) {
        let Some(Referral::Asked(pending)) = self.referral.take() else { return };
        let contact = &self.contact;
        let silent = is_silent(pending.request());
        let status = if silent { StatusCode::OK } else { StatusCode::ACCEPTED };
        pending.respond(now, status, b"", stack, |response| {
            let response = response.header(HeaderName::Contact, format_args!("<{contact}>"));
            if silent { response.header(HeaderName::ReferSub, "false") } else { response }
        });
        if !silent {
            self.referral = Some(Referral::Accepted { cseq: pending.cseq() });
            self.refer_progress(now, StatusCode::TRYING, stack);
        }
    }

    pub(super) fn reject_refer(&mut self, now: Instant, status: StatusCode, stack: &mut Stack) {
        match self.referral.take() {
            Some(asked @ Referral::Asked(_)) => asked.refuse(now, status, stack),
            Some(accepted) => self.referral = Some(accepted),
            None => {}
        }
    }

    /// NOTIFY with the status line of the call that was made (§2.4.5); a final one ends the subscription.
    pub(super) fn refer_progress(&mut self, now: Instant, status: StatusCode, stack: &mut Stack) {
        let Some(Referral::Accepted { cseq }) = self.referral.as_ref() else { return };
        let (cseq, over) = (*cseq, !status.is_provisional());
        let state = if over { "terminated;reason=noresource" } else { "active;expires=180" };
        let line = format!("SIP/2.0 {status} {}\r\n", status.reason());
        self.send_body(now, Method::Notify, stack, (SIPFRAG, line.as_bytes()), |request| {
            request.header(HeaderName::Event, format_args!("{REFER};id={cseq}"));
            request.header(HeaderName::SubscriptionState, state);
        });
        if over {
            self.referral = None;
        }
    }
}

fn wants_progress(incoming: &Incoming<'_>) -> bool {
    !is_silent(incoming.request)
}

/// RFC 4488 §4.
fn is_silent(request: &crate::message::Request) -> bool {
    request
        .headers()
        .value(HeaderName::ReferSub)
        .is_some_and(|text| text.split(';').next().is_some_and(|value| value.trim().eq_ignore_ascii_case("false")))
}

/// RFC 3420.
const SIPFRAG: &str = "message/sipfrag;version=2.0";
