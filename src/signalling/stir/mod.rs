//! STIR/SHAKEN: we answer for the numbers that our calls show, and check who answers for those that call us (RFC 8224, RFC 8225, RFC 8226,
//! RFC 8588).
//!
//! [`Signer`] signs at the moment an INVITE is made. [`Verifier`] may have to fetch a certificate first, so the INVITE waits here, after
//! its 100, and goes on with the verdict. Left out on purpose: who sent a call on (RFC 8946; told as `diverted`), rich call data, the
//! compact form, revocation lists.

mod config;
mod credential;
mod der;
mod fault;
mod passport;
mod signer;
mod verifier;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use sip::endpoint::{IncomingInvite, InviteId};
use sip::header::ExtraHeaders;
use tokio::sync::mpsc;

pub use self::config::{SignRule, StirConfig, StirError, StirRule};
pub use self::credential::{Anchors, Credential};
pub use self::fault::Fault;
pub use self::passport::{Called, Caller, Claims, Passport, canonical};
pub use self::signer::{Signer, SignerError, Statement};
pub use self::verifier::{Claimed, Verifier};
use crate::domain::caller_verification::CallerVerification;

/// What became of a check.
pub type Verdict = Result<CallerVerification, Fault>;

/// The signalling's side of it: signs, and holds calls while they are checked.
#[derive(Debug)]
pub struct Stir {
    signer: Option<Signer>,
    verifier: Option<Arc<Verifier>>,
    waiting: HashMap<InviteId, Box<IncomingInvite>>,
    to_desk: mpsc::Sender<(InviteId, Verdict)>,
    verdicts: mpsc::Receiver<(InviteId, Verdict)>,
}

impl Default for Stir {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl Stir {
    /// With what there is.
    #[must_use]
    pub fn new(signer: Option<Signer>, verifier: Option<Verifier>) -> Self {
        let (to_desk, verdicts) = mpsc::channel(WAITING);
        Self { signer, verifier: verifier.map(Arc::new), waiting: HashMap::new(), to_desk, verdicts }
    }

    /// The headers that say it; none without a key.
    #[must_use]
    pub fn sign(&self, statement: Option<&Statement>) -> ExtraHeaders {
        let signed = self.signer.as_ref().zip(statement).map(|(signer, statement)| signer.sign(Utc::now(), statement));
        signed.unwrap_or_default()
    }

    /// Begins to check a call, which waits here for its verdict; it comes back when there is nothing to check or too much.
    ///
    /// # Errors
    /// With the call, and what is known of its caller at once.
    pub fn check(&mut self, id: InviteId, claimed: Claimed, invite: Box<IncomingInvite>) -> Result<(), (Box<IncomingInvite>, Fault)> {
        if claimed.identities.is_empty() {
            return Err((invite, Fault::Missing));
        }
        // Without authorities there is nobody whose word counts: a trunk that requires it gets no calls.
        let Some(verifier) = self.verifier.clone() else { return Err((invite, Fault::Certificate)) };
        if self.waiting.len() >= WAITING {
            return Err((invite, Fault::Busy));
        }
        self.waiting.insert(id, invite);
        let to_desk = self.to_desk.clone();
        tokio::spawn(async move {
            let verdict = verifier.verify(Utc::now(), &claimed).await;
            // Nobody waits any more only when signalling has ended.
            let _ = to_desk.send((id, verdict)).await;
        });
        Ok(())
    }

    /// The next call that goes on, with what was found; waits for ever when none is checked. Cancel-safe.
    pub async fn verdict(&mut self) -> (InviteId, Box<IncomingInvite>, Verdict) {
        loop {
            let Some((id, verdict)) = self.verdicts.recv().await else { return std::future::pending().await };
            if let Some(invite) = self.waiting.remove(&id) {
                return (id, invite, verdict);
            }
        }
    }

    /// The caller has given up.
    pub fn forget(&mut self, id: InviteId) {
        self.waiting.remove(&id);
    }
}

/// Calls that are checked at one time.
const WAITING: usize = 256;
