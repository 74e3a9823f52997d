//! Who calls, as a network asserts it (RFC 3325, RFC 3323). Only asserted, never proven: whether whoever says so is believed is for the
//! application to decide, by where the message came from.

use super::name_addr::NameAddrRef;

/// P-Asserted-Identity or P-Preferred-Identity: at most one `sip`/`sips` and one `tel` address count (RFC 3325 §9.1).
#[derive(Clone, Copy, Default)]
pub struct Identities<'a> {
    /// The `sip` or `sips` address.
    pub sip: Option<NameAddrRef<'a>>,
    /// The `tel` address.
    pub tel: Option<NameAddrRef<'a>>,
}

impl<'a> Identities<'a> {
    pub(crate) fn of(elements: impl Iterator<Item = &'a str>) -> Self {
        let mut identities = Self::default();
        for address in elements.filter_map(|element| NameAddrRef::parse(element).ok()) {
            let scheme = address.uri_text().split(':').next().unwrap_or_default();
            if scheme.eq_ignore_ascii_case("tel") {
                identities.tel = identities.tel.or(Some(address));
            } else if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") {
                identities.sip = identities.sip.or(Some(address));
            }
        }
        identities
    }
}

/// What of a caller's identity may not be shown (RFC 3323 §4.2, RFC 3325 §9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
    /// `id`: the asserted identity stays within the trust domain.
    pub id: bool,
    /// `user`, `header` or `session`: the network is asked to hide more.
    pub anonymous: bool,
    /// `none`: the caller wants nothing hidden.
    pub none: bool,
    /// `critical`: rather no call than no privacy.
    pub critical: bool,
}

impl Privacy {
    pub(crate) fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut privacy = Self::default();
        for value in values.flat_map(|line| line.split([';', ','])).map(str::trim) {
            match value.to_ascii_lowercase().as_str() {
                "id" => privacy.id = true,
                "user" | "header" | "session" => privacy.anonymous = true,
                "none" => privacy.none = true,
                "critical" => privacy.critical = true,
                _ => {}
            }
        }
        privacy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identity_of_each_kind_counts() {
        let texts = ["\"Cullen\" <sip:fluffy@cisco.com>", "tel:+14085264000", "<tel:+1>", "nonsense"];
        let identities = Identities::of(texts.into_iter());
        assert_eq!(identities.sip.map(|sip| sip.uri_text()), Some("sip:fluffy@cisco.com"));
        assert_eq!(identities.tel.map(|tel| tel.uri_text()), Some("tel:+14085264000"));
    }

    #[test]
    fn privacy_is_a_list_by_semicolons() {
        assert_eq!(Privacy::of(["id;critical"].into_iter()), Privacy { id: true, critical: true, ..Privacy::default() });
        assert_eq!(Privacy::of(["none"].into_iter()), Privacy { none: true, ..Privacy::default() });
    }
}
