//! What a call came to, in the form in which it is printed.

use std::fmt;

use serde::{Serialize, Serializer};

/// One call of the test phone: one JSON object, numbers or null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhoneReport {
    /// From INVITE to answer; null when nobody answered.
    pub setup_ms: Option<u64>,
    /// From the answer to the first frame that was heard above −60 dBFS, to 20 ms; null when there was none.
    pub first_audio_ms: Option<u64>,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// Packets expected minus packets received; duplicates can make it negative (RFC 3550 §6.4.1).
    pub lost: i64,
    /// Interarrival jitter (RFC 3550 §6.4.1); null when nothing was received.
    pub jitter_ms: Option<f64>,
    /// Name of the codec that was agreed on.
    pub codec: Option<&'static str>,
    /// Level of the recording, over its frames above −60 dBFS only; null when there are none. 0 is a square wave of full scale.
    pub rms_dbfs: Option<f64>,
    /// Highest normalised cross-correlation of what was played and what was heard, over delays of 0 to 5 s; null when
    /// either was silent.
    pub correlation: Option<f64>,
    /// How the call ended.
    pub end: CallEnd,
    /// Keys were to be pressed, and the far end takes none. Not printed.
    #[serde(skip)]
    pub keys_refused: bool,
}

impl PhoneReport {
    /// Whether the call was answered, and what was heard is what was expected.
    #[must_use]
    pub fn meets(&self, expected: Expectation) -> bool {
        let audible = self.rms_dbfs.is_some_and(|level| level >= AUDIBLE_DBFS);
        let returned = self.correlation.is_some_and(|correlation| correlation >= ECHO_CORRELATION);
        self.setup_ms.is_some()
            && match expected {
                Expectation::Any => true,
                Expectation::Speech => audible,
                Expectation::Echo => audible && returned,
            }
    }
}

/// What a caller expects to hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Expectation {
    /// What was played: at −45 dBFS or louder, with a correlation of 0.5 or more.
    Echo,
    /// Sound at −45 dBFS or louder.
    Speech,
    /// Nothing but an answer.
    #[default]
    Any,
}

/// How a call ended. Printed in the words of its `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// It lasted as long as it was to; we hung up.
    Completed,
    /// The far end refused, with this status.
    Refused(u16),
    /// The far end answered, but with a session description that cannot be agreed to.
    NoAgreement,
    /// The far end hung up first.
    RemoteHungUp,
    /// The far end was reached, but did not answer in time.
    Unanswered,
    /// The far end never said anything.
    Unreachable,
}

impl fmt::Display for CallEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Refused(status) => write!(f, "refused_{status}"),
            Self::NoAgreement => f.write_str("no_agreement"),
            Self::RemoteHungUp => f.write_str("remote_hung_up"),
            Self::Unanswered | Self::Unreachable => f.write_str("timeout"),
        }
    }
}

impl Serialize for CallEnd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Speech that was heard at all stands well above; an empty line well below.
const AUDIBLE_DBFS: f64 = -45.0;
/// What an echo keeps of its likeness through two codecs and two resamplers, with ample room.
const ECHO_CORRELATION: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rms_dbfs: f64, correlation: f64) -> PhoneReport {
        PhoneReport {
            setup_ms: Some(12),
            first_audio_ms: Some(40),
            packets_sent: 100,
            packets_received: 99,
            lost: 1,
            jitter_ms: Some(0.25),
            codec: Some("PCMU"),
            rms_dbfs: Some(rms_dbfs),
            correlation: Some(correlation),
            end: CallEnd::Completed,
            keys_refused: false,
        }
    }

    #[test]
    fn an_echo_is_loud_enough_and_like_what_was_played() {
        assert!(report(-45.0, 0.5).meets(Expectation::Echo));
        assert!(!report(-45.1, 0.9).meets(Expectation::Echo));
        assert!(!report(-20.0, 0.49).meets(Expectation::Echo));
    }

    #[test]
    fn speech_need_not_be_what_was_played() {
        assert!(report(-20.0, 0.0).meets(Expectation::Speech));
        assert!(!report(-50.0, 0.9).meets(Expectation::Speech));
    }

    #[test]
    fn a_call_that_nobody_answered_meets_no_expectation() {
        let unanswered = PhoneReport { setup_ms: None, ..report(-20.0, 0.9) };
        assert!(!unanswered.meets(Expectation::Any));
    }

    #[test]
    fn it_prints_as_one_object_with_numbers_and_nulls() {
        let refused =
            PhoneReport { setup_ms: None, codec: None, rms_dbfs: None, correlation: None, end: CallEnd::Refused(486), ..report(0.0, 0.0) };
        let expected = r#"{"setup_ms":null,"first_audio_ms":40,"packets_sent":100,"packets_received":99,"lost":1,"jitter_ms":0.25,"#
            .to_owned()
            + r#""codec":null,"rms_dbfs":null,"correlation":null,"end":"refused_486"}"#;
        assert_eq!(serde_json::to_string(&refused).unwrap(), expected);
    }
}
