//! Many writes, cut into parts of which each is small enough to be one write of any database: MongoDB takes no document of more
//! than 16 MiB, and its outbox holds a part in one.

use serde_json::Value;

use super::documents::Write;

/// The same writes in their order, in parts of [`PART_LEN_BYTES`] at most; one that is longer by itself is a part of its own.
pub(super) fn in_parts(writes: Vec<Write>) -> Vec<Vec<Write>> {
    let (mut parts, mut part, mut filled) = (Vec::new(), Vec::new(), 0);
    for write in writes {
        let len_bytes = len_bytes(&write);
        if filled + len_bytes > PART_LEN_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            filled = 0;
        }
        filled += len_bytes;
        part.push(write);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// How long a write's content is as JSON, near enough: what has to be escaped counts as it is.
pub(super) fn len_bytes(write: &Write) -> usize {
    match write {
        Write::Insert { body, .. } | Write::Restore { body, .. } | Write::Replace { body, .. } | Write::Put { body, .. } => {
            value_len_bytes(body)
        }
        Write::Delete { .. } => 0,
    }
}

fn value_len_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 12,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.iter().map(|value| value_len_bytes(value) + 1).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + value_len_bytes(value) + 4).sum::<usize>() + 2,
    }
}

/// A third more once it is sealed, and still far from what a database refuses.
pub(super) const PART_LEN_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::contract::THINGS;

    fn put(n: usize, len_bytes: usize) -> Write {
        Write::Put { collection: &THINGS, id: n.to_string(), body: json!({ "words": ["x".repeat(len_bytes)] }) }
    }

    #[test]
    fn no_part_is_longer_than_may_be_and_all_are_there_in_their_order() {
        let writes: Vec<_> = (0..20).map(|n| put(n, 1 << 20)).chain([put(20, 9 << 20), put(21, 1), put(22, 1)]).collect();
        let parts = in_parts(writes.clone());
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 3, 3, 3, 2, 1, 2]);
        assert!(parts.iter().filter(|part| part.len() > 1).all(|part| part.iter().map(len_bytes).sum::<usize>() <= PART_LEN_BYTES));
        assert_eq!(parts.concat(), writes);
        assert!(in_parts(Vec::new()).is_empty());
    }

    #[test]
    fn the_length_is_that_of_the_text_near_enough() {
        let body = json!({ "a": [1, 2.5, null, true, "text"], "b": { "c": "x".repeat(1_000) } });
        let estimated = len_bytes(&Write::Put { collection: &THINGS, id: String::new(), body: body.clone() });
        assert!(estimated.abs_diff(body.to_string().len()) < 60, "{estimated}");
    }
}
