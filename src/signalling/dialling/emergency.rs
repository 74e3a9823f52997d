//! Emergency numbers: an agent that calls them by mistake or by fraud keeps somebody waiting who is in danger.

/// Whether these digits, as dialled, are an emergency number anywhere, or one behind a prefix for an outside line.
pub(super) fn is_emergency(digits: &str) -> bool {
    let without_zeros = digits.trim_start_matches('0');
    let outside = digits.strip_prefix(['0', '9']).unwrap_or_default();
    [digits, without_zeros, outside].into_iter().any(|candidate| EMERGENCY.contains(&candidate))
}

/// Whether an international number, without plus, leads to one: the exchange stops reading at its last digit.
pub(super) fn leads_to_emergency(digits: &str) -> bool {
    LEADING.iter().any(|prefix| digits.starts_with(prefix))
}

/// Police, fire, ambulance, and lines for those in need, of all countries whose plans are public.
const EMERGENCY: &[&str] = &[
    "000", "08", "10", "100", "101", "102", "103", "104", "105", "106", "107", "108", "110", "111", "112", "113", "114", "115", "116",
    "117", "118", "119", "120", "121", "122", "123", "124", "125", "126", "127", "128", "129", "130", "131", "132", "133", "140", "141",
    "143", "144", "145", "147", "15", "150", "151", "155", "156", "157", "158", "160", "166", "17", "18", "180", "181", "188", "190",
    "191", "192", "193", "194", "195", "196", "197", "198", "199", "777", "888", "902", "903", "907", "911", "912", "913", "917", "919",
    "933", "988", "990", "991", "992", "993", "994", "995", "996", "997", "998", "999", "1122", "10111", "10177", "116000", "116006",
    "116111", "116117", "116123",
];

/// Country and emergency number, where no subscriber's number begins so.
const LEADING: &[&str] =
    &["1911", "1988", "1933", "44112", "44999", "49110", "49112", "61000", "61106", "61112", "64111", "91112", "353112", "353999"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outside_line_hides_no_emergency_number() {
        for digits in ["112", "0112", "9911", "00112", "999"] {
            assert!(is_emergency(digits), "{digits}");
        }
        assert!(!is_emergency("4930901820"));
    }

    #[test]
    fn a_country_before_it_hides_it_neither_whatever_follows() {
        assert!(leads_to_emergency("49112"));
        assert!(leads_to_emergency("19115550100"));
        assert!(!leads_to_emergency("4930112"));
    }
}
