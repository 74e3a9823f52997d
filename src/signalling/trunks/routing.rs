//! Which trunks an outbound call may take: the longest prefix of its number decides, then the order of the list.

use serde::{Deserialize, Serialize};

use super::directory::TrunkName;
use crate::signalling::dialling::Number;

/// One rule of `outbound.routes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        let named = |rule: &RouteConfig| rule.trunks.iter().take(Self::MAX_TRUNKS).map(|name| TrunkName::from(name.as_str())).collect();
        Self(rules.iter().take(Self::MAX).map(|rule| Route { prefix: rule.prefix.clone(), trunks: named(rule) }).collect())
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
