//! The interface through its router, on a real store and a real audit log.

mod access;
mod calls;
mod faults;
mod form;
mod house;
