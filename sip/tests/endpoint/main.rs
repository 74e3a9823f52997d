//! The endpoint from outside: datagrams in, datagrams and events out, in virtual time.

#[cfg(test)]
mod asserted_headers;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod call_flow;
#[cfg(test)]
mod dialog_routing;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod forked_answers;
#[cfg(test)]
mod hostile_input;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod lossy_dialogs;
#[cfg(test)]
mod lossy_link;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod private_data;
#[cfg(test)]
mod referrals;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reliable_responses;
#[cfg(test)]
mod reoffers;
#[cfg(test)]
mod response_routing;
#[cfg(test)]
mod retransmissions;
#[cfg(test)]
mod scripted_peer;
#[cfg(test)]
mod session_timers;
#[cfg(test)]
mod strict_digest;
#[cfg(test)]
mod support;
#[cfg(test)]
mod torture;
mod torture_vectors;
#[cfg(test)]
mod transports;
#[cfg(test)]
mod unanswered;
