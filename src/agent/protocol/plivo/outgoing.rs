//! What Plivo says to a bot, but for audio.

use media::frame::AudioFormat;
use serde::Serialize;

use super::super::carrier::Line;

/// The first message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start<'a> {
    event: &'static str,
    sequence_number: u64,
    start: Started<'a>,
    /// Pairs of name and value, as Plivo's own XML has them.
    #[serde(rename = "extra_headers")]
    extra_headers: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Started<'a> {
    call_id: &'a str,
    stream_id: &'a str,
    account_id: &'a str,
    tracks: [&'static str; 1],
    media_format: MediaFormat,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat {
    encoding: &'static str,
    sample_rate: u32,
}

impl<'a> Start<'a> {
    pub(super) fn new(line: &'a Line, sequence_number: u64) -> Self {
        let numbers = [("from", line.from()), ("to", line.to())].into_iter().filter(|(_, number)| !number.is_empty());
        let parameters = line.parameters().iter().map(|(name, value)| (&**name, &**value));
        let pairs: Vec<_> = parameters.chain(numbers).map(|(name, value)| format!("{name}={value}")).collect();
        Self {
            event: "start",
            sequence_number,
            start: Started {
                call_id: line.call(),
                stream_id: line.stream(),
                account_id: line.account(),
                tracks: ["inbound"],
                media_format: MediaFormat { encoding: encoding(line.format()), sample_rate: line.format().rate().hz() },
            },
            extra_headers: pairs.join(","),
        }
    }
}

/// As Plivo writes it; it has no A-law.
pub(super) const fn encoding(format: AudioFormat) -> &'static str {
    match format {
        AudioFormat::Ulaw8k => "audio/x-mulaw",
        AudioFormat::Alaw8k => "audio/x-alaw",
        AudioFormat::S16 { .. } => "audio/x-l16",
    }
}

/// A pressed key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dtmf<'a> {
    event: &'static str,
    sequence_number: u64,
    stream_id: &'a str,
    dtmf: Key,
}

#[derive(Debug, Serialize)]
struct Key {
    track: &'static str,
    digit: char,
    /// Milliseconds of the stream.
    timestamp: String,
}

impl<'a> Dtmf<'a> {
    pub(super) fn new(line: &'a Line, sequence_number: u64, digit: char) -> Self {
        let dtmf = Key { track: "inbound", digit, timestamp: line.at_ms().to_string() };
        Self { event: "dtmf", sequence_number, stream_id: line.stream(), dtmf }
    }
}

/// A checkpoint was played.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Played<'a> {
    event: &'static str,
    sequence_number: u64,
    stream_id: &'a str,
    name: &'a str,
}

impl<'a> Played<'a> {
    pub(super) fn new(line: &'a Line, sequence_number: u64, name: &'a str) -> Self {
        Self { event: "playedStream", sequence_number, stream_id: line.stream(), name }
    }
}

/// What was not played was thrown away.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cleared<'a> {
    event: &'static str,
    sequence_number: u64,
    stream_id: &'a str,
}

impl<'a> Cleared<'a> {
    pub(super) fn new(line: &'a Line, sequence_number: u64) -> Self {
        Self { event: "clearedAudio", sequence_number, stream_id: line.stream() }
    }
}
