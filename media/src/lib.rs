//! The media core: what happens to audio between a socket and an AI, without the socket, the AI or the clock.
//!
//! # The law of every state machine in this crate
//!
//! 1. Time is an argument. `now: Instant` is the first parameter of every call that depends on it; it never runs backwards.
//! 2. Input goes in by a `handle_*` or a named verb, and `handle_timeout(now)` once the promised instant has come.
//! 3. After any input, call `poll_output` (or the named polls) until it answers with a timeout; only then wait.
//! 4. Nothing here allocates per packet after warm-up, blocks, logs above debug, or panics on what came from the wire.
//! 5. Randomness (SSRC, first sequence number, noise) comes from a seed in the configuration, so a run can be repeated.
//!
//! Units and wrap-around live in [`units`]; the order of the stages stands in [`ingress`], [`egress`] and [`playout`].

pub mod analysis;
pub mod barge_in;
pub mod codec;
pub mod drift;
pub mod dtmf;
pub mod echo;
pub mod egress;
pub mod enhancement;
pub mod frame;
pub mod ice;
pub mod ingress;
mod jitter;
mod noise_floor;
mod pacer;
pub mod pipeline;
pub mod playout;
pub mod quality;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod srtp;
pub mod stats;
pub mod time_scale;
pub mod transport;
pub mod units;
pub mod vad;
