//! What can go wrong on the way to an agent, and whose fault it is.

use std::io;
use std::path::PathBuf;

use crate::domain::termination::TerminationClass;

/// Why an agent cannot be dialled at all: found when the configuration is read.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The URL is none of ours.
    #[error("the agent's URL is not of the form ws://host[:port]/… or wss://host[:port]/…")]
    Url,
    /// The proxy is none of ours.
    #[error("the agent's proxy is not of the form http://host:port")]
    Proxy,
    /// The named environment variable is not set.
    #[error("the environment variable {variable} with the API key or the proxy's credentials is not set")]
    KeyMissing {
        /// Its name.
        variable: String,
    },
    /// The key holds characters no header may hold.
    #[error("the API key in the environment variable {variable} holds characters that no HTTP header may hold")]
    KeyIllegal {
        /// Name of the variable.
        variable: String,
    },
    /// The file of private certificates cannot be read.
    #[error("the certificates in {path} cannot be read")]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate of the file cannot be trusted, or the file has none.
    #[error("no usable certificate stands in {path}")]
    CaCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls {
        /// Why.
        #[from]
        source: rustls::Error,
    },
}

/// Why a connection did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name service has no answer.
    #[error("the agent's host name cannot be resolved")]
    Resolve {
        /// Why.
        source: io::Error,
    },
    /// The name service knows no address.
    #[error("the agent's host name has no address")]
    NoAddress,
    /// `ws://` leads out of the private network: caller audio would go in the clear.
    #[error("ws:// leads to an address that is neither loopback nor private")]
    Plaintext,
    /// An address is one that organisations may not have the gateway connect to.
    #[error("the agent's host is not one that may be connected to")]
    Forbidden,
    /// No address took the TCP connection; the error of the last one.
    #[error("the agent's host does not take the connection")]
    Connect {
        /// Why.
        source: io::Error,
    },
    /// TLS failed, its certificate most often.
    #[error("the TLS handshake failed")]
    Tls {
        /// Why.
        source: rustls::Error,
    },
    /// The transport broke during a handshake.
    #[error("the transport broke during the handshake")]
    Broken {
        /// Why.
        source: io::Error,
    },
    /// The server answered the upgrade with a status of its own.
    #[error("the agent answered with HTTP status {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// The proxy makes no tunnel, and answered with this status; none where it does not speak HTTP.
    #[error("the proxy does not open the way to the agent (status {})", status.unwrap_or_default())]
    Proxy {
        /// The status.
        status: Option<u16>,
    },
    /// The server does not speak WebSocket.
    #[error("the agent does not speak WebSocket")]
    NotWebSocket,
    /// The agent was asked for, and the answer names no place to meet it at.
    #[error("the agent was asked for, and no place to meet it at was named")]
    NoMeeting,
    /// The agent was to say where its caller is to be sent, and did not in time.
    #[error("the agent was started, and did not say in time where its caller is to be sent")]
    NotCalledBack,
    /// The thread that made the connection is gone: the gateway stops.
    #[error("the connection was given up")]
    Aborted,
    /// It took too long.
    #[error("the agent did not answer in time while {stage}")]
    Timeout {
        /// During what.
        stage: Stage,
    },
}

impl ConnectError {
    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> TerminationClass {
        match self {
            Self::Resolve { .. } | Self::NoAddress | Self::Timeout { stage: Stage::Connecting } => TerminationClass::Unknown,
            Self::Plaintext
            | Self::Forbidden
            | Self::Aborted
            | Self::Refused { status: 401 | 403 | 404 }
            | Self::Proxy { status: None | Some(407) } => TerminationClass::Us,
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Broken { .. }
            | Self::Refused { .. }
            | Self::Proxy { .. }
            | Self::NotWebSocket
            | Self::NoMeeting
            | Self::NotCalledBack
            | Self::Timeout { stage: Stage::Upgrading } => TerminationClass::Upstream,
        }
    }

    /// Whether a second try may do better.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::Connect { .. } | Self::Broken { .. } | Self::Timeout { .. } => true,
            Self::Refused { status } | Self::Proxy { status: Some(status) } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::NoAddress
            | Self::Plaintext
            | Self::Forbidden
            | Self::Aborted
            | Self::Tls { .. }
            | Self::NotWebSocket
            | Self::NoMeeting
            | Self::NotCalledBack
            | Self::Proxy { status: None } => false,
        }
    }
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Name look-up, TCP and TLS.
    Connecting,
    /// The WebSocket handshake.
    Upgrading,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Upgrading => "upgrading to WebSocket",
        })
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection is closed.
    #[error("the connection to the agent is closed")]
    Closed,
    /// The agent has stopped reading, and what must arrive has found no room.
    #[error("the agent does not read what it is sent")]
    Stalled,
    /// Beyond every bound on messages.
    #[error("a message of {len_bytes} bytes is too long")]
    TooLong {
        /// Its length.
        len_bytes: usize,
    },
}
