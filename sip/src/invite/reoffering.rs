//! Offers of ours within the dialog and refreshes of the session: by UPDATE while the call rings (RFC 3311), by re-INVITE once it is up
//! (RFC 3261 §14.1), with glare (§14.1) and session timers (RFC 4028 §7.4).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::exchange::Exchange;
use super::session_timer::{RefreshForm, SessionTimer};
use super::usage::Usage;
use super::withdrawn::Patience;
use crate::endpoint::{Event, Reissued, Stack};
use crate::header::{HeaderName, Method, StatusCode, parse_number};
use crate::message::Response;
use crate::transaction::{ClientId, Timer};

/// A request of ours that carries an offer, or refreshes.
pub(super) struct Reoffering {
    pub(super) client: ClientId,
    pub(super) method: Method,
    cseq: u32,
    /// When it went out first.
    sent: Instant,
    has_offer: bool,
    /// What it was let in with: its ACK must have it, too (RFC 3261 §22.1).
    authorization: Option<(HeaderName, String)>,
    pub(super) patience: Patience,
}

/// When the application is told that an offer may go.
#[derive(Clone, Copy)]
pub(super) enum OfferDue {
    No,
    WhenFree,
    At(Instant),
}

impl OfferDue {
    pub(super) fn deadline(self) -> Option<(Instant, Timer)> {
        match self {
            Self::At(at) => Some((at, Timer::OfferAgain)),
            Self::No | Self::WhenFree => None,
        }
    }
}

/// What a response means for the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survival {
    Alive,
    /// The far end does not know the dialog (481), or does not answer (408).
    Dead,
}

impl Usage {
    /// Offers; by and by, if not now. `up`: the call is answered and confirmed.
    pub(super) fn offer(&mut self, now: Instant, sdp: &[u8], up: bool, stack: &mut Stack) {
        let method = if up { Method::Invite } else { Method::Update };
        if !self.is_free() || (!up && !self.peer.takes(Method::Update)) || matches!(self.offer_due, OfferDue::At(_)) {
            return self.want_offer();
        }
        self.exchange = Exchange::Ours;
        self.open_reoffer(now, method, sdp, stack);
    }

    /// Not now: the application is told when.
    pub(super) fn want_offer(&mut self) {
        if !matches!(self.offer_due, OfferDue::At(_)) {
            self.offer_due = OfferDue::WhenFree;
        }
    }

    /// No offer is open and no request of ours that could become one.
    pub(super) fn is_free(&self) -> bool {
        self.exchange.is_settled() && self.reoffering.is_none()
    }

    /// Tells the application once an offer may go. `up` as in [`Self::offer`].
    pub(super) fn tell_free(&mut self, up: bool, stack: &mut Stack) {
        if matches!(self.offer_due, OfferDue::WhenFree) && self.is_free() && (up || self.peer.takes(Method::Update)) {
            self.offer_due = OfferDue::No;
            self.event(Event::OfferDue { id: self.id }, stack);
        }
    }

    pub(super) fn handle_offer_timer(&mut self, now: Instant) {
        if let OfferDue::At(at) = self.offer_due
            && at <= now
        {
            self.offer_due = OfferDue::WhenFree;
        }
    }

    /// A refresh is due: by UPDATE where the far end takes it, since that needs no offer; otherwise by an offer of the application.
    pub(super) fn refresh(&mut self, now: Instant, stack: &mut Stack) {
        let Some(timer) = &mut self.timer else { return };
        if !timer.take_refresh(now) {
            return;
        }
        let by_update = timer.form() == RefreshForm::Update && self.peer.takes(Method::Update);
        if by_update && self.reoffering.is_none() {
            // Without an offer it goes beside one of theirs (RFC 3311 §5.1).
            self.open_reoffer(now, Method::Update, b"", stack);
        } else if self.is_free() {
            self.want_offer();
        } else if let Some(timer) = &mut self.timer {
            // What is under way refreshes, or will soon be over.
            timer.refresh_again(now + LATER);
        }
    }

    /// Whether the response is to a request of this kind.
    pub(super) fn is_reoffer(&self, client: ClientId) -> bool {
        self.reoffering.as_ref().is_some_and(|reoffering| reoffering.client == client)
    }

    pub(super) fn handle_reoffer_response(&mut self, now: Instant, response: &Response, stack: &mut Stack) -> Survival {
        let status = response.status();
        if status.is_provisional() {
            self.wait_for_reoffer(now, stack);
            return Survival::Alive;
        }
        let Some(reoffering) = self.reoffering.take() else { return Survival::Alive };
        let Reoffering { client, method, sent, has_offer, authorization, .. } = *reoffering;
        self.peer.learn(response.headers());
        if status.is_success() {
            if method == Method::Invite {
                self.acknowledge(client, response, authorization.as_ref(), stack);
            }
            self.handle_reoffer_success(now, sent, has_offer, response, stack);
            return Survival::Alive;
        }
        if has_offer {
            self.exchange = Exchange::Settled;
        }
        match status.code() {
            481 | 408 => return Survival::Dead,
            491 => {
                let wait = stack.identifiers.glare_delay(self.is_caller);
                self.again(now + wait, has_offer);
            }
            500 | 503 if retry_after(response).is_some() => self.again(now + retry_after(response).unwrap_or(LATER), has_offer),
            422 if self.timer.is_some() && response.headers().min_se().is_some() => self.ask_for_longer(now, has_offer, response),
            405 | 501 if method == Method::Update && !has_offer => {
                self.peer.forget(Method::Update);
                self.offer_due = OfferDue::WhenFree;
            }
            _ if has_offer => {
                self.refresh_after_all(now, RefreshForm::Update);
                self.event(Event::OfferRefused { id: self.id, status }, stack);
            }
            // A refresh that came too late behind another request of ours is out of order to the far end (RFC 3261 §12.2.2).
            500.. => self.refresh_after_all(now, RefreshForm::Update),
            _ => self.refresh_after_all(now, RefreshForm::Offer),
        }
        Survival::Alive
    }

    /// A request of this dialog was challenged, and went out anew.
    pub(super) fn handle_reissued(&mut self, client: ClientId, reissued: &Reissued, stack: &mut Stack) {
        self.dialog.reissued(reissued.cseq);
        let Some(reoffering) = self.reoffering.as_mut().filter(|reoffering| reoffering.client == client) else { return };
        let (name, value) = &reissued.authorization;
        reoffering.authorization = Some((*name, value.clone()));
        reoffering.cseq = reissued.cseq;
        if reissued.method == Method::Invite {
            let mut ack = self.dialog.request(Method::Ack, reissued.cseq, &reissued.branch);
            ack.header(*name, value);
            stack.transactions.acknowledge_refusal(client, ack.finish(b""));
        }
    }

    fn open_reoffer(&mut self, now: Instant, method: Method, sdp: &[u8], stack: &mut Stack) {
        let proposal = self.timer.as_ref().map(SessionTimer::proposal);
        let min_se = stack.config.min_session_expires;
        let client = self.send(now, method, stack, sdp, |request| {
            if let Some(expires) = proposal {
                request.header(HeaderName::SessionExpires, expires);
                request.header(HeaderName::MinSe, min_se.as_secs());
            }
        });
        let cseq = self.dialog.last_cseq();
        let (has_offer, patience) = (!sdp.is_empty(), Patience::Transaction);
        self.reoffering = Some(Box::new(Reoffering { client, method, cseq, sent: now, has_offer, authorization: None, patience }));
    }

    /// Nobody waits for it any more. A 2xx to a re-INVITE of ours may still come, and is acknowledged all the same (RFC 3261 §13.2.2.4).
    pub(super) fn leave_reoffer(&mut self, now: Instant, stack: &mut Stack) {
        let Some(reoffering) = self.reoffering.take() else { return };
        if reoffering.method == Method::Invite {
            let ack = self.ack(reoffering.cseq, reoffering.authorization.as_ref(), stack);
            stack.transactions.acknowledge_copies(reoffering.client, self.dialog.path(), ack);
        }
        stack.transactions.leave_client(now, reoffering.client, &mut stack.out);
    }

    fn ack(&self, cseq: u32, authorization: Option<&(HeaderName, String)>, stack: &mut Stack) -> Bytes {
        let mut ack = self.dialog.request(Method::Ack, cseq, stack.identifiers.branch());
        if let Some((name, value)) = authorization {
            ack.header(*name, value);
        }
        ack.finish(b"")
    }

    fn handle_reoffer_success(&mut self, now: Instant, sent: Instant, has_offer: bool, response: &Response, stack: &mut Stack) {
        let headers = response.headers();
        if let Some(contact) = headers.contact() {
            self.dialog.refresh_target(contact.uri_text());
        }
        self.take_session(now, sent, headers, stack);
        if has_offer {
            self.exchange = Exchange::Settled;
            let (id, sdp) = (self.id, response.sdp());
            let event = if sdp.is_empty() {
                Event::OfferRefused { id, status: StatusCode::NOT_ACCEPTABLE_HERE }
            } else {
                Event::OfferAccepted { id, sdp }
            };
            self.event(event, stack);
        }
    }

    /// The ACK of a 2xx; copies of the 2xx get it again from the transaction.
    fn acknowledge(&mut self, client: ClientId, response: &Response, authorization: Option<&(HeaderName, String)>, stack: &mut Stack) {
        if let Some(contact) = response.headers().contact() {
            self.dialog.refresh_target(contact.uri_text());
        }
        let cseq = response.headers().cseq().map_or(0, |cseq| cseq.number);
        let ack = self.ack(cseq, authorization, stack);
        let path = self.dialog.path();
        stack.out.send(path, Some(ack.clone()));
        stack.transactions.acknowledge_copies(client, path, ack);
    }

    /// What was refused or withdrawn may have been a refresh.
    pub(super) fn refresh_after_all(&mut self, now: Instant, next: RefreshForm) {
        if let Some(timer) = &mut self.timer {
            timer.refresh_after_all(now, next);
        }
    }

    fn again(&mut self, at: Instant, has_offer: bool) {
        if has_offer {
            self.offer_due = OfferDue::At(at);
        } else if let Some(timer) = &mut self.timer {
            timer.refresh_again(at);
        }
    }

    fn ask_for_longer(&mut self, now: Instant, has_offer: bool, response: &Response) {
        if let (Some(timer), Some(least)) = (&mut self.timer, response.headers().min_se()) {
            timer.raise(least);
            // A far end that wants more each time is asked less and less often.
            let at = now + timer.put_off();
            self.again(at, has_offer);
        }
    }
}

/// How long the far end asks us to wait: a moment at least, or we should ask as fast as it answers, and a minute at most, since a call
/// waits for it.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().value(HeaderName::RetryAfter)?;
    let digits = text.split([' ', '\t', ';', '(']).next()?;
    parse_number(digits, u32::MAX).map(|seconds| Duration::from_secs(seconds.min(60).into()).max(LATER))
}

/// Until another request of ours is over, a refresh waits, and looks again so soon: a far end that does not refresh hangs up when two thirds
/// of the shortest session are over, a quarter of a minute after the refresh was due (RFC 4028 §10).
const LATER: Duration = Duration::from_secs(1);
