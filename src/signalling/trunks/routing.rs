//! Which trunks an outbound call may take: the longest prefix of its number decides, then the order of the list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::directory::TrunkName;
use crate::domain::setting::SettingFault;
use crate::signalling::dialling::Number;

/// One rule of `outbound.routes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// A plus and the first digits of the numbers that it is for; the plus alone stands for all.
    pub prefix: String,
    /// Trunks in the order in which they are tried.
    pub trunks: Vec<String>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    prefix: String,
    trunks: Vec<TrunkName>,
}

/// All rules. At most [`Routes::MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// How many rules there may be.
    pub const MAX: usize = 1_000;

    /// Trunks that a rule may name.
    pub const MAX_TRUNKS: usize = 8;

    /// The rules as configured.
    #[must_use]
    pub fn new(rules: &[RouteConfig]) -> Self {
        Self::named(rules, |name| TrunkName::from(name))
    }

    /// The same, where trunks have other names than the rules call them by.
    #[must_use]
    pub fn named(rules: &[RouteConfig], name: impl Fn(&str) -> TrunkName) -> Self {
        let named = |rule: &RouteConfig| rule.trunks.iter().take(Self::MAX_TRUNKS).map(|text| name(text)).collect();
        Self(rules.iter().take(Self::MAX).map(|rule| Route { prefix: rule.prefix.clone(), trunks: named(rule) }).collect())
    }

    /// Every rule that cannot stand, where these trunks are known.
    #[must_use]
    pub fn faults(rules: &[RouteConfig], trunks: &[&str]) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let mut fault = |value: String, bound: &str, mend: String| faults.push(SettingFault::new("routes", value, bound, mend));
        if rules.len() > Self::MAX {
            fault(rules.len().to_string(), "at most 1000 entries", "use shorter prefixes".to_owned());
        }
        for route in rules {
            if !is_prefix(&route.prefix) {
                let mend = "write it as in \"+49\", or \"+\" for all".to_owned();
                fault(format!("{:?}", route.prefix), "must be a plus and at most 15 digits", mend);
            }
            if !(1..=Self::MAX_TRUNKS).contains(&route.trunks.len()) {
                fault(format!("{:?}", route.prefix), "must name 1 to 8 trunks", "name them in their order".to_owned());
            }
            for name in route.trunks.iter().filter(|name| !trunks.contains(&name.as_str())) {
                let none = "add a [trunks.<name>] section".to_owned();
                let mend = if trunks.is_empty() { none } else { format!("known: {}", trunks.join(", ")) };
                fault(format!("{name:?}"), "must name a trunk", mend);
            }
        }
        faults
    }

    /// The trunks for a number, in their order; none when no rule is for it.
    #[must_use]
    pub fn trunks(&self, number: &Number) -> &[TrunkName] {
        let matching = self.0.iter().filter(|route| number.as_str().starts_with(&route.prefix));
        // Of equal ones the first.
        let best = matching.reduce(|best, next| if next.prefix.len() > best.prefix.len() { next } else { best });
        best.map_or(&[], |route| &route.trunks)
    }
}

/// A plus and at most 15 digits.
pub(crate) fn is_prefix(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::dialling::Numbering;

    #[test]
    fn the_longest_prefix_decides_and_then_the_order_of_the_list() {
        let rule = |prefix: &str, trunks: &[&str]| RouteConfig {
            prefix: prefix.to_owned(),
            trunks: trunks.iter().map(ToString::to_string).collect(),
        };
        let routes = Routes::new(&[rule("+49", &["a", "b"]), rule("+4930", &["c"]), rule("+1", &["d"])]);
        let trunks = |number: &str| -> Vec<String> {
            let number = Numbering::default().read(number).unwrap();
            routes.trunks(&number).iter().map(ToString::to_string).collect()
        };
        assert_eq!(trunks("+4989123456"), ["a", "b"]);
        assert_eq!(trunks("+4930901820"), ["c"]);
        assert_eq!(trunks("+33123456789"), <[&str; 0]>::default());
    }
}
