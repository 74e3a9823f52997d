//! What a phone is told before it calls, and what it hands back to its driver.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Codec;
use media::dtmf::Digit;
use media::rtcp::NtpBase;
use media::rtp::RtpSeed;
use sip::header::Uri;

/// One call to make, with everything that the outside world decides.
#[derive(Clone)]
pub struct PhoneSetup {
    /// Who is called.
    pub target: Uri,
    /// Our SIP socket, as the far end shall see it.
    pub local_sip: SocketAddr,
    /// Where the far end's SIP is.
    pub remote_sip: SocketAddr,
    /// Our RTP socket, as the far end shall see it.
    pub local_rtp: SocketAddr,
    /// Our RTCP socket: the port above.
    pub local_rtcp: SocketAddr,
    /// What is offered, the preferred first.
    pub codecs: Vec<Codec>,
    /// What is played, at 8 kHz; comfort noise after it.
    pub play: Vec<i16>,
    /// Keys to press, from 500 ms after the answer; at most [`media::dtmf::Sender::BOUND`], and none where the far end takes none.
    pub digits: Vec<Digit>,
    /// From the answer until we hang up.
    pub talk: Duration,
    /// From INVITE until we give up.
    pub patience: Duration,
    /// All chance there is.
    pub seeds: PhoneSeeds,
    /// One moment on both clocks.
    pub ntp: NtpBase,
}

/// Random numbers, drawn by the caller.
#[derive(Clone, Copy, Debug)]
pub struct PhoneSeeds {
    /// Of SIP's branches, tags and Call-IDs.
    pub identifiers: [u8; 32],
    /// Where our stream begins.
    pub rtp: RtpSeed,
    /// Of our session description, and of RTCP's canonical name.
    pub session: u64,
    /// Of RTCP's intervals.
    pub reports: u64,
}

/// What a phone wants from its driver; ask until it is no datagram any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneOutput {
    /// Send this; its time is now.
    Transmit(Datagram),
    /// Nothing more before this instant, or the next datagram.
    Timeout(Option<Instant>),
    /// The call is over and all is said: take the report.
    Over,
}

/// A datagram to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Datagram {
    /// From which of our sockets.
    pub local: SocketAddr,
    /// Whither.
    pub remote: SocketAddr,
    /// What.
    pub bytes: Bytes,
}

/// Hides addresses and content.
impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Datagram({} bytes)", self.bytes.len())
    }
}
