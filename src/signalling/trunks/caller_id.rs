//! Who calls: the number that an outbound call shows, and whose word is taken for an inbound one (RFC 3325).

use sip::header::{NameAddr, NameAddrRef, Uri};
use sip::message::Request;

use super::config::{IdentityRule, NumberFormat, Quirk, TrunkConfig};
use super::uri_parts::{bracketed, user_part};
use crate::domain::arrival::Arrival;
use crate::domain::redacted::Redacted;
use crate::signalling::dialling::Number;

/// The number that a call is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownNumber(Number);

/// Who an outbound call says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// From.
    pub from: NameAddr,
    /// P-Asserted-Identity.
    pub asserted: Option<Uri>,
    /// Nobody but the carrier is to be told.
    pub withheld: bool,
}

impl ShownNumber {
    /// The number itself.
    #[must_use]
    pub const fn number(&self) -> &Number {
        &self.0
    }

    /// The number asked for, where the trunk may show it, or the trunk's own. `None` when the trunk has none or may not show the one
    /// that was asked for: showing a number that is not ours is how calls are blocked, and people deceived.
    #[must_use]
    pub fn choose(trunk: &TrunkConfig, asked: Option<&str>) -> Option<Self> {
        let read = |text: &str| trunk.numbering.read(text).ok();
        let allowed = || trunk.caller_id.iter().chain(&trunk.caller_ids).filter_map(|text| read(text));
        match asked {
            Some(asked) => read(asked).filter(|asked| allowed().any(|number| number == *asked)).map(Self),
            None => allowed().next().map(Self),
        }
    }
}

impl Identity {
    /// As the trunk wants it; `host` is where we are, as peers are told. Without a number the account's name stands in From. `None` where
    /// the number cannot be written so that it is read as itself.
    #[must_use]
    pub fn new(trunk: &TrunkConfig, shown: Option<&ShownNumber>, host: &str) -> Option<Self> {
        let account = trunk.username.as_deref().unwrap_or(OUR_USER);
        let domain = trunk.target_uri().map_or_else(|| bracketed(host), |target| bracketed(target.host()));
        let number = match shown {
            Some(shown) => Some(written(trunk, &shown.0)?),
            None => None,
        };
        let uri = |user: &str| Uri::parse(&format!("sip:{}@{domain}", user_part(user))).ok();
        if trunk.withhold_number {
            let from = NameAddr::with_display("Anonymous", Uri::parse(NOBODY).ok()?);
            return Some(Self { from, asserted: number.and_then(|number| uri(&number)), withheld: true });
        }
        let from = match (&number, trunk.identity) {
            (Some(number), IdentityRule::From | IdentityRule::Both) => uri(number)?,
            _ => uri(account)?,
        };
        let asserted = match (&number, trunk.identity) {
            (Some(number), IdentityRule::Asserted | IdentityRule::Both) => Some(uri(number)?),
            _ => None,
        };
        Some(Self { from: from.into(), asserted, withheld: false })
    }
}

/// The Request-URI of a call to a number by way of `host` (`host:port;params` of the trunk). `None` where the trunk would read another
/// number than this.
#[must_use]
pub(crate) fn request_uri(trunk: &TrunkConfig, number: &Number, target: &Uri) -> Option<Uri> {
    let port = target.port().map(|port| format!(":{port}")).unwrap_or_default();
    let transport = target.param("transport").map(|transport| format!(";transport={transport}")).unwrap_or_default();
    let phone = if trunk.quirks.contains(&Quirk::UserPhone) { ";user=phone" } else { "" };
    Uri::parse(&format!("sip:{}@{}{port}{transport}{phone}", written(trunk, number)?, bracketed(target.host()))).ok()
}

/// The number of P-Asserted-Identity, where the trunk's word is taken: that of its `tel` address, else the user of its `sip` one. What a
/// display name says is the caller's own word, whatever it looks like.
#[must_use]
pub fn asserted_number(trunk: &TrunkConfig, request: &Request) -> Option<String> {
    if !trunk.trusted_identity {
        return None;
    }
    let identities = request.headers().asserted_identities();
    let user = |address: NameAddrRef<'_>| Some(address.uri().ok()?.decoded_user()?.into_owned()).filter(|user| !user.is_empty());
    let asserted = identities.tel.and_then(user).or_else(|| identities.sip.and_then(user))?;
    Some(trunk.numbering.tidy(&asserted))
}

/// What is said of how a call came here, where the trunk's word is taken: who was called first, by the oldest Diversion or, without one, by
/// the first entry of the history.
#[must_use]
pub fn arrival(trunk: &TrunkConfig, request: &Request) -> Option<Arrival> {
    if !trunk.trusted_identity {
        return None;
    }
    let (headers, privacy) = (request.headers(), request.headers().privacy());
    let user = |text: &str| Some(trunk.numbering.tidy(&Uri::parse(text).ok()?.decoded_user()?)).filter(|user| !user.is_empty());
    let called = user(request.uri_text()).unwrap_or_default();
    let diversion = headers.diversions().last();
    let history = || headers.history().map(|entry| entry.target.uri_text()).collect::<Vec<_>>();
    let first = match diversion {
        Some(diversion) => user(diversion.party.uri_text()),
        // One entry alone is the call to us; so is the first of a proxy that went on to us under the number that was called.
        None => {
            Some(history()).filter(|targets| targets.len() > 1).and_then(|targets| user(targets.first()?)).filter(|first| *first != called)
        }
    };
    let bounded = |text: &str| (text.len() <= MAX_TEXT).then(|| text.to_owned());
    let told = headers.user_to_user().next().and_then(|told| bounded(told.content));
    Arrival {
        diversion_reason: diversion.and_then(|diversion| bounded(diversion.reason?)),
        diverted_from: first.map(Redacted::new),
        user_to_user: told.map(Redacted::new),
        wants_privacy: (privacy.id || privacy.anonymous) && !privacy.none,
    }
    .said()
}

/// In the trunk's own form; a national one only where it is read as the same number again, since what leads elsewhere was never looked at.
fn written(trunk: &TrunkConfig, number: &Number) -> Option<String> {
    let (digits, numbering) = (number.as_str().trim_start_matches('+'), &trunk.numbering);
    let code = numbering.country_code.as_str();
    match trunk.number_format {
        NumberFormat::E164 => Some(number.as_str().to_owned()),
        NumberFormat::Digits => Some(digits.to_owned()),
        // Where no country is its own, every number is one abroad.
        NumberFormat::National if code.is_empty() => Some(format!("{}{digits}", numbering.international_prefix)),
        NumberFormat::National => {
            let text = match digits.strip_prefix(code) {
                Some(rest) => format!("{}{rest}", numbering.national_prefix),
                None => format!("{}{digits}", numbering.international_prefix),
            };
            numbering.read(&text).is_ok_and(|read| read == *number).then_some(text)
        }
    }
}

/// The longest text of others that is kept (RFC 7433 §6 bounds what an ISDN carries at 128 octets).
const MAX_TEXT: usize = 512;

/// Who calls where that is nobody's to know (RFC 3323 §4.1.1.3).
const NOBODY: &str = "sip:anonymous@anonymous.invalid";

/// Who we are to whom we are nobody.
const OUR_USER: &str = "auricle";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::dialling::Numbering;

    fn trunk() -> TrunkConfig {
        TrunkConfig {
            target: Some("sip:trunk.example.com:5070;transport=tcp".into()),
            username: Some("acct".into()),
            caller_id: Some("+4930901820".into()),
            caller_ids: vec!["+4930901821".into()],
            numbering: Numbering { country_code: "49".into(), ..Numbering::default() },
            ..TrunkConfig::default()
        }
    }

    fn number(text: &str) -> Number {
        Numbering::default().read(text).unwrap()
    }

    #[test]
    fn a_call_shows_only_numbers_that_the_trunk_has() {
        let trunk = trunk();
        assert_eq!(ShownNumber::choose(&trunk, None), Some(ShownNumber(number("+4930901820"))));
        assert_eq!(ShownNumber::choose(&trunk, Some("030901821")), Some(ShownNumber(number("+4930901821"))));
        assert_eq!(ShownNumber::choose(&trunk, Some("+4930999999")), None);
    }

    #[test]
    fn the_number_stands_where_the_trunk_wants_it() {
        for (identity, from, asserted) in [
            (IdentityRule::From, "<sip:+4930901820@trunk.example.com>", None),
            (IdentityRule::Asserted, "<sip:acct@trunk.example.com>", Some("sip:+4930901820@trunk.example.com")),
            (IdentityRule::Both, "<sip:+4930901820@trunk.example.com>", Some("sip:+4930901820@trunk.example.com")),
        ] {
            let trunk = TrunkConfig { identity, ..trunk() };
            let shown = ShownNumber::choose(&trunk, None);
            let identity = Identity::new(&trunk, shown.as_ref(), "192.0.2.1").unwrap();
            assert_eq!((identity.from.to_string().as_str(), identity.asserted.as_ref().map(Uri::as_str)), (from, asserted));
        }
    }

    /// An INVITE with one more header.
    fn invite(header: &str) -> Request {
        let text = format!(
            "INVITE sip:030901820@gateway.example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:a@example.org>;tag=1\r\nTo: <sip:b@example.org>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
             {header}\r\nContent-Length: 0\r\n\r\n"
        );
        let Ok(sip::message::Message::Request(request)) = sip::message::Message::parse(text.into()) else { panic!("a request") };
        request
    }

    #[test]
    fn an_asserted_identity_is_an_address_and_never_what_a_display_name_says() {
        let trusting = TrunkConfig { trusted_identity: true, ..trunk() };
        for (value, expected) in [
            (r#""<sip:+4930110@x>" <sip:100@192.168.10.5>"#, Some("100")),
            (r#""\"<tel:+4930110>" <sip:100@192.168.10.5>"#, Some("100")),
            (r#""a, <tel:+4930110>" <sip:100@192.168.10.5>"#, Some("100")),
            ("<sip:100@192.168.10.5>, <tel:+4930901820>", Some("+4930901820")),
            ("sip:030901820@192.168.10.5", Some("+4930901820")),
            ("<sip:192.168.10.5>", None),
        ] {
            let request = invite(&format!("P-Asserted-Identity: {value}"));
            assert_eq!(asserted_number(&trusting, &request).as_deref(), expected, "{value}");
            assert_eq!(asserted_number(&trunk(), &request), None);
        }
    }

    #[test]
    fn a_proxy_that_went_on_to_us_under_the_number_that_was_called_has_not_diverted_the_call() {
        let trunk = TrunkConfig { trusted_identity: true, ..trunk() };
        let came = |history: &str| {
            let request = invite(&format!("History-Info: {history}"));
            arrival(&trunk, &request).and_then(|arrival| arrival.diverted_from).map(|from| from.expose().clone())
        };
        assert_eq!(came("<sip:+4930901820@a.example>;index=1, <sip:030901820@gateway.example.org>;index=1.1"), None);
        let diverted = came("<sip:+4930555@a.example>;index=1, <sip:030901820@gateway.example.org>;index=1.1");
        assert_eq!(diverted.as_deref(), Some("+4930555"));
    }

    #[test]
    fn a_number_that_is_withheld_is_told_to_the_carrier_alone() {
        for identity in [IdentityRule::From, IdentityRule::Asserted, IdentityRule::Both] {
            let trunk = TrunkConfig { identity, withhold_number: true, ..trunk() };
            let identity = Identity::new(&trunk, ShownNumber::choose(&trunk, None).as_ref(), "192.0.2.1").unwrap();
            assert_eq!(identity.from.to_string(), "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
            assert_eq!(identity.asserted.as_ref().map(Uri::as_str), Some("sip:+4930901820@trunk.example.com"));
            assert!(identity.withheld);
        }
    }

    #[test]
    fn a_number_is_written_as_the_trunk_wants_it() {
        for (format, quirks, expected) in [
            (NumberFormat::E164, vec![], "sip:+4989123456@trunk.example.com:5070;transport=tcp"),
            (NumberFormat::Digits, vec![Quirk::UserPhone], "sip:4989123456@trunk.example.com:5070;transport=tcp;user=phone"),
            (NumberFormat::National, vec![], "sip:089123456@trunk.example.com:5070;transport=tcp"),
        ] {
            let trunk = TrunkConfig { number_format: format, quirks, ..trunk() };
            let target = trunk.target_uri().unwrap();
            assert_eq!(request_uri(&trunk, &number("+4989123456"), &target).unwrap().as_str(), expected);
        }
        let national = TrunkConfig { number_format: NumberFormat::National, ..trunk() };
        assert_eq!(written(&national, &number("+33123456789")).as_deref(), Some("0033123456789"));
    }

    #[test]
    fn a_number_that_the_trunk_would_read_as_another_is_neither_called_nor_shown() {
        let plan = |code: &str, abroad: &str, within: &str| Numbering {
            country_code: code.into(),
            international_prefix: abroad.into(),
            national_prefix: within.into(),
        };
        for (numbering, text, expected) in [
            (plan("39", "00", ""), "+390669812345", Some("0669812345")),
            (plan("45", "00", ""), "+4533123456", Some("33123456")),
            (plan("1", "011", "1"), "+12125550100", Some("12125550100")),
            (plan("1", "011", ""), "+4930901820", Some("0114930901820")),
            (plan("49", "00", "00"), "+49537123456", None),
            (plan("34", "9", ""), "+34953123456", None),
            (plan("49", "", "0"), "+33123456789", None),
        ] {
            let trunk = TrunkConfig { number_format: NumberFormat::National, numbering, ..trunk() };
            let target = trunk.target_uri().unwrap();
            let called = request_uri(&trunk, &number(text), &target);
            let user = called.as_ref().and_then(Uri::user);
            assert_eq!(user, expected, "{text}");
            assert_eq!(Identity::new(&trunk, Some(&ShownNumber(number(text))), "192.0.2.1").is_some(), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn an_account_at_an_ipv6_address_is_named_in_brackets() {
        let trunk = TrunkConfig { target: None, caller_id: None, ..trunk() };
        let identity = Identity::new(&trunk, None, "2001:db8::1").unwrap();
        assert_eq!(identity.from.to_string(), "<sip:acct@[2001:db8::1]>");
    }
}
