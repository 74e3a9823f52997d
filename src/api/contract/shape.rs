//! What a client may send, as values: they are checked against and printed from.

use serde::de::DeserializeOwned;

use super::format::Format;

/// What a request's body or query is read as.
pub(in crate::api) trait Input: DeserializeOwned {
    /// What it must look like.
    const SHAPE: &'static Object;
}

/// A JSON object, or the parameters of a query.
#[derive(Debug)]
pub(in crate::api) struct Object {
    /// Its name in the document.
    pub(in crate::api) name: &'static str,
    /// All that it may have.
    pub(in crate::api) members: &'static [Member],
}

/// One member of an object.
#[derive(Debug)]
pub(in crate::api) struct Member {
    pub(in crate::api) name: &'static str,
    pub(in crate::api) shape: Shape,
    pub(in crate::api) presence: Presence,
    /// What it means.
    pub(in crate::api) text: &'static str,
}

/// Whether a member must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Presence {
    Required,
    /// It may be absent, or null, which means that there is none.
    Optional,
    /// It stands in the place of others: optional, and not in an example that has them.
    Instead,
    /// It may be absent, and then stays as it is; it cannot be null.
    Kept,
}

/// A value.
#[derive(Debug)]
pub(in crate::api) enum Shape {
    /// A text of so many characters.
    Text { min: usize, max: usize, format: Format, example: &'static str },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number.
    Integer { min: i64, max: i64 },
    /// A number, whole or not.
    Amount { min: f64, max: f64 },
    /// True or false.
    Flag,
    /// Several of the same, none twice where `distinct`.
    List { of: &'static Shape, min: usize, max: usize },
    /// Values of one shape under names of one form.
    Map { key: Format, of: &'static Shape, max: usize },
    /// An object.
    Object(&'static Object),
    /// An object whose members are somebody else's business.
    Json,
}

impl Member {
    pub(in crate::api) const fn required(name: &'static str, shape: Shape, text: &'static str) -> Self {
        Self { name, shape, presence: Presence::Required, text }
    }

    pub(in crate::api) const fn optional(name: &'static str, shape: Shape, text: &'static str) -> Self {
        Self { name, shape, presence: Presence::Optional, text }
    }

    pub(in crate::api) const fn instead(name: &'static str, shape: Shape, text: &'static str) -> Self {
        Self { name, shape, presence: Presence::Instead, text }
    }

    pub(in crate::api) const fn kept(name: &'static str, shape: Shape, text: &'static str) -> Self {
        Self { name, shape, presence: Presence::Kept, text }
    }
}

impl Shape {
    /// A text of one line.
    pub(in crate::api) const fn line(min: usize, max: usize, example: &'static str) -> Self {
        Self::Text { min, max, format: Format::Line, example }
    }

    /// A text of a known form; its length is that form's.
    pub(in crate::api) const fn of(format: Format) -> Self {
        let (min, max) = format.length();
        Self::Text { min, max, format, example: format.example() }
    }
}
