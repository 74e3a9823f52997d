//! Why a call ended: one value, the same in log, metric, audit and store.
//!
//! The class says who is to blame, the reason says what happened, nested by the area in which it happened. A call
//! gets exactly one; the first cause wins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call_record::SessionStatus;

/// The end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Termination {
    /// Who ended it, or whose fault it was.
    pub class: TerminationClass,
    /// What happened.
    #[serde(flatten)]
    pub reason: TerminationReason,
}

/// Who ended the call, or whose fault its end was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TerminationClass {
    /// The far end of the telephone line.
    Peer,
    /// This gateway, its operator or its configuration.
    Us,
    /// The AI service.
    Upstream,
    /// Nobody can tell.
    Unknown,
}

/// What happened, by area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "area", content = "reason", rename_all = "snake_case")]
pub enum TerminationReason {
    /// Signalling.
    Sip(SipReason),
    /// Audio.
    Media(MediaReason),
    /// The AI service.
    Agent(AgentReason),
    /// A rule or an operator.
    Policy(PolicyReason),
    /// The gateway process itself.
    Gateway(GatewayReason),
}

/// Ends that signalling brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SipReason {
    /// The far end sent BYE.
    HungUp,
    /// The caller gave up before an answer.
    Cancelled,
    /// The callee was busy (486, 600).
    Busy,
    /// The callee did not answer in time (408, 480, or our own limit).
    NoAnswer,
    /// The callee refused (any other final failure).
    Rejected,
    /// Our 200 was never acknowledged (RFC 3261 §13.3.1.4).
    AckTimeout,
    /// A request of ours found no response (timer B or F).
    TransactionTimeout,
    /// Nobody refreshed the session in time (RFC 4028 §10).
    SessionExpired,
    /// Nothing could be sent to the far end: its name has no address, or no connection could be had.
    Unreachable,
    /// The dialled number is none of ours (404).
    UnknownNumber,
    /// The far end went elsewhere, as it was asked to.
    Transferred,
}

/// Ends that the audio brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaReason {
    /// The offer held nothing that we speak (488).
    NotAcceptable,
    /// No RTP for the configured time while not on hold.
    RtpTimeout,
    /// No RTP port was free (503).
    NoPort,
    /// No path to the browser was found in time, or the handshake on it did not come to its end.
    NotConnected,
    /// The browser's certificate is not the one that its description names.
    Fingerprint,
    /// The browser has not answered for 30 s.
    ConsentLost,
}

/// Ends that the AI service brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentReason {
    /// The agent asked for the end of the call.
    Hangup,
    /// The service could not be reached before the call was answered, or not again after it was lost.
    Unreachable,
    /// The service refused our credentials or our settings.
    Refused,
    /// The service closed or lost the connection and the redial was used up.
    Lost,
    /// The service did not become ready in time.
    NotReady,
}

/// Ends by rule or by an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyReason {
    /// An operator ended it through the API.
    Operator,
    /// The longest allowed time was reached.
    MaxDuration,
    /// No capacity for one more call (503).
    Capacity,
    /// The organisation's minutes of calls out for the day are used up.
    MinutesPerDay,
    /// The organisation's money of calls out for the day is used up.
    SpendPerDay,
    /// Calls out were switched off.
    OutboundStopped,
    /// Its trunk was taken away or switched off.
    TrunkRemoved,
    /// The caller said nothing, however often they were asked.
    CallerSilent,
}

/// Ends of the gateway process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayReason {
    /// The process stopped in good order.
    Shutdown,
    /// The process died with the call up; found at the next start.
    Interrupted,
    /// A fault of ours.
    Internal,
}

impl Termination {
    /// A termination of `class` for `reason`.
    #[must_use]
    pub const fn new(class: TerminationClass, reason: TerminationReason) -> Self {
        Self { class, reason }
    }

    /// The far end of the line brought it about by signalling.
    #[must_use]
    pub const fn peer(reason: SipReason) -> Self {
        Self::new(TerminationClass::Peer, TerminationReason::Sip(reason))
    }

    /// The AI service brought it about.
    #[must_use]
    pub const fn upstream(reason: AgentReason) -> Self {
        Self::new(TerminationClass::Upstream, TerminationReason::Agent(reason))
    }

    /// A rule or an operator of ours brought it about.
    #[must_use]
    pub const fn policy(reason: PolicyReason) -> Self {
        Self::new(TerminationClass::Us, TerminationReason::Policy(reason))
    }

    /// The process itself brought it about.
    #[must_use]
    pub const fn gateway(reason: GatewayReason) -> Self {
        Self::new(TerminationClass::Us, TerminationReason::Gateway(reason))
    }

    /// The final status of a call that ended so. `answered` says whether the two sides ever could hear each other.
    #[must_use]
    pub const fn status(&self, answered: bool) -> SessionStatus {
        match self.reason {
            TerminationReason::Sip(SipReason::HungUp | SipReason::Transferred) | TerminationReason::Agent(AgentReason::Hangup)
                if answered =>
            {
                SessionStatus::Completed
            }
            TerminationReason::Policy(
                PolicyReason::Operator
                | PolicyReason::MaxDuration
                | PolicyReason::MinutesPerDay
                | PolicyReason::SpendPerDay
                | PolicyReason::OutboundStopped
                | PolicyReason::TrunkRemoved
                | PolicyReason::CallerSilent,
            )
            | TerminationReason::Sip(SipReason::Cancelled)
            | TerminationReason::Gateway(GatewayReason::Shutdown) => SessionStatus::Terminated,
            _ => SessionStatus::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_termination_is_written_flat_with_its_area() {
        let text = serde_json::to_string(&Termination::gateway(GatewayReason::Interrupted)).unwrap();
        assert_eq!(text, r#"{"class":"us","area":"gateway","reason":"interrupted"}"#);
        let back: Termination = serde_json::from_str(&text).unwrap();
        assert_eq!(back, Termination::gateway(GatewayReason::Interrupted));
    }

    #[test]
    fn a_call_that_the_caller_hangs_up_is_completed_only_once_answered() {
        assert_eq!(Termination::peer(SipReason::HungUp).status(true), SessionStatus::Completed);
        assert_eq!(Termination::peer(SipReason::HungUp).status(false), SessionStatus::Failed);
    }
}
