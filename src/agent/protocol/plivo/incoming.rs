//! What a bot says to Plivo.

use std::borrow::Cow;

use media::frame::AudioFormat;
use serde::Deserialize;

use super::super::carrier::{Line, Said};
use super::super::json::{Malformed, check_depth, read};
use super::outgoing::encoding;
use crate::agent::model::AgentMessage;

/// Every message, read in one pass.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BotSays<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    stream_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    media: Option<Media<'a>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    dtmf: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Media<'a> {
    #[serde(borrow, default)]
    content_type: Option<Cow<'a, str>>,
    /// A number, or a number in a text.
    #[serde(default)]
    sample_rate: Option<serde_json::Value>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

impl<'a> BotSays<'a> {
    pub(super) fn read(line: &Line, message: AgentMessage<'a>) -> Result<Said<'a>, Malformed> {
        let AgentMessage::Text(text) = message else { return Ok(Said::Unknown) };
        check_depth(text)?;
        let said: Self = read(text)?;
        if said.stream_id.as_ref().is_some_and(|stream| *stream != line.stream()) {
            return Ok(Said::Warning(Cow::Borrowed("foreign_stream")));
        }
        Ok(match (&*said.event, said.media, said.name, said.dtmf) {
            ("playAudio", Some(media), ..) if media.fits(line.format()) => Said::Base64(media.payload),
            ("playAudio", Some(_), ..) => Said::Warning(Cow::Borrowed("audio_format_not_agreed")),
            ("checkpoint", _, Some(name), _) => Said::Mark(name),
            ("clearAudio", ..) => Said::Clear,
            ("sendDTMF", _, _, Some(keys)) => Said::Keys(keys.into_owned()),
            ("playAudio" | "checkpoint" | "sendDTMF", ..) => return Err(Malformed::Json),
            _ => Said::Unknown,
        })
    }
}

impl Media<'_> {
    /// Whether it is what was agreed, as far as it says what it is.
    fn fits(&self, format: AudioFormat) -> bool {
        let rate = match &self.sample_rate {
            Some(serde_json::Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64(),
            None => None,
        };
        let same_rate = rate.is_none_or(|rate| rate == u64::from(format.rate().hz()));
        let kind = |content: &str| content.split(';').next().unwrap_or_default().trim() == encoding(format);
        same_rate && self.content_type.as_deref().is_none_or(kind)
    }
}
