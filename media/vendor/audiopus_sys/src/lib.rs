//! libopus 1.6.1 under the name that `audiopus` binds to.
//!
//! The crate of this name brings libopus 1.3, does not build with CMake 4, and links whatever `libopus` a machine has.
//! `[patch.crates-io]` in the root `Cargo.toml` puts this one in its place: the same C interface, built from source and
//! linked statically. Left out on purpose: everything else.

pub use opusic_sys::*;
