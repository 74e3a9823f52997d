//! The interface through its router, on a real store and a real audit log.

mod access;
mod accounts;
mod attacks;
mod calls;
mod cast;
mod counted;
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
mod signing_in;
mod system;

pub(super) use house::House;
