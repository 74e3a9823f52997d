//! `auricle serve`: the gateway.

use std::process::ExitCode;

use super::{EX_UNAVAILABLE, fail};
use crate::app;
use crate::call::thread::control;
use crate::config::Config;

/// Runs the gateway until a signal ends it.
pub(super) fn run(config: Config) -> ExitCode {
    let runtime = match control::runtime(CONTROL_THREADS) {
        Ok(runtime) => runtime,
        Err(error) => return fail(EX_UNAVAILABLE, &error),
    };
    match runtime.block_on(app::run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(EX_UNAVAILABLE, &error),
    }
}

/// Threads for signalling, REST and storage: enough that one slow request does not hold up an INVITE.
const CONTROL_THREADS: usize = 2;
