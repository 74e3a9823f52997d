//! Bodies of offers and answers: SDP (RFC 8866, and what devices of RFC 4566 and RFC 3264 write) for one audio stream.
//!
//! Reading is bounded and tolerant: size, lines, media and formats have limits; lines of no concern are skipped; an
//! attribute that fails its own grammar is kept as text, as RFC 8866 §5.13 asks for those not understood, unless it
//! decides how audio is read (rtpmap, ptime, maxptime, rtcp), where a wrong value is an error. Crypto, fingerprint, setup and ICE lines
//! are typed from the start, though no transport uses them yet.
//!
//! What is not needed is not kept: the user in `o=`, the subject, e-mail and telephone lines are personal data. Keys and
//! passwords do not print.
//!
//! The order of codecs: an offer lists our policy's order; an answer takes the first codec *of the offer* that our policy
//! has, since the offerer put its preference first (RFC 3264 §5.1), and names that one only, so that no codec changes
//! within a stream.
//!
//! Left out on purpose: grouping and bundling (RFC 9143), multicast sessions, bandwidth, timing, name look-up of
//! addresses, payload types that differ by direction, SRTP and ICE until their transports stand.

mod accept;
mod address;
mod answer;
mod attribute;
mod choice;
mod crypto;
mod fingerprint;
mod format;
mod ice;
mod offer;
mod parse;
mod policy;
mod session;
mod write;

pub use accept::accept;
pub use address::{AddressError, ConnectionAddress, Network, RemoteRule};
pub use answer::answer;
pub use attribute::{Attribute, Direction, RtcpPort};
pub use choice::{AnswerError, Negotiated};
pub use crypto::{Crypto, CryptoKey};
pub use fingerprint::{Fingerprint, Setup};
pub use format::{Fmtp, RtpMap};
pub use ice::{Candidate, IcePassword};
pub use offer::offer;
pub use parse::SdpError;
pub use policy::{CodecPolicy, TransportPolicy};
pub use session::{MediaDescription, MediaKind, MediaProtocol, Origin, SessionDescription};

#[cfg(test)]
mod tests;
