//! Whom an outbound call goes to: a SIP URI with a numeric address, on loopback or on the allow-list.
//!
//! Left out on purpose: names (RFC 3263) and trunks, which belong to the SIP issue.

use std::net::{IpAddr, SocketAddr};

use sip::header::Uri;

use super::config::OutboundConfig;
use crate::call::registry::StartError;

/// A target that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundTarget {
    /// The request's URI, as given.
    pub uri: Uri,
    /// Where the request goes.
    pub address: SocketAddr,
}

impl OutboundTarget {
    /// Reads a SIP URI and holds it against the allow-list.
    ///
    /// # Errors
    /// When it is not a SIP URI with a numeric address, or may not be called.
    pub fn parse(text: &str, allowed: &OutboundConfig) -> Result<Self, StartError> {
        let uri = Uri::parse(text).map_err(|_| StartError::InvalidTarget)?;
        let ip: IpAddr = uri.host().trim_matches(['[', ']']).parse().map_err(|_| StartError::InvalidTarget)?;
        let address = SocketAddr::new(ip, uri.port().unwrap_or(SIP_PORT));
        if !allowed.allows(ip) {
            return Err(StartError::NotAllowed);
        }
        Ok(Self { uri, address })
    }
}

/// Where SIP listens when a URI names no port (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5060;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_may_be_called_and_a_stranger_may_not() {
        let nobody = OutboundConfig::default();
        let target = OutboundTarget::parse("sip:bob@127.0.0.1:5070", &nobody).map(|target| target.address);
        assert_eq!(target, Ok("127.0.0.1:5070".parse().unwrap()));
        assert_eq!(OutboundTarget::parse("sip:bob@192.0.2.1", &nobody), Err(StartError::NotAllowed));
        assert_eq!(OutboundTarget::parse("sip:bob@example.com", &nobody), Err(StartError::InvalidTarget));
        assert_eq!(OutboundTarget::parse("tel:+15550100", &nobody), Err(StartError::InvalidTarget));
    }
}
