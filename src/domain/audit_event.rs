//! Audit entries as plain values: who did what to which object, with what outcome.
//!
//! The actions and resources are contracts of the origin systems. No entry carries a name, a number or a spoken word;
//! a network address is kept whole, since an audit must be able to say where an access came from.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::ids::{ApiKeyId, CallId, RequestId, SessionId, UserId};

/// What an audit entry says; sequence, time and hashes are added by the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Who acted.
    pub actor: Actor,
    /// With which sign-in; null for whoever has none.
    pub session: Option<SessionId>,
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
    /// Somebody who signed in.
    User(UserId),
    /// A program, by its key.
    ApiKey(ApiKeyId),
    /// A peer on the telephone side, by the name of its trunk.
    Trunk(String),
    /// An agent, by its name, or by the account that it has proved.
    Agent(String),
    /// Whoever ran `auricle admin`, by the number of their account on the machine.
    Operator(u32),
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
    /// Brought a removed one back, or a store out of a backup.
    Restore,
    /// Took all of them out.
    Export,
    /// Wrote a store to a file, sealed as it is.
    Backup,
    /// Read what another system had.
    Import,
    /// Destroyed an organisation's keys.
    Erase,
    /// A call began.
    StartCall,
    /// A call ended.
    EndCall,
    /// Keys were pressed on a call.
    SendDtmf,
    /// An agent asked for a tool.
    UseTool,
    /// A call was put on hold.
    HoldCall,
    /// A call was taken off hold.
    ResumeCall,
    /// A caller was sent elsewhere.
    TransferCall,
    /// What callers say was to go to an agent.
    SendAudio,
    /// An organisation stated that it has an agreement with an agent's service, so that its callers' audio may go there.
    StateAgreement,
    /// It does not state that any more.
    WithdrawAgreement,
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
    /// Somebody signed in, or a step of it; the reason names the step that is next.
    Login,
    /// A sign-in was ended, by its owner.
    Logout,
    /// A refresh token was exchanged.
    Refresh,
    /// The second factor was proved again.
    ProveSecondFactor,
    /// A second factor was set up.
    EnrolSecondFactor,
    /// A second factor was taken away.
    RemoveSecondFactor,
    /// Backup codes were made in the place of those that were left.
    RenewBackupCodes,
    /// A password was changed by whoever knew the old one.
    PasswordChange,
    /// Somebody asked for another password.
    PasswordResetRequest,
    /// Another password was chosen by whoever had the code.
    PasswordReset,
    /// Somebody asked for a code by e-mail.
    OneTimeCodeRequest,
    /// An address was proved to be its user's.
    VerifyEmail,
    /// A user was invited, or again.
    Invite,
    /// An invitation was accepted.
    AcceptInvitation,
    /// A user was locked out.
    Lock,
    /// A user was let in again.
    Unlock,
    /// A key was revoked, or somebody else's sign-in.
    Revoke,
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
    /// A streaming AI.
    Agent,
    /// What an organisation may dial.
    Dialling,
    /// A webhook, or what it was told.
    Webhook,
    /// The API as a whole: an access refused before it was known what it was for.
    Api,
    /// A user.
    User,
    /// A sign-in.
    Session,
    /// A key of a program.
    ApiKey,
    /// A token by which a page may make a call.
    WhipToken,
    /// An organisation.
    Organisation,
    /// The store as a whole.
    Store,
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
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
            Self::Trunk(_) => "trunk",
            Self::Agent(_) => "agent",
            Self::Operator(_) => "operator",
            Self::Anonymous => "anonymous",
        }
    }
}

impl AuditEvent {
    /// The gateway made the first administrator.
    #[must_use]
    pub fn first_administrator(user: &UserId) -> Self {
        Self {
            actor: Actor::Gateway,
            session: None,
            ip: None,
            action: AuditAction::Create,
            resource: AuditResource::User,
            object: Some(user.to_string()),
            outcome: Outcome::Success,
            reason: None,
            request_id: None,
        }
    }

    /// The gateway did `action` to a call.
    #[must_use]
    pub fn call(action: AuditAction, call: &CallId, actor: Actor, ip: Option<IpAddr>, outcome: Outcome) -> Self {
        Self {
            actor,
            session: None,
            ip,
            action,
            resource: AuditResource::Call,
            object: Some(call.to_string()),
            outcome,
            reason: None,
            request_id: None,
        }
    }
}
