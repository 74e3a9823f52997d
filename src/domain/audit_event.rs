//! Audit entries as plain values: who did what to which object, with what outcome.
//!
//! The actions and resources are contracts of the origin systems. No entry carries a name, a number or a spoken word;
//! a network address is kept whole, since an audit must be able to say where an access came from.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::ids::{CallId, RequestId};

/// What an audit entry says; sequence, time and hashes are added by the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Who acted.
    pub actor: Actor,
    /// From where; null for the gateway itself.
    pub ip: Option<IpAddr>,
    /// What was done.
    pub action: AuditAction,
    /// To what kind of thing.
    pub resource: AuditResource,
    /// To which one; null for a list.
    pub object: Option<String>,
    /// How it went.
    pub outcome: Outcome,
    /// Why, by a stable code; null where the outcome says all.
    pub reason: Option<String>,
    /// The HTTP request behind it.
    pub request_id: Option<RequestId>,
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "actor_type", content = "actor", rename_all = "snake_case")]
pub enum Actor {
    /// The gateway.
    Gateway,
    /// Whoever holds the admin secret.
    Admin,
    /// A peer on the telephone side, by the name of its trunk.
    Trunk(String),
    /// Somebody whose credentials were refused.
    Anonymous,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Read one.
    View,
    /// Read many.
    ViewList,
    /// Made one.
    Create,
    /// Made many.
    CreateBulk,
    /// Changed one.
    Update,
    /// Removed one; it can be brought back.
    Delete,
    /// Brought a removed one back.
    Restore,
    /// Took all of them out.
    Export,
    /// A call began.
    StartCall,
    /// A call ended.
    EndCall,
    /// Keys were pressed on a call.
    SendDtmf,
    /// A call was put on hold.
    HoldCall,
    /// A call was taken off hold.
    ResumeCall,
    /// A caller was sent elsewhere.
    TransferCall,
    /// Somebody listened to a call while it ran.
    ListenCall,
    /// Somebody followed what happens.
    FollowEvents,
    /// Read where a call stands.
    ViewStatus,
    /// Read what was said.
    ViewTranscript,
    /// Calls out were stopped.
    StopDialling,
    /// Calls out may go again.
    ResumeDialling,
    /// Credentials were presented and refused.
    ApiAccess,
    /// A key was changed.
    RotateKey,
    /// Something was sent once more.
    Replay,
    /// Something was tried out.
    Test,
    /// A carrier said that a call will come.
    AnnounceCall,
}

/// To what kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditResource {
    /// A call.
    Call,
    /// What was said in one.
    Transcript,
    /// The signalling of one.
    Ladder,
    /// A patient.
    Patient,
    /// A trunk.
    Trunk,
    /// A number that is answered.
    Number,
    /// What an organisation may dial.
    Dialling,
    /// A webhook, or what it was told.
    Webhook,
    /// The API as a whole: an access refused before it was known what it was for.
    Api,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// About to be done: another entry of the same request says how it went.
    Intended,
    /// Done.
    Success,
    /// Tried and failed.
    Failure,
    /// Not allowed.
    Denied,
}

impl Actor {
    /// What kind of actor it is: for logs, which name nobody.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Admin => "admin",
            Self::Trunk(_) => "trunk",
            Self::Anonymous => "anonymous",
        }
    }
}

impl AuditEvent {
    /// The gateway did `action` to a call.
    #[must_use]
    pub fn call(action: AuditAction, call: &CallId, actor: Actor, ip: Option<IpAddr>, outcome: Outcome) -> Self {
        Self { actor, ip, action, resource: AuditResource::Call, object: Some(call.to_string()), outcome, reason: None, request_id: None }
    }
}
