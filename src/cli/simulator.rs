//! `auricle agent-simulator`: a streaming AI that is none, to test against.

use std::process::ExitCode;

use super::{EX_UNAVAILABLE, EX_USAGE, fail, say};
use crate::agent::simulator::{self, ArgumentsError};
use crate::shutdown::StopSignals;

pub(super) use crate::agent::simulator::Arguments;

/// Runs the simulator until a signal ends it.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(EX_UNAVAILABLE, &error),
    };
    let outcome = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        simulator::run(arguments, |address| say(&format!("listening on {address}")), async move { signals.next().await }).await
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ ArgumentsError::Io(_)) => fail(EX_UNAVAILABLE, &error),
        Err(error) => fail(EX_USAGE, &error),
    }
}
