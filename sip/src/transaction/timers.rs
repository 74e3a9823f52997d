//! The timers of RFC 3261 §17, table 4, and their values.

use std::time::{Duration, Instant};

use super::Backoff;
use crate::transport::Transport;

/// The values from which all timers follow. The defaults are the RFC's; shorter ones are for tests, longer ones for slow links.
/// An endpoint raises what is below 1 ms and lowers what is above an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Estimate of the round trip; default 500 ms, above 0.
    pub t1: Duration,
    /// The longest interval between retransmissions; default 4 s, at least T1.
    pub t2: Duration,
    /// How long a message may stay in the network; default 5 s.
    pub t4: Duration,
    /// How often a provisional response is repeated, so that proxies keep the call (§13.3.1.1); default 60 s.
    pub provisional_refresh: Duration,
    /// How long an INVITE waits for the application before it is told 100; nought for not at all. Default 100 ms; §17.2.1 allows 200 ms.
    pub trying_after: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            provisional_refresh: Duration::from_secs(60),
            trying_after: Duration::from_millis(100),
        }
    }
}

impl Timers {
    /// 64 × T1: Timers B, F, H, J, L, M, the wait for an ACK and the wait after CANCEL. Timer D takes it too; at the default T1 it
    /// is the 32 s that the RFC asks for.
    pub fn give_up(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// For a transaction over `transport`.
    pub(crate) fn over(&self, transport: Transport) -> Pacing {
        Pacing { timers: *self, patience: self.give_up(), reliable: transport.is_reliable() }
    }

    /// Within what virtual and real time can hold, with T2 at least T1.
    pub(crate) fn bounded(self) -> Self {
        let bound = |value: Duration| value.clamp(Duration::from_millis(1), Duration::from_secs(3600));
        let t1 = bound(self.t1);
        let trying_after = self.trying_after.min(TRYING_LATEST);
        Self { t1, t2: bound(self.t2).max(t1), t4: bound(self.t4), provisional_refresh: bound(self.provisional_refresh), trying_after }
    }
}

/// The timers of one transaction, by what it runs over (table 4): a reliable transport repeats nothing and has no copies to wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    timers: Timers,
    patience: Duration,
    reliable: bool,
}

impl Pacing {
    /// Gives up after `patience` without any response, when that is sooner: there is somebody else to ask (RFC 3263 §4.3).
    #[must_use]
    pub(crate) fn impatient(self, patience: Duration) -> Self {
        Self { patience: patience.min(self.patience), ..self }
    }

    /// Timers A, E and G up to `ceiling`, within Timers B, F and H.
    pub(crate) fn backoff(&self, now: Instant, ceiling: Duration) -> Backoff {
        if self.reliable {
            Backoff::without_repetition(now, self.patience)
        } else {
            Backoff::start(now, self.timers.t1, ceiling, self.patience)
        }
    }

    pub(crate) fn t2(&self) -> Duration {
        self.timers.t2
    }

    pub(crate) fn trying_after(&self) -> Duration {
        self.timers.trying_after
    }

    /// Timers L and M: copies of a 2xx, or of what brought it, come by other hops, whatever ours is. So does the answer to who waits.
    pub(crate) fn give_up(&self) -> Duration {
        self.timers.give_up()
    }

    /// Timers D and J.
    pub(crate) fn copies_end(&self) -> Duration {
        if self.reliable { Duration::ZERO } else { self.timers.give_up() }
    }

    /// Timers I and K.
    pub(crate) fn network_empty(&self) -> Duration {
        if self.reliable { Duration::ZERO } else { self.timers.t4 }
    }
}

/// Why an endpoint wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Repeat the INVITE.
    A,
    /// Nobody answers the INVITE.
    B,
    /// No more copies of a refusal are expected.
    D,
    /// Repeat another request.
    E,
    /// Nobody answers another request.
    F,
    /// Repeat a refusal until its ACK.
    G,
    /// The ACK of a refusal does not come.
    H,
    /// No more copies of that ACK are expected.
    I,
    /// No more copies of another request are expected.
    J,
    /// Another request has not been answered, and its sender waits no more (RFC 4320 §4.2).
    Unanswered,
    /// No more copies of a response to another request are expected.
    K,
    /// No more copies of an accepted INVITE are expected (RFC 6026).
    L,
    /// No more 2xx, from forks or repeated, are expected (RFC 6026).
    M,
    /// Say 100: the application has said nothing yet (§17.2.1).
    Trying,
    /// Repeat 180 so that no proxy gives up (§13.3.1.1).
    ProvisionalRefresh,
    /// Repeat a 2xx until its ACK (§13.3.1.4).
    Answer,
    /// The ACK of a 2xx does not come (§13.3.1.4).
    AnswerAbandoned,
    /// After CANCEL no final response comes (§9.1).
    CancelAbandoned,
    /// A re-INVITE is worked on and not answered: it is withdrawn, or given up (§9.1).
    ReofferAbandoned,
    /// A re-INVITE that nobody waits for any more is not answered.
    Left,
    /// Repeat a reliable provisional response until its PRACK (RFC 3262 §3).
    Reliable,
    /// The PRACK of a reliable provisional response does not come (RFC 3262 §3).
    ReliableAbandoned,
    /// After glare, our offer may go again (§14.1).
    OfferAgain,
    /// Refresh the session (RFC 4028 §10).
    Refresh,
    /// The session was not refreshed (RFC 4028 §10).
    SessionExpired,
    /// Nothing is heard of a call that the far end was asked to make (RFC 3515 §2.4.4).
    ReferAbandoned,
}

/// The longest that an INVITE may wait without a response (§17.2.1).
const TRYING_LATEST: Duration = Duration::from_millis(200);
