//! Those who appear in the tests, by what they bear.

use super::house::SECRET;
use crate::api::{AuthContext, AuthError, Authenticate};
use crate::domain::access::{Permission, Role};
use crate::domain::audit_event::Actor;
use crate::domain::ids::OrgId;
use crate::store::BoxFuture;

/// Knows everybody below, and nobody else.
#[derive(Debug)]
pub(super) struct Cast;

/// Runs the organisation that everybody else is of.
pub(super) const ORG_ADMIN: &str = "org-admin";
/// Works there.
pub(super) const STAFF: &str = "staff";
/// Bears a key that only reads.
pub(super) const READER: &str = "reader";
/// Has not proved the address.
pub(super) const UNVERIFIED: &str = "unverified";
/// May all that there is, in another organisation.
pub(super) const FOREIGNER: &str = "foreigner";
/// Bears a token that is over.
pub(super) const EXPIRED: &str = "expired";

impl Authenticate for Cast {
    fn authenticate<'a>(&'a self, bearer: &'a str) -> BoxFuture<'a, Result<AuthContext, AuthError>> {
        let home = OrgId::default_org();
        let known = match bearer {
            SECRET => Ok((home, Role::SuperAdmin)),
            ORG_ADMIN => Ok((home, Role::OrgAdmin)),
            STAFF | READER => Ok((home, Role::Staff)),
            UNVERIFIED => Ok((home, Role::Unverified)),
            FOREIGNER => Ok(("org_other".parse().unwrap(), Role::SuperAdmin)),
            EXPIRED => Err(AuthError::Over),
            _ => Err(AuthError::Unknown),
        };
        let mut context =
            known.map(|(org, role)| AuthContext { org, actor: Actor::Admin, role, permissions: role.permissions(), expires_at: None });
        if let (READER, Ok(context)) = (bearer, &mut context) {
            context.permissions = [Permission::PatientsRead, Permission::CallsRead].into_iter().collect();
        }
        Box::pin(std::future::ready(context))
    }
}
