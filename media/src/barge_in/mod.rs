//! Barge-in: the caller speaks while the agent does, and who has the turn.
//!
//! For calls in which the gateway decides turns. [`CallerSpeech`] weighs voice activity and the echo gate and says where
//! the caller begins and stops; [`Arbiter`] makes decisions of it. A barge-in is reversible: at the first suspicion the
//! agent pauses, which is all that must be fast; within a window it is confirmed (the agent's words are thrown away) or
//! rejected (a cough, a "mhm": the agent goes on where it stopped, and nothing is lost).
//!
//! Where the provider decides turns none of this runs: it hears what we send it, and what keeps it from hearing itself is
//! audio without its echo ([`crate::enhancement`]). Left out on purpose: what words mean. Whether "yes, yes"
//! is an interruption can only be told by whoever transcribes; [`Arbiter::handle_words`] takes that verdict.

mod arbiter;
mod caller_speech;
mod ear;

pub use arbiter::{AgentSpeech, Arbiter, Cause, Config, Decision, Output};
pub use caller_speech::{CallerSpeech, Heard};
pub use ear::{Ear, Overheard};
