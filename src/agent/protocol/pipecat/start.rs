//! Pipecat Cloud's `start`: a bot is started, and the answer says where its socket is, or the bot where its room is.
//!
//! The bot is told of the call as Daily tells it: `dialin_settings` with the call's two names, and who called whom where that may be told.
//! A bot in a room is given Daily's own words for where to say that the room is ready, `daily_api_url` and `daily_api_key`, which are
//! ours: so it posts `pinlessCallUpdate` to this gateway without a change to it. The key is good for this one call.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::agent::config::AgentConfig;
use crate::agent::session::CallFacts;

/// The request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::agent::protocol) struct Start<'a> {
    transport: &'static str,
    #[serde(flatten)]
    room: Option<Room>,
    body: Body<'a>,
}

/// A room with a place for one caller by SIP.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Room {
    create_daily_room: bool,
    daily_room_properties: RoomProperties,
}

#[derive(Debug, Serialize)]
struct RoomProperties {
    sip: Sip,
}

#[derive(Debug, Serialize)]
struct Sip {
    /// No name and no number: the room's list is not the place for it.
    display_name: &'static str,
    sip_mode: &'static str,
    num_endpoints: u8,
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
    /// A bot that is spoken with over a WebSocket.
    pub(in crate::agent::protocol) fn new(config: &'a AgentConfig, facts: &'a CallFacts) -> Self {
        Self { transport: "websocket", room: None, body: Body::new(config, facts) }
    }

    /// A bot in a room, to which the caller is sent.
    pub(in crate::agent::protocol) fn in_a_room(config: &'a AgentConfig, facts: &'a CallFacts) -> Self {
        let sip = Sip { display_name: "Caller", sip_mode: "dial-in", num_endpoints: 1 };
        let room = Room { create_daily_room: true, daily_room_properties: RoomProperties { sip } };
        Self { transport: "daily", room: Some(room), body: Body::new(config, facts) }
    }
}

impl<'a> Body<'a> {
    fn new(config: &'a AgentConfig, facts: &'a CallFacts) -> Self {
        let told = |number: &'a str| config.tell_numbers.then_some(number);
        Self {
            dialin_settings: DialIn {
                call_id: facts.call.as_str(),
                call_domain: CALL_DOMAIN,
                from: told(facts.from.expose()),
                to: told(facts.to.expose()),
            },
            parameters: &config.parameters,
        }
    }
}

/// The request with what the bot will prove itself by; none where it is no such request.
pub(in crate::agent::protocol) fn keyed(request: &str, key: &str) -> Option<String> {
    let mut request: Value = serde_json::from_str(request).ok()?;
    let call = request.pointer("/body/dialin_settings/call_id")?.as_str()?.to_owned();
    request.get_mut("body")?.as_object_mut()?.insert("daily_api_key".to_owned(), hex::encode(pass::sign(key, &call)).into());
    serde_json::to_string(&request).ok()
}

/// What a bot proves by that it was started for a call: it follows from the key that starts bots, and says nothing of it.
pub(in crate::agent) mod pass {
    use ring::hmac;

    /// What is signed for a call.
    pub(in crate::agent) fn of(call: &str) -> Vec<u8> {
        format!("dial-in {call}").into_bytes()
    }

    /// What a bot is given.
    pub(in crate::agent) fn sign(key: &str, call: &str) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), &of(call))
    }
}

/// Whose name of a call it is.
pub const CALL_DOMAIN: &str = "auricle";
