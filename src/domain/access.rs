//! Who may do what: roles, permissions, and sets of them.
//!
//! A permission is one verb on one resource. A role has a fixed set of them; an API key has that of whoever made it,
//! narrowed to its scopes, which are permissions by name. Whose records they are about is not said here: that is the
//! organisation's wall, which no permission opens.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a user is in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Was invited and has not answered.
    Invited,
    /// Has not proved the e-mail address yet.
    Unverified,
    /// Works with patients.
    Staff,
    /// Runs an organisation.
    OrgAdmin,
    /// Runs the gateway, and may make organisations.
    SuperAdmin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 5] = [Self::Invited, Self::Unverified, Self::Staff, Self::OrgAdmin, Self::SuperAdmin];

    /// What it may do.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        match self {
            Self::Invited | Self::Unverified => Permissions::NONE,
            Self::Staff => STAFF.iter().copied().collect(),
            Self::OrgAdmin => STAFF.iter().chain(ORG_ADMIN).copied().collect(),
            Self::SuperAdmin => Permission::ALL.iter().copied().collect(),
        }
    }

    /// Whether a second factor is required of it.
    #[must_use]
    pub const fn needs_second_factor(self) -> bool {
        matches!(self, Self::OrgAdmin | Self::SuperAdmin)
    }

    /// As it is written: `superAdmin`, `orgAdmin`, `staff`, `unverified`, `invited`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Unverified => "unverified",
            Self::Staff => "staff",
            Self::OrgAdmin => "orgAdmin",
            Self::SuperAdmin => "superAdmin",
        }
    }
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// One verb on one resource; written `resource:verb`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        #[repr(u8)]
        pub enum Permission {
            $($(#[doc = $doc])* $name,)*
        }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The names of all, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text,)*];

            /// As it is written in a scope.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// Look at patients.
    PatientsRead = "patients:read",
    /// Make and change patients.
    PatientsWrite = "patients:write",
    /// Delete patients, and bring them back.
    PatientsDelete = "patients:delete",
    /// Take all patients out at once.
    PatientsExport = "patients:export",
    /// Look at calls, but not at what was said.
    CallsRead = "calls:read",
    /// Call somebody.
    CallsStart = "calls:start",
    /// End, hold, resume and transfer calls, and press keys on them.
    CallsControl = "calls:control",
    /// Listen to a call while it runs.
    CallsListen = "calls:listen",
    /// Call an agent from a web page, and make tokens for pages that do.
    CallsBrowser = "calls:browser",
    /// Read what was said.
    TranscriptsRead = "transcripts:read",
    /// Read the signalling of calls: numbers, addresses and all.
    LaddersRead = "ladders:read",
    /// Follow what happens as it happens.
    EventsRead = "events:read",
    /// Look at the organisation's users.
    UsersRead = "users:read",
    /// Invite, change and lock users.
    UsersWrite = "users:write",
    /// Look at and change the own organisation.
    OrganisationWrite = "organisation:write",
    /// Make organisations, and look at all of them.
    OrganisationsManage = "organisations:manage",
    /// Make and revoke API keys.
    ApiKeysWrite = "api_keys:write",
    /// Have events sent to an address, and see how that goes.
    WebhooksWrite = "webhooks:write",
    /// Look at trunks, and how they stand.
    TrunksRead = "trunks:read",
    /// Make, change and remove trunks: whom calls come from is decided there, for all organisations.
    TrunksWrite = "trunks:write",
    /// Look at numbers.
    NumbersRead = "numbers:read",
    /// Make, change and remove numbers, and say who answers them.
    NumbersWrite = "numbers:write",
    /// Look at agents.
    AgentsRead = "agents:read",
    /// Make, change and remove agents: what they are told, what they may use, and which service hears the calls.
    AgentsWrite = "agents:write",
    /// Look at what may be dialled, and what was.
    DiallingRead = "dialling:read",
    /// Allow less to be dialled, stop calls out, and let them go again.
    DiallingWrite = "dialling:write",
    /// Allow more to be dialled.
    DiallingWiden = "dialling:widen",
    /// Look at the gateway itself: its state, metrics and configuration.
    SystemRead = "system:read",
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::ALL.iter().copied().find(|permission| permission.name() == text).ok_or(UnknownPermission)
    }
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;

    fn try_from(text: String) -> Result<Self, UnknownPermission> {
        text.parse()
    }
}

impl From<Permission> for &'static str {
    fn from(permission: Permission) -> Self {
        permission.name()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such permission")]
pub struct UnknownPermission;

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// Nothing at all.
    pub const NONE: Self = Self(0);

    /// Whether `permission` is one of them.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// Those that both have: what a key may do is what its maker may do, within its scopes.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `others` are among them: who grants something has it.
    #[must_use]
    pub const fn covers(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    const fn bit(permission: Permission) -> u32 {
        1 << permission as u8
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | Self::bit(permission)))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::name)).finish()
    }
}

/// The minimum that work with patients wants: no export, no deletion, nobody else's account.
const STAFF: &[Permission] = &[
    Permission::PatientsRead,
    Permission::PatientsWrite,
    Permission::CallsRead,
    Permission::CallsStart,
    Permission::CallsControl,
    Permission::CallsBrowser,
    Permission::TranscriptsRead,
    Permission::EventsRead,
];

/// What an organisation's administrator may beyond that.
const ORG_ADMIN: &[Permission] = &[
    Permission::PatientsDelete,
    Permission::PatientsExport,
    Permission::CallsListen,
    Permission::LaddersRead,
    Permission::UsersRead,
    Permission::UsersWrite,
    Permission::TrunksRead,
    Permission::NumbersRead,
    Permission::NumbersWrite,
    Permission::AgentsRead,
    Permission::AgentsWrite,
    Permission::DiallingRead,
    Permission::DiallingWrite,
    Permission::OrganisationWrite,
    Permission::ApiKeysWrite,
    Permission::WebhooksWrite,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_all_that_the_one_below_it_may() {
        for pair in Role::ALL.windows(2) {
            let (below, above) = (pair[0].permissions(), pair[1].permissions());
            assert_eq!(below.and(above), below, "{pair:?}");
        }
        assert_eq!(Role::Unverified.permissions(), Permissions::NONE);
        assert!(!Role::OrgAdmin.permissions().contains(Permission::SystemRead));
        assert!(!Role::OrgAdmin.permissions().contains(Permission::TrunksWrite));
        assert!(!Role::OrgAdmin.permissions().contains(Permission::DiallingWiden));
        assert!(!Role::Staff.permissions().contains(Permission::PatientsExport));
    }

    #[test]
    fn a_permission_reads_back_from_its_name_and_nothing_else_does() {
        for &permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(permission));
            let json = serde_json::to_string(&permission).unwrap();
            assert_eq!(serde_json::from_str::<Permission>(&json).unwrap(), permission);
        }
        for text in ["", "patients", "patients:*", "PATIENTS:READ", "patients:read "] {
            assert_eq!(text.parse::<Permission>(), Err(UnknownPermission), "{text}");
        }
        assert!(Permission::ALL.len() <= 32, "they fit into the set");
    }

    #[test]
    fn roles_are_written_as_the_origin_systems_wrote_them() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
    }
}
