//! Where the gateway runs: `[deployment]`. What is allowed on a developer's machine is refused where there are patients.

use serde::Deserialize;

/// `[deployment]`: what the gateway is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeploymentConfig {
    /// `development`, `test`, `staging` or `production`. Default `development`. The last two refuse the built-in agent,
    /// agents and a REST interface that other hosts reach without TLS, web origins without TLS, and logs with details.
    pub environment: Environment,
}

/// What a gateway is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Work on the gateway itself.
    #[default]
    Development,
    /// Automatic tests.
    Test,
    /// As production, for a last look.
    Staging,
    /// Patients.
    Production,
}

impl Environment {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Whether there may be patients.
    #[must_use]
    pub const fn is_guarded(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}
