//! New keys everywhere: nobody is logged out, and nothing becomes unreadable.

use chrono::Utc;

use super::AdminError;
use crate::cli::say;
use crate::identity::Identity;
use crate::store::sealed::{ORG_KEYS, SealedDocuments};
use crate::store::{COLLECTIONS, Documents};

/// In this order: what the former master secret wrapped is wrapped anew first, so that a crash leaves nothing that only it
/// opens; then every organisation gets a new key and its records are sealed under that.
pub(super) async fn rotate(identity: &Identity, documents: &SealedDocuments) -> Result<(), AdminError> {
    let rewrapped = documents.rewrap().await?;
    let mut resealed = 0;
    for scope in documents.scopes(&ORG_KEYS).await? {
        documents.rotate(&scope).await?;
        for collection in COLLECTIONS.iter().filter(|collection| !collection.sealed.is_empty()) {
            resealed += documents.reseal(&scope, collection).await?;
        }
    }
    identity.rotate_signing_key(Utc::now()).await?;
    say(&format!("keys wrapped anew: {rewrapped}; documents sealed anew: {resealed}; tokens are signed with a new key"));
    Ok(())
}
