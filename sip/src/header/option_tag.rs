//! Option tags of Supported, Require and Unsupported (RFC 3261 §19.2) that this crate knows.

use super::HeaderName;
use crate::message::Headers;

/// A set of extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionTags(u8);

impl OptionTags {
    /// Reliable provisional responses (RFC 3262).
    pub const RELIABLE: Self = Self(1);
    /// Session timers (RFC 4028).
    pub const TIMER: Self = Self(2);
    /// Replaces (RFC 3891).
    pub const REPLACES: Self = Self(4);
    /// REFER without a subscription (RFC 4488).
    pub const NO_REFER_SUB: Self = Self(8);

    /// What an endpoint of this crate speaks, as the value of Supported.
    pub const SUPPORTED: &'static str = "100rel, timer, replaces, norefersub";

    /// Those that a header names; unknown ones are left out.
    pub(crate) fn of(headers: &Headers, name: HeaderName) -> Self {
        Self(headers.elements(name).filter_map(Self::named).fold(0, |set, tag| set | tag.0))
    }

    /// The elements of Require that this crate does not know, as written.
    pub(crate) fn unknown(headers: &Headers) -> impl Iterator<Item = &str> {
        headers.elements(HeaderName::Require).filter(|tag| Self::named(tag).is_none())
    }

    /// Whether all of `other` are here.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn named(tag: &str) -> Option<Self> {
        let known = [("100rel", Self::RELIABLE), ("timer", Self::TIMER), ("replaces", Self::REPLACES), ("norefersub", Self::NO_REFER_SUB)];
        known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(tag)).map(|(_, tag)| tag)
    }
}
