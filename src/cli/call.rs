//! `auricle call`: calls a SIP URI, plays a recording, records the answer, prints one JSON object.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use media::codec::Codec;
use media::dtmf::{Digit, Sender};
use sip::header::Uri;

use super::{EX_UNAVAILABLE, EX_USAGE, fail, say};
use crate::phone::{self, CallEnd, Expectation, PhoneCall, PhoneError, PhoneReport, WavError};

/// Whom to call, and what to do there.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Who is called, over UDP: sip:1000@127.0.0.1:5060.
    #[arg(long, value_name = "SIP-URI", value_parser = Uri::parse)]
    to: Uri,
    /// A recording to play from the answer on: 16 bit, 8 to 48 kHz; of several channels the first.
    #[arg(long, value_name = "WAV")]
    play: PathBuf,
    /// Where to write what is heard from the answer on, 8 kHz.
    #[arg(long, value_name = "WAV")]
    record: PathBuf,
    /// From the answer until the phone hangs up.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    /// Keys to press half a second after the answer, such as 12#.
    #[arg(long, value_name = "KEYS", value_parser = keys)]
    dtmf: Option<Keys>,
    /// What must be heard for exit code 0.
    #[arg(long, value_enum, default_value_t)]
    expect: Expectation,
    /// Offer this codec alone.
    #[arg(long, value_enum)]
    codec: Option<CodecName>,
}

/// Hidden: a PIN or a card's number is personal data.
#[derive(Clone, Default)]
struct Keys(Vec<Digit>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CodecName {
    Pcmu,
    Pcma,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let codecs = match arguments.codec {
        Some(CodecName::Pcmu) => vec![Codec::Pcmu],
        Some(CodecName::Pcma) => vec![Codec::Pcma],
        None => vec![Codec::Pcmu, Codec::Pcma],
    };
    let placed = phone::place(&PhoneCall {
        to: arguments.to.clone(),
        play: arguments.play.clone(),
        record: arguments.record.clone(),
        talk: Duration::from_secs(arguments.seconds.into()),
        patience: PATIENCE,
        digits: arguments.dtmf.clone().unwrap_or_default().0,
        codecs,
    });
    match placed {
        Ok(report) => finish(&report, arguments.expect),
        Err(error) => fail(exit_code(&error), &with_causes(&error)),
    }
}

fn finish(report: &PhoneReport, expected: Expectation) -> ExitCode {
    match serde_json::to_string(report) {
        Ok(line) => say(&line),
        Err(error) => return fail(1, &error),
    }
    match report.end {
        CallEnd::Unreachable => ExitCode::from(EX_UNAVAILABLE),
        _ if report.keys_refused => fail(1, &"the far end takes no keys (telephone-event): none was pressed"),
        _ if report.meets(expected) => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}

fn exit_code(error: &PhoneError) -> u8 {
    match error {
        PhoneError::Wav(WavError::Write { .. })
        | PhoneError::Resolve { .. }
        | PhoneError::Socket(_)
        | PhoneError::Ports(_)
        | PhoneError::Random(_) => EX_UNAVAILABLE,
        PhoneError::Wav(_) | PhoneError::Uri(_) | PhoneError::Invite(_) | PhoneError::Scheme => EX_USAGE,
    }
}

fn with_causes(error: &PhoneError) -> String {
    let causes = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn keys(text: &str) -> Result<Keys, String> {
    let digits =
        text.chars().map(Digit::new).collect::<Option<Vec<_>>>().ok_or("a key is one of 0 to 9, *, #, A to D, and ! for a hook flash")?;
    if digits.len() > Sender::BOUND {
        return Err(format!("at most {} keys", Sender::BOUND));
    }
    Ok(Keys(digits))
}

/// How long it may ring.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_telephone_are_taken_and_others_refused() {
        assert_eq!(keys("12#*aD").map(|keys| keys.0.len()), Ok(6));
        assert!(keys("12x").is_err());
        assert!(keys(&"1".repeat(65)).is_err());
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", keys("4711").unwrap()), "4 keys");
    }

    #[test]
    fn what_the_user_got_wrong_is_told_from_what_the_machine_cannot_do() {
        assert_eq!(exit_code(&PhoneError::Scheme), EX_USAGE);
        assert_eq!(exit_code(&PhoneError::Resolve { source: None }), EX_UNAVAILABLE);
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = PhoneError::Resolve { source: Some(std::io::Error::other("no name server")) };
        assert_eq!(with_causes(&error), "the target's host cannot be found: no name server");
    }
}
