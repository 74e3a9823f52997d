//! What can happen to a call, one kind of trouble a file.

mod barge_in;
mod ends;
mod links;
mod lost_agent;
mod outbound;
mod random;
