//! What the routes of keys take.

use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::domain::access::Permission;

/// Which keys to list.
#[derive(Debug, Deserialize)]
pub(super) struct KeyQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

/// A key to make.
#[derive(Debug, Deserialize)]
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) scopes: Vec<Permission>,
    pub(super) expires_in_days: Option<u16>,
}

static SCOPE: Shape = Shape::Choice(Permission::NAMES);

impl Input for KeyQuery {
    const SHAPE: &'static Object = &Object {
        name: "ApiKeyQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
        ],
    };
}

impl Input for NewKey {
    const SHAPE: &'static Object = &Object {
        name: "NewApiKey",
        members: &[
            Member::required("name", Shape::line(1, 100, "nightly import"), "What it is for."),
            Member::required(
                "scopes",
                Shape::List { of: &SCOPE, min: 1, max: 32 },
                "What may be done with it: nothing that its maker may not.",
            ),
            Member::optional(
                "expires_in_days",
                Shape::Integer { min: 1, max: 3_650 },
                "It has no end when absent; one with the scope `patients:export` ends within 90 days.",
            ),
        ],
    };
}
