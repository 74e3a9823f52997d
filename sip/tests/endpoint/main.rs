//! The endpoint from outside: datagrams in, datagrams and events out, in virtual time.

#[cfg(test)]
mod call_flow;
#[cfg(test)]
mod support;
