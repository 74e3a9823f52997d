//! The interface through its router, on a real store and a real audit log.

mod access;
mod accounts;
mod agents;
mod attacks;
mod bots;
mod calls;
mod cast;
mod console;
mod counted;
mod daily;
mod dial_in;
mod events;
mod faults;
mod fields;
mod form;
mod house;
mod idempotency;
mod injection;
mod ladders;
mod limits;
mod matrix;
mod openapi;
mod origins;
mod patient_calls;
mod patients;
mod signing_in;
mod system;
mod telephony;
mod webhooks;

pub(super) use house::House;
