//! What every request passes on its way to its handler, from outside in: origins ([`cors`]), request id, security headers
//! and error form ([`envelope`]), size, authentication, permission and limit ([`gate`]), the log line, the handler.
//!
//! What is refused on the way is logged by the envelope, since it never gets as far as the log line.

mod cors;
mod envelope;
mod gate;
mod idempotency;
mod line;
mod proxies;

pub(super) use cors::{Origins, origins};
pub(super) use envelope::wrap;
pub(super) use gate::{Gate, pass};
pub use proxies::Proxies;
