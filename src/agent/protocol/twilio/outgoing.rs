//! What Twilio says to a bot, but for audio.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::carrier::{Body, Line};

/// The first message.
#[derive(Debug, Serialize)]
pub(super) struct Connected {
    event: &'static str,
    protocol: &'static str,
    version: &'static str,
}

impl Default for Connected {
    fn default() -> Self {
        Self { event: "connected", protocol: "Call", version: "1.0.0" }
    }
}

/// Every other one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
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
#[serde(rename_all = "camelCase")]
struct Started<'a> {
    account_sid: &'a str,
    stream_sid: &'a str,
    call_sid: &'a str,
    tracks: [&'static str; 1],
    media_format: MediaFormat,
    custom_parameters: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat {
    encoding: &'static str,
    sample_rate: u32,
    channels: u8,
}

impl<'a> Start<'a> {
    pub(super) fn new(line: &'a Line) -> Self {
        let mut parameters: BTreeMap<_, _> = line.parameters().iter().map(|(name, value)| (&**name, &**value)).collect();
        // As bots pass them on from their TwiML, since Twilio's own message has no numbers.
        parameters.extend([("from_number", line.from()), ("to_number", line.to())].into_iter().filter(|(_, number)| !number.is_empty()));
        Self {
            start: Started {
                account_sid: line.account(),
                stream_sid: line.stream(),
                call_sid: line.call(),
                tracks: ["inbound"],
                media_format: MediaFormat { encoding: "audio/x-mulaw", sample_rate: 8_000, channels: 1 },
                custom_parameters: parameters,
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
    track: &'static str,
    digit: char,
}

impl Dtmf {
    pub(super) const fn new(digit: char) -> Self {
        Self { dtmf: Key { track: "inbound_track", digit } }
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
#[serde(rename_all = "camelCase")]
struct Stopped<'a> {
    account_sid: &'a str,
    call_sid: &'a str,
}

impl<'a> Stop<'a> {
    pub(super) fn new(line: &'a Line) -> Self {
        Self { stop: Stopped { account_sid: line.account(), call_sid: line.call() } }
    }
}

impl Body for Stop<'_> {
    const EVENT: &'static str = "stop";
}
