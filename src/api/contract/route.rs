//! A route: where it is, who may take it, what goes in and what comes out.

use std::time::Duration;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use super::shape::{Input, Object};
use crate::api::error::Code;
use crate::api::limits::Row;
use crate::api::state::AppState;
use crate::domain::access::Permission;

/// A route and what carries it out.
#[derive(Debug)]
pub(in crate::api) struct Route {
    pub(in crate::api) operation: Operation,
    pub(in crate::api) handler: MethodRouter<AppState>,
}

/// All that is known of a route.
#[derive(Debug)]
pub(in crate::api) struct Operation {
    pub(in crate::api) verb: Verb,
    pub(in crate::api) path: &'static str,
    /// Its `operationId`.
    pub(in crate::api) name: &'static str,
    pub(in crate::api) summary: &'static str,
    pub(in crate::api) access: Access,
    /// What else whoever takes it has to have done.
    pub(in crate::api) proof: Proof,
    /// The row of the table of limits that counts for it; none is counted without.
    pub(in crate::api) limit: Option<Row>,
    /// Longest body.
    pub(in crate::api) body_limit: usize,
    /// Longest time from the end of the request's head to the head of the answer.
    pub(in crate::api) time_limit: Duration,
    pub(super) query: Option<&'static Object>,
    pub(super) body: Option<&'static Object>,
    /// The media type of a body that is no JSON.
    pub(super) raw_body: Option<&'static str>,
    pub(super) answers: Vec<Answer>,
    pub(super) errors: Vec<Code>,
    pub(super) headers: Vec<RequestHeader>,
    named: bool,
}

/// What may be done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Who may take a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Access {
    /// Anybody.
    Public,
    /// Whoever bears a valid token, whatever it allows.
    SignedIn,
    /// Whoever has this permission.
    Needs(Permission),
}

/// Whether a second factor that was proved shortly before is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Proof {
    None,
    /// Within ten minutes; keys, which prove nothing, are refused.
    Fresh,
    /// Within ten minutes, of whoever signs in; of keys it was asked when they got their scope.
    FreshOrKey,
}

/// A header that a route reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum RequestHeader {
    IfMatch,
    IfNoneMatch,
    IdempotencyKey,
    Signature,
    Organisation,
    /// The cookie with the refresh token.
    RefreshCookie,
}

/// An answer other than an error.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: &'static str,
    pub(super) content: Content,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("text", &self.text).finish_non_exhaustive()
    }
}

pub(super) enum Content {
    None,
    Json { schema: fn(&mut SchemaGenerator) -> Schema, example: Value },
    Other { media_type: &'static str },
}

/// What a handler answers with: a type whose schema and example stand in the document.
pub(in crate::api) trait Output: Serialize + JsonSchema {
    /// An answer as it could be.
    fn example() -> Self;
}

impl Route {
    /// A route; `name` is its `operationId`, which clients' generators make method names of.
    pub(in crate::api) fn new<H, T>(verb: Verb, path: &'static str, name: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let operation = Operation {
            verb,
            path,
            name,
            summary,
            access: Access::SignedIn,
            proof: Proof::None,
            limit: Some(Row::Api),
            body_limit: BODY_LIMIT,
            time_limit: TIME_LIMIT,
            query: None,
            body: None,
            raw_body: None,
            answers: Vec::new(),
            errors: Vec::new(),
            headers: Vec::new(),
            named: true,
        };
        Self { operation, handler: on(verb.filter(), handler) }
    }

    pub(in crate::api) fn needs(mut self, permission: Permission) -> Self {
        self.operation.access = Access::Needs(permission);
        self
    }

    pub(in crate::api) fn access(mut self, access: Access) -> Self {
        self.operation.access = access;
        self
    }

    /// It wants a second factor that was proved within ten minutes.
    pub(in crate::api) fn proved(mut self) -> Self {
        self.operation.proof = Proof::Fresh;
        self
    }

    /// It wants a second factor that was proved within ten minutes, or a key with the scope.
    pub(in crate::api) fn proved_or_key(mut self) -> Self {
        self.operation.proof = Proof::FreshOrKey;
        self
    }

    pub(in crate::api) fn limit(mut self, row: Option<Row>) -> Self {
        self.operation.limit = row;
        self
    }

    /// It takes as much as a bulk or a document needs, and as long.
    pub(in crate::api) fn bulk(mut self) -> Self {
        self.operation.body_limit = BULK_LIMIT;
        self.operation.time_limit = BULK_TIME_LIMIT;
        self
    }

    /// It is answered once an agent has said that it is ready, for which it has a minute at most.
    pub(in crate::api) fn waits_for_agent(mut self) -> Self {
        self.operation.time_limit = AGENT_TIME_LIMIT;
        self
    }

    /// It changes nothing, so that there is no harm in doing it twice.
    pub(in crate::api) fn unnamed(mut self) -> Self {
        self.operation.named = false;
        self
    }

    pub(in crate::api) fn query<T: Input>(mut self) -> Self {
        self.operation.query = Some(T::SHAPE);
        self
    }

    pub(in crate::api) fn body<T: Input>(mut self) -> Self {
        self.operation.body = Some(T::SHAPE);
        self
    }

    /// Its body is of this type, and no JSON.
    pub(in crate::api) fn takes(mut self, media_type: &'static str) -> Self {
        self.operation.raw_body = Some(media_type);
        self
    }

    pub(in crate::api) fn reads(mut self, header: RequestHeader) -> Self {
        self.operation.headers.push(header);
        self
    }

    pub(in crate::api) fn answers<T: Output>(mut self, status: u16, text: &'static str) -> Self {
        let example = serde_json::to_value(T::example()).unwrap_or_default();
        let content = Content::Json { schema: |generator| generator.subschema_for::<T>(), example };
        self.operation.answers.push(Answer { status, text, content });
        self
    }

    pub(in crate::api) fn answers_empty(mut self, status: u16, text: &'static str) -> Self {
        self.operation.answers.push(Answer { status, text, content: Content::None });
        self
    }

    pub(in crate::api) fn answers_as(mut self, status: u16, media_type: &'static str, text: &'static str) -> Self {
        self.operation.answers.push(Answer { status, text, content: Content::Other { media_type } });
        self
    }

    /// Errors beside those that follow from its access, limit, input and path.
    pub(in crate::api) fn fails(mut self, codes: &[Code]) -> Self {
        self.operation.errors.extend_from_slice(codes);
        self
    }
}

impl Operation {
    /// Whether a client may name a request of it, so that what is sent twice is done once: whatever somebody known can
    /// have made or done, unless it says otherwise.
    pub(in crate::api) fn takes_name(&self) -> bool {
        self.verb == Verb::Post && matches!(self.access, Access::Needs(_)) && self.named
    }

    /// The headers that it reads.
    pub(super) fn request_headers(&self) -> impl Iterator<Item = RequestHeader> {
        self.headers.iter().copied().chain(self.takes_name().then_some(RequestHeader::IdempotencyKey))
    }

    /// Every error that it can answer with.
    pub(in crate::api) fn codes(&self) -> Vec<Code> {
        let mut codes = vec![Code::Unknown, Code::Unavailable];
        match self.access {
            Access::Public => {}
            Access::SignedIn => codes.push(Code::Unauthorized),
            Access::Needs(_) => codes.extend([Code::Unauthorized, Code::Forbidden]),
        }
        if self.proof != Proof::None {
            codes.push(Code::Forbidden);
        }
        if self.limit.is_some() {
            codes.push(Code::RateLimited);
        }
        // Another organisation is asked for like a resource: it may not be there.
        let names_organisation = self.query.is_some_and(|query| query.members.iter().any(|member| member.name == "org_id"));
        if self.path.contains('{') || names_organisation {
            codes.push(Code::NotFound);
        }
        if self.query.is_some() {
            codes.push(Code::Validation);
        }
        if self.body.is_some() || self.raw_body.is_some() {
            codes.extend([Code::Malformed, Code::TooLarge, Code::MediaType, Code::Validation]);
        }
        if self.headers.contains(&RequestHeader::IfMatch) {
            codes.extend([Code::Conflict, Code::Precondition, Code::Validation]);
        }
        if self.takes_name() {
            codes.extend([Code::Conflict, Code::TooLarge, Code::Validation]);
        }
        codes.extend_from_slice(&self.errors);
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// A body as the document shows it.
    #[cfg(test)]
    pub(in crate::api) fn body_example(&self) -> Option<Value> {
        self.body.map(Object::example)
    }

    /// The names of its parameters behind the question mark.
    #[cfg(test)]
    pub(in crate::api) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.query.iter().flat_map(|query| query.members).map(|member| member.name)
    }

    /// The part of the interface that it belongs to: the segment behind the version.
    pub(super) fn tag(&self) -> &'static str {
        let rest = self.path.strip_prefix("/v1/").unwrap_or("system");
        rest.split('/').next().unwrap_or("system")
    }
}

impl Verb {
    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// As HTTP knows it.
    pub(in crate::api) const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// Longest body of a request.
const BODY_LIMIT: usize = 64 * 1_024;
/// From the end of a request's head to the answer.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The same for a bulk: 10 MiB by a line of 2 Mbit/s, and then some.
const BULK_TIME_LIMIT: Duration = Duration::from_secs(60);
/// The longest `calls.agent_ready_timeout_ms` there is, and what any request has besides.
const AGENT_TIME_LIMIT: Duration = Duration::from_secs(70);
/// Longest body of a bulk or a document.
const BULK_LIMIT: usize = 10 * 1_024 * 1_024;
