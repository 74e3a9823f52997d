//! Where an international number leads: the country codes of ITU-T E.164, with the areas that share a code told apart.
//!
//! A fraud that counts on `+1` being one country, or on `+44` having no islands, finds each of them its own country here.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A country by its two letters (ISO 3166-1), one that the table knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub struct Country(&'static str);

/// Why a text is no country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a country by its two letters in capitals, as in \"DE\"")]
pub struct InvalidCountry;

impl FromStr for Country {
    type Err = InvalidCountry;

    fn from_str(text: &str) -> Result<Self, InvalidCountry> {
        COUNTRIES.iter().find(|(letters, _)| *letters == text).map(|(letters, _)| Self(letters)).ok_or(InvalidCountry)
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The country of an international number, without plus: that of the longest prefix in the table.
pub(super) fn of(digits: &str) -> Option<Country> {
    let matching = COUNTRIES.iter().flat_map(|(letters, prefixes)| prefixes.iter().map(move |prefix| (*letters, *prefix)));
    matching.filter(|(_, prefix)| digits.starts_with(prefix)).max_by_key(|(_, prefix)| prefix.len()).map(|(letters, _)| Country(letters))
}

/// Whether these digits are a country's whole calling code.
pub(super) fn is_calling_code(digits: &str) -> bool {
    COUNTRIES.iter().any(|(_, prefixes)| prefixes.first() == Some(&digits) && digits.len() <= 3)
}

/// What stands behind the calling code of a country's number; none for services without a country.
pub(super) fn behind_code(digits: &str) -> Option<(&str, &str)> {
    (1..=3).filter_map(|length| digits.split_at_checked(length)).find(|(code, _)| is_calling_code(code))
}

/// Whether national numbers of this calling code may begin with what is dialled before them: it is no digit of E.164 then but where the
/// plan keeps its 0, and North America knows none that begins with 0 or 1.
pub(super) fn keeps(code: &str, national: &str) -> bool {
    match national.as_bytes() {
        [b'0', b'0', ..] => false,
        [b'0', ..] => KEEP_ZERO.contains(&code),
        [b'1', ..] => code != "1",
        _ => true,
    }
}

/// Italy with San Marino and the Vatican, Tajikistan, and African plans in which nothing is dialled before a number.
const KEEP_ZERO: &[&str] = &["39", "378", "379", "225", "226", "229", "241", "242", "250", "992"];

#[rustfmt::skip]
const COUNTRIES: &[(&str, &[&str])] = &[
    ("AC", &["247"]),
    ("AD", &["376"]),
    ("AE", &["971"]),
    ("AF", &["93"]),
    ("AG", &["1268"]),
    ("AI", &["1264"]),
    ("AL", &["355"]),
    ("AM", &["374"]),
    ("AO", &["244"]),
    ("AQ", &["672"]),
    ("AR", &["54"]),
    ("AS", &["1684"]),
    ("AT", &["43"]),
    ("AU", &["61"]),
    ("AW", &["297"]),
    ("AX", &["35818"]),
    ("AZ", &["994"]),
    ("BA", &["387"]),
    ("BB", &["1246"]),
    ("BD", &["880"]),
    ("BE", &["32"]),
    ("BF", &["226"]),
    ("BG", &["359"]),
    ("BH", &["973"]),
    ("BI", &["257"]),
    ("BJ", &["229"]),
    ("BM", &["1441"]),
    ("BN", &["673"]),
    ("BO", &["591"]),
    ("BQ", &["5993", "5994", "5997"]),
    ("BR", &["55"]),
    ("BS", &["1242"]),
    ("BT", &["975"]),
    ("BW", &["267"]),
    ("BY", &["375"]),
    ("BZ", &["501"]),
    ("CA", &["1204", "1226", "1236", "1249", "1250", "1257", "1263", "1289", "1306", "1343", "1354", "1365", "1367", "1368", "1382", "1403", "1416", "1418", "1428", "1431", "1437", "1438", "1450", "1460", "1468", "1474", "1506", "1514", "1519", "1537", "1548", "1568", "1579", "1581", "1584", "1587", "1604", "1613", "1639", "1647", "1672", "1683", "1705", "1709", "1742", "1753", "1778", "1780", "1782", "1807", "1819", "1825", "1867", "1873", "1879", "1902", "1905", "1942"]),
    ("CC", &["6189162"]),
    ("CD", &["243"]),
    ("CF", &["236"]),
    ("CG", &["242"]),
    ("CH", &["41"]),
    ("CI", &["225"]),
    ("CK", &["682"]),
    ("CL", &["56"]),
    ("CM", &["237"]),
    ("CN", &["86"]),
    ("CO", &["57"]),
    ("CR", &["506"]),
    ("CU", &["53"]),
    ("CV", &["238"]),
    ("CW", &["599"]),
    ("CX", &["6189164"]),
    ("CY", &["357"]),
    ("CZ", &["420"]),
    ("DE", &["49"]),
    ("DJ", &["253"]),
    ("DK", &["45"]),
    ("DM", &["1767"]),
    ("DO", &["1809", "1829", "1849"]),
    ("DZ", &["213"]),
    ("EC", &["593"]),
    ("EE", &["372"]),
    ("EG", &["20"]),
    ("EH", &["2125288", "2125289"]),
    ("ER", &["291"]),
    ("ES", &["34"]),
    ("ET", &["251"]),
    ("FI", &["358"]),
    ("FJ", &["679"]),
    ("FK", &["500"]),
    ("FM", &["691"]),
    ("FO", &["298"]),
    ("FR", &["33"]),
    ("GA", &["241"]),
    ("GB", &["44"]),
    ("GD", &["1473"]),
    ("GE", &["995"]),
    ("GF", &["594"]),
    ("GG", &["441481", "447781", "447839", "447911"]),
    ("GH", &["233"]),
    ("GI", &["350"]),
    ("GL", &["299"]),
    ("GM", &["220"]),
    ("GN", &["224"]),
    ("GP", &["590"]),
    ("GQ", &["240"]),
    ("GR", &["30"]),
    ("GT", &["502"]),
    ("GU", &["1671"]),
    ("GW", &["245"]),
    ("GY", &["592"]),
    ("HK", &["852"]),
    ("HN", &["504"]),
    ("HR", &["385"]),
    ("HT", &["509"]),
    ("HU", &["36"]),
    ("ID", &["62"]),
    ("IE", &["353"]),
    ("IL", &["972"]),
    ("IM", &["441624", "447524", "447624", "447924"]),
    ("IN", &["91"]),
    ("IO", &["246"]),
    ("IQ", &["964"]),
    ("IR", &["98"]),
    ("IS", &["354"]),
    ("IT", &["39"]),
    ("JE", &["441534", "447509", "447700", "447797", "447829", "447937"]),
    ("JM", &["1658", "1876"]),
    ("JO", &["962"]),
    ("JP", &["81"]),
    ("KE", &["254"]),
    ("KG", &["996"]),
    ("KH", &["855"]),
    ("KI", &["686"]),
    ("KM", &["269"]),
    ("KN", &["1869"]),
    ("KP", &["850"]),
    ("KR", &["82"]),
    ("KW", &["965"]),
    ("KY", &["1345"]),
    ("KZ", &["76", "77"]),
    ("LA", &["856"]),
    ("LB", &["961"]),
    ("LC", &["1758"]),
    ("LI", &["423"]),
    ("LK", &["94"]),
    ("LR", &["231"]),
    ("LS", &["266"]),
    ("LT", &["370"]),
    ("LU", &["352"]),
    ("LV", &["371"]),
    ("LY", &["218"]),
    ("MA", &["212"]),
    ("MC", &["377"]),
    ("MD", &["373"]),
    ("ME", &["382"]),
    ("MG", &["261"]),
    ("MH", &["692"]),
    ("MK", &["389"]),
    ("ML", &["223"]),
    ("MM", &["95"]),
    ("MN", &["976"]),
    ("MO", &["853"]),
    ("MP", &["1670"]),
    ("MQ", &["596"]),
    ("MR", &["222"]),
    ("MS", &["1664"]),
    ("MT", &["356"]),
    ("MU", &["230"]),
    ("MV", &["960"]),
    ("MW", &["265"]),
    ("MX", &["52"]),
    ("MY", &["60"]),
    ("MZ", &["258"]),
    ("NA", &["264"]),
    ("NC", &["687"]),
    ("NE", &["227"]),
    ("NF", &["6723"]),
    ("NG", &["234"]),
    ("NI", &["505"]),
    ("NL", &["31"]),
    ("NO", &["47"]),
    ("NP", &["977"]),
    ("NR", &["674"]),
    ("NU", &["683"]),
    ("NZ", &["64"]),
    ("OM", &["968"]),
    ("PA", &["507"]),
    ("PE", &["51"]),
    ("PF", &["689"]),
    ("PG", &["675"]),
    ("PH", &["63"]),
    ("PK", &["92"]),
    ("PL", &["48"]),
    ("PM", &["508"]),
    ("PR", &["1787", "1939"]),
    ("PS", &["970"]),
    ("PT", &["351"]),
    ("PW", &["680"]),
    ("PY", &["595"]),
    ("QA", &["974"]),
    ("RE", &["262"]),
    ("RO", &["40"]),
    ("RS", &["381"]),
    ("RU", &["7"]),
    ("RW", &["250"]),
    ("SA", &["966"]),
    ("SB", &["677"]),
    ("SC", &["248"]),
    ("SD", &["249"]),
    ("SE", &["46"]),
    ("SG", &["65"]),
    ("SH", &["290"]),
    ("SI", &["386"]),
    ("SJ", &["4779"]),
    ("SK", &["421"]),
    ("SL", &["232"]),
    ("SM", &["378"]),
    ("SN", &["221"]),
    ("SO", &["252"]),
    ("SR", &["597"]),
    ("SS", &["211"]),
    ("ST", &["239"]),
    ("SV", &["503"]),
    ("SX", &["1721"]),
    ("SY", &["963"]),
    ("SZ", &["268"]),
    ("TA", &["2908"]),
    ("TC", &["1649"]),
    ("TD", &["235"]),
    ("TG", &["228"]),
    ("TH", &["66"]),
    ("TJ", &["992"]),
    ("TK", &["690"]),
    ("TL", &["670"]),
    ("TM", &["993"]),
    ("TN", &["216"]),
    ("TO", &["676"]),
    ("TR", &["90"]),
    ("TT", &["1868"]),
    ("TV", &["688"]),
    ("TW", &["886"]),
    ("TZ", &["255"]),
    ("UA", &["380"]),
    ("UG", &["256"]),
    ("US", &["1"]),
    ("UY", &["598"]),
    ("UZ", &["998"]),
    ("VA", &["379", "3906698"]),
    ("VC", &["1784"]),
    ("VE", &["58"]),
    ("VG", &["1284"]),
    ("VI", &["1340"]),
    ("VN", &["84"]),
    ("VU", &["678"]),
    ("WF", &["681"]),
    ("WS", &["685"]),
    ("XK", &["383"]),
    ("YE", &["967"]),
    ("YT", &["262269", "262639"]),
    ("ZA", &["27"]),
    ("ZM", &["260"]),
    ("ZW", &["263"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_that_share_a_code_are_told_apart() {
        for (digits, country) in [
            ("12125550100", "US"),
            ("14165550100", "CA"),
            ("18765550100", "JM"),
            ("18095550100", "DO"),
            ("77012345678", "KZ"),
            ("74951234567", "RU"),
            ("441481123456", "GG"),
            ("442071234567", "GB"),
            ("390669812345", "VA"),
            ("4930901820", "DE"),
        ] {
            assert_eq!(of(digits).map(|country| country.to_string()).as_deref(), Some(country), "{digits}");
        }
        assert_eq!(of("999123456"), None);
    }

    #[test]
    fn a_zero_behind_the_code_is_a_digit_only_where_the_plan_keeps_it() {
        let begins_well = |digits| behind_code(digits).is_none_or(|(code, national)| keeps(code, national));
        for digits in ["390669812345", "3780549123456", "2250712345678", "22670123456", "80012345678", "442071234567", "12125550100"] {
            assert!(begins_well(digits), "{digits}");
        }
        for digits in ["440537123456", "490301234567", "36061234567", "39005312345", "10115312345", "11900555010"] {
            assert!(!begins_well(digits), "{digits}");
        }
    }

    #[test]
    fn no_prefix_belongs_to_two_countries() {
        let mut all: Vec<&str> = COUNTRIES.iter().flat_map(|(_, prefixes)| prefixes.iter().copied()).collect();
        let before = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), before);
    }
}
