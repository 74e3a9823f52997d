use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::*;
use crate::signalling::config::OutboundConfig;
use crate::signalling::dialling::Numbering;
use crate::signalling::trunks::{DirectorySource, Quirk, RouteConfig, TrunkConfig};

fn trunk(target: &str) -> TrunkConfig {
    TrunkConfig { target: Some(target.to_owned()), caller_id: Some("+4930901820".to_owned()), ..TrunkConfig::default() }
}

/// A German practice that may call Germany and Austria, and freephone numbers.
fn practice(enabled: bool) -> Directory {
    let tenant = TollPolicy {
        countries: ["DE", "AT"].into_iter().map(|country| country.parse().unwrap()).collect(),
        services: std::collections::BTreeSet::from([crate::signalling::dialling::Service::Freephone]),
        deny: vec!["+49306667".to_owned()],
        ..TollPolicy::default()
    };
    let outbound = OutboundConfig {
        enabled,
        numbering: Numbering { country_code: "49".to_owned(), ..Numbering::default() },
        routes: vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["first".to_owned(), "second".to_owned()] }],
        ..OutboundConfig::default()
    };
    let trunks = BTreeMap::from([("first".to_owned(), trunk("sip:192.0.2.1")), ("second".to_owned(), trunk("sip:192.0.2.2"))]);
    let tenants = BTreeMap::from([("org_default".to_owned(), tenant)]);
    Directory::new(DirectorySource { trunks, outbound, tenants, ..DirectorySource::default() }, |_| None).unwrap()
}

fn read(text: &str) -> Result<Destination, DialRefusal> {
    read_as(text, &practice(true), &OrgId::default_org())
}

/// With addresses for names, and no name servers.
fn read_as(text: &str, directory: &Directory, org: &OrgId) -> Result<Destination, DialRefusal> {
    let servers = || {
        let uri = Uri::parse(text).map_err(|_| LocateError::Scheme)?;
        let host = uri.host().parse().map_err(|_| LocateError::NotFound)?;
        Ok(vec![Flow::udp(LOCAL, SocketAddr::new(host, uri.port().unwrap_or(5060)))])
    };
    Destination::read(text, directory, org, servers)
}

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)), 5060);

/// What a dial string comes to: the number that is dialled, or none.
fn dialled(text: &str) -> Option<String> {
    match read(text).ok()? {
        Destination::Number { number, .. } => Some(number.as_str().to_owned()),
        Destination::Direct { uri, .. } => Some(uri.as_str().to_owned()),
    }
}

#[test]
fn of_all_dial_strings_only_what_the_tenant_allows_is_dialled() {
    for (text, expected) in MATRIX {
        assert_eq!(dialled(text).as_deref(), *expected, "{text:?}");
    }
    assert!(MATRIX.len() >= 100, "{}", MATRIX.len());
}

#[test]
fn a_number_in_a_uri_is_counted_as_a_call_to_it_and_an_extension_is_not() {
    let rate = |text| read(text).unwrap().rate();
    assert_eq!(rate("sip:+4930901820@127.0.0.1"), rate("+4930901820"));
    assert!(rate("+4930901820").is_some());
    for extension in ["sip:2001@127.0.0.1", "sip:desk@127.0.0.1", "sip:127.0.0.1"] {
        assert_eq!(rate(extension), None, "{extension}");
    }
}

/// A dial string, and what is dialled for it.
#[rustfmt::skip]
const MATRIX: &[(&str, Option<&str>)] = &[
    // Forms of an allowed number.
    ("+4930901820", Some("+4930901820")),
    ("tel:+4930901820", Some("+4930901820")),
    ("TEL:+49-30-901-820", Some("+4930901820")),
    ("+49 (30) 90.18-20", Some("+4930901820")),
    ("004930901820", Some("+4930901820")),
    ("030901820", Some("+4930901820")),
    ("(030) 901820", Some("+4930901820")),
    ("+4366412345678", Some("+4366412345678")),
    ("0043 664 12345678", Some("+4366412345678")),
    ("08001234567", Some("+498001234567")),
    ("+80012345678", Some("+80012345678")),
    ("+49 (0)30 901820", Some("+4930901820")),
    ("tel:+43(0)66412345678", Some("+4366412345678")),
    // What is dialled within the country, behind the country's code: carriers drop it, or call abroad.
    ("+490537123456", None),
    ("+49 0537 123456", None),
    ("+49 (0)0537 123456", None),
    ("+49(05)37123456", None),
    ("0049 0537 123456", None),
    ("00490030901820", None),
    ("+4300535212345", None),
    ("+4909001234567", None),
    ("+490110123456", None),
    ("sip:+490537123456@127.0.0.1", None),
    // Countries that are not allowed, near ones, dear ones and those that share a code.
    ("+33123456789", None),
    ("0033123456789", None),
    ("+12125550100", None),
    ("0012125550100", None),
    ("+18765550100", None),
    ("+18095550100", None),
    ("+1 (473) 555-0100", None),
    ("+3725123456", None),
    ("+37129123456", None),
    ("+25261234567", None),
    ("+5352123456", None),
    ("+85012345678", None),
    ("+2347012345678", None),
    ("+447911123456", None),
    ("+441481123456", None),
    ("+74951234567", None),
    ("+77012345678", None),
    ("+393331234567", None),
    ("+6745551234", None),
    // Premium, shared cost, personal, satellite, networks without a country.
    ("+499001234567", None),
    ("09001234567", None),
    ("0900 1 234567", None),
    ("+4919012345678", None),
    ("+49137123456", None),
    ("+491805123456", None),
    ("01805 123456", None),
    ("+4911833", None),
    ("+4911880123", None),
    ("+49700123456", None),
    ("+43900123456", None),
    ("+43930123456", None),
    ("0043 810 123456", None),
    ("+19005550100", None),
    ("+19765550100", None),
    ("+449098790000", None),
    ("+447011123456", None),
    ("+97912345678", None),
    ("+80812345678", None),
    ("+870771234567", None),
    ("+881612345678", None),
    ("+8821612345678", None),
    ("+883510001234567", None),
    ("+87812345678", None),
    // Denied by name.
    ("+49306667123", None),
    ("030 6667-123", None),
    // Emergency numbers in all dresses.
    ("112", None),
    ("110", None),
    ("911", None),
    ("999", None),
    ("000", None),
    ("116117", None),
    ("0112", None),
    ("00112", None),
    ("9-112", None),
    ("1-1-2", None),
    ("+112", None),
    ("tel:112", None),
    ("tel:112;phone-context=+49", None),
    ("+49112", None),
    ("+49112345678", None),
    ("0049110", None),
    ("+1911", None),
    ("sip:112@127.0.0.1", None),
    ("sip:%31%31%32@127.0.0.1", None),
    // Encoded.
    ("%2B4930901820", None),
    ("+49%33%30901820", None),
    ("+4930901820%00", None),
    ("sip:%2B33123456789@127.0.0.1", None),
    ("sip:%2B%33%33123456789@127.0.0.1", None),
    ("sip:0033123456789@127.0.0.1", None),
    ("sip:00%3333123456789@127.0.0.1", None),
    ("sip:+4930901820@127.0.0.1", Some("sip:+4930901820@127.0.0.1")),
    ("sip:+33123456789;ext=1@127.0.0.1", None),
    ("+４９３０９０１８２０", None),
    ("+٤٩٣٠٩٠١٨٢٠", None),
    ("＋4930901820", None),
    ("+49\u{200b}30901820", None),
    ("+49\u{a0}30901820", None),
    ("+49\t30901820", None),
    ("+4930901820\r\nRoute: <sip:evil>", None),
    // Parameters and keys to be pressed later.
    ("tel:901820;phone-context=+4930", None),
    ("tel:0900123456;phone-context=example.com", None),
    ("tel:+4930901820;isub=12345", None),
    ("tel:+4930901820;ext=99", None),
    ("tel:+4930901820;postd=pp22", None),
    ("tel:+4930901820;npdi;rn=+49900123456", None),
    ("tel:+4930901820;tgrp=evil;trunk-context=x", None),
    ("+4930901820;00", None),
    ("+4930901820,,1234", None),
    ("+4930901820p1234", None),
    ("+4930901820w1234", None),
    ("+4930901820#31#", None),
    ("*21*+33123456789#", None),
    ("#31#+4930901820", None),
    ("+4930901820*", None),
    // Letters, and what is no number.
    ("+1800FLOWERS", None),
    ("+49 30 PRAXIS", None),
    ("0x1e901820", None),
    ("tel:+4930abc820", None),
    ("", None),
    ("+", None),
    ("00", None),
    ("0", None),
    ("tel:", None),
    ("+-()", None),
    ("-+4930901820", None),
    ("++4930901820", None),
    ("4930901820+", None),
    ("+49+30901820", None),
    ("4930901820", None),
    ("901820", None),
    ("+49", None),
    ("+49301", None),
    ("+4930901820123456", None),
    ("+0930901820", None),
    ("+99912345678", None),
    ("+21012345678", None),
    ("+49 30 901820 +33 1 23456789", None),
    ("+4930901820@evil.example", None),
    ("+4930901820/", None),
    // Elsewhere than where calls may go.
    ("sip:bob@192.0.2.77", None),
    ("sip:bob@example.com", None),
    ("sips:bob@127.0.0.1", Some("sips:bob@127.0.0.1")),
    ("sip:bob@127.0.0.1.nip.io", None),
    ("http://127.0.0.1/", None),
    ("urn:service:sos", None),
    ("sip:bob@127.0.0.1", Some("sip:bob@127.0.0.1")),
    ("sip:1000@127.0.0.1", Some("sip:1000@127.0.0.1")),
    ("sip:0000000000@127.0.0.1", None),
];

#[test]
fn nothing_goes_out_by_a_trunk_until_it_is_switched_on() {
    let off = |text| read_as(text, &practice(false), &OrgId::default_org());
    assert_eq!(off("+4930901820"), Err(DialRefusal::Off));
    assert_eq!(off("sip:+4930901820@127.0.0.1"), Err(DialRefusal::Off));
    assert!(off("sip:bob@127.0.0.1").is_ok());
}

#[test]
fn a_tenant_that_is_not_listed_calls_nobody() {
    let refused = read_as("+4930901820", &practice(true), &"org_other".parse().unwrap());
    assert_eq!(refused, Err(DialRefusal::Toll(TollRefusal::Country)));
}

fn attempts(down: &str, org: &OrgId, shown: Option<&str>) -> Result<Vec<String>, DialRefusal> {
    let way = |trunk: &Trunk| {
        let target = trunk.config.target_uri()?;
        let address = format!("{}:5060", target.host()).parse().ok()?;
        (trunk.name.to_string() != down).then(|| Way { flows: vec![Flow::udp(LOCAL, address)], target, preference: None })
    };
    let destination = read("+4989123456").unwrap();
    let ways = |trunk: &Trunk| way(trunk).into_iter().collect();
    let ways = Ways { ways: &ways };
    let found = ways.attempts(&destination, &practice(true), org, shown)?;
    Ok(found.iter().map(|attempt| format!("{} {}", attempt.request_uri, attempt.from)).collect())
}

#[test]
fn trunks_are_tried_in_their_order_and_those_that_are_down_are_passed_over() {
    let org = OrgId::default_org();
    let [first, second] = ["192.0.2.1", "192.0.2.2"].map(|host| format!("sip:+4989123456@{host} <sip:+4930901820@{host}>"));
    assert_eq!(attempts("none", &org, None), Ok(vec![first, second.clone()]));
    assert_eq!(attempts("first", &org, None), Ok(vec![second]));
}

#[test]
fn a_trunk_of_another_tenant_is_never_taken_and_no_number_of_others_shown() {
    assert_eq!(attempts("none", &"org_other".parse().unwrap(), None), Err(DialRefusal::NoTrunk));
    assert_eq!(attempts("none", &OrgId::default_org(), Some("+4930999999")), Err(DialRefusal::NoTrunk));
}

fn registered(flow: Flow, contact: &str, preference: u16) -> Way {
    Way { flows: vec![flow], target: Uri::parse(contact).unwrap(), preference: Some(preference) }
}

/// What a call to a trunk that has registered this contact names in the request and in To.
fn by_contact(contact: &str, quirks: Vec<Quirk>) -> (String, String) {
    let login = ("phone".to_owned(), "P".to_owned());
    let phone = TrunkConfig { login: Some(login.0), login_password_env: Some(login.1), registers: true, quirks, ..TrunkConfig::default() };
    let source = DirectorySource {
        trunks: BTreeMap::from([("phone".to_owned(), phone)]),
        outbound: OutboundConfig {
            enabled: true,
            routes: vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["phone".to_owned()] }],
            ..OutboundConfig::default()
        },
        ..DirectorySource::default()
    };
    let directory = Directory::new(source, |_| Some("secret".to_owned())).unwrap();
    let flow = Flow::udp(LOCAL, "192.0.2.7:5070".parse().unwrap());
    let ways = |_: &Trunk| vec![registered(flow, contact, 1_000)];
    let found = Ways { ways: &ways }.attempts(&read("+4989123456").unwrap(), &directory, &OrgId::default_org(), None).unwrap();
    (found[0].request_uri.to_string(), found[0].to.to_string())
}

#[test]
fn who_has_registered_is_called_by_its_contact_and_told_the_number_in_to() {
    let contact = "sip:phone-0x5620a1@192.0.2.7:5070;transport=tcp;ob";
    let number = "sip:+4989123456@192.0.2.7:5070;transport=tcp";
    assert_eq!(by_contact(contact, Vec::new()), (contact.to_owned(), format!("<{number}>")));
    assert_eq!(by_contact(contact, vec![Quirk::CalledAtContact]), (number.to_owned(), format!("<{number}>")));
}

#[test]
fn a_telephone_that_has_registered_over_ipv6_is_called() {
    let (contact, ours, theirs) = ("sip:phone@[2001:db8::7]:5070", "[2001:db8::9]:5060", "[2001:db8::7]:5070");
    let trunk =
        TrunkConfig { login: Some("phone".into()), login_password_env: Some("P".into()), registers: true, ..TrunkConfig::default() };
    let outbound = OutboundConfig {
        enabled: true,
        routes: vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["phone".to_owned()] }],
        ..OutboundConfig::default()
    };
    let trunks = BTreeMap::from([("phone".to_owned(), trunk)]);
    let directory = Directory::new(DirectorySource { trunks, outbound, ..DirectorySource::default() }, |_| Some("secret".into())).unwrap();
    let flow = Flow::udp(ours.parse().unwrap(), theirs.parse().unwrap());
    let ways = |_: &Trunk| vec![registered(flow, contact, 1_000)];
    let found = Ways { ways: &ways }.attempts(&read("+4989123456").unwrap(), &directory, &OrgId::default_org(), None).unwrap();
    assert_eq!((found[0].request_uri.as_str(), found[0].to.uri().as_str()), (contact, "sip:+4989123456@[2001:db8::7]:5070"));
    assert_eq!(found[0].from.uri().as_str(), "sip:auricle@[2001:db8::9]");
}

#[test]
fn a_contact_that_looks_like_a_number_that_may_not_be_called_is_not_dialled() {
    for contact in ["sip:+19005550100@192.0.2.7", "sip:0019005550100@192.0.2.7", "sip:112@192.0.2.7", "sip:%2B19005550100@192.0.2.7"] {
        assert_eq!(by_contact(contact, Vec::new()).0, "sip:+4989123456@192.0.2.7", "{contact}");
    }
    for contact in ["sip:1001@192.0.2.7", "sip:192.0.2.7", "sips:phone@192.0.2.7"] {
        assert_eq!(by_contact(contact, Vec::new()).0, contact);
    }
}
