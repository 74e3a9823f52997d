//! Attributes of a session or a medium (RFC 8866 §5.13), typed where this product has a use for them.

use std::fmt;

use crate::sdp::{Candidate, ConnectionAddress, Crypto, Fingerprint, Fmtp, IcePassword, RtcpXr, RtpMap, Setup};

/// One `a=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// What a payload type is.
    RtpMap(RtpMap),
    /// Parameters of a payload type.
    Fmtp(Fmtp),
    /// Milliseconds of audio wanted in a packet (RFC 8866 §6.4); never nought.
    Ptime(u32),
    /// Milliseconds of audio in a packet at most (RFC 8866 §6.5); never nought.
    MaxPtime(u32),
    /// Who sends.
    Direction(Direction),
    /// Where RTCP is wanted (RFC 3605).
    Rtcp(RtcpPort),
    /// RTP and RTCP may share a port (RFC 5761 §5.1.1).
    RtcpMux,
    /// RTCP packets need not be compounds (RFC 5506 §5).
    RtcpRsize,
    /// Extended reports that are wanted (RFC 3611 §5).
    RtcpXr(RtcpXr),
    /// A key for SRTP (RFC 4568).
    Crypto(Crypto),
    /// The digest of a certificate for DTLS (RFC 8122).
    Fingerprint(Fingerprint),
    /// Who opens the DTLS connection (RFC 4145).
    Setup(Setup),
    /// ICE user fragment (RFC 8839 §5.4).
    IceUfrag(String),
    /// ICE password (RFC 8839 §5.4).
    IcePwd(IcePassword),
    /// The describer does ICE lite (RFC 8839 §5.3).
    IceLite,
    /// ICE extensions, separated by spaces (RFC 8839 §5.6).
    IceOptions(String),
    /// An ICE candidate (RFC 8839 §5.1).
    Candidate(Candidate),
    /// No more candidates follow (RFC 8840 §8.2).
    EndOfCandidates,
    /// Any other line, and any line above that fails its own grammar and may be passed over.
    Other {
        /// What stands before the colon.
        name: String,
        /// What stands behind it, if there is one.
        value: Option<String>,
    },
}

/// Who sends, from the describer's side (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// The describer only.
    SendOnly,
    /// The other only.
    RecvOnly,
    /// Nobody.
    Inactive,
}

/// `a=rtcp` (RFC 3605 §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpPort {
    /// Never nought.
    pub port: u16,
    /// Where it differs from that of RTP.
    pub address: Option<ConnectionAddress>,
}

impl Attribute {
    /// Reads what stands behind `a=`; `None` where a wrong value cannot be passed over.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (name, value) = line.split_once(':').map_or((line, None), |(name, value)| (name, Some(value)));
        let value_or_empty = value.unwrap_or_default();
        let typed = match name.to_ascii_lowercase().as_str() {
            "rtpmap" => return RtpMap::parse(value_or_empty).map(Self::RtpMap),
            "ptime" => return milliseconds(value_or_empty).map(Self::Ptime),
            "maxptime" => return milliseconds(value_or_empty).map(Self::MaxPtime),
            "rtcp" => return RtcpPort::parse(value_or_empty).map(Self::Rtcp),
            "rtcp-xr" => value.map(|value| Self::RtcpXr(RtcpXr::parse(value))),
            "fmtp" => Fmtp::parse(value_or_empty).map(Self::Fmtp),
            "crypto" => Crypto::parse(value_or_empty).map(Self::Crypto),
            "fingerprint" => Fingerprint::parse(value_or_empty).map(Self::Fingerprint),
            "setup" => Setup::parse(value_or_empty).map(Self::Setup),
            "candidate" => Candidate::parse(value_or_empty).map(Self::Candidate),
            "ice-ufrag" => value.map(|value| Self::IceUfrag(value.to_owned())),
            "ice-pwd" => value.map(|value| Self::IcePwd(IcePassword(value.to_owned()))),
            "ice-options" => value.map(|value| Self::IceOptions(value.to_owned())),
            flag if value.is_none() => Self::parse_flag(flag),
            _ => None,
        };
        Some(typed.unwrap_or_else(|| Self::Other { name: name.to_owned(), value: value.map(str::to_owned) }))
    }

    fn parse_flag(flag: &str) -> Option<Self> {
        match flag {
            "rtcp-mux" => Some(Self::RtcpMux),
            "rtcp-rsize" => Some(Self::RtcpRsize),
            "ice-lite" => Some(Self::IceLite),
            "end-of-candidates" => Some(Self::EndOfCandidates),
            _ => Direction::ALL.into_iter().find(|direction| direction.as_str() == flag).map(Self::Direction),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RtpMap(map) => write!(f, "rtpmap:{map}"),
            Self::Fmtp(fmtp) => write!(f, "fmtp:{fmtp}"),
            Self::Ptime(ms) => write!(f, "ptime:{ms}"),
            Self::MaxPtime(ms) => write!(f, "maxptime:{ms}"),
            Self::Direction(direction) => f.write_str(direction.as_str()),
            Self::Rtcp(rtcp) => write!(f, "rtcp:{rtcp}"),
            Self::RtcpMux => f.write_str("rtcp-mux"),
            Self::RtcpRsize => f.write_str("rtcp-rsize"),
            Self::RtcpXr(xr) => write!(f, "rtcp-xr:{xr}"),
            Self::Crypto(crypto) => write!(f, "crypto:{crypto}"),
            Self::Fingerprint(fingerprint) => write!(f, "fingerprint:{fingerprint}"),
            Self::Setup(setup) => write!(f, "setup:{}", setup.as_str()),
            Self::IceUfrag(fragment) => write!(f, "ice-ufrag:{fragment}"),
            Self::IcePwd(password) => write!(f, "ice-pwd:{}", password.expose()),
            Self::IceLite => f.write_str("ice-lite"),
            Self::IceOptions(options) => write!(f, "ice-options:{options}"),
            Self::Candidate(candidate) => write!(f, "candidate:{candidate}"),
            Self::EndOfCandidates => f.write_str("end-of-candidates"),
            Self::Other { name, value: Some(value) } => write!(f, "{name}:{value}"),
            Self::Other { name, value: None } => f.write_str(name),
        }
    }
}

impl Direction {
    const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    /// From whether the describer sends and whether it receives.
    #[must_use]
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the describer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the describer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The token on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

impl RtcpPort {
    fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let (port, address) = value.split_once(' ').map_or((value, None), |(port, address)| (port, Some(address)));
        let port = port.parse().ok().filter(|port| *port > 0)?;
        let address = address.map(|address| ConnectionAddress::parse(address).ok_or(())).transpose().ok()?;
        Some(Self { port, address })
    }
}

impl fmt::Display for RtcpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(f, "{} {address}", self.port),
            None => write!(f, "{}", self.port),
        }
    }
}

/// Whole milliseconds above nought; RFC 4566 let a fraction stand, which is cut.
fn milliseconds(value: &str) -> Option<u32> {
    let whole = value.trim().split('.').next()?;
    whole.parse().ok().filter(|ms| *ms > 0)
}
