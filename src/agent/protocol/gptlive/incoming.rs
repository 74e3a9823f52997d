//! What GPT-Live says.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::json::{Malformed, Text, check_depth, read};
use crate::domain::call_record::Speaker;

/// The events that mean something to us.
#[derive(Debug)]
pub(super) enum ServerEvent<'a> {
    Audio(Cow<'a, str>),
    Words {
        speaker: Speaker,
        text: Cow<'a, str>,
    },
    Started {
        session: Cow<'a, str>,
        expires_at: Option<u64>,
    },
    Closed {
        reason: Cow<'a, str>,
    },
    Error {
        code: Cow<'a, str>,
    },
    /// It has a task for another model, which there is none of.
    Delegated,
    /// Known, and of no use to us.
    Expected,
    /// Of a type we do not know.
    Unknown,
}

/// Every event, read in one pass: audio is most of them.
#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    delta: Option<Text<'a>>,
    #[serde(borrow, default)]
    session: Option<Session<'a>>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<Failure<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Session<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    /// Seconds since 1970.
    #[serde(default)]
    expires_at: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Failure<'a> {
    /// Null now and then, whatever its type says.
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
}

impl<'a> ServerEvent<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        check_depth(text)?;
        let Event { r#type, delta, session, reason, error } = read(text)?;
        let delta = delta.map(|Text(delta)| delta);
        Ok(match &*r#type {
            "session.output_audio.delta" => Self::Audio(delta.ok_or(Malformed::Json)?),
            "session.input_transcript.delta" => Self::Words { speaker: Speaker::Caller, text: delta.ok_or(Malformed::Json)? },
            "session.output_transcript.delta" => Self::Words { speaker: Speaker::Agent, text: delta.ok_or(Malformed::Json)? },
            "session.started" => {
                let Session { id, expires_at } = session.unwrap_or_default();
                Self::Started { session: id, expires_at }
            }
            "session.closed" => Self::Closed { reason: reason.unwrap_or_default() },
            "error" => Self::Error { code: error.and_then(|error| error.code).unwrap_or_default() },
            "session.delegation.created" => Self::Delegated,
            known if EXPECTED.contains(&known) => Self::Expected,
            _ => Self::Unknown,
        })
    }
}

const EXPECTED: [&str; 8] = [
    "info",
    "session.commentary.appended",
    "session.input_audio.muted",
    "session.input_audio.unmuted",
    "session.instructions.appended",
    "session.thinking.appended",
    "session.updated",
    "session.usage.updated",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_borrowed_from_the_message() {
        let parsed = ServerEvent::parse(r#"{"type":"session.output_audio.delta","delta":"AAAA"}"#);
        assert!(matches!(parsed, Ok(ServerEvent::Audio(Cow::Borrowed("AAAA")))), "{parsed:?}");
        let escaped = ServerEvent::parse(r#"{"type":"session.output_audio.delta","delta":"AA\/A"}"#);
        assert!(matches!(escaped, Ok(ServerEvent::Audio(audio)) if audio == "AA/A"));
    }
}
