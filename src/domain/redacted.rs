//! Personal data as a type that cannot be printed.
//!
//! `Debug` and `Display` write a placeholder, so no log line, panic message or error text can carry the value by
//! accident. Reading it takes a named call, which a reviewer can search for. Serialising it is allowed: records and
//! API answers are where personal data belongs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value of personal data: a telephone number, a name, an address, a spoken word.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Marks `value` as personal data.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself; never for a log line.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, by move; never for a log line.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Redacted<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_value() {
        let number = Redacted::new("+15550100");
        assert_eq!(format!("{number:?} {number}"), "[redacted] [redacted]");
    }
}
