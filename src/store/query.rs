//! A query as a value: declared fields, compared and sorted, a page at a time. No text of a caller becomes a query.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::documents::Document;
use super::error::StoreError;

/// A field of a document's content: keys joined by dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field(pub &'static str);

/// Which documents, in which order, how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// All of these hold.
    pub filters: Vec<(Field, Condition)>,
    /// By this field, then by identifier; by identifier alone when absent.
    pub sort: Option<(Field, Direction)>,
    /// Behind this place.
    pub after: Option<Cursor>,
    /// At most so many, 1 to [`Query::MAX_LIMIT`].
    pub limit: u32,
}

impl Query {
    /// More than this no page holds.
    pub const MAX_LIMIT: u32 = 200;

    /// The first `limit` documents by identifier; a limit out of bounds is moved within.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { filters: Vec::new(), sort: None, after: None, limit: limit.clamp(1, Self::MAX_LIMIT) }
    }

    /// Only documents whose `field` fulfils `condition`.
    #[must_use]
    pub fn filter(mut self, field: Field, condition: Condition) -> Self {
        self.filters.push((field, condition));
        self
    }

    /// In the order of `field`.
    #[must_use]
    pub fn sort(mut self, field: Field, direction: Direction) -> Self {
        self.sort = Some((field, direction));
        self
    }

    /// Behind the place that a former page gave.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.after = cursor;
        self
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Equal.
    Equals(Scalar),
    /// Equal or greater.
    AtLeast(Scalar),
    /// Smaller.
    Below(Scalar),
}

/// A value that can be compared. Times are compared as microseconds since 1970, never as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A whole number.
    Integer(i64),
    /// A text, compared byte by byte.
    Text(String),
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// A place in the answer to a query, opaque to whoever carries it: the last document's sort value and identifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    pub(super) sort: Option<Scalar>,
    pub(super) id: String,
}

impl Cursor {
    /// The place behind `last` in the answer to `query`.
    pub(super) fn behind(query: &Query, last: &Document) -> Self {
        let value_at = |field: Field| field.0.split('.').try_fold(&last.body, |value, key| value.get(key));
        let sort = query.sort.and_then(|(field, _)| match value_at(field)? {
            Value::Number(number) => number.as_i64().map(Scalar::Integer),
            Value::String(text) => Some(Scalar::Text(text.clone())),
            _ => None,
        });
        Self { sort, id: last.id.clone() }
    }

    /// As a text for an URL.
    #[must_use]
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(&(&self.sort, &self.id)).unwrap_or_default();
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(json)
    }

    /// From a text that [`Cursor::encode`] made.
    ///
    /// # Errors
    /// When it made no such text.
    pub fn decode(text: &str) -> Result<Self, StoreError> {
        if text.len() > MAX_CURSOR_LEN {
            return Err(StoreError::InvalidCursor);
        }
        let json = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| StoreError::InvalidCursor)?;
        let (sort, id) = serde_json::from_slice(&json).map_err(|_| StoreError::InvalidCursor)?;
        Ok(Self { sort, id })
    }
}

const MAX_CURSOR_LEN: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_itself_and_garbage_is_refused() {
        let cursor = Cursor { sort: Some(Scalar::Integer(-7)), id: "call_1".to_owned() };
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        for text in ["", "!", "AAAA", &"A".repeat(4_096)] {
            assert!(matches!(Cursor::decode(text), Err(StoreError::InvalidCursor)), "{text}");
        }
    }
}
