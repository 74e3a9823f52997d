//! The built-in test phone: calls a SIP URI, plays a recording, records what comes back, and reports.
//!
//! [`Phone`] is the whole call without a socket or a clock; [`place`] makes one on this machine's sockets. The phone speaks SIP and
//! RTP by the same `sip` and `media` that the gateway does, and knows nothing else of it: what it measures, it measures from outside.

mod analysis;
mod line;
mod report;
mod setup;
mod shell;
mod user_agent;
mod wav;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use media::codec::Codec;
use media::dtmf::Digit;
use sip::endpoint::InviteError;
use sip::header::{Uri, UriError};

pub use self::report::{CallEnd, Expectation, PhoneReport};
pub use self::setup::{Datagram, PhoneOutput, PhoneSeeds, PhoneSetup};
pub use self::user_agent::Phone;
pub use self::wav::{WavError, read as read_wav};
use crate::net::port_range::PortError;

/// A call to make.
#[derive(Clone)]
pub struct PhoneCall {
    /// Who is called.
    pub to: Uri,
    /// A WAV file to play, from the answer on; comfort noise after it.
    pub play: PathBuf,
    /// Where to write what was heard since the answer: 8 kHz, mono, 16 bit.
    pub record: PathBuf,
    /// From the answer until we hang up.
    pub talk: Duration,
    /// From INVITE until we give up.
    pub patience: Duration,
    /// Keys to press, from 500 ms after the answer; at most [`media::dtmf::Sender::BOUND`].
    pub digits: Vec<Digit>,
    /// What is offered, the preferred first.
    pub codecs: Vec<Codec>,
}

/// Why a call was not made, or its recording not kept.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The recordings.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// The target, or an address of ours, makes no URI.
    #[error("not a SIP URI")]
    Uri(#[from] UriError),
    /// It cannot be called.
    #[error("the target cannot be called")]
    Invite(#[from] InviteError),
    /// The target is no `sip` URI; only UDP is spoken.
    #[error("only sip: URIs can be called, over UDP")]
    Scheme,
    /// The target's host has no address.
    #[error("the target's host cannot be found")]
    Resolve {
        /// Why; `None` when there is simply none.
        source: Option<std::io::Error>,
    },
    /// A socket.
    #[error("no socket for the call")]
    Socket(#[from] std::io::Error),
    /// RTP ports.
    #[error("no RTP ports for the call")]
    Ports(#[from] PortError),
    /// The system gives no randomness.
    #[error("no random numbers")]
    Random(#[from] getrandom::Error),
}

/// A recording on disk as samples at 8 kHz: of its first channel.
///
/// # Errors
/// When it cannot be read, or is none that is played.
pub fn read_recording(path: &Path) -> Result<Vec<i16>, WavError> {
    wav::read(path)
}

/// Makes a call and waits until it is over, on this thread.
///
/// # Errors
/// When it could not be made. That nobody answered is no error, but an end that the report names.
pub fn place(call: &PhoneCall) -> Result<PhoneReport, PhoneError> {
    let play = wav::read(&call.play)?;
    // Before the call: nobody wants to hear afterwards that the recording has no place.
    let recording = wav::Recording::create(&call.record)?;
    let phone = shell::run(call, play)?;
    recording.finish(phone.recording())?;
    Ok(phone.report())
}
