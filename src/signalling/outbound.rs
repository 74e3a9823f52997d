//! Whom an outbound call goes to: the servers behind a SIP URI, as far as they are on loopback or on the allow-list.
//!
//! Left out on purpose: trunks, which say by themselves where their calls go.

use sip::header::Uri;
use sip::transport::Flow;

use super::config::OutboundConfig;
use super::locate::LocateError;
use super::transport::Destination;
use crate::call::registry::StartError;

/// A target that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundTarget {
    /// The request's URI, as given.
    pub uri: Uri,
    /// Where the request goes first.
    pub first: Flow,
    /// And where next, when nobody answers there.
    pub others: Vec<Flow>,
}

impl OutboundTarget {
    /// Holds the servers of a URI against the allow-list. All of them must be on it: a name must not lead a call to where its caller was
    /// not allowed, by listing that among others.
    ///
    /// # Errors
    /// When there is none, or one may not be called.
    pub fn new(
        text: &str,
        found: Result<Vec<Destination>, LocateError>,
        allowed: &OutboundConfig,
        flow_to: impl FnMut(Destination) -> Flow,
    ) -> Result<Self, StartError> {
        let uri = Uri::parse(text).map_err(|_| StartError::InvalidTarget)?;
        let found = found.map_err(|error| match error {
            LocateError::Scheme => StartError::InvalidTarget,
            LocateError::NotFound | LocateError::TimedOut => StartError::Unresolved,
        })?;
        if !found.iter().all(|destination| allowed.allows(destination.remote.ip())) {
            return Err(StartError::NotAllowed);
        }
        let mut flows = found.into_iter().map(flow_to);
        let first = flows.next().ok_or(StartError::Unresolved)?;
        Ok(Self { uri, first, others: flows.collect() })
    }
}

#[cfg(test)]
mod tests {
    use sip::transport::Transport;

    use super::*;

    fn target(addresses: &[&str], allowed: &OutboundConfig) -> Result<OutboundTarget, StartError> {
        let destination = |text: &&str| Destination { transport: Transport::Udp, remote: text.parse().unwrap(), name: None };
        let found = Ok(addresses.iter().map(destination).collect());
        OutboundTarget::new("sip:bob@example.com", found, allowed, |to| Flow::udp("127.0.0.1:5060".parse().unwrap(), to.remote))
    }

    #[test]
    fn loopback_may_be_called_and_a_stranger_may_not() {
        let nobody = OutboundConfig::default();
        let found = target(&["127.0.0.1:5070", "127.0.0.2:5060"], &nobody).unwrap();
        assert_eq!(found.first.remote, "127.0.0.1:5070".parse().unwrap());
        assert_eq!(found.others.len(), 1);
        assert_eq!(target(&["192.0.2.1:5060"], &nobody), Err(StartError::NotAllowed));
        assert_eq!(target(&["127.0.0.1:5060", "192.0.2.1:5060"], &nobody), Err(StartError::NotAllowed));
    }

    #[test]
    fn a_name_that_leads_nowhere_and_a_text_that_is_no_uri_are_told_apart() {
        let nobody = OutboundConfig::default();
        let flow = |to: Destination| Flow::udp("127.0.0.1:5060".parse().unwrap(), to.remote);
        let failed = |text: &str, error| OutboundTarget::new(text, Err(error), &nobody, flow);
        assert_eq!(failed("sip:bob@example.com", LocateError::TimedOut), Err(StartError::Unresolved));
        assert_eq!(failed("tel:+15550100", LocateError::Scheme), Err(StartError::InvalidTarget));
        assert_eq!(failed("bob", LocateError::Scheme), Err(StartError::InvalidTarget));
    }
}
