//! Whose sound came back: the caller's, or the echo of what we sent.
//!
//! A telephone gives back some of what it plays, by its speaker or its hybrid, 20 to 400 ms later and 10 to 40 dB weaker
//! (ITU-T G.131, G.168 call the weakening echo return loss). To a voice activity detector that is speech. The gateway
//! knows what it sent, so it can tell:
//!
//! | stage | where | what it does |
//! | --- | --- | --- |
//! | powers | `spectrum` | both signals as twelve band powers every 8 ms |
//! | place | `alignment` | which hop that was sent stands beside which that came, whatever jitter and drift do |
//! | delay | `delay` | the lag at which the spectra move alike |
//! | coupling | `coupling` | how much of each band comes back at most |
//! | verdict | `gate` | what is louder than echo and noise explain is the caller's |
//!
//! All of it works on powers: a codec, a room and a speaker that distorts change waveforms more than powers. It adds no
//! delay. Left out on purpose: taking the echo out of the waveform ([`crate::enhancement`]), and what follows from the
//! verdict ([`crate::barge_in`]).

mod alignment;
mod coupling;
mod delay;
mod gate;
mod noise;
mod reference;
mod spectrum;

pub use alignment::Alignment;
pub use gate::{EchoPath, Gate, Source, Verdict};

/// Decibels of a power; −120 for nothing.
fn decibels(power: f32) -> f32 {
    10.0 * (power + 1e-12).log10()
}
