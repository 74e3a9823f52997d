//! What kind of service a number is: a table of prefixes that cost more than a call, from the public numbering plans.
//!
//! Not complete and never can be: premium numbers hide within ordinary ranges, too. The list of allowed countries is the
//! first wall, limits on minutes and money are the last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// A subscriber, fixed or mobile.
    Ordinary,
    /// Free for the caller.
    Freephone,
    /// The caller pays a part, often a fixed and higher one.
    SharedCost,
    /// The callee earns from the call; directory enquiries and votes included.
    Premium,
    /// A personal number, which leads anywhere.
    Personal,
    /// A telephone by satellite.
    Satellite,
    /// A network without a country.
    GlobalNetwork,
}

/// The service of an international number, without plus: that of the longest prefix in the table.
pub(super) fn of(digits: &str) -> Service {
    let matching = TABLE.iter().flat_map(|(service, prefixes)| prefixes.iter().map(move |prefix| (*service, *prefix)));
    let longest = matching.filter(|(_, prefix)| digits.starts_with(prefix)).max_by_key(|(_, prefix)| prefix.len());
    longest.map_or(Service::Ordinary, |(service, _)| service)
}

const TABLE: &[(Service, &[&str])] = &[
    (
        Service::Freephone,
        &[
            "800", "1800", "1833", "1844", "1855", "1866", "1877", "1888", "31800", "32800", "33800", "33801", "33802", "33803", "33804",
            "33805", "34800", "34900", "351800", "353180", "358800", "39800", "39803", "41800", "420800", "43800", "44800", "44808",
            "4580", "4620", "47800", "48800", "49800", "611800", "64800",
        ],
    ),
    (
        Service::SharedCost,
        &[
            "808", "31878", "31880", "31882", "31888", "3270", "3278", "3381", "33806", "33807", "33808", "33809", "3382", "34901",
            "34902", "351707", "351708", "351808", "351809", "35310", "353185", "353189", "35820", "35829", "358600", "39840", "39841",
            "39847", "39848", "4184", "42081", "43810", "43820", "43821", "4484", "47810", "47815", "48801", "48804", "49180", "6113",
            "64508",
        ],
    ),
    (
        Service::Premium,
        &[
            "979", "1900", "1976", "7809", "7803", "3118", "3167", "3190", "3290", "3389", "33118", "34803", "34806", "34807", "34905",
            "34907", "34118", "3517", "351601", "351607", "351608", "351646", "351760", "351761", "351762", "35315", "353118", "35875",
            "358700", "358100", "35816", "359900", "3681", "3690", "37090", "37190", "372900", "381900", "385600", "38606", "38689",
            "386090", "39144", "39166", "39178", "39199", "39892", "39893", "39894", "39895", "39899", "3912", "40900", "40901", "40903",
            "40906", "4118", "41900", "41901", "41906", "420900", "420906", "420908", "420909", "42112", "421900", "43900", "43901",
            "43930", "43931", "43939", "43118", "44118", "4487", "449", "4590", "46900", "46939", "46944", "4699", "46118", "4782",
            "47180", "47185", "4870", "48300", "48400", "49115", "49118", "49137", "49138", "49190", "49900", "6119", "6112", "64900",
            "81990", "810570", "81570", "8260", "852900", "86168", "90900", "91190", "27862", "2786", "55900", "55300", "55500", "54600",
            "54609", "972190", "971900", "651900", "661900", "60600",
        ],
    ),
    (
        Service::Personal,
        &[
            "878", "1500", "1521", "1522", "1533", "1544", "1566", "1577", "1588", "1700", "3184", "4470", "4476", "49700", "49701",
            "43720", "43730", "41878",
        ],
    ),
    (Service::Satellite, &["870", "881", "88213", "88216"]),
    (Service::GlobalNetwork, &["882", "883", "888", "991"]),
    // Islands of freephone and mobile telephones within the ranges above.
    (Service::Ordinary, &["447624"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_says_what_a_number_is() {
        for (digits, service) in [
            ("4930901820", Service::Ordinary),
            ("49900123456", Service::Premium),
            ("491803123456", Service::SharedCost),
            ("498001234567", Service::Freephone),
            ("449098790000", Service::Premium),
            ("447911123456", Service::Ordinary),
            ("447011123456", Service::Personal),
            ("881612345678", Service::Satellite),
            ("882161234567", Service::Satellite),
            ("883510001234567", Service::GlobalNetwork),
            ("19005550100", Service::Premium),
            ("18005550100", Service::Freephone),
        ] {
            assert_eq!(of(digits), service, "{digits}");
        }
    }
}
