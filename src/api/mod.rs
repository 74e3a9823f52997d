//! The REST control plane.
//!
//! Every request goes through one envelope (request id, time limit, security headers, log line, error form), the
//! protected ones then through authentication, which decodes the credentials once into an [`AuthContext`]. Whatever
//! touches a call is in the audit log before the answer leaves; when the log does not take it, the answer is 503.
//!
//! Left out on purpose, with issues of their own: users and tokens, rate limits, idempotency keys, `OpenAPI`, TLS.

mod audited;
mod auth;
pub mod config;
mod envelope;
mod error;
mod health;
mod input;
mod router;
mod serve;
mod state;
mod v1;

pub use auth::{AdminSecret, AuthContext, SecretError};
pub use router::router;
pub use serve::serve;
pub use state::AppState;

#[cfg(test)]
mod tests;
