//! The tools of an agent as calls use them: made once, shared by all of its calls.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::config::AgentConfig;
use crate::agent::tools::schema::Schema;
use crate::agent::tools::{BuiltIn, OwnTool, ToolsConfig};
use crate::domain::redacted::Redacted;
use crate::net::https::HttpsUrl;
use crate::phone::{WavError, read_wav};

/// What an agent may use, ready to be used. The default is nothing.
#[derive(Debug, Default)]
pub struct Toolset {
    pub(super) built_in: Vec<(BuiltIn, Schema)>,
    pub(super) own: Vec<Arc<Own>>,
    pub(super) targets: Vec<String>,
    pub(super) limits: Limits,
    pub(super) filler: Option<Sound>,
}

/// How many tools may be asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) per_turn: u32,
    pub(super) per_call: u32,
    pub(super) at_once: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let ToolsConfig { max_per_turn, max_per_call, max_at_once, .. } = ToolsConfig::default();
        Self { per_turn: max_per_turn, per_call: max_per_call, at_once: max_at_once }
    }
}

/// A tool of the operator's.
#[derive(Debug)]
pub(in crate::call) struct Own {
    pub(super) settings: OwnTool,
    pub(super) schema: Schema,
    pub(super) url: HttpsUrl,
    pub(super) key: Redacted<String>,
}

/// What is heard while one runs.
pub(super) struct Sound {
    /// At 8 kHz.
    pub(super) samples: Vec<i16>,
    pub(super) repeat: bool,
    pub(super) after: Duration,
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sound").field("samples", &self.samples.len()).field("repeat", &self.repeat).finish_non_exhaustive()
    }
}

/// Why an agent's tools cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ToolsetError {
    /// The key of a tool is not there.
    #[error("the tool {tool} has no key to sign its requests with")]
    NoKey {
        /// Which tool.
        tool: String,
    },
    /// A setting that the checks of settings should have found.
    #[error("the tool {tool} is not set up as it must be")]
    Settings {
        /// Which tool.
        tool: String,
    },
    /// The filler cannot be read.
    #[error("the filler {path} cannot be used")]
    Filler {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: WavError,
    },
}

impl Toolset {
    /// The tools of an agent whose keys `key_of` finds.
    ///
    /// # Errors
    /// When a key is missing, the filler cannot be read, or a setting is not as it must be.
    pub fn new(agent: &AgentConfig, key_of: impl Fn(&OwnTool) -> Option<Redacted<String>>) -> Result<Self, ToolsetError> {
        let tools = &agent.tools;
        let own = |settings: &OwnTool| {
            let unset = || ToolsetError::Settings { tool: settings.name.clone() };
            let url = settings.url.parse::<HttpsUrl>().map_err(|_| unset())?;
            let schema = Schema::parse(&settings.parameters).map_err(|_| unset())?;
            let key = key_of(settings).filter(|key| !key.expose().is_empty());
            let key = key.ok_or_else(|| ToolsetError::NoKey { tool: settings.name.clone() })?;
            Ok(Arc::new(Own { settings: settings.clone(), schema, url, key }))
        };
        let built_in = |tool: &BuiltIn| {
            let schema = Schema::parse(&tool.parameters(&agent.transfer_targets));
            schema.map(|schema| (*tool, schema)).map_err(|_| ToolsetError::Settings { tool: tool.name().to_owned() })
        };
        let filler = tools.filler.as_ref().map(|filler| {
            let mut samples = read_wav(&filler.file).map_err(|source| ToolsetError::Filler { path: filler.file.clone(), source })?;
            samples.truncate(LONGEST_FILLER);
            Ok(Sound { samples, repeat: filler.repeat, after: Duration::from_millis(filler.after_ms.into()) })
        });
        Ok(Self {
            built_in: tools.built_in.iter().map(built_in).collect::<Result<_, _>>()?,
            own: tools.own.iter().map(own).collect::<Result<_, _>>()?,
            targets: agent.transfer_targets.clone(),
            limits: Limits { per_turn: tools.max_per_turn, per_call: tools.max_per_call, at_once: tools.max_at_once },
            filler: filler.transpose()?,
        })
    }

    /// The keys of tools that the environment holds.
    #[must_use]
    pub fn key_of_environment(tool: &OwnTool) -> Option<Redacted<String>> {
        std::env::var(tool.secret_env.as_deref()?).ok().map(Redacted::new)
    }
}

/// 20 s at 8 kHz.
const LONGEST_FILLER: usize = 20 * 8_000;
