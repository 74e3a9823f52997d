//! Passwords: which may be chosen, and how they are kept (NIST SP 800-63B-4 section 3.1.1, OWASP ASVS 5.0 section 6.2).

mod hashing;
mod policy;

pub(crate) use hashing::is_importable;
pub use hashing::{HashCost, PasswordHasher, Verdict};
pub use policy::{PasswordFault, PasswordPolicy};
