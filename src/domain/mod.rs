//! Plain values: what the product speaks of, without sockets, stores or protocols.
//!
//! Everything else may import this module; it imports nothing of ours.

pub mod access;
pub mod api_key;
pub mod arrival;
pub mod audio_diagnostics;
pub mod audit_event;
pub mod call_record;
pub mod caller_verification;
pub mod caregiver;
pub mod credentials;
pub mod deployment;
pub mod dial_in;
pub mod email;
pub mod event;
pub mod field_fault;
pub mod ids;
pub mod ladder;
pub mod media_statistics;
pub mod network;
pub mod organisation;
pub mod patient;
pub mod phone;
pub mod redacted;
pub mod session;
pub mod setting;
pub mod termination;
pub mod timeline;
pub mod transfer;
pub mod user;
pub mod webhook;
