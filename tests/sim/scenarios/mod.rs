//! What can happen to a call, one kind of trouble a file.

mod barge_in;
mod delayed_offer;
mod ends;
mod failover;
mod holding;
mod keys;
mod links;
mod lost_agent;
mod manners;
mod outbound;
mod random;
mod tools;
