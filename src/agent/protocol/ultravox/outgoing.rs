//! What we say to Ultravox: the call that is made over HTTPS, and messages on its socket. The caller's audio goes as bytes.

use media::frame::AudioFormat;
use serde::Serialize;
use serde_json::Value;

use crate::agent::config::AgentConfig;
use crate::agent::tools::Declaration;

/// A call, as it is asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::agent::protocol) struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    selected_tools: Vec<SelectedTool>,
    first_speaker_settings: FirstSpeaker,
    medium: Medium,
}

impl<'a> Call<'a> {
    pub(in crate::agent::protocol) fn new(config: &'a AgentConfig) -> Self {
        let rate = AudioFormat::from(config.format).rate().hz();
        Self {
            system_prompt: config.instructions(),
            model: config.model.as_deref(),
            voice: config.voice.as_deref(),
            language_hint: config.language.as_deref(),
            selected_tools: config.declarations().into_iter().map(SelectedTool::from).collect(),
            first_speaker_settings: FirstSpeaker { user: Nothing {} },
            medium: Medium {
                server_web_socket: ServerWebSocket {
                    input_sample_rate: rate,
                    output_sample_rate: rate,
                    client_buffer_size_ms: CLIENT_BUFFER_MS,
                    data_messages: EnabledMessages {
                        pong: true,
                        state: true,
                        transcript: true,
                        client_tool_invocation: true,
                        playback_clear_buffer: true,
                        call_started: true,
                    },
                },
            },
        }
    }
}

/// A tool of this call alone, which the service asks us to run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SelectedTool {
    temporary_tool: Tool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tool {
    model_tool_name: String,
    description: String,
    dynamic_parameters: Vec<Parameter>,
    client: Nothing,
}

/// One argument; the service has no schema of all of them together.
#[derive(Debug, Serialize)]
struct Parameter {
    name: String,
    location: &'static str,
    schema: Value,
    required: bool,
}

impl From<Declaration> for SelectedTool {
    fn from(Declaration { name, description, parameters }: Declaration) -> Self {
        let required: Vec<&str> =
            parameters.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = parameters.get("properties").and_then(Value::as_object).into_iter().flatten();
        let dynamic_parameters = properties
            .map(|(name, schema)| Parameter {
                name: name.clone(),
                location: "PARAMETER_LOCATION_BODY",
                schema: schema.clone(),
                required: required.contains(&&**name),
            })
            .collect();
        Self { temporary_tool: Tool { model_tool_name: name, description, dynamic_parameters, client: Nothing {} } }
    }
}

/// The agent waits: a socket may stand by, and a greeting goes once the caller hears it.
#[derive(Debug, Serialize)]
struct FirstSpeaker {
    user: Nothing,
}

#[derive(Debug, Serialize)]
struct Nothing {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Medium {
    server_web_socket: ServerWebSocket,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerWebSocket {
    input_sample_rate: u32,
    output_sample_rate: u32,
    client_buffer_size_ms: u32,
    data_messages: EnabledMessages,
}

/// Those that this adapter reads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the service has a switch for each kind of message")]
struct EnabledMessages {
    pong: bool,
    state: bool,
    transcript: bool,
    client_tool_invocation: bool,
    playback_clear_buffer: bool,
    call_started: bool,
}

/// Every message but audio.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum ClientMessage<'a> {
    /// The number comes back and is looked at by nobody.
    Ping {
        timestamp: u64,
    },
    UserTextMessage {
        text: &'a str,
        urgency: Urgency,
    },
    ForcedAgentMessage {
        content: &'a str,
        urgency: Urgency,
    },
    ClientToolResult(ToolResult<'a>),
}

/// When the agent answers to it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Urgency {
    /// At once, whatever it is saying.
    Immediate,
    /// When it has finished.
    Soon,
    /// When the caller has spoken.
    Later,
}

/// What a tool answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    pub(super) invocation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<&'a str>,
    pub(super) response_type: &'static str,
    pub(super) agent_reaction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_message: Option<&'a str>,
}

impl<'a> ToolResult<'a> {
    pub(super) fn new(invocation_id: &'a str, output: &'a str, is_error: bool, proceed: bool) -> Self {
        Self {
            invocation_id,
            result: (!is_error).then_some(output),
            response_type: "tool-response",
            agent_reaction: if proceed { "speaks" } else { "listens" },
            error_type: is_error.then_some("implementation-error"),
            error_message: is_error.then_some(output),
        }
    }
}

/// So far may the service be ahead of what is heard: the gateway throws away what an interruption makes void.
const CLIENT_BUFFER_MS: u32 = 30_000;
