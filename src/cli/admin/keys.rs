//! Keys: new ones everywhere, by which nobody is logged out and nothing becomes unreadable; and an organisation's destroyed, by
//! which everything does.

use std::io::BufRead;
use std::sync::Arc;

use chrono::Utc;

use super::AdminError;
use crate::cli::say;
use crate::domain::ids::OrgId;
use crate::identity::Identity;
use crate::store::organisations::Organisations;
use crate::store::sealed::SealedDocuments;
use crate::store::{COLLECTIONS, OrgScope};

/// Who is to be forgotten.
#[derive(Debug, clap::Args)]
pub(super) struct Erase {
    /// Organisation.
    #[arg(long)]
    org: OrgId,
    /// Do not ask for its name again.
    #[arg(long)]
    yes: bool,
}

impl Erase {
    pub(super) const fn org(&self) -> &OrgId {
        &self.org
    }
}

/// In this order: what the former master secret wrapped is wrapped anew first, so that a crash leaves nothing that only it
/// opens; then every organisation gets a new key and its records are sealed under that.
pub(super) async fn rotate(identity: &Identity, documents: &SealedDocuments) -> Result<(), AdminError> {
    let rewrapped = documents.rewrap().await?;
    let resealed = documents.rotate_all(COLLECTIONS).await?;
    identity.rotate_signing_key(Utc::now()).await?;
    say(&format!("keys wrapped anew: {rewrapped}; documents sealed anew: {resealed}; tokens are signed with a new key"));
    Ok(())
}

/// Destroys an organisation's keys, once its name was said twice.
pub(super) async fn erase(documents: Arc<SealedDocuments>, erase: &Erase, mut answers: impl BufRead) -> Result<(), AdminError> {
    let (organisations, org) = (Organisations::new(documents), &erase.org);
    if organisations.get(&OrgScope::new(org.clone())).await?.is_none() {
        return Err(AdminError::NoOrganisation(org.clone()));
    }
    if !erase.yes {
        say(&format!("what is kept of {org} will be readable nowhere and never again, in no backup either; its name once more to go on:"));
        let mut answer = String::new();
        // What cannot be read confirms nothing.
        let _ = answers.read_line(&mut answer);
        if answer.trim() != org.as_str() {
            return Err(AdminError::NotConfirmed);
        }
    }
    organisations.erase(org).await?;
    say(&format!("the keys of {org} are destroyed"));
    Ok(())
}
