//! What the rules of dialling take: the settings of `[tenants.<org>]`, and routes by the organisation's own trunks.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::error::ApiError;
use crate::api::v1::tenant::parsed;
use crate::signalling::toll::TollPolicy;
use crate::signalling::trunks::RouteConfig;

/// Rules of dialling.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct NewDialling(Map<String, Value>);

impl NewDialling {
    /// What may be dialled, and by which trunks.
    pub(super) fn read(self) -> Result<(TollPolicy, Vec<RouteConfig>), ApiError> {
        let Self(mut members) = self;
        let routes = members.remove("routes").filter(|routes| !routes.is_null());
        let routes = routes.map(serde_json::from_value).transpose().map_err(|_| ApiError::Internal)?;
        Ok((parsed(members)?, routes.unwrap_or_default()))
    }
}

const AMOUNT: Shape = Shape::Amount { min: 0.0, max: 1e6 };
const SERVICES: &[&str] = &["freephone", "shared_cost", "premium", "personal", "satellite", "global_network"];

const ROUTES: Shape = Shape::List { of: &Shape::Object(&ROUTE), min: 0, max: 1_000 };

static ROUTE: Object = Object {
    name: "DiallingRoute",
    members: &[
        Member::required("prefix", Shape::of(Format::NumberPrefix), "The plus alone stands for all numbers."),
        Member::required(
            "trunks",
            Shape::List { of: &Shape::of(Format::TelephonyName), min: 1, max: 8 },
            "The organisation's trunks in the order in which they are tried.",
        ),
    ],
};

impl Input for NewDialling {
    const SHAPE: &'static Object = &Object {
        name: "NewDialling",
        members: &[
            Member::optional("countries", Shape::List { of: &Shape::of(Format::Country), min: 0, max: 300 }, "None when absent."),
            Member::optional(
                "services",
                Shape::List { of: &Shape::Choice(SERVICES), min: 0, max: 6 },
                "Beside subscribers; none when absent.",
            ),
            Member::optional(
                "deny",
                Shape::List { of: &Shape::of(Format::NumberPrefix), min: 0, max: 1_000 },
                "Beginnings of numbers that may not be called whatever else is said.",
            ),
            Member::optional("max_calls", Shape::Integer { min: 0, max: 1_000 }, "Calls at once, on each gateway; 2 when absent."),
            Member::optional(
                "max_calls_in",
                Shape::Integer { min: 0, max: 16_000 },
                "Calls in by SIP at once, on each gateway; 0 sets no limit.",
            ),
            Member::optional(
                "max_calls_in_per_second",
                Shape::Integer { min: 0, max: 10_000 },
                "New calls in a second, on each gateway; 0 sets no limit.",
            ),
            Member::optional(
                "minutes_per_day",
                Shape::Integer { min: 0, max: 100_000 },
                "Of calls on all gateways of a store together; 60 when absent.",
            ),
            Member::optional(
                "spend_per_day",
                AMOUNT,
                "Money a day on all gateways of a store together, in the unit of `rates`; no limit when absent.",
            ),
            Member::optional(
                "rates",
                Shape::Map { key: Format::NumberPrefix, of: &AMOUNT, max: 1_000 },
                "What a minute costs, by the beginning of the number. With `spend_per_day`, numbers without a rate may not be called.",
            ),
            Member::optional(
                "routes",
                ROUTES,
                "By which trunks a number goes, the longest prefix first; where none is for it, as configured.",
            ),
        ],
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_rules_have_here_the_settings_that_they_have_in_the_configuration_and_routes() {
        let configured = serde_json::to_value(TollPolicy::default()).unwrap();
        let mut configured: BTreeSet<_> = configured.as_object().unwrap().keys().cloned().collect();
        configured.insert("routes".to_owned());
        let here: BTreeSet<_> = NewDialling::SHAPE.members.iter().map(|member| member.name.to_owned()).collect();
        assert_eq!(here, configured);
    }
}
