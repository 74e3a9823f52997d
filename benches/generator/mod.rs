//! The load: N callers and the agent that they are connected to, in one process so that both read one clock.
//!
//! Each caller sends PCMU silence at 50 packets a second with an impulse in every tenth packet; a preamble of impulses
//! tells the agent which caller it hears. The agent notes when each impulse reaches it and sends the audio back; the
//! caller notes when the impulse comes home. Sent and received instants are the kernel's where it gives them.
//!
//! On standard output: `UP` when every call is answered, `START` and `END` around the measured window, and after the
//! calls are hung up one line of JSON.

pub(crate) mod agent;
mod caller;
pub(crate) mod clock;
pub(crate) mod cpu;
mod load;
mod sip;
mod summary;
pub(crate) mod trace;
mod ulaw;

pub(crate) use load::{Load, Target, run};
