//! Stopping in good order: new calls are refused at once, running ones get time, a second signal ends it all.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::call::command::CallCommand;
use crate::call::registry::CallRegistry;

/// Hears the signals that end a process.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system takes no handler.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits until no call runs, at most `drain`; then ends those left and gives them a moment to say goodbye.
pub async fn drain(registry: &CallRegistry, signals: &mut StopSignals, drain: Duration) {
    let deadline = Instant::now() + drain;
    let emptied = tokio::select! {
        emptied = until_empty(registry, deadline) => emptied,
        () = signals.next() => false,
    };
    if !emptied {
        tracing::warn!(calls = registry.len(), "calls_ended_by_shutdown");
        registry.command_all(&CallCommand::Shutdown);
        until_empty(registry, Instant::now() + FAREWELL).await;
    }
}

async fn until_empty(registry: &CallRegistry, deadline: Instant) -> bool {
    while !registry.is_empty() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    true
}

/// How long calls have for their BYE.
const FAREWELL: Duration = Duration::from_secs(2);

const LOOK_AGAIN: Duration = Duration::from_millis(20);
