//! The form in which audio waits: payload bytes of G.711, or linear samples of every other codec.
//!
//! One unit is one sample in either form, so that queue, ledger and frames are the same for both. A byte of G.711
//! passes from agent to packet without being decoded; whatever changes a sample goes through its linear value.

use std::fmt::Debug;

use crate::codec::g711::{self, Law};

/// How the samples of a queue are written.
pub(crate) trait Form: Copy + Debug {
    /// One sample.
    type Unit: Copy + Debug;

    /// The linear value of a unit.
    fn linear(self, unit: Self::Unit) -> i16;

    /// The unit nearest to a linear value.
    fn unit(self, sample: i16) -> Self::Unit;

    /// The unit for a byte in `law`: the byte itself where the form is that law.
    fn recode(self, law: Law, code: u8) -> Self::Unit;

    /// The same sample in another form.
    fn to<G: Form>(self, unit: Self::Unit, form: G) -> G::Unit;
}

/// Linear samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear;

impl Form for Law {
    type Unit = u8;

    fn linear(self, unit: u8) -> i16 {
        self.decode(unit)
    }

    fn unit(self, sample: i16) -> u8 {
        self.encode(sample)
    }

    fn recode(self, law: Law, code: u8) -> u8 {
        match (law, self) {
            (Self::Mu, Self::Mu) | (Self::A, Self::A) => code,
            (Self::Mu, Self::A) => g711::ulaw_to_alaw(code),
            (Self::A, Self::Mu) => g711::alaw_to_ulaw(code),
        }
    }

    fn to<G: Form>(self, unit: u8, form: G) -> G::Unit {
        form.recode(self, unit)
    }
}

impl Form for Linear {
    type Unit = i16;

    fn linear(self, unit: i16) -> i16 {
        unit
    }

    fn unit(self, sample: i16) -> i16 {
        sample
    }

    fn recode(self, law: Law, code: u8) -> i16 {
        law.decode(code)
    }

    fn to<G: Form>(self, unit: i16, form: G) -> G::Unit {
        form.unit(unit)
    }
}
