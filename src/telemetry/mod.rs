//! Logs and metrics, and what a collector is told ([`hep`]).
//!
//! A log line is the name of an event and its fields. Personal data cannot get into one: it is held in types that do
//! not print ([`crate::domain::redacted::Redacted`]), and addresses go through [`MaskedAddr`]. Levels: debug for
//! diagnosis, info for a change of state, warn for what mended itself, error for what needs a look.

pub mod config;
pub mod hep;
mod mask;
pub mod metrics;

use std::io;

use tracing_subscriber::EnvFilter;

pub use mask::MaskedAddr;

use self::config::{LogConfig, LogFormat};

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level cannot be read.
    #[error("log.level cannot be read")]
    Level(#[source] tracing_subscriber::filter::ParseError),
    /// Logging has begun already.
    #[error("logging has begun already")]
    Begun(#[source] tracing_subscriber::util::TryInitError),
}

/// Begins logging to standard error, for the whole process.
///
/// # Errors
/// When the level cannot be read, or it was called before.
pub fn init(config: &LogConfig) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = EnvFilter::try_new(&config.level).map_err(TelemetryError::Level)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match config.format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().try_init(),
        LogFormat::Text => lines.with_ansi(false).finish().try_init(),
    }
    .map_err(TelemetryError::Begun)
}
