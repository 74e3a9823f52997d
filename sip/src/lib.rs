//! SIP for a voice gateway: what to send and what happened, without the socket, the thread or the clock.
//!
//! # The law of every state machine in this crate
//!
//! 1. Time is an argument. `now: Instant` is the first parameter of every call that depends on it; it never runs backwards.
//! 2. Input goes in by [`Endpoint::handle_message`](endpoint::Endpoint::handle_message) or a named verb, and by
//!    [`Endpoint::handle_timeout`](endpoint::Endpoint::handle_timeout) once the promised instant has come.
//! 3. After any input, call [`Endpoint::poll_output`](endpoint::Endpoint::poll_output) until it answers with
//!    [`Output::Timeout`](endpoint::Output::Timeout); only then wait.
//! 4. Nothing here blocks, logs above debug, or panics on what came from the wire. User parts and addresses are never logged.
//! 5. Randomness (branches, tags, Call-IDs) comes from a seed in the configuration, so a run can be repeated.
//! 6. Every table has a bound; what happens at the bound is written where the bound is.
//!
//! # What is here
//!
//! A user agent over UDP, TCP, TLS and WebSocket ([`transport`]: flows, framing of streams): messages ([`message`], [`header`]), the four transactions of RFC 3261 §17 with the corrections of
//! RFC 6026 ([`transaction`]), dialogs (§12), INVITE in both directions with CANCEL, BYE and re-INVITE (§9, §13–15), OPTIONS (§11),
//! `rport` (RFC 3581), digest authentication both ways ([`auth`]), registration both ways ([`registration`]), all behind one
//! [`endpoint::Endpoint`]. Within and before a call, in both roles: reliable provisional responses
//! (PRACK, RFC 3262), UPDATE (RFC 3311), session timers (RFC 4028), REFER with NOTIFY and Replaces (RFC 3515, 3891, 4488, 5589), keys by
//! INFO ([`key_press`]), and the order of offers and answers that they carry (RFC 6337). Bodies are opaque bytes: what stands in an offer
//! or answer is somebody else's. For whoever shows signalling to people: [`glance`] tells whose a message is, [`mask`] hides its secrets.
//!
//! # What is left out for now
//!
//! Asking a name server: [`locate`] says what to ask and in which order to try what comes back (RFC 3263), and calls are made to addresses,
//! several where a name has several servers. Subscriptions but that of REFER. Being a proxy is left out for good, and with it the check of
//! Max-Forwards: a user agent is the last hop, and 0 is what the last hop may well see (§16.3).

pub mod auth;
pub mod endpoint;
pub mod glance;
pub mod header;
pub mod key_press;
pub mod locate;
pub mod mask;
pub mod message;
pub mod registration;
pub mod transaction;
pub mod transport;

mod dialog;
mod invite;
