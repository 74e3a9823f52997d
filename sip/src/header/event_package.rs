//! Event and Subscription-State (RFC 6665 §8.2), as the implicit subscription of REFER uses them (RFC 3515 §2.4.4).

use super::params::Params;
use super::{HeaderError, parse_number};
use crate::message::{is_token, split_outside_quotes, trim};

/// Event: a package, and which subscription to it.
#[derive(Clone, Copy, Debug)]
pub struct EventPackage<'a> {
    /// The package.
    pub package: &'a str,
    /// `id`: for REFER the number of its CSeq.
    pub id: Option<&'a str>,
}

impl<'a> EventPackage<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (package, params) = split_outside_quotes(text, b';', false);
        let package = trim(package);
        if is_token(package) { Ok(Self { package, id: Params::parse(params)?.value("id") }) } else { Err(HeaderError::Syntax) }
    }

    /// `refer`.
    pub fn is_refer(&self) -> bool {
        self.package.eq_ignore_ascii_case(REFER)
    }
}

/// The package of REFER.
pub(crate) const REFER: &str = "refer";

/// Subscription-State.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// Nothing more will come.
    pub terminated: bool,
    /// Seconds that it still lasts, when said.
    pub expires: Option<u32>,
}

impl SubscriptionState {
    pub(crate) fn parse(text: &str) -> Result<Self, HeaderError> {
        let (state, params) = split_outside_quotes(text, b';', false);
        let state = trim(state);
        if !is_token(state) {
            return Err(HeaderError::Syntax);
        }
        let expires = Params::parse(params)?.value("expires").and_then(|text| parse_number(text, u32::MAX));
        Ok(Self { terminated: state.eq_ignore_ascii_case("terminated"), expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_lives_until_it_says_otherwise() {
        assert_eq!(SubscriptionState::parse("active;expires=60"), Ok(SubscriptionState { terminated: false, expires: Some(60) }));
        assert_eq!(SubscriptionState::parse("Terminated;reason=noresource").map(|state| state.terminated), Ok(true));
        assert!(SubscriptionState::parse("").is_err());
    }

    #[test]
    fn a_package_may_have_an_id() {
        let event = EventPackage::parse("refer;id=93809824").unwrap();
        assert_eq!((event.is_refer(), event.id), (true, Some("93809824")));
        assert!(!EventPackage::parse("presence").unwrap().is_refer());
    }
}
