//! ICE (RFC 8445) as the side that is called: a controlled agent at an address that peers can reach.
//!
//! It answers the peer's checks, checks back along the same path, and takes the pair that the peer nominates. It sends
//! to an address only after a request that held the call's password came from there, and sends media there only after
//! the peer has answered a check of ours: whatever candidates a stranger writes down, nobody is sent a packet for them,
//! and a forged source address is sent no media (RFC 7675). So candidates of the peer are read and not needed, names of
//! multicast DNS are never looked up, and nothing but the source of an authentic request can become a path.
//!
//! A peer whose address changes under way (a translator that was started anew) is followed once it has been silent on
//! the old path and has answered a check on the new one; a peer that changes networks starts ICE anew
//! ([`IceAgent::restart`]) and keeps the old path until the new one stands.
//!
//! Left out on purpose: the controlling role, candidates of relays of our own, gathering, and lite peers, which
//! `crate::sdp` refuses: somebody has to nominate.

mod agent;
mod paths;
mod random;
pub mod stun;

#[cfg(test)]
mod tests;

pub use agent::{IceAgent, IceError, IceEvent};

use crate::sdp::IcePassword;

/// What one side is known by (RFC 8839 §5.4). The password does not print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceCredentials {
    /// The user fragment, 4 to 256 characters.
    pub ufrag: String,
    /// The password, 22 to 256 characters.
    pub password: IcePassword,
}

impl IceCredentials {
    /// Credentials of our own: `route` is the beginning of every user fragment of one call, by which datagrams find it;
    /// the rest is made of 28 random octets.
    #[must_use]
    pub fn ours(route: &str, random: [u8; 28]) -> Self {
        let text: String = random.iter().map(|octet| char::from(ALPHABET.get(usize::from(octet & 63)).copied().unwrap_or(b'A'))).collect();
        let (generation, password) = text.split_at_checked(GENERATION_LEN).unwrap_or_default();
        // 24 characters of 6 bits: 128 bits are asked for.
        Self { ufrag: format!("{route}{generation}"), password: IcePassword::new(password) }
    }
}

/// Characters of a user fragment that tell one generation of a call's credentials from the next.
const GENERATION_LEN: usize = 4;

/// What ICE writes names with (RFC 8839 §5.4).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
