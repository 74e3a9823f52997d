//! What can be asked of a call from outside: by the API, by signalling, by an agent's tool.

use media::dtmf::Digit;

use super::led::LedCommand;
use super::listening::ListenerPort;
use super::look::LookReply;
use super::tools::consult::SaidReply;
use super::transfer::TransferOrder;
use crate::agent::variables::Known;
use crate::domain::ids::PatientId;
use crate::domain::termination::PolicyReason;

/// A command to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallCommand {
    /// Answer now, without waiting for the agent.
    Answer,
    /// End the call; one that is not answered is refused.
    Hangup,
    /// End the call because its agent wants it.
    AgentHangup,
    /// End the call because a rule says so.
    End(PolicyReason),
    /// End the call because the gateway stops.
    Shutdown,
    /// Put the caller on hold.
    Hold,
    /// Take the caller off hold.
    Resume,
    /// Send the far end elsewhere.
    Transfer(TransferOrder),
    /// Press keys.
    SendDtmf {
        /// Which, in order; they are not shown by `Debug`.
        digits: Vec<Digit>,
    },
    /// Say when the agent's first words were heard.
    TellWhenSaid(SaidReply),
    /// Keep in the record who is on the telephone.
    Recognise(Box<Recognised>),
    /// Let somebody listen.
    Attach {
        /// The way to them, and what they want to hear.
        listener: ListenerPort,
    },
    /// Let them listen no more; that they are gone is noticed without it.
    Detach {
        /// Whom.
        listener: ListenerPort,
    },
    /// Show the record as it stands.
    Look(LookReply),
    /// Do what the bot of an agent asks, where that agent leads the call.
    Led(LedCommand),
}

/// What is known of whoever is on the telephone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognised {
    /// The patient.
    pub patient: Option<PatientId>,
    /// What the carrier called the call that announced it.
    pub dial_in: Option<String>,
    /// What of the patient an agent may be told.
    pub known: Known,
}

/// Why a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No such call runs in the organisation.
    #[error("no such call is running")]
    NotFound,
    /// The call's queue of commands is full.
    #[error("the call has too many commands waiting")]
    Busy,
}
