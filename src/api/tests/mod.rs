//! The interface through its router, on a real store and a real audit log.

mod access;
mod calls;
mod cast;
mod events;
mod faults;
mod form;
mod house;
mod injection;
mod ladders;
mod limits;
mod matrix;
mod openapi;
mod origins;
mod patients;
mod system;
mod telephony;

pub(super) use house::House;
