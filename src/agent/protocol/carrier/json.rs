//! JSON as the look-alikes write it: an event's name, and under it what belongs to it.

use std::borrow::Cow;

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::json::{Malformed, check_depth, read};
use super::{Line, Said};
use crate::agent::model::AgentMessage;

/// What a bot says in the form that Twilio made and others took over, read in one pass: audio is fifty messages a second.
#[derive(Debug, Deserialize)]
pub(in crate::agent::protocol) struct LookAlike<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    /// Whose stream it is for, where that is said.
    #[serde(borrow, default, alias = "streamSid", alias = "stream_sid", alias = "streamId")]
    stream_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    media: Option<Media<'a>>,
    #[serde(borrow, default)]
    mark: Option<Mark<'a>>,
}

#[derive(Debug, Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl<'a> LookAlike<'a> {
    /// The message, where it is one of `media`, `mark` and `clear`.
    pub(in crate::agent::protocol) fn read(line: &Line, message: AgentMessage<'a>) -> Result<Said<'a>, Malformed> {
        let AgentMessage::Text(text) = message else { return Ok(Said::Unknown) };
        check_depth(text)?;
        let said: Self = read(text)?;
        if said.stream_id.as_ref().is_some_and(|stream| *stream != line.stream()) {
            return Ok(Said::Warning(Cow::Borrowed("foreign_stream")));
        }
        Ok(match (&*said.event, said.media, said.mark) {
            ("media", Some(media), _) => Said::Base64(media.payload),
            ("mark", _, Some(mark)) => Said::Mark(mark.name),
            ("clear", ..) => Said::Clear,
            ("media" | "mark", ..) => return Err(Malformed::Json),
            _ => Said::Unknown,
        })
    }
}

/// What one of our messages is about.
pub(in crate::agent::protocol) trait Body {
    /// The event's name.
    const EVENT: &'static str;
}

/// A mark comes back.
#[derive(Debug, Serialize)]
pub(in crate::agent::protocol) struct MarkReached<'a> {
    mark: Named<'a>,
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    name: &'a str,
}

impl<'a> MarkReached<'a> {
    pub(in crate::agent::protocol) const fn new(name: &'a str) -> Self {
        Self { mark: Named { name } }
    }
}

impl Body for MarkReached<'_> {
    const EVENT: &'static str = "mark";
}

/// Appends `audio` in base64, without allocating once `text` has grown to its size.
pub(in crate::agent::protocol) fn write_base64(audio: &[u8], text: &mut String) {
    STANDARD.encode_append(audio, text);
}
