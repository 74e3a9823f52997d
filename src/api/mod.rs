//! The REST control plane.
//!
//! Routes with their input, answers and errors stand in one list (`contract`): the router, the checks of input and the
//! OpenAPI document come from it. Every request goes through `shell`, in which credentials are decoded once into an
//! [`AuthContext`](crate::identity::AuthContext). Whatever touches a call or a patient is in the audit log before the answer leaves; when the log does
//! not take it, the answer is 503.

mod audited;
mod auth;
mod bots;
pub mod config;
mod console;
mod contract;
mod daily;
mod error;
mod error_code;
mod input;
mod limits;
mod places;
mod router;
mod serve;
mod shell;
mod state;
mod streams;
mod system;
mod v1;
mod watch;

pub use limits::{Counters, InMemory, Limits};
pub use router::{openapi_text, router};
pub use serve::{Certificates, ServeError, Server};
pub use shell::Proxies;
pub use state::{AppState, ConfigCheck, GatewayView, Parts};

#[cfg(test)]
mod tests;
