//! Vonage Voice over WebSocket: linear audio as bytes both ways, in messages of 20 ms, all else as JSON.
//!
//! Facts this rests on: the first message says the format, and what the bot is told stands in it beside that; a key's digit stands at
//! the top of its message; `clear` is answered; `notify` comes back with what it held, and not at all where it was cleared.
//! No message says that the call is over: the socket closes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::carrier::{Carrier, Line, Said};
use super::json::{Malformed, check_depth, queue, read};
use crate::agent::config::AgentConfig;
use crate::agent::model::AgentMessage;
use crate::agent::session::Outbox;

/// The company's way.
pub(in crate::agent) struct Vonage {
    /// What each notification is to hold.
    payloads: HashMap<String, Box<RawValue>>,
    notifications: u64,
}

/// What a bot says but audio.
#[derive(Debug, Deserialize)]
struct BotSays<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

impl Carrier for Vonage {
    const FRAME: Duration = Duration::from_millis(20);

    fn new(_config: &AgentConfig) -> Self {
        Self { payloads: HashMap::new(), notifications: 0 }
    }

    fn open(&mut self, line: &mut Line, outbox: &mut Outbox) {
        let mut message = Map::new();
        let mut tell = |name: &str, value: &str| drop(message.insert(name.to_owned(), Value::from(value)));
        for (name, value) in line.parameters() {
            tell(name, value);
        }
        for (name, number) in [("from", line.from()), ("to", line.to())].into_iter().filter(|(_, number)| !number.is_empty()) {
            tell(name, number);
        }
        tell("uuid", line.call());
        // Last: no parameter takes their place.
        tell("event", "websocket:connected");
        tell("content-type", &format!("audio/l16;rate={}", line.format().rate().hz()));
        queue(outbox, &message);
    }

    fn audio(&mut self, line: &mut Line, frame: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        line.next_frame(frame);
        outbox.push_binary(live, |bytes| bytes.extend_from_slice(frame));
    }

    fn key(&mut self, _line: &mut Line, digit: char, held: Duration, outbox: &mut Outbox) {
        let duration = u64::try_from(held.as_millis()).unwrap_or(u64::MAX);
        queue(outbox, &json!({"event": "websocket:dtmf", "digit": digit.to_string(), "duration": duration}));
    }

    fn mark(&mut self, _line: &mut Line, name: &str, cleared: bool, outbox: &mut Outbox) {
        let payload = self.payloads.remove(name);
        if !cleared {
            queue(outbox, &json!({"event": "websocket:notify", "payload": payload}));
        }
    }

    fn cleared(&mut self, _line: &mut Line, outbox: &mut Outbox) {
        queue(outbox, &json!({"event": "websocket:cleared"}));
    }

    fn read<'a>(&mut self, _line: &Line, message: AgentMessage<'a>) -> Result<Said<'a>, Malformed> {
        let text = match message {
            AgentMessage::Binary(audio) => return Ok(Said::Bytes(Cow::Borrowed(audio))),
            AgentMessage::Text(text) => text,
        };
        check_depth(text)?;
        let said: BotSays<'a> = read(text)?;
        Ok(match &*said.action {
            "clear" => Said::Clear,
            "notify" if self.payloads.len() < MAX_NOTIFICATIONS => Said::Mark(Cow::Owned(self.keep(said.payload))),
            "notify" => Said::Warning(Cow::Borrowed("too_many_notifications")),
            _ => Said::Unknown,
        })
    }
}

impl Vonage {
    /// Keeps what a notification is to hold; the name under which it is asked for.
    fn keep(&mut self, payload: Option<&RawValue>) -> String {
        self.notifications += 1;
        let name = self.notifications.to_string();
        if let Some(payload) = payload {
            self.payloads.insert(name.clone(), payload.to_owned());
        }
        name
    }
}

/// As many as marks may wait.
const MAX_NOTIFICATIONS: usize = 1_024;
