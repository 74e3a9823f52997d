//! The configuration, validated whole before any port opens.
//!
//! Sources, later ones win: the documented defaults, the file (TOML), the environment (`AURICLE__SECTION__KEY`). Without
//! a file the embedded `config/default.toml` stands in, which also brings the simulator that `make run` talks to.
//! Every fault is reported at once with key, value, bound and mend. Each module owns its settings; this one composes
//! them and checks what concerns several. Left out: reloading while running.

mod check;
mod environment;
mod error;
mod field_names;
mod read;
mod suggest;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::{ConfigErrors, EXIT_CODE};

use crate::agent::config::AgentConfig;
use crate::agent::embedded::SimulatorConfig;
use crate::api::config::HttpConfig;
use crate::audit::config::AuditConfig;
use crate::call::config::{CallsConfig, DEFAULT_NUMBER, NumberConfig};
use crate::call::egress_policy::EgressConfig;
use crate::domain::deployment::DeploymentConfig;
use crate::domain::setting::SettingFault;
use crate::identity::config::{IdentityConfig, MailConfig};
use crate::leg::browser_config::WebRtcConfig;
use crate::leg::config::RtpConfig;
use crate::net::https::config::HttpsClientConfig;
use crate::signalling::config::{OutboundConfig, SipConfig};
use crate::signalling::stir::StirConfig;
use crate::signalling::toll::TollPolicy;
use crate::signalling::trunks::{DirectorySource, TrunkConfig};
use crate::store::config::StoreConfig;
use crate::telemetry::config::LogConfig;
use crate::telemetry::hep::HepConfig;
use crate::webhooks::config::WebhooksConfig;

/// Every setting of the gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the gateway is used for.
    pub deployment: DeploymentConfig,
    /// Where SIP is spoken.
    pub sip: SipConfig,
    /// Whose word counts on who calls, and with what we give ours.
    pub stir: StirConfig,
    /// Which ports carry audio.
    pub rtp: RtpConfig,
    /// Where browsers' audio is taken.
    pub webrtc: WebRtcConfig,
    /// How many calls, how long.
    pub calls: CallsConfig,
    /// Whom the gateway may call.
    pub outbound: OutboundConfig,
    /// Trunks by name.
    pub trunks: BTreeMap<String, TrunkConfig>,
    /// What each organisation may dial.
    pub tenants: BTreeMap<String, TollPolicy>,
    /// The agents by name.
    pub agents: BTreeMap<String, AgentConfig>,
    /// Whose callers' audio may go to which agents.
    pub egress: EgressConfig,
    /// Who answers which number.
    pub numbers: BTreeMap<String, NumberConfig>,
    /// The built-in agent.
    pub simulator: SimulatorConfig,
    /// The REST interface.
    pub http: HttpConfig,
    /// Where requests of the gateway's own may go.
    pub https_client: HttpsClientConfig,
    /// Where records are kept.
    pub store: StoreConfig,
    /// How people sign in.
    pub identity: IdentityConfig,
    /// How e-mails leave.
    pub mail: MailConfig,
    /// Where the audit log is kept.
    pub audit: AuditConfig,
    /// Whom signalling is told to.
    pub hep: HepConfig,
    /// How organisations are told what happens.
    pub webhooks: WebhooksConfig,
    /// What is logged.
    pub log: LogConfig,
}

impl Config {
    /// Reads `file`, or the embedded defaults without one, and the environment of this process.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or any setting cannot stand; then all of them are named.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigErrors> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|source| ConfigErrors::Unreadable { path: path.to_owned(), source });
        let text = file.map(read).transpose()?;
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_sources(text.as_deref().unwrap_or(DEFAULTS), variables)
    }

    /// Reads a TOML text and environment variables; variables of other names than `AURICLE__…` are passed over.
    ///
    /// # Errors
    /// When the text is no TOML, or any setting cannot stand; then all of them are named.
    pub fn from_sources(text: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigErrors> {
        let file = text.parse::<toml::Table>().map_err(|error| ConfigErrors::syntax(text, &error))?;
        let mut reader = read::Reader::new(file, environment::layer(variables));
        let config = Self {
            deployment: reader.section("deployment"),
            sip: reader.section("sip"),
            stir: reader.section("stir"),
            rtp: reader.section("rtp"),
            webrtc: reader.section("webrtc"),
            calls: reader.section("calls"),
            outbound: reader.section("outbound"),
            trunks: reader.named_sections("trunks"),
            tenants: reader.named_sections("tenants"),
            agents: reader.named_sections("agents"),
            egress: reader.section("egress"),
            numbers: reader.named_sections("numbers"),
            simulator: reader.section("simulator"),
            http: reader.section("http"),
            https_client: reader.section("https_client"),
            store: reader.section("store"),
            identity: reader.section("identity"),
            mail: reader.section("mail"),
            audit: reader.section("audit"),
            hep: reader.section("hep"),
            webhooks: reader.section("webhooks"),
            log: reader.section("log"),
        };
        let mut faults = reader.finish();
        // What could not be read stands at its default now: its bounds and cross checks would blame the wrong thing.
        if faults.is_empty() {
            faults = check::faults(&config);
        }
        if faults.is_empty() { Ok(config) } else { Err(ConfigErrors::Faults(faults)) }
    }

    /// What is wrong with the text of a configuration, with the environment of this process laid over it as at a start;
    /// nothing when it could be started with.
    #[must_use]
    pub fn faults_of(text: &str) -> Vec<SettingFault> {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        match Self::from_sources(text, variables) {
            Ok(_) => Vec::new(),
            Err(ConfigErrors::Faults(faults)) => faults,
            Err(error) => vec![SettingFault::new("(file)", "(text)", error.to_string(), "write TOML")],
        }
    }

    /// Who answers `dialled`; the entry `default` stands for every number not listed.
    #[must_use]
    pub fn number(&self, dialled: &str) -> Option<&NumberConfig> {
        self.numbers.get(dialled).or_else(|| self.numbers.get(DEFAULT_NUMBER))
    }

    /// What signalling makes its directory of.
    #[must_use]
    pub fn directory(&self) -> DirectorySource {
        DirectorySource {
            trunks: self.trunks.clone(),
            numbers: self.numbers.clone(),
            outbound: self.outbound.clone(),
            tenants: self.tenants.clone(),
            unknown_callers: self.sip.unknown_callers,
            digest_algorithms: self.sip.digest_algorithms.clone(),
            ..DirectorySource::default()
        }
    }

    /// Where the audit log is kept.
    #[must_use]
    pub fn audit_path(&self) -> PathBuf {
        self.audit.path.clone().unwrap_or_else(|| self.store.path.join("audit"))
    }
}

/// What the gateway runs on without a file.
const DEFAULTS: &str = include_str!("../../config/default.toml");

#[cfg(test)]
mod tests;
