//! Segment files: their names, and the form of a line.
//!
//! A line is `{"entry":<canonical entry>,"hash":"<its SHA-256>"}` and a line feed: itself canonical JSON, and readable
//! without parsing, so that exactly the bytes that were hashed are hashed again.

use std::io;
use std::path::{Path, PathBuf};

use super::entry::Hash;

/// Appends the line of an entry to `out`.
pub(super) fn write_line(canonical: &str, hash: Hash, out: &mut Vec<u8>) {
    out.extend_from_slice(BEFORE_ENTRY.as_bytes());
    out.extend_from_slice(canonical.as_bytes());
    out.extend_from_slice(BEFORE_HASH.as_bytes());
    out.extend_from_slice(hash.to_string().as_bytes());
    out.extend_from_slice(AFTER_HASH.as_bytes());
    out.push(b'\n');
}

/// The canonical entry and the hash beside it, of a line without its line feed.
pub(super) fn read_line(line: &str) -> Option<(&str, Hash)> {
    let rest = line.strip_prefix(BEFORE_ENTRY)?.strip_suffix(AFTER_HASH)?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HASH_LEN)?)?;
    let hash_is_lower = !hash.bytes().any(|byte| byte.is_ascii_uppercase());
    Some((rest.strip_suffix(BEFORE_HASH)?, hash.parse().ok().filter(|_| hash_is_lower)?))
}

/// The name of the segment with this number; the first has 1.
pub(super) fn name(number: u64) -> String {
    format!("{PREFIX}{number:08}{SUFFIX}")
}

/// The segments in a directory, in order.
pub(super) fn list(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        segments.extend(number.map(|number| (number, path)));
    }
    segments.sort_unstable();
    Ok(segments)
}

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";
const BEFORE_ENTRY: &str = "{\"entry\":";
const BEFORE_HASH: &str = ",\"hash\":\"";
const AFTER_HASH: &str = "\"}";
const HASH_LEN: usize = 64;
/// Longer lines the log does not write.
pub(super) const MAX_LINE_LEN: u64 = 64 * 1_024;
