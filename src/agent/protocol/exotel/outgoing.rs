//! What Exotel says to a bot, but for audio.

use std::time::Duration;

use serde::Serialize;

use super::super::carrier::{Body, Line};

/// The first message.
#[derive(Debug, Serialize)]
pub(super) struct Connected {
    event: &'static str,
}

impl Default for Connected {
    fn default() -> Self {
        Self { event: "connected" }
    }
}

/// Every other one.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a, T> {
    event: &'static str,
    sequence_number: String,
    stream_sid: &'a str,
    #[serde(flatten)]
    body: T,
}

impl<'a, T: Body> Message<'a, T> {
    pub(super) fn new(line: &'a Line, sequence: u64, body: T) -> Self {
        Self { event: T::EVENT, sequence_number: sequence.to_string(), stream_sid: line.stream(), body }
    }
}

/// Whose stream it is.
#[derive(Debug, Serialize)]
pub(super) struct Start<'a> {
    start: Started<'a>,
}

#[derive(Debug, Serialize)]
struct Started<'a> {
    stream_sid: &'a str,
    call_sid: &'a str,
    account_sid: &'a str,
    from: &'a str,
    to: &'a str,
    /// As a query is written; bots take it as one text.
    custom_parameters: &'a str,
    media_format: MediaFormat,
}

#[derive(Debug, Serialize)]
struct MediaFormat {
    encoding: &'static str,
    sample_rate: String,
    bit_rate: String,
}

impl<'a> Start<'a> {
    pub(super) fn new(line: &'a Line, parameters: &'a str) -> Self {
        let hz = line.format().rate().hz();
        Self {
            start: Started {
                stream_sid: line.stream(),
                call_sid: line.call(),
                account_sid: line.account(),
                from: line.from(),
                to: line.to(),
                custom_parameters: parameters,
                media_format: MediaFormat {
                    encoding: "audio/x-raw",
                    sample_rate: hz.to_string(),
                    bit_rate: format!("{}kbps", hz * 16 / 1_000),
                },
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
    dtmf: Key,
}

#[derive(Debug, Serialize)]
struct Key {
    digit: char,
    /// Milliseconds.
    duration: String,
}

impl Dtmf {
    pub(super) fn new(digit: char, held: Duration) -> Self {
        Self { dtmf: Key { digit, duration: held.as_millis().to_string() } }
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
    call_sid: &'a str,
    account_sid: &'a str,
    reason: &'static str,
}

impl<'a> Stop<'a> {
    pub(super) fn new(line: &'a Line) -> Self {
        Self { stop: Stopped { call_sid: line.call(), account_sid: line.account(), reason: "callended" } }
    }
}

impl Body for Stop<'_> {
    const EVENT: &'static str = "stop";
}
