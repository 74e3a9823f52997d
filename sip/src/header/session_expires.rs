//! Session-Expires and Min-SE (RFC 4028 §4, §5).

use std::fmt;
use std::time::Duration;

use super::params::Params;
use super::{HeaderError, parse_number};
use crate::message::{split_outside_quotes, trim};

/// How long a call lives without a refresh, and who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// Whole seconds.
    pub interval: Duration,
    /// Who refreshes; `None` leaves it to the far end.
    pub refresher: Option<Refresher>,
}

/// Who refreshes: a role in the transaction that said so, not in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

impl SessionExpires {
    pub(crate) fn parse(text: &str) -> Result<Self, HeaderError> {
        let (seconds, params) = split_outside_quotes(text, b';', false);
        let refresher = match Params::parse(params)?.value("refresher") {
            Some(role) if role.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(role) if role.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return Err(HeaderError::Parameter),
            None => None,
        };
        Ok(Self { interval: parse_seconds(trim(seconds))?, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval.as_secs())?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// Min-SE; parameters mean nothing yet.
pub(crate) fn parse_min_se(text: &str) -> Result<Duration, HeaderError> {
    parse_seconds(trim(split_outside_quotes(text, b';', false).0))
}

fn parse_seconds(text: &str) -> Result<Duration, HeaderError> {
    parse_number(text, u32::MAX).map(|seconds| Duration::from_secs(seconds.into())).ok_or(HeaderError::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_and_refresher_are_read_and_written() {
        let expires = SessionExpires::parse("1800 ; refresher=UAS").unwrap();
        assert_eq!(expires, SessionExpires { interval: Duration::from_secs(1800), refresher: Some(Refresher::Uas) });
        assert_eq!(expires.to_string(), "1800;refresher=uas");
        assert_eq!(SessionExpires::parse("90").map(|expires| expires.to_string()), Ok("90".to_owned()));
        for text in ["", "-1", "90;refresher=me", "90;;", "1 800"] {
            assert!(SessionExpires::parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_min_se("90;x=y"), Ok(Duration::from_secs(90)));
    }
}
