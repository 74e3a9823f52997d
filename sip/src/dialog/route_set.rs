//! Route sets (RFC 3261 §12.1, §12.2.1.1): loose routing, and strict routers where the first of them is one.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::header::{NameAddrRef, UriParts};
use crate::transport::Transport;

/// Routes as written, in the order in which a request takes them.
#[derive(Default)]
pub(crate) struct RouteSet(Box<[Box<str>]>);

impl RouteSet {
    /// Beyond [`MAX_ROUTES`] the rest is dropped: the request then takes the way as far as it is known.
    pub(crate) fn new<'a>(routes: impl Iterator<Item = &'a str>) -> Self {
        Self(routes.take(MAX_ROUTES).map(Into::into).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The Request-URI and the Route values of a request to `target`.
    pub(crate) fn apply<'a>(&'a self, target: &'a str) -> (&'a str, SmallVec<[RouteValue<'a>; 4]>) {
        let all = || self.0.iter().map(|route| RouteValue::AsWritten(route));
        match self.0.first().and_then(|route| NameAddrRef::parse(route).ok()) {
            Some(first) if first.uri_parts().param(first.uri_text(), "lr").is_none() => {
                (first.uri_text(), all().skip(1).chain([RouteValue::Target(target)]).collect())
            }
            _ => (target, all().collect()),
        }
    }

    pub(crate) fn next_hop(&self, target: &str) -> Option<NextHop> {
        match self.0.first() {
            Some(route) => address_of(NameAddrRef::parse(route).ok()?.uri_text()),
            None => address_of(target),
        }
    }
}

/// Where a URI leads, as far as it says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextHop {
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
    pub(crate) transport: Option<Transport>,
}

/// One value of Route.
pub(crate) enum RouteValue<'a> {
    AsWritten(&'a str),
    /// The remote target, moved behind strict routers.
    Target(&'a str),
}

impl std::fmt::Display for RouteValue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AsWritten(route) => f.write_str(route),
            Self::Target(target) => write!(f, "<{target}>"),
        }
    }
}

/// Nobody passes more proxies than Max-Forwards allows.
const MAX_ROUTES: usize = 32;

/// `maddr` goes before the host (§19.1.1).
fn address_of(uri: &str) -> Option<NextHop> {
    let parts = UriParts::parse(uri).ok()?;
    let host_port = parts.host_port(uri)?;
    let address = match parts.param(uri, "maddr") {
        Some(maddr) => maddr.trim_matches(['[', ']']).parse().ok()?,
        None => host_port.host.address()?,
    };
    let named = parts.param(uri, "transport").and_then(Transport::from_uri_name);
    // `sips` is TLS, whatever runs below (§26.2.2).
    let transport = if parts.is_secure() { Some(Transport::Tls) } else { named };
    Some(NextHop { address, port: host_port.port, transport })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(routes: &[&str], target: &str) -> (String, Vec<String>) {
        let set = RouteSet::new(routes.iter().copied());
        let (uri, routes) = set.apply(target);
        (uri.to_owned(), routes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn loose_routers_leave_the_target_in_the_request_uri() {
        let (uri, routes) = written(&["<sip:p1;lr>", "<sip:p2;lr>"], "sip:b@c");
        assert_eq!((uri.as_str(), routes), ("sip:b@c", vec!["<sip:p1;lr>".to_owned(), "<sip:p2;lr>".to_owned()]));
    }

    #[test]
    fn a_strict_router_takes_the_request_uri_and_the_target_goes_last() {
        let (uri, routes) = written(&["<sip:p1>", "<sip:p2;lr>"], "sip:b@c");
        assert_eq!((uri.as_str(), routes), ("sip:p1", vec!["<sip:p2;lr>".to_owned(), "<sip:b@c>".to_owned()]));
    }

    #[test]
    fn the_next_hop_is_the_first_route_and_then_the_target() {
        let hop = |address: &str, port, transport| Some(NextHop { address: address.parse().unwrap(), port, transport });
        let routes = RouteSet::new(["<sip:192.0.2.1:5070;lr>"].into_iter());
        assert_eq!(routes.next_hop("sip:b@192.0.2.2"), hop("192.0.2.1", Some(5070), None));
        let target = |uri| RouteSet::default().next_hop(uri);
        assert_eq!(target("sip:b@[2001:db8::2];transport=TCP"), hop("2001:db8::2", None, Some(Transport::Tcp)));
        assert_eq!(target("sip:b@example.com;maddr=192.0.2.3"), hop("192.0.2.3", None, None));
        assert_eq!(target("sips:b@192.0.2.3;transport=tcp"), hop("192.0.2.3", None, Some(Transport::Tls)));
        assert_eq!(target("sip:b@example.com"), None);
    }
}
