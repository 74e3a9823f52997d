//! REFER as the application sees it (RFC 3515): a wish that came, a wish to send, and what became of it.

use std::fmt;

use crate::header::{NameAddr, ReferTo, StatusCode, Uri};
use crate::message::Request;

/// The far end asks us to call somebody. Nothing is done about it until the application does.
pub struct IncomingRefer {
    /// Whom, and in the place of which call.
    pub target: ReferTo,
    /// Who says that he asks (Referred-By, RFC 3892). Not proven.
    pub referred_by: Option<Uri>,
    /// The far end wants to hear what becomes of it; otherwise `refer_progress` sends nothing (RFC 4488).
    pub wants_progress: bool,
    /// The whole request.
    pub message: Request,
}

/// Hides who shall be called.
impl fmt::Debug for IncomingRefer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingRefer").field("replaces", &self.target.replaces.is_some()).finish_non_exhaustive()
    }
}

/// Whom the far end shall call.
#[derive(Clone)]
pub struct OutgoingRefer {
    /// Whom.
    pub target: Uri,
    /// Who asks (RFC 3892); `None` says nothing.
    pub referred_by: Option<NameAddr>,
    /// We do not want to hear what becomes of it, where the far end can do without telling (RFC 4488).
    pub silent: bool,
}

/// Hides who shall be called.
impl fmt::Debug for OutgoingRefer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingRefer").field("silent", &self.silent).finish_non_exhaustive()
    }
}

/// What became of a call that the far end was asked to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferOutcome {
    /// It is up.
    Succeeded,
    /// The far end does not want to.
    Refused(StatusCode),
    /// The far end tried, and this came of it.
    Failed(StatusCode),
    /// Nothing was heard, or nothing was asked for.
    Unknown,
}
