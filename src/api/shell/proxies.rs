//! Whose address a request has that came through a proxy: that of the last one on its way whom no trusted proxy is.
//!
//! Strangers share the limits of their address; behind a proxy all of them would share one. A proxy that the operator
//! trusts is believed in the one header that it writes (`X-Forwarded-For`, or `Forwarded` of RFC 7239), from its right
//! end: what stands further left may be the client's own invention.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName};

use crate::api::config::ForwardedHeader;
use crate::domain::network::Network;

/// The proxies whose word is taken. By default there are none.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    trusted: Arc<[Network]>,
    header: ForwardedHeader,
}

impl Proxies {
    /// These networks, which say in `header` for whom they ask.
    #[must_use]
    pub fn new(trusted: &[Network], header: ForwardedHeader) -> Self {
        Self { trusted: trusted.into(), header }
    }

    /// Puts the client's address into the place of the proxy's.
    pub(in crate::api) fn resolve(&self, request: &mut Request) {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() else { return };
        if self.trusts(peer.ip()) {
            let client = SocketAddr::new(self.client(peer.ip(), request.headers()), peer.port());
            request.extensions_mut().insert(ConnectInfo(client));
        }
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let name = match self.header {
            ForwardedHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ForwardedHeader::Forwarded => HeaderName::from_static("forwarded"),
        };
        let lines: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        let mut client = peer;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let address = match self.header {
                ForwardedHeader::XForwardedFor => address(hop.trim()),
                ForwardedHeader::Forwarded => forwarded_for(hop),
            };
            // Who is not named cannot be told from the proxy that forwards for them.
            let Some(address) = address else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// The node in `for=…` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(node.trim_matches('"'))
}

/// An address, with a port or without, in brackets or without.
fn address(text: &str) -> Option<IpAddr> {
    let plain = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).parse::<IpAddr>().ok();
    let found = text.parse::<SocketAddr>().ok().map(|address| address.ip()).or_else(plain)?;
    Some(found.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn client(peer: &str, header: (&str, ForwardedHeader), lines: &[&str]) -> String {
        let proxies = Proxies::new(&["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()], header.1);
        let mut request = Request::builder();
        for line in lines {
            request = request.header(header.0, *line);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        proxies.resolve(&mut request);
        request.extensions().get::<ConnectInfo<SocketAddr>>().unwrap().0.ip().to_string()
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_is_counts_and_what_a_client_invents_does_not() {
        let header = ("x-forwarded-for", ForwardedHeader::XForwardedFor);
        let cases: [(&str, &[&str], &str); 8] = [
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["1.2.3.4", "198.51.100.1:5555, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["1.2.3.4, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("2001:db8::1", &["[2606:4700::1]:443"], "2606:4700::1"),
        ];
        for (peer, lines, expected) in cases {
            assert_eq!(client(peer, header, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_its_standard_says_and_no_other_header_beside_it() {
        let header = ("forwarded", ForwardedHeader::Forwarded);
        let line = "for=1.2.3.4, for=\"[2606:4700::1]:4711\";proto=https, For=10.0.0.2;by=10.0.0.1";
        assert_eq!(client("10.0.0.1", header, &[line]), "2606:4700::1");
        assert_eq!(client("10.0.0.1", header, &["for=_hidden"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", ("x-forwarded-for", ForwardedHeader::Forwarded), &["1.2.3.4"]), "10.0.0.1");
    }
}
