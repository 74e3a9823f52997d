//! What the routes of users take.

use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::input::given;
use crate::domain::access::Role;
use crate::domain::redacted::Redacted;
use crate::domain::user::UserStatus;
use crate::identity::members::UserChange;

/// Which users to list.
#[derive(Debug, Deserialize)]
pub(super) struct UserQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
    pub(super) role: Option<Role>,
    pub(super) status: Option<UserStatus>,
}

/// Whom to invite.
#[derive(Debug, Deserialize)]
pub(super) struct Invitation {
    pub(super) email: Redacted<String>,
    pub(super) name: Option<Redacted<String>>,
    pub(super) role: Role,
}

/// What to change of a user: what is absent stays, a name that is null goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserInput {
    #[serde(deserialize_with = "given")]
    name: Option<Option<Redacted<String>>>,
    role: Option<Role>,
    status: Option<UserStatus>,
}

impl From<UserInput> for UserChange {
    fn from(UserInput { name, role, status }: UserInput) -> Self {
        Self { name, role, status }
    }
}

const NAME: Shape = Shape::line(1, 100, "Ana García");
/// Roles that are given; the others come of themselves.
const GIVEN: Shape = Shape::Choice(&["staff", "orgAdmin", "superAdmin"]);

impl Input for UserQuery {
    const SHAPE: &'static Object = &Object {
        name: "UserQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
            Member::optional("role", Shape::Choice(&["staff", "orgAdmin", "superAdmin", "invited", "unverified"]), "Only those."),
            Member::optional("status", Shape::Choice(&["active", "locked", "inactive"]), "Only those; not together with `role`."),
        ],
    };
}

impl Input for Invitation {
    const SHAPE: &'static Object = &Object {
        name: "Invitation",
        members: &[
            Member::required("email", Shape::of(Format::Email), "Unique in the organisation."),
            Member::optional("name", NAME, ""),
            Member::required("role", GIVEN, "What they will be once they have come: nothing that may more than who invites."),
        ],
    };
}

impl Input for UserInput {
    const SHAPE: &'static Object = &Object {
        name: "UserChange",
        members: &[
            Member::optional("name", NAME, ""),
            Member::kept("role", GIVEN, "Of somebody who was invited, what they will be."),
            Member::kept("status", Shape::Choice(&["active", "locked", "inactive"]), ""),
        ],
    };
}
