//! Headers that an application adds to a call of its own.

use std::fmt::{self, Display};

use super::HeaderName;

/// Headers beside those that the protocol needs, in their order; at most 16, more are dropped.
#[derive(Clone, Default)]
pub struct ExtraHeaders(Vec<(HeaderName, Box<str>)>);

impl ExtraHeaders {
    /// Adds one. Only headers that say something about the caller or the call are taken, all others are the endpoint's own and are
    /// dropped, as are control characters in the value.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl Display) -> Self {
        let about_the_call = matches!(
            name,
            HeaderName::PAssertedIdentity
                | HeaderName::PPreferredIdentity
                | HeaderName::Privacy
                | HeaderName::Diversion
                | HeaderName::HistoryInfo
                | HeaderName::UserToUser
                | HeaderName::Identity
                | HeaderName::Date
        );
        if about_the_call && self.0.len() < MAX_EXTRA {
            let value: String = value.to_string().chars().filter(|character| !character.is_control()).collect();
            self.0.push((name, value.into()));
        }
        self
    }

    /// Those that were taken, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (HeaderName, &str)> {
        self.0.iter().map(|(name, value)| (*name, &**value))
    }
}

/// Hides the values: they name people.
impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

const MAX_EXTRA: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_out_and_the_endpoints_own_headers_stay_its_own() {
        let extra =
            ExtraHeaders::default().with(HeaderName::Privacy, "id\r\nVia: x").with(HeaderName::Via, "x").with(HeaderName::Route, "x");
        assert_eq!(extra.iter().collect::<Vec<_>>(), [(HeaderName::Privacy, "idVia: x")]);
    }
}
