//! Asking for an agent: one request over HTTP, whose answer says where the agent is met.
//!
//! Left out on purpose: redirects, which would take the key along, and asking again, which is the call's decision.

use bytes::Bytes;

use super::endpoint::AgentEndpoint;
use super::error::ConnectError;
use super::tls::Transport;
use crate::agent::protocol::{self, Meeting};
use crate::net::https::{RequestError, ask_over};

/// Asks over a connection to the configured place; the connection is done with.
pub(super) async fn ask(endpoint: &AgentEndpoint, door: Transport, invitation: &str) -> Result<Meeting, ConnectError> {
    let answer = exchange(endpoint, door, invitation).await?;
    protocol::meeting(endpoint.protocol(), &answer).map_err(|_| ConnectError::NoMeeting)
}

/// The same, of an agent that says later, and elsewhere, where its caller is to be sent.
pub(super) async fn start(endpoint: &AgentEndpoint, door: Transport, invitation: &str) -> Result<(), ConnectError> {
    exchange(endpoint, door, invitation).await.map(|_| ())
}

async fn exchange(endpoint: &AgentEndpoint, door: Transport, invitation: &str) -> Result<Bytes, ConnectError> {
    let answer = ask_over(door, endpoint.question(invitation)?, MAX_ANSWER_LEN).await.map_err(|error| match error {
        RequestError::Http(source) if source.is_parse() => ConnectError::NoMeeting,
        RequestError::Http(source) => ConnectError::Broken { source: std::io::Error::other(source) },
        _ => ConnectError::NoMeeting,
    })?;
    if !answer.status.is_success() {
        return Err(ConnectError::Refused { status: answer.status.as_u16() });
    }
    Ok(answer.body)
}

/// A call of Ultravox is told back with all its settings, prompt and tools included.
const MAX_ANSWER_LEN: usize = 1024 * 1024;
