//! Bodies of offers and answers: SDP (RFC 8866, and what devices of RFC 4566 and RFC 3264 write) for one audio stream.
//!
//! Reading is bounded and tolerant: size, lines, media and formats have limits; lines of no concern are skipped; an
//! attribute that fails its own grammar is kept as text, as RFC 8866 §5.13 asks for those not understood, unless it
//! decides how audio is read (rtpmap, ptime, maxptime, rtcp), where a wrong value is an error.
//!
//! What is not needed is not kept: the user in `o=`, the subject, e-mail and telephone lines are personal data. Keys and
//! passwords do not print.
//!
//! The order of codecs: an offer lists our policy's order; an answer takes the first codec *of the offer* that our policy
//! has, since the offerer put its preference first (RFC 3264 §5.1), or of our policy where that says so, and names that one
//! only, so that no codec changes within a stream.
//!
//! Within a dialog [`reanswer`] and [`reoffer`] go on from what is agreed: version, payload types, keys.
//!
//! Browsers' offers, with ICE, DTLS and bundling, are answered in [`webrtc`].
//!
//! Left out on purpose: multicast sessions, bandwidth, timing, name look-up of addresses, capability negotiation (RFC 5939).

mod accept;
mod address;
mod answer;
mod attribute;
mod choice;
mod crypto;
mod fingerprint;
mod format;
mod ice;
mod local;
mod offer;
mod opus;
mod parse;
mod policy;
mod protection;
mod rtcp_xr;
mod session;
pub mod trickle;
pub mod webrtc;
mod write;

pub use accept::accept;
pub use address::{AddressError, ConnectionAddress, Network, RemoteRule};
pub use answer::{answer, reanswer};
pub use attribute::{Attribute, Direction, RtcpPort};
pub use choice::{AnswerError, Negotiated};
pub use crypto::{Crypto, CryptoError, CryptoKey};
pub use fingerprint::{Fingerprint, Setup};
pub use format::{Fmtp, RtpMap};
pub use ice::{Candidate, IcePassword};
pub use offer::{Keys, offer, reoffer};
pub use opus::OpusParameters;
pub use parse::SdpError;
pub use policy::{CodecOrder, CodecPolicy, SrtpPolicy, TransportPolicy};
pub use rtcp_xr::{RtcpXr, XrBlocks};
pub use session::{MediaDescription, MediaKind, MediaProtocol, Origin, SessionDescription};

/// The encoding's name (RFC 4733 §7.1.1).
const TELEPHONE_EVENT: &str = "telephone-event";

#[cfg(test)]
mod tests;
