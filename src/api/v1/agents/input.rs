//! What the routes of agents take: the settings of `[agents.<name>]`, with keys in place of the variables that hold them. Their form is checked here,
//! what they mean by the same rules as the configuration's.

use std::collections::BTreeMap;

use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::agent::config::AgentConfig;
use crate::agent::kept::AgentSecrets;
use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::error::{ApiError, FieldFault};
use crate::api::v1::tenant::{overlaid, parsed, text};
use crate::domain::redacted::Redacted;

/// An agent to make.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct NewAgent(Map<String, Value>);

/// What to change of an agent.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct AgentChange(Map<String, Value>);

impl NewAgent {
    /// Its name, settings and keys.
    pub(super) fn read(self) -> Result<(String, AgentConfig, AgentSecrets), ApiError> {
        let Self(mut members) = self;
        let name = text(members.remove("name")).unwrap_or_default();
        let api_key = text(members.remove("api_key")).map(Redacted::new);
        let tools = tool_keys(&mut members, &BTreeMap::new());
        fit_turns(&mut members)?;
        Ok((name, parsed(members)?, AgentSecrets { api_key, tools: tools.unwrap_or_default() }))
    }
}

impl AgentChange {
    /// Whether it speaks of an agreement.
    pub(super) fn gives_agreement(&self) -> bool {
        self.0.contains_key("agreement")
    }

    /// The settings and keys with the change made.
    pub(super) fn over(self, settings: &AgentConfig, before: AgentSecrets) -> Result<(AgentConfig, AgentSecrets), ApiError> {
        let Self(mut members) = self;
        let given = members.remove("api_key");
        let gives_agreement = members.contains_key("agreement");
        let tools = tool_keys(&mut members, &before.tools).unwrap_or(before.tools);
        fit_turns(&mut members)?;
        let settings_after: AgentConfig = overlaid(settings, members, &["conduct"])?;
        // A key is for the service that it was given for, and an agreement is with it: who may change the address must neither be shown the
        // one by it nor send audio elsewhere under the other.
        if !is_same_service(settings, &settings_after) {
            let stale =
                [("api_key", given.is_none() && before.api_key.is_some()), ("agreement", !gives_agreement && settings.agreement.is_some())];
            let again = "must be given again for another service, or be null";
            let fault = |(name, _): &(&str, bool)| FieldFault { field: (*name).to_owned(), message: again.into() };
            let faults: Vec<_> = stale.iter().filter(|(_, is_stale)| *is_stale).map(fault).collect();
            if !faults.is_empty() {
                return Err(ApiError::Invalid(faults));
            }
        }
        let api_key = if given.is_some() { text(given).map(Redacted::new) } else { before.api_key };
        Ok((settings_after, AgentSecrets { api_key, tools }))
    }
}

/// Whether a key, or an agreement, that was given for one is for the other: the same protocol, encryption, host and port.
fn is_same_service(one: &AgentConfig, other: &AgentConfig) -> bool {
    let origin = |agent: &AgentConfig| {
        let uri = agent.url.parse::<Uri>().ok()?;
        Some((uri.scheme().cloned(), uri.authority().cloned()))
    };
    one.protocol == other.protocol && (one.url == other.url || origin(one).is_some_and(|place| origin(other) == Some(place)))
}

/// Takes the keys out of the tools: a tool that is named without one keeps that of the tool of this name before. Nothing where tools are not spoken of.
fn tool_keys(members: &mut Map<String, Value>, before: &BTreeMap<String, Redacted<String>>) -> Option<BTreeMap<String, Redacted<String>>> {
    let tools = members.get_mut("tools")?;
    let own = tools.get_mut("own").and_then(Value::as_array_mut).into_iter().flatten();
    let mut keys = BTreeMap::new();
    for tool in own.filter_map(Value::as_object_mut) {
        tool.retain(|_, value| !value.is_null());
        let given = text(tool.remove("secret")).map(Redacted::new);
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        if let Some(key) = given.or_else(|| before.get(name).cloned()) {
            keys.insert(name.to_owned(), key);
        }
    }
    if let Some(tools) = tools.as_object_mut() {
        tools.retain(|_, value| !value.is_null());
    }
    Some(keys)
}

/// Of what says who decides turns, each way has members of its own: others beside them are a fault, and null is as good as absent.
fn fit_turns(members: &mut Map<String, Value>) -> Result<(), ApiError> {
    let Some(turns) = members.get_mut("turn_detection").and_then(Value::as_object_mut) else { return Ok(()) };
    turns.retain(|_, value| !value.is_null());
    let kind = turns.get("type").and_then(Value::as_str).unwrap_or_default();
    let known: &[&str] = match kind {
        "server_vad" => &["threshold", "prefix_padding_ms", "silence_duration_ms"],
        "semantic_vad" => &["eagerness"],
        "gateway" => &["prefix_padding_ms", "silence_duration_ms", "doubt_ms", "confirm_speech_ms"],
        _ => &["threshold", "prefix_padding_ms", "silence_duration_ms", "doubt_ms", "confirm_speech_ms"],
    };
    let fault =
        |name: &String| FieldFault { field: format!("turn_detection.{name}"), message: format!("is nothing that {kind} has").into() };
    let faults: Vec<_> = turns.keys().filter(|name| *name != "type" && !known.contains(&name.as_str())).map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(ApiError::Invalid(faults)) }
}

const PROTOCOLS: Shape = Shape::Choice(&[
    "openai",
    "azure",
    "voicelive",
    "gptlive",
    "deepgram",
    "elevenlabs",
    "gemini",
    "auricle",
    "twilio",
    "telnyx",
    "plivo",
    "exotel",
    "vonage",
    "jambonz",
    "pipecat",
    "ultravox",
]);
const MS: Shape = Shape::Integer { min: 0, max: 10_000 };
const TIMEOUT: Shape = Shape::Integer { min: 100, max: 60_000 };

static TURNS: Object = Object {
    name: "TurnDetection",
    members: &[
        Member::required(
            "type",
            Shape::Choice(&["server_vad", "semantic_vad", "gateway", "both"]),
            "By the sound, by the words, by the gateway, or turns by the sound and interruptions by the gateway.",
        ),
        Member::instead(
            "threshold",
            Shape::Amount { min: 0.0, max: 1.0 },
            "Of `server_vad` and `both`: how sure it must be that it hears speech.",
        ),
        Member::instead("prefix_padding_ms", MS, "Of `server_vad`, `gateway` and `both`: audio from before the speech."),
        Member::instead("silence_duration_ms", MS, "Of `server_vad`, `gateway` and `both`: silence that ends a turn."),
        Member::instead("doubt_ms", MS, "Of `gateway` and `both`: for how long an interruption may be in doubt."),
        Member::instead("confirm_speech_ms", MS, "Of `gateway` and `both`: the speech that makes it one."),
        Member::instead("eagerness", Shape::Choice(&["low", "medium", "high", "auto"]), "Of `semantic_vad`: how soon it answers."),
    ],
};

static OWN_TOOL: Object = Object {
    name: "OwnTool",
    members: &[
        Member::required("name", Shape::of(Format::ToolName), "By which the agent calls it."),
        Member::required(
            "description",
            Shape::Text { min: 1, max: 1_024, format: Format::Lines, example: "Free times of a day." },
            "What the agent is told that it does.",
        ),
        Member::required("url", Shape::of(Format::HttpsUrl), "Where it is."),
        Member::optional(
            "secret",
            Shape::line(16, 256, "a long key of the tool"),
            "What its requests are signed with. Goes in and never out; a tool that is named without it keeps the one that it has.",
        ),
        Member::optional(
            "parameters",
            Shape::Json,
            "What its arguments must be, as JSON Schema; docs/agents.md says which of it is known.",
        ),
        Member::optional("timeout_ms", Shape::Integer { min: 100, max: 30_000 }, "For all attempts together; 5000 when absent."),
        Member::optional("attempts", Shape::Integer { min: 1, max: 5 }, "2 when absent."),
        Member::optional("max_answer_bytes", Shape::Integer { min: 16, max: 65_536 }, "16384 when absent."),
    ],
};

static TOOLS: Object = Object {
    name: "Tools",
    members: &[
        Member::optional(
            "built_in",
            Shape::List { of: &Shape::Choice(&["end_call", "transfer_call", "send_dtmf", "hold"]), min: 0, max: 4 },
            "Which of the gateway's it may use.",
        ),
        Member::optional("own", Shape::List { of: &Shape::Object(&OWN_TOOL), min: 0, max: 32 }, "Tools of the organisation's."),
        Member::optional("max_per_turn", Shape::Integer { min: 1, max: 64 }, "Tool calls between two words of the caller; 8 when absent."),
        Member::optional("max_per_call", Shape::Integer { min: 1, max: 1_000 }, "64 when absent."),
        Member::optional("max_at_once", Shape::Integer { min: 1, max: 8 }, "4 when absent."),
    ],
};

/// How calls are led.
pub(in crate::api::v1) static CONDUCT: Object = Object {
    name: "Conduct",
    members: &[
        Member::kept("protect_greeting", Shape::Flag, "Whether the agent's first words are heard to their end whatever the caller says."),
        Member::kept(
            "idle_after_s",
            Shape::Integer { min: 0, max: 120 },
            "Silence after which the agent asks again, from 3 s on; 0, or absent, for never.",
        ),
        Member::kept("idle_prompts", Shape::Integer { min: 0, max: 10 }, "How often before it says goodbye; 2 when absent."),
        Member::optional(
            "idle_prompt",
            Shape::Text { min: 1, max: 512, format: Format::Lines, example: "Ask whether the caller is there." },
            "What it is told then.",
        ),
        Member::kept(
            "max_call_s",
            Shape::Integer { min: 0, max: 86_400 },
            "After how long the call ends with a goodbye, from 10 s on; 0, or absent, for never.",
        ),
        Member::optional(
            "goodbye",
            Shape::Text { min: 1, max: 512, format: Format::Lines, example: "Say goodbye." },
            "What it is told before the call ends.",
        ),
    ],
};

const VARIABLES: Shape = Shape::List {
    of: &Shape::Choice(&[
        "patient.name",
        "patient.first_name",
        "patient.language",
        "patient.date_of_birth",
        "patient.time_zone",
        "call.direction",
    ]),
    min: 0,
    max: 6,
};

macro_rules! agent_members {
    ($($first:expr),*) => {
        &[
            $($first,)*
            Member::optional("protocol", PROTOCOLS, "What is spoken with it; `openai` when absent."),
            Member::optional("model", Shape::line(1, 128, "gpt-realtime-2.1"), "Which model answers."),
            Member::optional("format", Shape::Choice(&["pcm24k", "pcm8k", "pcm16k", "pcm48k", "pcmu", "pcma"]), "How audio is written; `pcm24k` when absent."),
            Member::optional("voice", Shape::line(1, 128, "marin"), "Its voice."),
            Member::optional("instructions", Shape::Text { min: 1, max: 32_768, format: Format::Lines, example: "Speak of appointments only." }, "What it is told about its task; may hold variables."),
            Member::instead("tell_numbers", Shape::Flag, "Whether a bot is told who called whom."),
            Member::instead("parameters", Shape::Map { key: Format::ToolName, of: &Shape::line(0, 1_024, "north"), max: 32 }, "What a bot behind a carrier's protocol is told besides."),
            Member::instead("account", Shape::line(1, 64, "AC0"), "The account that such a bot names in requests."),
            Member::optional("language", Shape::line(2, 8, "en"), "What callers speak."),
            Member::optional("transcription_model", Shape::line(1, 128, "gpt-transcribe"), "Which model writes down what callers say."),
            Member::optional("turn_detection", Shape::Object(&TURNS), "Who finds the end of a turn, and how."),
            Member::optional("conduct", Shape::Object(&CONDUCT), "How its calls are led."),
            Member::optional("greet_first", Shape::Flag, "Whether it speaks first."),
            Member::optional("greeting", Shape::Text { min: 1, max: 4_096, format: Format::Lines, example: "Good morning." }, "What it is told for its first words; wants `greet_first`."),
            Member::optional("transfer_targets", Shape::List { of: &Shape::line(1, 256, "+4930901820"), min: 0, max: 64 }, "Where it may send callers."),
            Member::optional("tools", Shape::Object(&TOOLS), "What it may use; put in the place of what it might before."),
            Member::optional("variables", VARIABLES, "What of the patient's record and of the call may stand in its instructions."),
            Member::optional("connect_timeout_ms", TIMEOUT, "5000 when absent."),
            Member::optional("ready_timeout_ms", TIMEOUT, "3000 when absent."),
            Member::instead("answer_timeout_ms", Shape::Integer { min: 0, max: 120_000 }, "From the end of the caller's turn until it is heard, from 1000 on; 0 for ever; 10000 when absent."),
            Member::instead("standby", Shape::Flag, "Whether a socket to it stands open in each call in which it is the next to take over."),
            Member::optional("agreement", Shape::List { of: &Shape::of(Format::Id("org")), min: 0, max: 1 }, "States that the organisation, named here, has an agreement with the service that its callers' audio may go there; asked where the operator's `[egress]` covers it. Wants `organisation:write`, and stands in the audit log."),
            Member::optional("api_key", Shape::line(1, 512, "the key of the service"), "Goes in and never out; null takes it away."),
        ]
    };
}

impl Input for NewAgent {
    const SHAPE: &'static Object = &Object {
        name: "NewAgent",
        members: agent_members![
            Member::required("name", Shape::of(Format::AgentName), "Unique in the organisation, and not to be changed."),
            Member::required(
                "url",
                Shape::line(1, 2_048, "wss://api.openai.com/v1/realtime"),
                "Where it is, `wss://…`, at a public address."
            )
        ],
    };
}

impl Input for AgentChange {
    const SHAPE: &'static Object = &Object {
        name: "AgentChange",
        members: agent_members![Member::kept("url", Shape::line(1, 2_048, "wss://api.openai.com/v1/realtime"), "Where it is.")],
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::agent::config::Protocol;

    #[test]
    fn what_an_agent_has_here_is_a_setting_of_the_configuration_or_a_key() {
        let configured = serde_json::to_value(AgentConfig::at("wss://a.example/")).unwrap();
        let configured: BTreeSet<_> = configured.as_object().unwrap().keys().cloned().collect();
        let here: BTreeSet<_> = AgentChange::SHAPE.members.iter().map(|member| member.name.to_owned()).collect();
        assert_eq!(&here - &configured, BTreeSet::from(["api_key".to_owned()]));
    }

    #[test]
    fn every_protocol_is_for_agents_of_the_store_but_the_one_whose_bots_prove_themselves_by_the_configuration() {
        let Shape::Choice(here) = PROTOCOLS else { panic!("a choice") };
        let schema = serde_json::to_value(schemars::schema_for!(Protocol)).unwrap();
        let listed =
            |schema: &Value| schema["enum"].as_array().into_iter().flatten().chain(schema.get("const")).cloned().collect::<Vec<_>>();
        let all = schema["oneOf"].as_array().map_or_else(|| listed(&schema), |kinds| kinds.iter().flat_map(listed).collect());
        let all: BTreeSet<_> = all.iter().map(|name| name.as_str().unwrap()).collect();
        assert!(all.len() > 15, "{all:?}");
        assert_eq!(&all - &here.iter().copied().collect(), BTreeSet::from(["daily"]));
    }

    #[test]
    fn a_key_stays_with_the_service_that_it_was_given_for() {
        let settings = AgentConfig::at("wss://a.example/v1?tone=low");
        let before = AgentSecrets { api_key: Some(Redacted::new("planted-key".to_owned())), ..AgentSecrets::default() };
        let change = |body: Value| AgentChange(body.as_object().unwrap().clone()).over(&settings, before.clone());
        for stays in [json!({"voice": "marin"}), json!({"url": "wss://A.example/v2"}), json!({"protocol": "openai"})] {
            assert_eq!(change(stays.clone()).unwrap().1, before, "{stays}");
        }
        for elsewhere in [
            json!({"url": "wss://b.example/v1"}),
            json!({"url": "ws://a.example/v1"}),
            json!({"url": "wss://a.example:8443/v1"}),
            json!({"url": "wss://a.example@b.example/"}),
            json!({"protocol": "gemini"}),
        ] {
            match change(elsewhere.clone()) {
                Err(ApiError::Invalid(faults)) => assert_eq!(faults[0].field, "api_key", "{elsewhere}"),
                other => panic!("{elsewhere}: {:?}", other.map(|(settings, _)| settings)),
            }
            let mut with_key = elsewhere.clone();
            with_key["api_key"] = json!("another-key");
            assert!(change(with_key).is_ok(), "{elsewhere}");
            let mut without = elsewhere;
            without["api_key"] = Value::Null;
            assert_eq!(change(without).unwrap().1.api_key, None);
        }
    }

    #[test]
    fn an_agreement_is_with_the_service_that_it_was_stated_for() {
        let org = serde_json::json!(["org_default"]);
        let settings = AgentConfig { agreement: serde_json::from_value(org.clone()).unwrap(), ..AgentConfig::at("wss://a.example/v1") };
        let change = |body: Value| AgentChange(body.as_object().unwrap().clone()).over(&settings, AgentSecrets::default());
        for stays in [json!({"voice": "marin"}), json!({"url": "wss://a.example/v2"})] {
            assert_eq!(change(stays.clone()).unwrap().0.agreement, settings.agreement, "{stays}");
        }
        for elsewhere in [json!({"url": "wss://b.example/v1"}), json!({"protocol": "gemini"})] {
            match change(elsewhere.clone()) {
                Err(ApiError::Invalid(faults)) => assert_eq!(faults[0].field, "agreement", "{elsewhere}"),
                other => panic!("{elsewhere}: {:?}", other.map(|(settings, _)| settings)),
            }
            for (again, expected) in [(org.clone(), settings.agreement.clone()), (Value::Null, None)] {
                let mut whole = elsewhere.clone();
                whole["agreement"] = again;
                assert_eq!(change(whole).unwrap().0.agreement, expected, "{elsewhere}");
            }
        }
    }

    #[test]
    fn how_calls_are_led_is_changed_member_by_member() {
        let mut settings = AgentConfig::at("wss://a.example/");
        settings.conduct.max_call_s = 600;
        settings.conduct.goodbye = Some("Say goodbye.".to_owned());
        let change = json!({"conduct": {"idle_after_s": 7, "goodbye": null}});
        let (after, _) = AgentChange(change.as_object().unwrap().clone()).over(&settings, AgentSecrets::default()).unwrap();
        assert_eq!((after.conduct.idle_after_s, after.conduct.max_call_s, after.conduct.goodbye), (7, 600, None));
    }

    #[test]
    fn keys_of_tools_go_in_and_stay_with_the_tool_of_their_name() {
        let body = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let made =
            body(r#"{"tools": {"own": [{"name": "a", "secret": "planted-key-of-a"}, {"name": "b", "secret": "planted-key-of-b"}]}}"#);
        let (_, settings, secrets) = NewAgent(made).read().unwrap();
        assert_eq!(secrets.tools.len(), 2);
        assert!(!format!("{settings:?}").contains("planted"));
        let changed = body(r#"{"tools": {"own": [{"name": "b"}, {"name": "c", "secret": "planted-key-of-c"}], "built_in": null}}"#);
        let (settings, secrets) = AgentChange(changed).over(&settings, secrets).unwrap();
        assert_eq!(secrets.tools.keys().collect::<Vec<_>>(), ["b", "c"]);
        let (_, secrets) = AgentChange(body(r#"{"voice": "marin"}"#)).over(&settings, secrets).unwrap();
        assert_eq!(secrets.tools.len(), 2, "tools that are not spoken of stay as they are");
    }

    #[test]
    fn every_way_of_deciding_turns_takes_its_own_members_and_names_those_of_others() {
        let own: [(&str, &[&str]); 4] = [
            ("server_vad", &["threshold", "prefix_padding_ms", "silence_duration_ms"]),
            ("semantic_vad", &["eagerness"]),
            ("gateway", &["doubt_ms", "confirm_speech_ms", "prefix_padding_ms", "silence_duration_ms"]),
            ("both", &["threshold", "doubt_ms", "confirm_speech_ms", "prefix_padding_ms", "silence_duration_ms"]),
        ];
        for (kind, members) in own {
            for member in TURNS.members.iter().map(|member| member.name).filter(|name| *name != "type") {
                let value = if member == "eagerness" { "\"auto\"" } else { "1" };
                let read = |value: &str| {
                    let body = format!(
                        r#"{{"name": "desk", "url": "wss://a.example/", "turn_detection": {{"type": "{kind}", "{member}": {value}}}}}"#
                    );
                    NewAgent(serde_json::from_str(&body).unwrap()).read()
                };
                assert!(read("null").is_ok(), "{kind} {member}");
                match read(value) {
                    Ok(_) => assert!(members.contains(&member), "{kind} takes {member}"),
                    Err(ApiError::Invalid(faults)) => {
                        assert!(!members.contains(&member) && faults[0].field == format!("turn_detection.{member}"), "{kind} {member}");
                    }
                    Err(error) => panic!("{kind} {member}: {error}"),
                }
            }
        }
    }
}
