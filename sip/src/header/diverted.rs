//! Who was dialled before us: Diversion (RFC 5806) and History-Info (RFC 7044).

use super::name_addr::NameAddrRef;
use super::{HeaderError, parse_number};

/// One element of Diversion, the latest first.
#[derive(Clone, Copy)]
pub struct Diversion<'a> {
    /// Who diverted.
    pub party: NameAddrRef<'a>,
    /// Why, as written: `unconditional`, `no-answer`, `user-busy`, ….
    pub reason: Option<&'a str>,
    /// How often this party diverted the call.
    pub counter: u32,
}

impl<'a> Diversion<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let party = NameAddrRef::parse(text)?;
        let reason = party.params().value("reason").map(|reason| reason.trim_matches('"'));
        let counter = party.params().value("counter").and_then(|count| parse_number(count, 99)).unwrap_or(1);
        Ok(Self { party, reason, counter })
    }
}

/// One element of History-Info, the first target first.
#[derive(Clone, Copy)]
pub struct HistoryEntry<'a> {
    /// The target; its URI may carry the Reason of the retargeting as a header.
    pub target: NameAddrRef<'a>,
    /// Its place in the tree of targets, `1.1.2`.
    pub index: &'a str,
}

impl<'a> HistoryEntry<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let target = NameAddrRef::parse(text)?;
        let index = target.params().value("index").ok_or(HeaderError::Parameter)?;
        let valid = index.split('.').all(|part| parse_number(part, u32::MAX).is_some());
        if valid { Ok(Self { target, index }) } else { Err(HeaderError::Parameter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diversion_says_who_why_and_how_often() {
        let diversion = Diversion::parse("\"Doc\" <tel:+15550100>;reason=\"no-answer\";counter=2;privacy=off").unwrap();
        assert_eq!((diversion.party.uri_text(), diversion.reason, diversion.counter), ("tel:+15550100", Some("no-answer"), 2));
        assert_eq!(Diversion::parse("<sip:a@b>").map(|diversion| diversion.counter).ok(), Some(1));
    }

    #[test]
    fn an_entry_of_the_history_has_its_place() {
        let entry = HistoryEntry::parse("<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1.1").unwrap();
        assert_eq!((entry.index, entry.target.uri_text().contains("cause")), ("1.1", true));
        assert!(HistoryEntry::parse("<sip:a@b>").is_err() && HistoryEntry::parse("<sip:a@b>;index=1..2").is_err());
    }
}
