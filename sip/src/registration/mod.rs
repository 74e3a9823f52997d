//! Registration (RFC 3261 §10): ours at a trunk's registrar, and that of telephones and PBXs at ours.
//!
//! Left out on purpose: several contacts of our own, `q` values (all contacts of a name are equal), Path (RFC 3327) and Service-Route
//! (RFC 3608), which no trunk needs that lets us register a contact, and the registration event package.

mod answer;
mod client;
mod registrar;

pub use self::answer::RegisterAnswer;
pub use self::client::{Registration, RegistrationConfig, RegistrationOutput, RegistrationStatus};
pub use self::registrar::{Binding, Registrar, RegistrarAnswer, RegistrarConfig};
