//! What the owner of a call knows of its playout and a report should tell (RFC 3611 §4.7.5 to §4.7.7).

use std::time::Duration;

/// How what is received is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayoutReport {
    /// What our side adds to the way of a voice in both directions together: from the wire to who listens, and from who
    /// speaks to the wire.
    pub end_system_delay: Duration,
    /// What is done about losses.
    pub concealment: Concealment,
    /// Whether the waiting for late packets follows the jitter; `None` where that is not known.
    pub adaptive: Option<bool>,
    /// How long a packet in time waits now.
    pub nominal: Duration,
    /// How long the packet in time may wait at most as things are.
    pub maximum: Duration,
    /// How long it may ever wait.
    pub absolute_maximum: Duration,
    /// Level of the far end's speech, dBm0.
    pub signal_dbm0: Option<i8>,
    /// Level of the noise between, dBm0.
    pub noise_dbm0: Option<i8>,
}

/// What is done about losses (RFC 3611 §4.7.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concealment {
    /// Nobody said.
    #[default]
    Unspecified,
    /// Silence.
    Disabled,
    /// The last packet again, or noise.
    Standard,
    /// A waveform made to fit.
    Enhanced,
}

impl PlayoutReport {
    /// The octet of concealment, kind and rate of the jitter buffer.
    pub(super) const fn configuration(&self) -> u8 {
        let concealment: u8 = match self.concealment {
            Concealment::Unspecified => 0,
            Concealment::Disabled => 1,
            Concealment::Enhanced => 2,
            Concealment::Standard => 3,
        };
        let adaptive: u8 = match self.adaptive {
            None => 0,
            Some(false) => 2,
            Some(true) => 3,
        };
        // The rate of adaptation has no unit that could be measured here.
        concealment << 6 | adaptive << 4
    }
}
