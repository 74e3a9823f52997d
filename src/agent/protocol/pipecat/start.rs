//! Pipecat Cloud's `start`: a bot is started, and the answer says where its socket is.
//!
//! The bot is told of the call as Daily tells it: `dialin_settings` with the call's two names, and who called whom where that may be told.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::agent::config::AgentConfig;
use crate::agent::session::CallFacts;

/// The request.
#[derive(Debug, Serialize)]
pub(in crate::agent::protocol) struct Start<'a> {
    transport: &'static str,
    body: Body<'a>,
}

/// What the bot finds in its arguments; at most 4 KiB over a WebSocket.
#[derive(Debug, Serialize)]
struct Body<'a> {
    dialin_settings: DialIn<'a>,
    #[serde(flatten)]
    parameters: &'a BTreeMap<String, String>,
}

/// The call, in Daily's words.
#[derive(Debug, Serialize)]
struct DialIn<'a> {
    call_id: &'a str,
    call_domain: &'a str,
    #[serde(rename = "From", skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(rename = "To", skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
}

impl<'a> Start<'a> {
    pub(in crate::agent::protocol) fn new(config: &'a AgentConfig, facts: &'a CallFacts) -> Self {
        let told = |number: &'a str| config.tell_numbers.then_some(number);
        Self {
            transport: "websocket",
            body: Body {
                dialin_settings: DialIn {
                    call_id: facts.call.as_str(),
                    call_domain: CALL_DOMAIN,
                    from: told(facts.from.expose()),
                    to: told(facts.to.expose()),
                },
                parameters: &config.parameters,
            },
        }
    }
}

/// Whose name of a call it is.
const CALL_DOMAIN: &str = "auricle";
