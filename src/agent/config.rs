//! What an operator sets about an agent.
//!
//! Unknown keys are refused. The API key is never part of the file: the file names the environment variable that
//! holds it. Left out on purpose: who takes over when it fails, which the number says.

mod agreement;
mod turns;
mod wire;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::agreement::{Agreement, Everybody};
pub use self::turns::{Eagerness, TurnDetection};
pub(crate) use self::wire::word;
pub use self::wire::{Protocol, WireFormat};
use super::conduct::Conduct;
use super::protocol;
use super::tools::{Keys, ToolsConfig};
use super::variables::Variable;
use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;

/// One agent: where it is, what it speaks and how it is to behave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// What is spoken on its socket. Default: `openai`.
    pub protocol: Protocol,
    /// Where it listens, `wss://…`, or `ws://…` where every address of the host is loopback or private; `https://…` where a place is
    /// asked for first, as with Ultravox. Required.
    pub url: String,
    /// The model, where the provider has several; goes into URL or settings as the protocol wants it. For Deepgram the one that
    /// thinks, as `provider/model`. Default: none.
    pub model: Option<String>,
    /// How audio is written, both ways. Default: `pcm24k`.
    pub format: WireFormat,
    /// The provider's name of a voice. Default: the provider's own choice.
    pub voice: Option<String>,
    /// What the agent is told about its task; at most 64 KiB. Default: none.
    #[schemars(with = "Option<String>")]
    pub instructions: Option<Redacted<String>>,
    /// What callers speak, ISO 639-1 (`en`); helps transcription. Default: none, the provider guesses.
    pub language: Option<String>,
    /// Which model writes down what callers say. Default: none, callers are not transcribed.
    pub transcription_model: Option<String>,
    /// How the provider finds the end of a turn.
    pub turn_detection: TurnDetection,
    /// How its calls are led, where a number does not say otherwise.
    pub conduct: Conduct,
    /// Whether the agent speaks first. Default: false.
    pub greet_first: bool,
    /// What it is told for its first words; for Deepgram, ElevenLabs and Ultravox the words themselves. Needs `greet_first`. Default: none,
    /// its instructions decide.
    #[schemars(with = "Option<String>")]
    pub greeting: Option<Redacted<String>>,
    /// Whether it is told who called whom; a caller's number is personal data. Default: false.
    pub tell_numbers: bool,
    /// What a bot behind a carrier's protocol is told beside the names of the call, as that protocol does it; at most 32, 1 KiB each.
    /// Default: none.
    pub parameters: BTreeMap<String, String>,
    /// Where the gateway is the carrier: the account that bots name in requests. Default: one that follows from the URL.
    pub account: Option<String>,
    /// Name of the environment variable with the API key. Default: none, no key is sent.
    #[serde(skip_serializing)]
    pub api_key_env: Option<String>,
    /// PEM file with certificates trusted beside the public roots. Default: none.
    #[serde(skip_serializing)]
    pub ca_file: Option<PathBuf>,
    /// Numbers and SIP URIs to which it may send a caller, as it has to write them; what its organisation may call is asked besides.
    /// Default: none. At most 64.
    pub transfer_targets: Vec<String>,
    /// What it may use beside its voice.
    pub tools: ToolsConfig,
    /// What of the patient's record and of the call may stand in `instructions` and `greeting`, as `{{patient.first_name}}`. Default: nothing.
    pub variables: Vec<Variable>,
    /// For name look-up, TCP and TLS together, and once more for the WebSocket handshake; 100 to 60 000 ms. Default: 5 000.
    pub connect_timeout_ms: u64,
    /// From the open socket until the agent took its settings; 100 to 60 000 ms. Default: 3 000.
    pub ready_timeout_ms: u64,
    /// From the end of the caller's turn until the agent is heard; an agent that takes longer is taken for stalled, and replaced. 0
    /// waits for ever; else 1 000 to 120 000 ms. Default: 10 000.
    pub answer_timeout_ms: u64,
    /// Whether a socket to it stands open in each call in which it is the next to take over. Default: false.
    pub standby: bool,
    /// With whom there is an agreement that callers' audio may go to it: `"all"`, or a list of organisations. Asked of those that
    /// `[egress]` covers. Default: none.
    pub agreement: Option<Agreement>,
    /// An HTTP proxy by which it is reached, `http://host:port`, which is asked for a tunnel (CONNECT); with `wss://` alone. Default:
    /// none.
    pub proxy: Option<String>,
    /// Name of the environment variable with `user:password` for the proxy. Default: none, it asks for nothing.
    pub proxy_credentials_env: Option<String>,
}

/// An agent without a URL, which [`AgentConfig::faults`] then names.
impl Default for AgentConfig {
    fn default() -> Self {
        Self::at("")
    }
}

impl AgentConfig {
    /// An agent at `url` with every other setting at its default.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            protocol: Protocol::default(),
            url: url.into(),
            model: None,
            format: WireFormat::default(),
            voice: None,
            instructions: None,
            language: None,
            transcription_model: None,
            turn_detection: TurnDetection::default(),
            conduct: Conduct::default(),
            greet_first: false,
            greeting: None,
            tell_numbers: false,
            parameters: BTreeMap::new(),
            account: None,
            api_key_env: None,
            ca_file: None,
            transfer_targets: Vec::new(),
            tools: ToolsConfig::default(),
            variables: Vec::new(),
            connect_timeout_ms: default_connect_timeout_ms(),
            ready_timeout_ms: default_ready_timeout_ms(),
            answer_timeout_ms: default_answer_timeout_ms(),
            standby: false,
            agreement: None,
            proxy: None,
            proxy_credentials_env: None,
        }
    }

    /// Everything that is wrong with it; empty when it can be used.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        self.faults_with(Keys::Named)
    }

    /// The same; whether keys are named here, or kept elsewhere, makes a difference for tools.
    pub(super) fn faults_with(&self, keys: Keys) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        self.check_url(&mut faults);
        self.check_proxy(&mut faults);
        self.check_texts(&mut faults);
        faults.extend(self.turn_detection.faults().into_iter().map(|fault| fault.under("turn_detection")));
        faults.extend(protocol::ability::faults(self));
        faults.extend(self.tool_faults(keys));
        faults.extend(self.variable_faults());
        let conduct = self.conduct.faults().into_iter().chain(self.conduct.faults_toward(self.protocol));
        faults.extend(conduct.map(|fault| fault.under("conduct")));
        for (field, value) in [("connect_timeout_ms", self.connect_timeout_ms), ("ready_timeout_ms", self.ready_timeout_ms)] {
            if !TIMEOUT_MS.contains(&value) {
                faults.push(SettingFault::new(field, value, "100 to 60000", "give a time in milliseconds within the bound"));
            }
        }
        if self.answer_timeout_ms != 0 && !ANSWER_TIMEOUT_MS.contains(&self.answer_timeout_ms) {
            let mend = "give a time in milliseconds within the bound, or 0 to wait for ever";
            faults.push(SettingFault::new("answer_timeout_ms", self.answer_timeout_ms, "0, or 1000 to 120000", mend));
        }
        faults
    }

    /// [`Self::instructions`], which may speak of the patient: never for a log line.
    #[must_use]
    pub fn instructions(&self) -> Option<&str> {
        self.instructions.as_ref().map(|text| text.expose().as_str())
    }

    /// [`Self::greeting`], which may speak of the patient: never for a log line.
    #[must_use]
    pub fn greeting(&self) -> Option<&str> {
        self.greeting.as_ref().map(|text| text.expose().as_str())
    }

    /// [`Self::connect_timeout_ms`] as a duration.
    #[must_use]
    pub const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// [`Self::ready_timeout_ms`] as a duration.
    #[must_use]
    pub const fn ready_timeout(&self) -> Duration {
        Duration::from_millis(self.ready_timeout_ms)
    }

    /// [`Self::answer_timeout_ms`] as a duration; none for ever.
    #[must_use]
    pub fn answer_timeout(&self) -> Option<Duration> {
        (self.answer_timeout_ms > 0).then(|| Duration::from_millis(self.answer_timeout_ms))
    }

    fn check_url(&self, faults: &mut Vec<SettingFault>) {
        match protocol::request_uri(self) {
            Err(_) => faults.push(SettingFault::new(
                "url",
                shown(&self.url),
                protocol::url_form(self.protocol),
                "write the whole URL of the agent",
            )),
            Ok(uri) => {
                let literal = uri.host().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
                let plain = matches!(uri.scheme_str(), Some("ws" | "http"));
                if plain && literal.is_some_and(|address| !is_private(address)) {
                    let allowed = "ws:// and http:// to loopback or private addresses only";
                    faults.push(SettingFault::new("url", shown(&self.url), allowed, "use wss:// or https://"));
                }
            }
        }
    }

    fn check_proxy(&self, faults: &mut Vec<SettingFault>) {
        let Some(proxy) = &self.proxy else { return };
        if proxy_address(proxy).is_none() {
            faults.push(SettingFault::new("proxy", shown(proxy), "http://host:port", "write the proxy's host and port, nothing else"));
        }
        if !self.url.starts_with("wss://") && !self.url.starts_with("https://") {
            faults.push(SettingFault::new("proxy", "set", "only with wss:// or https://", "use TLS, or reach the agent without a proxy"));
        }
    }

    fn check_texts(&self, faults: &mut Vec<SettingFault>) {
        for (field, text) in [("instructions", self.instructions()), ("greeting", self.greeting())] {
            if let Some(text) = text
                && text.len() > MAX_TEXT_LEN_BYTES
            {
                faults.push(SettingFault::new(field, format_args!("{} bytes", text.len()), "at most 65536 bytes", "shorten the text"));
            }
        }
        let too_long =
            |(name, value): (&String, &String)| name.is_empty() || name.len() > MAX_PARAMETER_LEN || value.len() > MAX_PARAMETER_LEN;
        if self.parameters.len() > MAX_PARAMETERS || self.parameters.iter().any(too_long) {
            let count = format!("{} entries", self.parameters.len());
            faults.push(SettingFault::new("parameters", count, "at most 32, of at most 1024 bytes each", "tell the bot less"));
        }
        if self.transfer_targets.len() > MAX_TRANSFER_TARGETS {
            let count = self.transfer_targets.len();
            faults.push(SettingFault::new("transfer_targets", count, "at most 64 entries", "name what callers are sent to"));
        }
        if self.greeting.is_some() && !self.greet_first {
            faults.push(SettingFault::new("greeting", "set", "only with greet_first = true", "set greet_first or remove greeting"));
        }
        if let Some(name) = &self.api_key_env
            && (name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        {
            // The value is not shown: what is no variable name may well be the key itself.
            faults.push(SettingFault::new("api_key_env", "(hidden)", "letters, digits and _", "name the variable, not the key"));
        }
    }
}

/// Whether an address is of this machine or of a private network (RFC 1918, RFC 4193, RFC 3927, RFC 4291 §2.5.6):
/// where audio may go in the clear.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        },
    }
}

/// Host and port of a proxy.
pub(super) fn proxy_address(proxy: &str) -> Option<(&str, u16)> {
    let (host, port) = proxy.strip_prefix("http://")?.trim_end_matches('/').rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    let fine = !host.is_empty() && !host.contains(['@', '/', '?', ' ']);
    fine.then_some((host, port.parse().ok()?))
}

/// A URL as far as it may be shown: tokens stand in queries, passwords before an `@`.
fn shown(url: &str) -> &str {
    let path = url.split('?').next().unwrap_or_default();
    if path.contains('@') { "(hidden)" } else { path }
}

const MAX_TEXT_LEN_BYTES: usize = 64 * 1024;

/// What a bot may be told, and how long each of it may be.
const MAX_PARAMETERS: usize = 32;
const MAX_PARAMETER_LEN: usize = 1024;

/// Where one agent may send callers.
const MAX_TRANSFER_TARGETS: usize = 64;
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=60_000;
const ANSWER_TIMEOUT_MS: std::ops::RangeInclusive<u64> = 1_000..=120_000;

const fn default_connect_timeout_ms() -> u64 {
    5_000
}

const fn default_ready_timeout_ms() -> u64 {
    3_000
}

const fn default_answer_timeout_ms() -> u64 {
    10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_alone_is_a_whole_configuration() {
        let config: AgentConfig = toml::from_str(r#"url = "ws://127.0.0.1:9202/""#).unwrap();
        assert_eq!(config, AgentConfig::at("ws://127.0.0.1:9202/"));
        assert_eq!(config.faults(), []);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<AgentConfig>("url = \"wss://a.example/\"\nvoise = \"x\"").is_err());
        let nested = "url = \"wss://a.example/\"\n[turn_detection]\ntype = \"server_vad\"\ntreshold = 0.4";
        assert!(toml::from_str::<AgentConfig>(nested).is_err());
    }

    #[test]
    fn every_setting_out_of_its_bound_is_named_at_once() {
        let config = AgentConfig {
            connect_timeout_ms: 5,
            ready_timeout_ms: 0,
            greeting: Some("hello".into()),
            api_key_env: Some("sk-live-0123".into()),
            turn_detection: TurnDetection::ServerVad { threshold: 2.0, prefix_padding_ms: 20_000, silence_duration_ms: 500 },
            ..AgentConfig::at("http://a.example/")
        };
        let faults = config.faults();
        let fields: Vec<_> = faults.iter().map(|issue| issue.key.as_str()).collect();
        assert_eq!(
            fields,
            [
                "url",
                "greeting",
                "api_key_env",
                "turn_detection.threshold",
                "turn_detection.prefix_padding_ms",
                "connect_timeout_ms",
                "ready_timeout_ms"
            ]
        );
        assert!(!format!("{faults:?}").contains("sk-live"));
    }

    #[test]
    fn turns_that_the_gateway_decides_have_bounds_and_a_speech_that_fits_the_doubt() {
        let turns = |text: &str| AgentConfig { turn_detection: toml::from_str(text).unwrap(), ..AgentConfig::at("ws://127.0.0.1/") };
        let usual = turns("type = \"gateway\"");
        assert_eq!((usual.faults(), usual.turn_detection.by_gateway()), (vec![], Some(media::barge_in::Config::default())));
        let keys: Vec<_> = turns("type = \"gateway\"\ndoubt_ms = 300\nprefix_padding_ms = 2001\nsilence_duration_ms = 0")
            .faults()
            .into_iter()
            .map(|fault| fault.key)
            .collect();
        assert_eq!(keys, ["turn_detection.prefix_padding_ms", "turn_detection.silence_duration_ms", "turn_detection.confirm_speech_ms"]);
        assert_eq!(TurnDetection::default().by_gateway(), None);
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_secret_in_it() {
        for url in ["http://a.example/x?token=hush", "wss://user:hush@a.example/"] {
            let issues = AgentConfig::at(url).faults();
            assert_eq!(issues.len(), 1);
            assert!(!format!("{issues:?}").contains("hush"));
        }
    }

    #[test]
    fn audio_in_the_clear_stays_on_private_networks() {
        assert_eq!(AgentConfig::at("ws://203.0.113.5/").faults().len(), 1);
        assert_eq!(AgentConfig::at("ws://[2001:db8::1]/").faults().len(), 1);
        assert_eq!(AgentConfig::at("ws://10.1.2.3:8080/agent").faults(), []);
        assert_eq!(AgentConfig::at("ws://[::1]:8080/agent").faults(), []);
        assert_eq!(AgentConfig::at("wss://203.0.113.5/").faults(), []);
        let asked = |protocol, url: &str| {
            let config = AgentConfig { protocol, format: WireFormat::Pcm8k, ..AgentConfig::at(url) };
            config.faults().into_iter().map(|fault| fault.key).collect::<Vec<_>>()
        };
        assert_eq!(asked(Protocol::Ultravox, "https://api.ultravox.ai/api/calls"), [""; 0]);
        assert_eq!(asked(Protocol::Ultravox, "http://10.1.2.3/api/calls"), [""; 0]);
        for url in ["http://203.0.113.5/api/calls", "wss://api.ultravox.ai/", "ftp://a.example/"] {
            assert_eq!(asked(Protocol::Ultravox, url), ["url"], "{url}");
        }
        assert_eq!(asked(Protocol::Pipecat, "https://api.pipecat.daily.co/v1/public/bot/start"), [""; 0]);
        assert_eq!(asked(Protocol::Exotel, "https://a.example/"), ["url"], "nobody is asked for there");
    }
}
