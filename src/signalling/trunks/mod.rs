//! Trunks: whom calls come from and go to, and what is agreed with each.
//!
//! [`Directory`] is all that signalling knows of trunks, numbers and tenants at one time: plain values, made from the configuration
//! or by an interface, and replaced whole while calls run. A call keeps what it began with; a tenant whose outbound calls are
//! switched off loses them at once.

mod caller_id;
pub mod config;
mod desk;
mod digest;
mod directory;
mod door;
mod health;
mod kept;
mod limits;
mod routing;
mod uri_parts;

pub use caller_id::{Identity, ShownNumber, arrival, asserted_number};
pub use config::{IdentityRule, NumberFormat, Passwords, Quirk, ReferRule, TrunkConfig};
pub use desk::{Desk, Leaving, TrunkStatus, Way};
pub use digest::{DigestAlgorithm, DigestAlgorithms};
pub use directory::{Dialled, Directory, DirectoryError, DirectorySource, Peer, Trunk, TrunkName};
pub use door::Door;
pub use health::{Health, HealthConfig, HealthOutput, HealthStatus};
pub use kept::{Kept, KeptNumber, KeptTrunk, TrunkSecrets};
pub use limits::{CallRate, Limits, Refused};
pub use routing::{RouteConfig, Routes};

pub(crate) use caller_id::request_uri;
pub(crate) use routing::is_prefix;
pub(crate) use uri_parts::bracketed;
