//! Reports on one RTP exchange with one peer: RTCP (RFC 3550 §6), extended reports (RFC 3611), packets of reduced size
//! (RFC 5506).
//!
//! [`Reporter`] is the machine. One file each: the packets (`sender_report`, `receiver_report`, `source_description`,
//! `goodbye`, `extended`) and the walk over them (`compound`), views on the datagram that copy and allocate nothing; the
//! books of what comes (`reception`, `received_stream`, `window`, `bursts`) and goes (`sender`); the timer (`schedule`, `members`).
//! [`ReportSummary`] is for whoever watches from outside.
//! `rtc-rtcp` is the oracle of the tests. It is not used otherwise: it allocates for each block, and pads names with a
//! count where §6.5 demands nulls.
//!
//! Allocates nothing at an RTP packet, and at a report only while the first ones are written.
//!
//! Left out on purpose: another SSRC for us when the peer drew the same (§8.2; reports under our own are counted and
//! passed over, and the transport's lock sees to the rest), the probation of appendix A.1 (the transport has locked the
//! source already), feedback (RFC 4585), applications' packets, and all of the peer's SDES, which is personal data.

mod bursts;
mod compound;
mod extended;
mod goodbye;
mod members;
mod ntp;
mod playout_report;
mod received_stream;
mod receiver_report;
mod reception;
mod remote;
mod report_block;
mod reporter;
mod round_trip;
mod schedule;
mod sender;
mod sender_report;
mod source_description;
mod spread;
mod summary;
mod window;

pub use compound::RtcpError;
pub use ntp::NtpBase;
pub use playout_report::{Concealment, PlayoutReport};
pub use reporter::{ExtendedReports, Reporter, ReporterConfig, ReporterEvent, ReporterOutput};
pub use summary::{ReceivedSummary, ReportSummary, SenderSummary, VoipSummary};
