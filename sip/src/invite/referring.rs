//! REFER of ours (RFC 3515): the far end is asked to call somebody, and its NOTIFYs tell what comes of it. One at a time.

use std::time::{Duration, Instant};

use super::Incoming;
use super::usage::Usage;
use crate::endpoint::{Event, OutgoingRefer, ReferOutcome, Stack};
use crate::header::{HeaderName, Method, OptionTags, Replaces, StatusCode, parse_number};
use crate::message::Response;
use crate::transaction::{ClientId, Timer};

pub(super) struct Referring {
    client: ClientId,
    /// The last that was heard of the call.
    last: Option<StatusCode>,
    give_up_at: Instant,
}

impl Referring {
    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        Some((self.give_up_at, Timer::ReferAbandoned))
    }
}

impl Usage {
    /// Asks the far end to call somebody, in the place of `replaces` (RFC 5589 §7.1). Ignored while another wish is open.
    pub(super) fn refer(&mut self, now: Instant, refer: &OutgoingRefer, replaces: Option<&Replaces>, stack: &mut Stack) {
        if self.referring.is_some() {
            return;
        }
        let target = &refer.target;
        let silent = refer.silent && self.peer.speaks(OptionTags::NO_REFER_SUB);
        let client = self.send(now, Method::Refer, stack, b"", |request| {
            match replaces {
                Some(replaces) => request.header(HeaderName::ReferTo, format_args!("<{target}?Replaces={}>", replaces.escaped())),
                None => request.header(HeaderName::ReferTo, format_args!("<{target}>")),
            }
            if let Some(by) = &refer.referred_by {
                request.header(HeaderName::ReferredBy, by);
            }
            if silent {
                request.header(HeaderName::ReferSub, "false");
                request.header(HeaderName::Supported, OptionTags::SUPPORTED);
            }
        });
        self.referring = Some(Referring { client, last: None, give_up_at: now + PATIENCE });
    }

    pub(super) fn is_refer(&self, client: ClientId) -> bool {
        self.referring.as_ref().is_some_and(|referring| referring.client == client)
    }

    pub(super) fn handle_refer_response(&mut self, response: &Response, stack: &mut Stack) {
        let status = response.status();
        let untold = response.headers().value(HeaderName::ReferSub).is_some_and(|text| text.trim().eq_ignore_ascii_case("false"));
        if status.is_success() && untold {
            self.end_refer(ReferOutcome::Unknown, stack);
        } else if !status.is_provisional() && !status.is_success() {
            self.end_refer(ReferOutcome::Refused(status), stack);
        }
    }

    /// A NOTIFY may come before the answer to the REFER (RFC 6665 §4.1.2.4).
    pub(super) fn handle_notify(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let headers = incoming.request.headers();
        if !headers.event().is_some_and(|event| event.is_refer()) {
            return incoming.reply(now, StatusCode::BAD_EVENT, stack, |response| response.header(HeaderName::AllowEvents, "refer"));
        }
        let Some(referring) = &mut self.referring else {
            return incoming.reply(now, StatusCode::CALL_DOES_NOT_EXIST, stack, |response| response);
        };
        let Some(state) = headers.subscription_state() else {
            return incoming.reply(now, StatusCode::BAD_REQUEST, stack, |response| response);
        };
        let heard = status_line(&incoming.request.body());
        referring.last = heard.or(referring.last);
        let outcome = match referring.last {
            Some(status) if status.is_success() => Some(ReferOutcome::Succeeded),
            Some(status) if !status.is_provisional() => Some(ReferOutcome::Failed(status)),
            _ if state.terminated => Some(ReferOutcome::Unknown),
            _ => None,
        };
        incoming.reply(now, StatusCode::OK, stack, |response| response);
        match (outcome, heard) {
            (Some(outcome), _) => self.end_refer(outcome, stack),
            (None, Some(status)) => self.event(Event::ReferProgress { id: self.id, status }, stack),
            (None, None) => {}
        }
    }

    /// Nothing final was ever heard, or the REFER itself was not answered.
    pub(super) fn give_up_refer(&mut self, stack: &mut Stack) {
        self.end_refer(ReferOutcome::Unknown, stack);
    }

    pub(super) fn handle_refer_timer(&mut self, now: Instant, stack: &mut Stack) {
        if self.referring.as_ref().is_some_and(|referring| referring.give_up_at <= now) {
            self.give_up_refer(stack);
        }
    }

    fn end_refer(&mut self, outcome: ReferOutcome, stack: &mut Stack) {
        if self.referring.take().is_some() {
            self.event(Event::ReferEnded { id: self.id, outcome }, stack);
        }
    }
}

/// The status of a `message/sipfrag` (RFC 3420): only its first line counts.
fn status_line(body: &[u8]) -> Option<StatusCode> {
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let text = std::str::from_utf8(line).ok()?.trim();
    let (version, rest) = text.split_once(' ')?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return None;
    }
    let number = parse_number(rest.trim_start().get(..3)?, 699)?;
    StatusCode::new(u16::try_from(number).ok()?)
}

/// As long as a call may take to be answered, and a little more.
const PATIENCE: Duration = Duration::from_secs(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_fragment_is_its_status() {
        let status = |text: &str| status_line(text.as_bytes()).map(StatusCode::code);
        assert_eq!(status("SIP/2.0 180 Ringing\r\nTo: x"), Some(180));
        assert_eq!((status("SIP/2.0 200"), status("sip/2.0  486 Busy")), (Some(200), Some(486)));
        assert_eq!((status(""), status("INVITE sip:a@b SIP/2.0"), status("SIP/2.0 99 x")), (None, None, None));
    }
}
