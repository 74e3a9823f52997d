//! `auricle serve`: the gateway.

use std::process::ExitCode;

use super::{EX_UNAVAILABLE, fail, say};
use crate::app::{self, Started};
use crate::call::thread::{control, realtime_is_granted};
use crate::config::Config;
use crate::telemetry;

/// Runs the gateway until a signal ends it.
pub(super) fn run(config: Config) -> ExitCode {
    let realtime = config.calls.realtime && realtime_is_granted();
    let runtime = match control::runtime(CONTROL_THREADS, realtime) {
        Ok(runtime) => runtime,
        Err(error) => return fail(EX_UNAVAILABLE, &error),
    };
    if let Err(error) = telemetry::init(&config.log) {
        return fail(EX_UNAVAILABLE, &error);
    }
    match runtime.block_on(app::run(config, announce)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(EX_UNAVAILABLE, &error),
    }
}

/// The one place where the admin secret and the first password are shown.
fn announce(started: &Started) {
    say(&format!("SIP:   sip:1000@{}", started.sip));
    say(&format!("REST:  http://{}", started.rest));
    if let Some(secret) = &started.fresh_secret {
        say(&format!("admin secret, shown once: {}", secret.expose()));
    }
    if let Some(first) = &started.first_admin {
        let (email, password) = (first.email.expose().as_str(), first.password.expose());
        say(&format!("first administrator: {email}, one-time password, shown once: {password}"));
    }
}

/// Threads for signalling, REST and storage: enough that one slow request does not hold up an INVITE.
const CONTROL_THREADS: usize = 2;
