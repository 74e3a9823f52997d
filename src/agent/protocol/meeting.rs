//! Protocols that begin with a question over HTTP: an agent is asked for, and the answer says where it is met.
//!
//! Ultravox makes a call and answers with the URL to join it by (`joinUrl`); Pipecat Cloud starts a bot and answers with a URL and a
//! token that opens it once (`wsUrl`, `token`). A bot in a room of Daily's names nothing in its answer: it calls back when the room is
//! ready. Which URL it is says whether a Pipecat bot is asked for or dialled straight.

use std::borrow::Cow;

use secrecy::SecretString;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri};

use super::{pipecat, ultravox};
use crate::agent::config::{AgentConfig, Protocol};
use crate::agent::session::CallFacts;

/// The answer names no place that can be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer names no place to meet the agent at")]
pub(in crate::agent) struct NoMeeting;

/// Where an agent is met.
#[derive(Debug)]
pub(in crate::agent) struct Meeting {
    /// `ws://` or `wss://`. Whoever knows it may be the caller: it is in no log.
    pub(in crate::agent) uri: Uri,
    /// What opens the door there, where the URL alone does not.
    pub(in crate::agent) token: Option<SecretString>,
}

/// Whether agents of this protocol at this URL are asked for before they are dialled.
pub(in crate::agent) fn is_arranged(protocol: Protocol, url: &Uri) -> bool {
    matches!(protocol, Protocol::Ultravox | Protocol::Pipecat | Protocol::Daily) && matches!(url.scheme_str(), Some("http" | "https"))
}

/// What is asked, in JSON, for one call; `None` where the agent is dialled straight.
pub(in crate::agent) fn invitation(config: &AgentConfig, facts: &CallFacts) -> Option<String> {
    let written = match config.protocol {
        Protocol::Ultravox => serde_json::to_string(&ultravox::Call::new(config)),
        Protocol::Daily => serde_json::to_string(&pipecat::Start::in_a_room(config, facts)),
        Protocol::Pipecat if config.url.starts_with("http") => serde_json::to_string(&pipecat::Start::new(config, facts)),
        _ => return None,
    };
    // Serialising these types cannot fail: every key is a string and no value is refused.
    Some(written.unwrap_or_default())
}

/// What is asked, with what the agent will prove itself by where it calls back.
pub(in crate::agent) fn keyed<'a>(protocol: Protocol, invitation: &'a str, key: Option<&str>) -> Cow<'a, str> {
    match key {
        Some(key) if protocol.calls_back_within().is_some() => {
            pipecat::keyed(invitation, key).map_or(Cow::Borrowed(invitation), Cow::Owned)
        }
        _ => Cow::Borrowed(invitation),
    }
}

/// Reads the answer.
pub(in crate::agent) fn meeting(protocol: Protocol, answer: &[u8]) -> Result<Meeting, NoMeeting> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| NoMeeting)?;
    let (url, token) = match protocol {
        Protocol::Ultravox => (answer.join_url, None),
        _ => (answer.ws_url, answer.token),
    };
    let uri: Uri = url.and_then(|url| url.parse().ok()).ok_or(NoMeeting)?;
    let dialled = matches!(uri.scheme_str(), Some("ws" | "wss")) && uri.host().is_some_and(|host| !host.is_empty());
    let user_free = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let legal = token.as_ref().is_none_or(|token| HeaderValue::from_str(token).is_ok());
    if dialled && user_free && legal { Ok(Meeting { uri, token: token.map(SecretString::from) }) } else { Err(NoMeeting) }
}

/// Of both providers; what else an answer holds is of no use here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    join_url: Option<String>,
    ws_url: Option<String>,
    token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_websocket_to_dial_is_none() {
        let ultravox = |text: &str| meeting(Protocol::Ultravox, text.as_bytes()).map(|meeting| meeting.uri.to_string());
        assert_eq!(ultravox(r#"{"callId":"c","joinUrl":"wss://calls.example/c?t=1"}"#), Ok("wss://calls.example/c?t=1".to_owned()));
        for text in [
            "",
            "[]",
            "{}",
            r#"{"joinUrl":null}"#,
            r#"{"joinUrl":"https://calls.example/"}"#,
            r#"{"joinUrl":"wss://user@calls.example/"}"#,
            r#"{"joinUrl":"wss:///c"}"#,
            r#"{"wsUrl":"wss://calls.example/"}"#,
        ] {
            assert_eq!(ultravox(text), Err(NoMeeting), "{text}");
        }
    }

    #[test]
    fn a_token_that_no_header_may_hold_opens_nothing() {
        let pipecat = |text: &str| meeting(Protocol::Pipecat, text.as_bytes()).map(|meeting| meeting.token.is_some());
        assert_eq!(pipecat(r#"{"sessionId":"s","wsUrl":"wss://a.example/ws/generic/x.y","token":"t"}"#), Ok(true));
        assert_eq!(pipecat(r#"{"wsUrl":"wss://a.example/"}"#), Ok(false));
        assert_eq!(pipecat(r#"{"wsUrl":"wss://a.example/","token":"a\nb"}"#), Err(NoMeeting));
    }
}
