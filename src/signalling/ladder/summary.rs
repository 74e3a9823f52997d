//! What each message of a ladder is, and how long it took.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sip::message::{Headers, Message};

use crate::domain::ladder::{Ladder, LadderMessage, Way};

/// One message of a ladder, read.
#[derive(Debug)]
pub struct Step<'a> {
    /// The message.
    pub message: &'a LadderMessage,
    /// What it is.
    pub sort: Sort,
    /// Number and method of CSeq.
    pub cseq: Option<(u32, String)>,
    /// Who calls, as the message says.
    pub from: Option<String>,
    /// Who is called, as the message says.
    pub to: Option<String>,
    /// The name of the call between the two ends.
    pub call_id: Option<String>,
    /// Whether it has a body.
    pub has_body: bool,
    /// Since the first message of the ladder.
    pub since_start: TimeDelta,
    /// Since the message before.
    pub since_previous: TimeDelta,
    /// A response: since its request first went by.
    pub since_request: Option<TimeDelta>,
    /// The same message has gone the same way before.
    pub repeated: bool,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A request, by its method.
    Request(String),
    /// A response.
    Response {
        /// Its status.
        status: u16,
        /// What it says beside it.
        reason: String,
    },
    /// What the grammar refuses.
    Unread,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(method) => f.write_str(method),
            Self::Response { status, reason } => write!(f, "{status} {reason}"),
            Self::Unread => f.write_str("(malformed)"),
        }
    }
}

/// The messages of a ladder, read in their order.
#[must_use]
pub fn steps(ladder: &Ladder) -> Vec<Step<'_>> {
    let mut seen = HashSet::new();
    let mut asked: HashMap<(Way, Transaction), DateTime<Utc>> = HashMap::new();
    let mut previous = ladder.started_at;
    let mut steps = Vec::with_capacity(ladder.messages.len());
    for message in &ladder.messages {
        let mut step = read(message, ladder.started_at);
        step.since_previous = message.at - previous;
        previous = message.at;
        step.repeated = !seen.insert((message.way, *message.remote.expose(), message.octets.expose().as_slice()));
        let transaction = |way| (way, (step.call_id.clone(), step.cseq.clone()));
        if let Sort::Response { .. } = step.sort {
            step.since_request = asked.get(&transaction(other(message.way))).map(|at| message.at - *at);
        } else {
            asked.entry(transaction(message.way)).or_insert(message.at);
        }
        steps.push(step);
    }
    steps
}

/// What a response has in common with its request: Call-ID, number and method.
type Transaction = (Option<String>, Option<(u32, String)>);

fn read(message: &LadderMessage, started_at: DateTime<Utc>) -> Step<'_> {
    let octets = Bytes::copy_from_slice(message.octets.expose());
    let parsed = Message::parse(octets.clone());
    let sort = match &parsed {
        Ok(Message::Request(request)) => Sort::Request(request.method_text().to_owned()),
        Ok(Message::Response(response)) => Sort::Response { status: response.status().code(), reason: reason(&octets) },
        Err(_) => Sort::Unread,
    };
    let headers: Option<&Headers> = match &parsed {
        Ok(Message::Request(request)) => Some(request.headers()),
        Ok(Message::Response(response)) => Some(response.headers()),
        Err(_) => None,
    };
    Step {
        message,
        sort,
        cseq: headers.and_then(Headers::cseq).map(|cseq| (cseq.number, cseq.method.to_owned())),
        from: headers.and_then(Headers::from).map(|from| from.uri_text().to_owned()),
        to: headers.and_then(Headers::to).map(|to| to.uri_text().to_owned()),
        call_id: headers.and_then(Headers::call_id).map(str::to_owned),
        has_body: headers.is_some_and(|headers| !headers.body().is_empty()),
        since_start: message.at - started_at,
        since_previous: TimeDelta::zero(),
        since_request: None,
        repeated: false,
    }
}

/// What stands behind the status in the first line.
fn reason(octets: &[u8]) -> String {
    let line = octets.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    String::from_utf8_lossy(line).splitn(3, ' ').nth(2).unwrap_or_default().to_owned()
}

const fn other(way: Way) -> Way {
    match way {
        Way::Received => Way::Sent,
        Way::Sent => Way::Received,
    }
}
