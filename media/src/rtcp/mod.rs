//! Sender and receiver reports of one RTP exchange with one peer (RFC 3550 §6).
//!
//! SR, RR and BYE are read and written by `rtc-rtcp`, behind our types and behind our own walk over the compound
//! (the `compound` module), so that a datagram costs bounded work and nothing is read that no report needs. The SDES chunk
//! is written here: `rtc-rtcp` pads it with a count where §6.5 demands nulls.
//!
//! Allocates at each report, never at an RTP packet.
//!
//! Left out on purpose: more than one source in either direction, the membership table and timer reconsideration of
//! §6.3 (a call has two members), the probation of appendix A.1 (the transport has locked the source already),
//! feedback (RFC 4585), extended reports (RFC 3611), and all of the peer's SDES, which is personal data.

mod compound;
mod ntp;
mod reception;
mod reporter;
mod sender;

pub use compound::RtcpError;
pub use ntp::NtpBase;
pub use reporter::{Reporter, ReporterConfig, ReporterOutput};
