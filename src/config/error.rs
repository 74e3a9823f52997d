//! Why a configuration is refused, written for whoever has to mend it.

use std::fmt;
use std::path::PathBuf;

use crate::domain::setting::SettingFault;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigErrors {
    /// The file could not be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration is not valid TOML, line {line}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// Settings that cannot stand: all of them.
    #[error("{}", Listed(.0))]
    Faults(Vec<SettingFault>),
}

impl ConfigErrors {
    /// The faults, where the text could be read as settings at all.
    #[must_use]
    pub fn faults(&self) -> &[SettingFault] {
        match self {
            Self::Faults(faults) => faults,
            Self::Unreadable { .. } | Self::Syntax { .. } => &[],
        }
    }

    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.as_bytes().get(..start).unwrap_or_default();
        let line = before.split(|&byte| byte == b'\n').count();
        Self::Syntax { line, message: error.message().to_owned() }
    }
}

struct Listed<'a>(&'a [SettingFault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} {}:", if count == 1 { "fault" } else { "faults" })?;
        for fault in self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

/// What the process exits with when its configuration is refused (`EX_USAGE` of sysexits).
pub const EXIT_CODE: u8 = 64;
