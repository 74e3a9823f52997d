//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760): MD5 and SHA-256, as the one who is asked and as the one who asks.
//!
//! Asked, we answer the strongest challenge of our account's realm and no other: an answer to a foreign realm is a gift to whoever
//! collects hashes. Asking, we keep no state for strangers: a nonce proves by itself that we made it, for which address and when;
//! only what was used with success is remembered, bounded.
//!
//! Left out on purpose: `auth-int` (bodies are changed on their way), the `-sess` variants and SHA-512/256 (no trunk asks for them),
//! `Authentication-Info`, and answering two realms in one request.

mod algorithm;
mod challenge;
mod client;
mod credentials;
mod params;
mod response;
mod server;

pub use self::algorithm::{Algorithm, Algorithms};
pub use self::challenge::Challenge;
pub use self::client::{Account, AuthError, DigestClient};
pub use self::credentials::Credentials;
pub use self::server::{Denied, DigestServer, DigestServerConfig};
