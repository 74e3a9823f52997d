//! The SIP ladder of each call: kept while the call runs, written with its end, shown as text and as a capture.
//!
//! [`Tap`] stands in the SIP shell where messages go by. It masks their secrets, puts them down in a [`LadderBook`] and hands what is
//! complete to [`LadderKeeper`], which writes. Signalling never waits for that: what finds the queue full is dropped and counted.
//!
//! Left out on purpose: ladders of calls that were refused, which have no record either, and those of calls whose process dies.

mod book;
mod config;
mod diagram;
mod keeper;
mod pcap;
mod summary;
mod tap;

pub use self::book::{Book, Bounds};
pub use self::config::LadderConfig;
pub use self::diagram::diagram;
pub use self::keeper::LadderKeeper;
pub use self::pcap::pcap;
pub use self::summary::{Sort, Step, steps};
pub use self::tap::{LadderBook, Tap};
