//! Tools of an agent: which of the gateway's it may use, which of its operator's, and within what bounds.
//!
//! What an agent says is data: nothing is done because it was said, but because it stands here. A tool of the operator's is a
//! webhook: an HTTPS request, signed, to an address that the configuration names and no agent can change. Left out on purpose:
//! how tools run and what is refused, which is the call's business, and tools that a provider runs itself.

pub mod schema;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::schema::Schema;
use super::config::AgentConfig;
use crate::domain::setting::{SettingFault, out_of_range};
use crate::net::https::HttpsUrl;

/// `[agents.<name>.tools]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolsConfig {
    /// Which of the gateway's own it may use. Default: none.
    pub built_in: Vec<BuiltIn>,
    /// Tools of the operator's. Default: none, at most 32.
    pub own: Vec<OwnTool>,
    /// Tool calls between two words of the caller, 1 to 64; one more is refused. Default 8.
    pub max_per_turn: u32,
    /// Tool calls in one call, 1 to 1 000; one more is refused. Default 64.
    pub max_per_call: u32,
    /// Own tools that run at one time in one call, 1 to 8; one more is refused. Default 4.
    pub max_at_once: u32,
    /// What the caller hears while an own tool runs. Default: comfort noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filler: Option<Filler>,
}

/// A tool of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BuiltIn {
    /// Ends the call once what the agent has said was heard.
    EndCall,
    /// Sends the caller elsewhere: to a target of `transfer_targets`.
    TransferCall,
    /// Presses keys toward the far end.
    SendDtmf,
    /// Puts the caller on hold, or takes them off.
    Hold,
}

/// A tool of the operator's: what the agent is told of it, and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OwnTool {
    /// By which the agent calls it: a letter, then letters, digits and `_`, at most 64; none of the gateway's own. Required.
    pub name: String,
    /// What the agent is told that it does, 1 to 1 024 bytes. Required.
    pub description: String,
    /// Where it is, `https://…`. Required.
    pub url: String,
    /// Name of the environment variable with the key that its requests are signed with. Required in the configuration.
    #[serde(skip_serializing)]
    pub secret_env: Option<String>,
    /// What its arguments must be, as JSON Schema; see [`schema`]. Default: an object without members.
    pub parameters: Value,
    /// For all attempts together, 100 to 30 000 ms. Default 5 000.
    pub timeout_ms: u64,
    /// How often it is tried where it is not there or fails, 1 to 5. Default 2.
    pub attempts: u32,
    /// Longest answer, 16 to 65 536 bytes; a longer one is a failure. Default 16 384.
    pub max_answer_bytes: usize,
}

/// What the caller hears while an own tool runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filler {
    /// A WAV file of 16 bit, at most 20 s of it are played: a phrase, or a bed of sound.
    pub file: PathBuf,
    /// Whether it begins again when it is over. Default false.
    #[serde(default)]
    pub repeat: bool,
    /// After so long without a word of the agent, 0 to 10 000 ms. Default 800.
    #[serde(default = "default_after_ms")]
    pub after_ms: u32,
}

/// Where the keys are that requests to tools are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// In variables of the environment, which are named beside the tools.
    Named,
    /// Beside the settings, in the store.
    Elsewhere,
}

/// A tool as an agent is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What its arguments must be, as JSON Schema.
    pub parameters: Value,
}

impl Default for ToolsConfig {
    fn default() -> Self {
        Self { built_in: Vec::new(), own: Vec::new(), max_per_turn: 8, max_per_call: 64, max_at_once: 4, filler: None }
    }
}

impl Default for OwnTool {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            url: String::new(),
            secret_env: None,
            parameters: no_parameters(),
            timeout_ms: 5_000,
            attempts: 2,
            max_answer_bytes: 16 * 1_024,
        }
    }
}

impl ToolsConfig {
    /// Everything that is wrong with it.
    pub(super) fn faults(&self, keys: Keys) -> Vec<SettingFault> {
        let mut faults: Vec<_> = [
            out_of_range("max_per_turn", self.max_per_turn, &(1..=64), "calls"),
            out_of_range("max_per_call", self.max_per_call, &(1..=1_000), "calls"),
            out_of_range("max_at_once", self.max_at_once, &(1..=8), "calls"),
            out_of_range("own", self.own.len(), &(0..=MAX_OWN), "tools"),
            self.filler.as_ref().and_then(|filler| out_of_range("filler.after_ms", filler.after_ms, &(0..=10_000), "ms")),
        ]
        .into_iter()
        .flatten()
        .collect();
        for (place, tool) in self.own.iter().enumerate() {
            let key = format!("own[{place}]");
            if self.own.iter().take(place).any(|other| other.name == tool.name) {
                faults.push(SettingFault::new(format!("{key}.name"), &tool.name, "must be of one tool alone", "choose another name"));
            }
            faults.extend(tool.faults(keys).into_iter().map(|fault| fault.under(&key)));
        }
        faults
    }

    /// Whether it may use this one.
    #[must_use]
    pub fn has(&self, tool: BuiltIn) -> bool {
        self.built_in.contains(&tool)
    }
}

impl OwnTool {
    /// [`Self::timeout_ms`] as a duration.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    fn faults(&self, keys: Keys) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if !is_name(&self.name) || BuiltIn::named(&self.name).is_some() {
            let bound = "a letter, then letters, digits and _, at most 64; none of the gateway's own";
            faults.push(SettingFault::new("name", "(set)", bound, "write it as in free_times"));
        }
        if !(1..=1_024).contains(&self.description.len()) {
            let length = format!("{} bytes", self.description.len());
            faults.push(SettingFault::new("description", length, "1 to 1024 bytes", "say what the tool does, and when to use it"));
        }
        if self.url.parse::<HttpsUrl>().is_err() {
            faults.push(SettingFault::new("url", "(set)", "https://host[:port]/…", "write the whole URL of the tool"));
        }
        match &self.secret_env {
            None if keys == Keys::Elsewhere => {}
            Some(name) if keys == Keys::Named && is_variable(name) => {}
            // The value is not shown: what is no variable name may well be the key itself.
            _ => faults.push(SettingFault::new("secret_env", "(hidden)", "letters, digits and _", "name the variable with the key")),
        }
        if let Err(error) = Schema::parse(&self.parameters) {
            faults.push(SettingFault::new("parameters", error, "a JSON Schema of the subset that is known", "leave the rule out"));
        } else if self.parameters.to_string().len() > MAX_SCHEMA_LEN_BYTES {
            faults.push(SettingFault::new("parameters", "(long)", "at most 16384 bytes of JSON", "shorten the schema"));
        }
        faults.extend(out_of_range("timeout_ms", self.timeout_ms, &(100..=30_000), "ms"));
        faults.extend(out_of_range("attempts", self.attempts, &(1..=5), "attempts"));
        faults.extend(out_of_range("max_answer_bytes", self.max_answer_bytes, &(16..=65_536), "bytes"));
        faults
    }
}

impl BuiltIn {
    const ALL: [Self; 4] = [Self::EndCall, Self::TransferCall, Self::SendDtmf, Self::Hold];

    /// By which the agent calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndCall => "end_call",
            Self::TransferCall => "transfer_call",
            Self::SendDtmf => "send_dtmf",
            Self::Hold => "hold",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    const fn description(self) -> &'static str {
        match self {
            Self::EndCall => {
                "Ends the telephone call. Say goodbye first: the call ends when that was heard. If the caller speaks again before, it goes on."
            }
            Self::TransferCall => {
                "Sends the caller to another telephone. Tell the caller first. If it fails you are told, and the call goes on with you."
            }
            Self::SendDtmf => "Presses keys on the telephone toward the caller's side, as for the menu of another system.",
            Self::Hold => "Puts the caller on hold, who hears nothing of you then, or takes the caller off hold again.",
        }
    }

    /// What its arguments must be; `targets` are those that a caller may be sent to.
    #[must_use]
    pub fn parameters(self, targets: &[String]) -> Value {
        let (properties, required) = match self {
            Self::EndCall => (json!({"reason": {"type": "string", "description": "Why, in a few words.", "maxLength": 200}}), json!([])),
            Self::TransferCall => (
                json!({
                    "target": {"type": "string", "enum": targets, "description": "Where to."},
                    "kind": {"type": "string", "enum": ["blind", "attended"],
                        "description": "blind: at once. attended: the person there is called first and told the summary."},
                    "summary": {"type": "string", "maxLength": 1_000,
                        "description": "Of an attended transfer: what the person there is told of who calls and what about."},
                }),
                json!(["target"]),
            ),
            Self::SendDtmf => (
                json!({"digits": {"type": "string", "minLength": 1, "maxLength": 32, "description": "Keys of 0-9, * and #, in their order."}}),
                json!(["digits"]),
            ),
            Self::Hold => (json!({"held": {"type": "boolean", "description": "Whether the caller is to be on hold."}}), json!(["held"])),
        };
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }
}

impl AgentConfig {
    /// The tools as an agent is told of them; none that it may not use.
    #[must_use]
    pub fn declarations(&self) -> Vec<Declaration> {
        let built_in = self.tools.built_in.iter().map(|tool| Declaration {
            name: tool.name().to_owned(),
            description: tool.description().to_owned(),
            parameters: tool.parameters(&self.transfer_targets),
        });
        let own = self.tools.own.iter().map(|tool| Declaration {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        });
        built_in.chain(own).collect()
    }

    /// What of its tools cannot stand.
    pub(super) fn tool_faults(&self, keys: Keys) -> Vec<SettingFault> {
        let mut faults = self.tools.faults(keys);
        if self.tools.has(BuiltIn::TransferCall) && self.transfer_targets.is_empty() {
            let mend = "name in transfer_targets where callers may be sent, or take it out";
            faults.push(SettingFault::new("built_in", "transfer_call", "needs transfer_targets", mend));
        }
        faults.into_iter().map(|fault| fault.under("tools")).collect()
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn no_parameters() -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

const fn default_after_ms() -> u32 {
    800
}

const MAX_OWN: usize = 32;
const MAX_SCHEMA_LEN_BYTES: usize = 16 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
        url = "ws://127.0.0.1/"
        transfer_targets = ["+4930901820"]
        [tools]
        built_in = ["end_call", "transfer_call"]
        [[tools.own]]
        name = "free_times"
        description = "Free times of a day."
        url = "https://practice.example/tools/free_times"
        secret_env = "PRACTICE_TOOL_KEY"
        parameters = { type = "object", required = ["day"], properties = { day = { type = "string" } } }
    "#;

    #[test]
    fn an_agent_is_told_of_what_it_may_use_and_of_nothing_else() {
        let config: AgentConfig = toml::from_str(TABLE).unwrap();
        assert_eq!(config.faults(), []);
        let declared = config.declarations();
        let names: Vec<_> = declared.iter().map(|tool| &*tool.name).collect();
        assert_eq!(names, ["end_call", "transfer_call", "free_times"]);
        assert_eq!(declared[1].parameters["properties"]["target"]["enum"], json!(["+4930901820"]));
        assert!(declared.iter().all(|tool| Schema::parse(&tool.parameters).is_ok()));
        assert!(AgentConfig::at("ws://127.0.0.1/").declarations().is_empty());
    }

    #[test]
    fn every_fault_of_tools_is_named_at_once_and_no_key_is_shown() {
        let tool = |name: &str| OwnTool {
            name: name.to_owned(),
            description: "d".to_owned(),
            url: "https://a.example/".to_owned(),
            secret_env: Some("K".to_owned()),
            ..OwnTool::default()
        };
        let wrong = OwnTool {
            url: "http:/a".to_owned(),
            secret_env: Some("whsec-0123".to_owned()),
            parameters: json!({"pattern": "x"}),
            timeout_ms: 1,
            ..tool("hold")
        };
        let tools = ToolsConfig {
            built_in: vec![BuiltIn::TransferCall],
            own: vec![tool("a"), tool("a"), wrong],
            max_per_turn: 0,
            ..ToolsConfig::default()
        };
        let faults = AgentConfig { tools, ..AgentConfig::at("ws://127.0.0.1/") }.faults();
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        let own = ["name", "url", "secret_env", "parameters", "timeout_ms"].map(|key| format!("tools.own[2].{key}"));
        let expected =
            [&["tools.max_per_turn".to_owned(), "tools.own[1].name".to_owned()][..], &own, &["tools.built_in".to_owned()]].concat();
        assert_eq!(keys, expected);
        assert!(!format!("{faults:?}").contains("whsec-0123"));
    }
}
