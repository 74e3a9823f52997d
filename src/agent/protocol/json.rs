//! What the protocols that speak JSON share: reading with a bound on depth, writing, and words fit for a log.

use std::borrow::Cow;

use base64_simd::{STANDARD, forgiving_decode_to_vec};
use media::frame::{AudioFormat, ItemId};
use memchr::memchr2;
use serde::{Deserialize, Serialize};

use super::Outputs;
use crate::agent::model::AgentEvent;
use crate::agent::session::Outbox;

/// Why a message could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::agent) enum Malformed {
    /// Not JSON, or a message we know whose fields are not as they must be.
    #[error("not the JSON it must be")]
    Json,
    /// A frame of bytes that is cut, or none at all.
    #[error("not the frame it must be")]
    Frame,
    /// More than [`MAX_DEPTH`] levels.
    #[error("nested too deeply")]
    TooDeep,
}

/// A text in a message, borrowed from it wherever it is written without escapes: of a `Cow` that may be absent, unlike of one that must be
/// there, serde makes a copy.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Reads a message that is known not to be nested too deeply.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Malformed> {
    serde_json::from_str(text).map_err(|_| Malformed::Json)
}

/// Refuses what is nested more than [`MAX_DEPTH`] deep.
pub(super) fn check_depth(text: &str) -> Result<(), Malformed> {
    if is_deeper_than(text, MAX_DEPTH) { Err(Malformed::TooDeep) } else { Ok(()) }
}

/// Queues a message that must arrive.
pub(super) fn send(out: &mut Outputs<'_>, message: &impl Serialize) {
    queue(out.outbox, message);
}

/// [`send`], for who has the outbox alone.
pub(super) fn queue(outbox: &mut Outbox, message: &impl Serialize) {
    // Serialising the messages of the adapters cannot fail: every key is a string and no value is refused.
    outbox.push_text(None, |text| text.push_str(&serde_json::to_string(message).unwrap_or_default()));
}

/// Hands audio in base64 on to the call: its bytes, or nothing when it is none. White space and missing padding are legal enough; they cost
/// a second, slower try.
pub(super) fn push_base64(item: ItemId, format: AudioFormat, base64: &[u8], out: &mut Outputs<'_>) -> Option<usize> {
    let pushed = out.events.push_audio(item, format, |buffer| {
        STANDARD.decode_append(base64, buffer).or_else(|_| forgiving_decode_to_vec(base64).map(|bytes| buffer.extend(bytes)))
    });
    pushed.ok()
}

/// Tells the call something that an operator should know.
pub(super) fn warn(code: &str, out: &mut Outputs<'_>) {
    out.events.push(AgentEvent::Warning { code: stable_code(code) });
}

/// A provider's word made fit for logs and metrics: at most 64 characters of `[A-Za-z0-9_.-]`.
pub(super) fn stable_code(word: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    word.chars().filter(legal).take(MAX_CODE_LEN).collect()
}

/// Whether arrays and objects stand more than `limit` deep in each other.
fn is_deeper_than(text: &str, limit: u32) -> bool {
    let (mut depth, mut rest) = (0u32, text.as_bytes());
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => rest = behind_string(behind),
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// What stands behind a string of which all but the first quote is read. Most of a message is one string, of audio: it is passed over
/// many bytes at a time.
fn behind_string(mut text: &[u8]) -> &[u8] {
    while let Some(place) = memchr2(b'"', b'\\', text) {
        let is_escape = text.get(place) == Some(&b'\\');
        text = text.get(place + 1 + usize::from(is_escape)..).unwrap_or_default();
        if !is_escape {
            return text;
        }
    }
    &[]
}

/// Messages are five levels deep at most; unknown ones get room, hostile ones a bound.
const MAX_DEPTH: u32 = 32;
const MAX_CODE_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_cut_to_what_a_log_line_may_hold() {
        assert_eq!(stable_code("rate limit\n\"exceeded\" 💥"), "ratelimitexceeded");
        assert_eq!(stable_code(&"x".repeat(1000)).len(), 64);
    }

    #[test]
    fn the_thirty_third_level_is_refused_and_brackets_in_text_are_no_levels() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check_depth(&nested(32)), Ok(()));
        assert_eq!(check_depth(&nested(33)), Err(Malformed::TooDeep));
        for text in [r#"\""#, r"\\", r#"\\\""#] {
            assert_eq!(check_depth(&format!(r#"{{"v":"{text}{}"}}"#, "[".repeat(100))), Ok(()), "{text}");
        }
        assert_eq!(
            check_depth(&format!(r#"{{"v":"\\","w":{}"#, nested(32))),
            Err(Malformed::TooDeep),
            "the string ends behind its backslash"
        );
        assert_eq!(check_depth(r#"{"v":"[[ \"#), Ok(()), "which is none, and nobody reads it");
    }
}
