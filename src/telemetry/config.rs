//! Settings of the log: `[log]`.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::domain::setting::SettingFault;

/// `[log]`: what is logged, and how it is written to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,auricle::agent=debug`. Default `info`.
    pub level: String,
    /// How a line is written. Default `text`.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::default() }
    }
}

impl LogConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        // A bare word that is no level would be read as the name of a module, and silence everything else.
        let is_level = |part: &str| part.contains('=') || part.parse::<LevelFilter>().is_ok();
        if self.level.split(',').all(is_level) && EnvFilter::try_new(&self.level).is_ok() {
            return Vec::new();
        }
        let bound = "must be error, warn, info, debug or trace, or a list of target=level";
        vec![SettingFault::new("level", format!("{:?}", self.level), bound, "info is a good choice")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_refused() {
        let faults = |level: &str| LogConfig { level: level.to_owned(), ..LogConfig::default() }.faults().len();
        assert_eq!(faults("inof"), 1);
        assert_eq!(faults("info,auricle=lots"), 1);
        assert_eq!(faults("info,auricle::agent=debug"), 0);
    }
}
