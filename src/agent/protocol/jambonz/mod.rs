//! jambonz `listen` with audio both ways: linear audio as bytes, all else as JSON; the gateway is jambonz.
//!
//! Facts this rests on: the first message is the call, with the rate and what the bot is told as `metadata`; a key's length is
//! counted in units of 8 kHz; an application streams bytes, or sends clips by `playAudio`, of which raw ones are taken where they have
//! the agreed rate; marks come back as `playout`, or as `cleared` after `killAudio`.
//!
//! Left out on purpose: stereo and WAV, the verbs beside `listen`.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::carrier::{Carrier, Line, Said};
use super::json::{Malformed, Text, check_depth, queue, read};
use crate::agent::config::AgentConfig;
use crate::agent::model::AgentMessage;
use crate::agent::session::Outbox;

/// The names by which the way of speaking is agreed on (RFC 6455 §1.9): the deployed one first, then the documented one.
pub(super) const SUBPROTOCOLS: &str = "audio.drachtio.org, audio.jambonz.org";

/// The company's way.
pub(in crate::agent) struct Jambonz;

/// What an application says but audio.
#[derive(Debug, Deserialize)]
struct BotSays<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Contents<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contents<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    audio_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    audio_content_type: Option<Cow<'a, str>>,
    /// A number, or a number in a text.
    #[serde(default)]
    sample_rate: Option<serde_json::Value>,
}

impl Carrier for Jambonz {
    const FRAME: Duration = Duration::from_millis(20);

    fn new(_config: &AgentConfig) -> Self {
        Self
    }

    fn open(&mut self, line: &mut Line, outbox: &mut Outbox) {
        let (from, to) = (line.from(), line.to());
        queue(
            outbox,
            &json!({"callSid": line.call(), "accountSid": line.account(), "applicationSid": line.stream(), "direction": line.direction(),
                "from": from, "to": to, "sampleRate": line.format().rate().hz(), "mixType": "mono", "metadata": line.parameters()}),
        );
    }

    fn audio(&mut self, line: &mut Line, frame: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        line.next_frame(frame);
        outbox.push_binary(live, |bytes| bytes.extend_from_slice(frame));
    }

    fn key(&mut self, _line: &mut Line, digit: char, held: Duration, outbox: &mut Outbox) {
        let ticks = held.as_millis().saturating_mul(8);
        queue(outbox, &json!({"event": "dtmf", "dtmf": digit.to_string(), "duration": ticks.to_string()}));
    }

    fn mark(&mut self, _line: &mut Line, name: &str, cleared: bool, outbox: &mut Outbox) {
        let event = if cleared { "cleared" } else { "playout" };
        queue(outbox, &json!({"type": "mark", "data": {"name": name, "event": event}}));
    }

    fn read<'a>(&mut self, line: &Line, message: AgentMessage<'a>) -> Result<Said<'a>, Malformed> {
        let text = match message {
            AgentMessage::Binary(audio) => return Ok(Said::Bytes(Cow::Borrowed(audio))),
            AgentMessage::Text(text) => text,
        };
        check_depth(text)?;
        let BotSays { r#type, data } = read(text)?;
        Ok(match (&*r#type, data) {
            ("killAudio", _) => Said::Clear,
            ("disconnect", _) => Said::Hangup,
            ("mark", Contents { name: Some(name), .. }) => Said::Mark(name),
            ("playAudio", clip) if clip.fits(line) => clip.audio_content.map(|Text(audio)| Said::Base64(audio)).ok_or(Malformed::Json)?,
            ("playAudio", _) => Said::Warning(Cow::Borrowed("audio_format_not_agreed")),
            ("clearMarks", _) => Said::Warning(Cow::Borrowed("clear_marks_not_taken")),
            ("mark", _) => return Err(Malformed::Json),
            _ => Said::Unknown,
        })
    }
}

impl Contents<'_> {
    fn fits(&self, line: &Line) -> bool {
        let rate = match &self.sample_rate {
            Some(serde_json::Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64(),
            None => None,
        };
        let raw = self.audio_content_type.as_deref().is_none_or(|kind| kind == "raw");
        raw && rate.is_none_or(|rate| rate == u64::from(line.format().rate().hz()))
    }
}
