//! Records: documents with a version, one tenant at a time.
//!
//! [`Documents`] is what a database has to offer; [`sqlite`] is the embedded one, and [`sealed`] stands over either and
//! keeps personal data from it. [`calls`], [`ladders`], [`patients`], [`users`] and [`organisations`] speak of those instead
//! of documents, [`recorder::Recorder`] takes snapshots from running calls without making them wait.
//!
//! No question goes over a tenant's wall, with one exception that has a door of its own: [`logins`] tells which
//! organisation an e-mail address signs in to. Left out on purpose: relations, full text search.

pub mod api_keys;
pub mod backup;
pub mod calls;
pub mod config;
pub mod credentials;
pub mod dial_ins;
mod documents;
mod error;
#[cfg(test)]
pub(crate) mod failing;
pub mod ladders;
pub mod logins;
pub mod migrations;
pub mod mongo;
pub mod named_requests;
pub mod one_time_codes;
pub mod organisations;
mod parts;
pub mod patients;
mod query;
pub mod recorder;
pub mod sealed;
pub mod sessions;
pub mod signing_keys;
pub mod sqlite;
pub mod telephony;
pub mod timed;
pub mod users;
pub mod versioned;
pub mod webhooks;

#[cfg(test)]
mod contract;

pub use documents::{BoxFuture, Collection, Document, Documents, Head, Heads, OrgScope, Page, Write};
pub use error::StoreError;
pub use query::{Condition, Cursor, Direction, Field, Query, Scalar};

/// Every collection of the product; a store makes what is missing when it opens.
pub const COLLECTIONS: &[&Collection] = &[
    &telephony::AGENTS,
    &telephony::AGENT_VERSIONS,
    &api_keys::API_KEYS,
    &backup::RESTORES,
    &calls::CALLS,
    &credentials::CREDENTIALS,
    &dial_ins::DIAL_IN_CALLS,
    &dial_ins::DIAL_IN_KEYS,
    &dial_ins::DIAL_IN_SIGNATURES,
    &ladders::LADDERS,
    &logins::LOGINS,
    &migrations::MIGRATIONS,
    &named_requests::NAMED_REQUESTS,
    &one_time_codes::ONE_TIME_CODES,
    &organisations::ORGANISATIONS,
    &patients::PATIENTS,
    &patients::PATIENT_EMAILS,
    &sealed::ORG_KEYS,
    &sessions::SESSIONS,
    &signing_keys::SIGNING_KEYS,
    &telephony::DIALLING,
    &telephony::NUMBERS,
    &telephony::TELEPHONY_CLAIMS,
    &telephony::TELEPHONY_STATE,
    &telephony::TOLL_DAYS,
    &telephony::TRUNKS,
    &users::USERS,
    &webhooks::WEBHOOKS,
    &webhooks::WEBHOOK_DELIVERIES,
];
