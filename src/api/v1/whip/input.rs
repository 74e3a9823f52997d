//! What the routes of pages take.

use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::domain::redacted::Redacted;

/// A token to make.
#[derive(Debug, Deserialize)]
pub(super) struct NewToken {
    pub(super) agent: String,
    pub(super) caller: Option<Redacted<String>>,
    pub(super) expires_in_s: Option<u32>,
}

impl Input for NewToken {
    const SHAPE: &'static Object = &Object {
        name: "NewWhipToken",
        members: &[
            Member::required(
                "agent",
                Shape::of(Format::TelephonyName),
                "The agent, or the number of the organisation, that may be called.",
            ),
            Member::optional("caller", Shape::line(1, 64, "front desk"), "Who is at the page, as the record of the call shall have it."),
            Member::optional(
                "expires_in_s",
                Shape::Integer { min: 10, max: 600 },
                "Seconds until the call has to be made; 120 when absent.",
            ),
        ],
    };
}
