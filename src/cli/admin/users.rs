//! Users, without the API.

use std::sync::Arc;

use chrono::Utc;

use super::AdminError;
use crate::cli::say;
use crate::domain::access::Role;
use crate::domain::email::EmailAddress;
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::domain::user::{User, UserStatus};
use crate::identity::{Identity, IdentityError};
use crate::store::OrgScope;
use crate::store::sealed::SealedDocuments;
use crate::store::users::Users;

/// Who is to be added.
#[derive(Debug, clap::Args)]
pub(super) struct CreateUser {
    /// Address that they sign in with.
    #[arg(long)]
    email: EmailAddress,
    /// superAdmin, orgAdmin or staff.
    #[arg(long, value_parser = role)]
    role: Role,
    /// Organisation.
    #[arg(long, default_value = "org_default")]
    org: OrgId,
}

impl CreateUser {
    pub(super) const fn org(&self) -> &OrgId {
        &self.org
    }
}

/// Who is to be let try again.
#[derive(Debug, clap::Args)]
pub(super) struct Unlock {
    /// Address that they sign in with.
    #[arg(long)]
    email: EmailAddress,
    /// Organisation.
    #[arg(long, default_value = "org_default")]
    org: OrgId,
}

impl Unlock {
    pub(super) const fn org(&self) -> &OrgId {
        &self.org
    }
}

pub(super) async fn create(identity: &Identity, user: &CreateUser) -> Result<String, AdminError> {
    let scope = OrgScope::new(user.org.clone());
    let made = identity.create_user(&scope, Redacted::new(user.email.clone()), user.role, Utc::now()).await;
    let first = made.map_err(|error| match error {
        IdentityError::NotFound => AdminError::NoOrganisation(user.org.clone()),
        error => error.into(),
    })?;
    say(&format!("one-time password, shown once: {}", first.password.expose()));
    Ok(first.user.to_string())
}

pub(super) async fn unlock(identity: &Identity, documents: Arc<SealedDocuments>, user: &Unlock) -> Result<String, AdminError> {
    let (scope, users) = (OrgScope::new(user.org.clone()), Users::new(documents));
    let found = users.find_by_email(&scope, &user.email).await?.ok_or(AdminError::NoUser)?;
    identity.unlock(&scope, &found.record.id).await?;
    let id = found.record.id.to_string();
    if found.record.status == UserStatus::Locked {
        let unlocked = User { status: UserStatus::Active, updated_at: Utc::now(), ..found.record };
        users.update(&scope, &unlocked, found.version, Utc::now()).await?;
    }
    say("unlocked");
    Ok(id)
}

fn role(text: &str) -> Result<Role, String> {
    let known = [Role::SuperAdmin, Role::OrgAdmin, Role::Staff];
    known.into_iter().find(|role| role.name() == text).ok_or_else(|| "must be superAdmin, orgAdmin or staff".to_owned())
}
