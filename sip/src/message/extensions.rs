//! Typed access to the headers of extensions. What does not follow its grammar reads as missing.

use std::time::Duration;

use super::Headers;
use crate::header::{
    Causes, Diversion, EventPackage, HeaderName, HistoryEntry, Identities, MethodSet, OptionTags, Privacy, RAck, ReferTo, Replaces,
    SessionExpires, SubscriptionState, UserToUser, parse_min_se, parse_number,
};

impl Headers {
    /// Supported and Require together: what the sender speaks.
    pub fn speaks(&self) -> OptionTags {
        OptionTags::of(self, HeaderName::Supported).union(OptionTags::of(self, HeaderName::Require))
    }

    /// Require: what the receiver must speak.
    pub fn requires(&self) -> OptionTags {
        OptionTags::of(self, HeaderName::Require)
    }

    /// Allow; `None` when the sender does not say.
    pub fn allow(&self) -> Option<MethodSet> {
        self.value(HeaderName::Allow)?;
        Some(MethodSet::of(self.elements(HeaderName::Allow)))
    }

    /// RSeq (RFC 3262).
    pub fn rseq(&self) -> Option<u32> {
        self.value(HeaderName::RSeq).and_then(|text| parse_number(text, u32::MAX))
    }

    /// RAck (RFC 3262).
    pub fn rack(&self) -> Option<RAck<'_>> {
        self.value(HeaderName::RAck).and_then(|text| RAck::parse(text).ok())
    }

    /// Session-Expires (RFC 4028).
    pub fn session_expires(&self) -> Option<SessionExpires> {
        self.value(HeaderName::SessionExpires).and_then(|text| SessionExpires::parse(text).ok())
    }

    /// Min-SE (RFC 4028).
    pub fn min_se(&self) -> Option<Duration> {
        self.value(HeaderName::MinSe).and_then(|text| parse_min_se(text).ok())
    }

    /// Refer-To (RFC 3515), when there is exactly one.
    pub fn refer_to(&self) -> Option<ReferTo> {
        let mut values = self.values(HeaderName::ReferTo);
        let first = values.next()?;
        if values.next().is_some() { None } else { ReferTo::parse(first).ok() }
    }

    /// Replaces (RFC 3891).
    pub fn replaces(&self) -> Option<Replaces> {
        self.value(HeaderName::Replaces).and_then(|text| Replaces::parse(text).ok())
    }

    /// Event (RFC 6665).
    pub fn event(&self) -> Option<EventPackage<'_>> {
        self.value(HeaderName::Event).and_then(|text| EventPackage::parse(text).ok())
    }

    /// Subscription-State (RFC 6665).
    pub fn subscription_state(&self) -> Option<SubscriptionState> {
        self.value(HeaderName::SubscriptionState).and_then(|text| SubscriptionState::parse(text).ok())
    }

    /// Reason (RFC 3326).
    pub fn causes(&self) -> Causes {
        Causes::of(self.elements(HeaderName::Reason))
    }

    /// P-Asserted-Identity (RFC 3325): asserted by whoever sent the message, and worth as much as they are.
    pub fn asserted_identities(&self) -> Identities<'_> {
        Identities::of(self.elements(HeaderName::PAssertedIdentity))
    }

    /// P-Preferred-Identity (RFC 3325): what a caller asks its own network to assert.
    pub fn preferred_identities(&self) -> Identities<'_> {
        Identities::of(self.elements(HeaderName::PPreferredIdentity))
    }

    /// Privacy (RFC 3323).
    pub fn privacy(&self) -> Privacy {
        Privacy::of(self.values(HeaderName::Privacy))
    }

    /// Diversion (RFC 5806), the latest first.
    pub fn diversions(&self) -> impl Iterator<Item = Diversion<'_>> {
        self.elements(HeaderName::Diversion).filter_map(|text| Diversion::parse(text).ok())
    }

    /// History-Info (RFC 7044), the first target first.
    pub fn history(&self) -> impl Iterator<Item = HistoryEntry<'_>> {
        self.elements(HeaderName::HistoryInfo).filter_map(|text| HistoryEntry::parse(text).ok())
    }

    /// User-to-User (RFC 7433).
    pub fn user_to_user(&self) -> impl Iterator<Item = UserToUser<'_>> {
        self.elements(HeaderName::UserToUser).filter_map(|text| UserToUser::parse(text).ok())
    }
}
