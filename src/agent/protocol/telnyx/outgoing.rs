//! What Telnyx says to a bot, but for audio.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use media::frame::AudioFormat;
use serde::Serialize;

use super::super::carrier::{Body, Line};

/// The first message.
#[derive(Debug, Serialize)]
pub(super) struct Connected {
    event: &'static str,
    version: &'static str,
}

impl Default for Connected {
    fn default() -> Self {
        Self { event: "connected", version: "1.0.0" }
    }
}

/// Every other one.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a, T> {
    event: &'static str,
    sequence_number: String,
    stream_id: &'a str,
    #[serde(flatten)]
    body: T,
}

impl<'a, T: Body> Message<'a, T> {
    pub(super) fn new(line: &'a Line, sequence: u64, body: T) -> Self {
        Self { event: T::EVENT, sequence_number: sequence.to_string(), stream_id: line.stream(), body }
    }
}

/// Whose stream it is.
#[derive(Debug, Serialize)]
pub(super) struct Start<'a> {
    start: Started<'a>,
}

#[derive(Debug, Serialize)]
struct Started<'a> {
    user_id: &'a str,
    call_control_id: &'a str,
    call_session_id: &'a str,
    from: &'a str,
    to: &'a str,
    custom_parameters: &'a BTreeMap<String, String>,
    media_format: MediaFormat,
}

#[derive(Debug, Serialize)]
struct MediaFormat {
    encoding: &'static str,
    sample_rate: u32,
    channels: u8,
}

impl<'a> Start<'a> {
    pub(super) fn new(line: &'a Line) -> Self {
        let encoding = match line.format() {
            AudioFormat::Ulaw8k => "PCMU",
            AudioFormat::Alaw8k => "PCMA",
            AudioFormat::S16 { .. } => "L16",
        };
        Self {
            start: Started {
                user_id: line.account(),
                call_control_id: line.call(),
                call_session_id: line.call(),
                from: line.from(),
                to: line.to(),
                custom_parameters: line.parameters(),
                media_format: MediaFormat { encoding, sample_rate: line.format().rate().hz(), channels: 1 },
            },
        }
    }
}

impl Body for Start<'_> {
    const EVENT: &'static str = "start";
}

/// A pressed key.
#[derive(Debug, Serialize)]
pub(super) struct Dtmf {
    occurred_at: String,
    dtmf: Key,
}

#[derive(Debug, Serialize)]
struct Key {
    digit: char,
}

impl Dtmf {
    /// At `unix_time`, since 1970.
    pub(super) fn new(digit: char, unix_time: Duration) -> Self {
        let millis = i64::try_from(unix_time.as_millis()).unwrap_or_default();
        let at = DateTime::from_timestamp_millis(millis).unwrap_or_default();
        Self { occurred_at: at.to_rfc3339_opts(SecondsFormat::Millis, true), dtmf: Key { digit } }
    }
}

impl Body for Dtmf {
    const EVENT: &'static str = "dtmf";
}

/// The call is over.
#[derive(Debug, Serialize)]
pub(super) struct Stop<'a> {
    stop: Stopped<'a>,
}

#[derive(Debug, Serialize)]
struct Stopped<'a> {
    user_id: &'a str,
    call_control_id: &'a str,
}

impl<'a> Stop<'a> {
    pub(super) fn new(line: &'a Line) -> Self {
        Self { stop: Stopped { user_id: line.account(), call_control_id: line.call() } }
    }
}

impl Body for Stop<'_> {
    const EVENT: &'static str = "stop";
}
