//! Toll fraud: what a tenant may dial, and how much of it.
//!
//! Whoever can make a telephone system call numbers that pay him will do so, at night and in parallel. So: nothing goes out until it is
//! switched on; then to listed countries alone, to no service that costs more than a call, never to an emergency number; and what goes
//! out is counted in calls, minutes and money a day, calls that are up included.

mod alarm;
mod ledger;
mod meter;
mod policy;
mod rules;

pub use alarm::Alarms;
pub use ledger::{Ledger, LedgerPort, Settlement, TollDay, today};
pub use meter::{CallToken, Charge, Meter, MeterRefusal, Used};
pub use policy::{TollPolicy, TollRefusal};
pub use rules::{DiallingRules, GatewayStop, Stop, StoppedBy};
