//! Forms that a text can have.

use std::net::IpAddr;

use chrono::{DateTime, NaiveDate};
use media::dtmf::Digit;

use crate::domain::ids::is_identifier;
use crate::domain::network::Network;
use crate::net::https::HttpsUrl;
use crate::signalling::dialling::Country;

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Format {
    /// One line: no control characters.
    Line,
    /// Several lines: no control characters but line ends and tabs.
    Lines,
    /// An e-mail address.
    Email,
    /// A telephone number as people write it.
    Phone,
    /// A country's calling code (ITU-T E.164 section 6.1).
    CallingCode,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// A moment (RFC 3339).
    Moment,
    /// A language tag (BCP 47) of language and region.
    Language,
    /// A time zone of the IANA database by the form of its name.
    TimeZone,
    /// `https://…`.
    HttpsUrl,
    /// What looks like a telephone number or a SIP URI; whether it is dialled is decided where numbers are understood.
    CallTarget,
    /// As a call's target, or the identifier of a call.
    TransferTarget,
    /// The name of an agent.
    AgentName,
    /// By which an agent calls a tool.
    ToolName,
    /// What another system calls something.
    Token,
    /// Keys of a telephone.
    Digits,
    /// A name of a trunk, or a number as it is dialled.
    TelephonyName,
    /// An IP address.
    Address,
    /// An IP address, or a network in CIDR notation.
    Network,
    /// The beginning of an international number, with a plus.
    NumberPrefix,
    /// A country by its two letters.
    Country,
    /// An identifier that begins with this prefix and `_`.
    Id(&'static str),
    /// What a list gave as `next_cursor`.
    Cursor,
}

impl Format {
    /// Whether `text` has the form; its length was looked at already.
    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            Self::Line => !text.chars().any(char::is_control),
            Self::Lines => !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')),
            Self::Email => is_email(text),
            Self::Phone => is_phone(text),
            Self::CallingCode => is_calling_code(text),
            Self::Date => text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
            Self::Moment => DateTime::parse_from_rfc3339(text).is_ok(),
            Self::Language => is_language(text),
            Self::TimeZone => is_time_zone(text),
            Self::HttpsUrl => text.parse::<HttpsUrl>().is_ok(),
            Self::CallTarget => {
                let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
                let scheme = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sip:") || start.eq_ignore_ascii_case("tel:"));
                printable && (scheme || text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '(')))
            }
            Self::TransferTarget => Self::CallTarget.fits(text) || Self::Id("call").fits(text),
            Self::AgentName => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
            Self::ToolName => {
                text.starts_with(|first: char| first.is_ascii_alphabetic())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            }
            Self::Token => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:@".contains(&byte)),
            Self::Digits => text.chars().all(|key| Digit::new(key).is_some()),
            Self::TelephonyName => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)),
            Self::Address => text.parse::<IpAddr>().is_ok(),
            Self::Network => text.parse::<Network>().is_ok(),
            Self::NumberPrefix => text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())),
            Self::Country => text.parse::<Country>().is_ok(),
            Self::Id(prefix) => is_identifier(prefix, text),
            Self::Cursor => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        }
    }

    /// What a client is told that it must be.
    pub(super) const fn must(self) -> &'static str {
        match self {
            Self::Line => "must be one line of text of the allowed length",
            Self::Lines => "must be a text of the allowed length, without control characters",
            Self::Email => "must be an e-mail address",
            Self::Phone => "must be a telephone number of 7 to 15 digits, with +, spaces and hyphens at most",
            Self::CallingCode => "must be a country's calling code as 49 or +1",
            Self::Date => "must be a day as YYYY-MM-DD",
            Self::Moment => "must be a moment as 2027-01-15T08:00:00Z",
            Self::Language => "must be a language tag as en or es-MX",
            Self::TimeZone => "must be a time zone as Europe/Madrid",
            Self::HttpsUrl => "must be an https URL with a name or an address, without user and fragment",
            Self::CallTarget => "must be a telephone number, as in +4930901820, or a SIP URI, as in sip:1000@192.0.2.1",
            Self::TransferTarget => "must be a telephone number, a SIP URI or the id of a call",
            Self::AgentName => "must be the name of an agent",
            Self::ToolName => "must be a letter, then letters, digits or _, at most 64",
            Self::Token => "must be 1 to 128 letters, digits or - _ . : @",
            Self::Digits => "must be 1 to 32 keys of 0-9 * # A-D, and ! for a hook flash",
            Self::TelephonyName => "must be 1 to 64 letters, digits or + - . _",
            Self::Address => "must be an IP address",
            Self::Network => "must be an IP address, or a network as in 192.0.2.0/24 with no bits set behind the prefix",
            Self::NumberPrefix => "must be a plus and at most 15 digits",
            Self::Country => "must be a country by its two letters in capitals, as in DE",
            Self::Id(_) => "must be an identifier of this kind",
            Self::Cursor => "is not one that this list gave",
        }
    }

    /// Shortest and longest.
    pub(super) const fn length(self) -> (usize, usize) {
        match self {
            Self::Line | Self::Lines => (1, 4_000),
            Self::Email => (3, 254),
            Self::Phone => (7, 32),
            Self::CallingCode => (1, 4),
            Self::Date => (10, 10),
            Self::Moment => (20, 35),
            Self::Language => (2, 16),
            Self::TimeZone => (3, 64),
            Self::HttpsUrl => (10, 2_048),
            Self::CallTarget | Self::TransferTarget => (2, 256),
            Self::AgentName | Self::ToolName => (1, 64),
            Self::Token => (1, 128),
            Self::Digits => (1, 32),
            Self::TelephonyName => (1, 64),
            Self::Address => (2, 45),
            Self::Network => (2, 49),
            Self::NumberPrefix => (1, 16),
            Self::Country => (2, 2),
            Self::Id(prefix) if matches!(prefix.as_bytes(), b"org") => (5, 44),
            Self::Id(prefix) => (prefix.len() + 27, prefix.len() + 27),
            Self::Cursor => (1, 512),
        }
    }

    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Line | Self::Lines => "text",
            Self::Email => "ana@example.org",
            Self::Phone => "+1 555 010 0199",
            Self::CallingCode => "49",
            Self::Date => "1948-05-17",
            Self::Moment => "2027-01-15T08:00:00Z",
            Self::Language => "es-MX",
            Self::TimeZone => "America/Mexico_City",
            Self::HttpsUrl => "https://hooks.example.org/auricle",
            Self::CallTarget | Self::TransferTarget => "+4930901820",
            Self::AgentName => "reception",
            Self::ToolName => "free_times",
            Self::Token => "55a2c8e0-7b1d-4c0a-9a57-1d3f0c8b6e11",
            Self::Digits => "123#",
            Self::TelephonyName => "carrier",
            Self::Address => "192.0.2.1",
            Self::Network => "192.0.2.0/24",
            Self::NumberPrefix => "+49",
            Self::Country => "DE",
            Self::Id(_) => "",
            Self::Cursor => "WzE3MzIxMTgwMDAwMDAwMDAsImNhbGxfIl0",
        }
    }

    /// As JSON Schema says it: the name of a format or a pattern.
    pub(super) fn in_schema(self) -> (Option<&'static str>, Option<String>) {
        match self {
            Self::Email => (Some("email"), Some(EMAIL.to_owned())),
            Self::Phone => (None, Some("^\\+?[ -]*([0-9][ -]*){7,15}$".to_owned())),
            Self::CallingCode => (None, Some(r"^\+?[1-9][0-9]{0,2}$".to_owned())),
            Self::Date => (Some("date"), None),
            Self::Moment => (Some("date-time"), None),
            Self::Language => (None, Some("^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$".to_owned())),
            Self::TimeZone => (None, Some("^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$".to_owned())),
            Self::HttpsUrl => (Some("uri"), Some("^[hH][tT][tT][pP][sS]?://[!-~]+$".to_owned())),
            Self::CallTarget => (None, Some("^([sS][iI][pP]:|[tT][eE][lL]:|[+(0-9])[ -~]*$".to_owned())),
            Self::TransferTarget => (None, Some("^([sS][iI][pP]:|[tT][eE][lL]:|[+(0-9]|call_)[ -~]*$".to_owned())),
            Self::AgentName => (None, Some("^[A-Za-z0-9._-]+$".to_owned())),
            Self::ToolName => (None, Some("^[A-Za-z][A-Za-z0-9_]*$".to_owned())),
            Self::Token => (None, Some("^[A-Za-z0-9_.:@-]+$".to_owned())),
            Self::Digits => (None, Some("^[0-9*#A-Da-d!]+$".to_owned())),
            Self::TelephonyName => (None, Some(r"^[A-Za-z0-9+\-._]+$".to_owned())),
            Self::Address => (None, Some("^[0-9A-Fa-f:.]+$".to_owned())),
            Self::Network => (None, Some("^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$".to_owned())),
            Self::NumberPrefix => (None, Some(r"^\+[0-9]{0,15}$".to_owned())),
            Self::Country => (None, Some("^[A-Z]{2}$".to_owned())),
            Self::Id("org") => (None, Some("^org_[0-9a-z]{1,40}$".to_owned())),
            Self::Id(prefix) => (None, Some(format!("^{prefix}_[0-9a-hjkmnp-tv-z]{{26}}$"))),
            Self::Cursor => (None, Some("^[A-Za-z0-9_-]+$".to_owned())),
            Self::Line => (None, Some(r"^[^\x00-\x1f\x7f-\x9f]*$".to_owned())),
            Self::Lines => (None, Some(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$".to_owned())),
        }
    }
}

/// [`is_email`] without its lengths.
const EMAIL: &str = concat!(
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*",
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
);

/// The part of RFC 5321's form that is in use: no quoted local part, no address literal.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    (1..=64).contains(&local.len())
        && local.bytes().all(atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(label)
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `^\+?[\d\s-]+$`, with as many digits as E.164 allows.
fn is_phone(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits) && rest.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-')
}

fn is_calling_code(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let subtag = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic()) && parts.all(subtag)
}

fn is_time_zone(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte);
    let parts: Vec<_> = text.split('/').collect();
    parts.len() <= 3
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(legal))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_takes_its_example() {
        use Format::*;
        for format in [
            Email,
            Phone,
            CallingCode,
            Date,
            Moment,
            Language,
            TimeZone,
            HttpsUrl,
            CallTarget,
            TransferTarget,
            AgentName,
            ToolName,
            Digits,
            TelephonyName,
            Address,
            Network,
            NumberPrefix,
            Country,
            Cursor,
        ] {
            let (min, max) = format.length();
            assert!(format.fits(format.example()), "{format:?}");
            assert!((min..=max).contains(&format.example().chars().count()), "{format:?}");
        }
    }

    #[test]
    fn what_has_not_the_form_is_refused() {
        let cases = [
            (Format::Email, ["a@b", "@example.org", "a b@example.org", "a@-x.org", "a@example.1"]),
            (Format::Phone, ["+", "12345", "+1 555 CALL", "(555) 0100000", "1234567890123456"]),
            (Format::Date, ["1948-5-17", "1948-02-30", "17/05/1948", "1948-05-17T0", "----------"]),
            (
                Format::Id("cgv"),
                ["cgv_0", "cgv_", "call_00000000000000000000000000", "cgv_0000000000000000000000000o", "cgv-00000000000000000000000000"],
            ),
            (Format::Line, ["a\u{0}", "a\nb", "\u{1b}[2J", "\u{7f}", "\u{85}"]),
        ];
        for (format, texts) in cases {
            for text in texts {
                assert!(!format.fits(text), "{format:?} {text:?}");
            }
        }
    }
}
