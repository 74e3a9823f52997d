//! The OpenAPI 3.1 document, printed from the routes.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::route::{Access, Answer, Content, Operation, Proof, RequestHeader};
use crate::api::error::Code;
use crate::api::v1::REFRESH_COOKIE;

/// The document of `operations`.
pub(in crate::api) fn document<'a>(operations: impl Iterator<Item = &'a Operation>) -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    let mut inputs = Map::new();
    for operation in operations {
        let described = describe(operation, &mut generator, &mut inputs);
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(operation.verb.method().as_str().to_ascii_lowercase(), described);
        }
    }
    let mut schemas: Map<String, Value> = generator.take_definitions(true).into_iter().collect();
    schemas.append(&mut inputs);
    schemas.insert("Error".to_owned(), error_schema());
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Auricle",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A voice gateway that puts a streaming AI on the telephone.",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An access token, an API key or the admin secret." },
            },
            "headers": headers(),
            "responses": Code::ALL.iter().map(|code| (code.name().to_owned(), error_response(*code))).collect::<Map<_, _>>(),
            "schemas": schemas,
        },
    })
}

fn describe(operation: &Operation, generator: &mut schemars::SchemaGenerator, inputs: &mut Map<String, Value>) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for answer in &operation.answers {
        let described = describe_answer(answer, operation, generator);
        match responses.get_mut(&answer.status.to_string()) {
            Some(first) => add_form(first, described),
            None => drop(responses.insert(answer.status.to_string(), described)),
        }
    }
    describe_errors(operation, &mut responses);
    let mut described = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag()],
        "security": security(operation.access),
        "parameters": parameters(operation),
        "responses": responses,
    });
    let Some(members) = described.as_object_mut() else { return described };
    if let Access::Needs(permission) = operation.access {
        members.insert("x-permission".to_owned(), json!(permission.name()));
    }
    match operation.proof {
        Proof::None => {}
        Proof::Fresh => drop(members.insert("x-second-factor".to_owned(), json!("proved within ten minutes"))),
        Proof::FreshOrKey => {
            drop(members.insert("x-second-factor".to_owned(), json!("proved within ten minutes, or a key with this scope")));
        }
    }
    if let Some(body) = operation.body {
        inputs.insert(body.name.to_owned(), body.schema());
        let schema = json!({ "$ref": format!("#/components/schemas/{}", body.name) });
        let content = json!({ "application/json": { "schema": schema, "example": body.example() } });
        members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    if let Some(media_type) = operation.raw_body {
        let content = json!({ media_type: { "schema": { "type": "string" } } });
        members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    described
}

fn describe_answer(answer: &Answer, operation: &Operation, generator: &mut schemars::SchemaGenerator) -> Value {
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    if operation.limit.is_some()
        && let Some(headers) = headers.as_object_mut()
    {
        for name in LIMIT_HEADERS {
            headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
        }
    }
    let mut described = json!({ "description": answer.text, "headers": headers });
    let content = match &answer.content {
        Content::None => return described,
        Content::Json { schema, example } => json!({ "application/json": { "schema": schema(generator), "example": example } }),
        Content::Other { media_type } => json!({ *media_type: { "schema": { "type": "string" } } }),
    };
    if let Some(described) = described.as_object_mut() {
        described.insert("content".to_owned(), content);
    }
    described
}

/// The same answer in another form.
fn add_form(first: &mut Value, mut other: Value) {
    if let (Some(forms), Some(Value::Object(more))) =
        (first.get_mut("content").and_then(Value::as_object_mut), other.get_mut("content").map(Value::take))
    {
        forms.extend(more);
    }
}

/// Errors that share a status share a response.
fn describe_errors(operation: &Operation, responses: &mut Map<String, Value>) {
    let codes = operation.codes();
    for code in &codes {
        let status = code.status().as_u16();
        let same: Vec<_> = codes.iter().filter(|other| other.status() == code.status()).collect();
        let described = match same.as_slice() {
            [_] => json!({ "$ref": format!("#/components/responses/{}", code.name()) }),
            several => {
                let examples: Map<_, _> =
                    several.iter().map(|code| (code.name().to_owned(), json!({ "value": error_example(**code) }))).collect();
                let texts: Vec<_> = several.iter().map(|code| code.text()).collect();
                let content = json!({ "schema": { "$ref": "#/components/schemas/Error" }, "examples": examples });
                json!({ "description": texts.join(" Or: "), "content": { "application/json": content } })
            }
        };
        responses.insert(status.to_string(), described);
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::SignedIn | Access::Needs(_) => json!([{ "bearer": [] }]),
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<_> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_-]+$" } }))
        .collect();
    parameters.extend(operation.query.iter().flat_map(|query| query.members).map(super::Member::parameter));
    parameters.extend(operation.request_headers().map(RequestHeader::describe));
    parameters
}

impl RequestHeader {
    fn describe(self) -> Value {
        let (place, name, required, pattern, text) = match self {
            Self::IfMatch => (
                "header",
                "If-Match",
                false,
                "^\"[0-9]+\"$",
                "The ETag of what was read: the request is refused when it has changed since.",
            ),
            Self::RefreshCookie => {
                ("cookie", REFRESH_COOKIE, false, "^[A-Za-z0-9._-]+$", "The refresh token, of a browser that had it given as a cookie.")
            }
            Self::IfNoneMatch => {
                ("header", "If-None-Match", false, "^.*$", "The ETag of what the client has; any other text matches nothing.")
            }
            Self::IdempotencyKey => (
                "header",
                "Idempotency-Key",
                false,
                "^[!-~]{1,255}$",
                "The request's name: sent again within a day it is answered as before, and done once.",
            ),
            Self::Signature => {
                ("header", "Auricle-Signature", true, "^t=[0-9]+(,v1=[0-9a-f]{64})+$", "Who sends it, and when: docs/webhooks.md.")
            }
            Self::Organisation => ("header", "Auricle-Organisation", true, "^org_[0-9a-z]{1,40}$", "Whose key it is signed with."),
        };
        json!({ "name": name, "in": place, "required": required, "description": text, "schema": { "type": "string", "pattern": pattern } })
    }
}

fn headers() -> Value {
    let number = |text: &str| json!({ "description": text, "schema": { "type": "integer", "minimum": 0 } });
    json!({
        "X-Request-Id": { "description": "The request's name in logs and audit.", "schema": { "type": "string", "pattern": "^req_[0-9a-z]{26}$" } },
        "RateLimit-Limit": number("Requests that the window allows."),
        "RateLimit-Remaining": number("Requests left in it."),
        "RateLimit-Reset": number("Seconds until the next one is given back."),
        "Retry-After": number("Seconds to wait before trying again."),
    })
}

fn error_response(code: Code) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Error" });
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    if matches!(code, Code::RateLimited | Code::Unavailable)
        && let Some(headers) = headers.as_object_mut()
    {
        headers.insert("Retry-After".to_owned(), json!({ "$ref": "#/components/headers/Retry-After" }));
    }
    json!({
        "description": code.text(),
        "headers": headers,
        "content": { "application/json": { "schema": schema, "example": error_example(code) } },
    })
}

fn error_example(code: Code) -> Value {
    let (field, context) = match code {
        Code::Validation => (json!("phone"), json!({ "fields": [{ "field": "phone", "message": "must be a telephone number" }] })),
        _ => (Value::Null, Value::Null),
    };
    let error = json!({ "message": code.text(), "code": code.name(), "field": field, "context": context });
    json!({ "success": false, "error": error, "request_id": format!("req_{}", "0".repeat(26)) })
}

fn error_schema() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    json!({
        "type": "object",
        "description": "The one form of every error.",
        "required": ["success", "error", "request_id"],
        "additionalProperties": false,
        "properties": {
            "success": { "const": false },
            "error": {
                "type": "object",
                "required": ["message", "code", "field", "context"],
                "additionalProperties": false,
                "properties": {
                    "message": { "type": "string" },
                    "code": { "type": "string", "enum": codes },
                    "field": { "type": ["string", "null"], "description": "The first field that is wrong." },
                    "context": { "type": ["object", "null"], "description": "More: `fields` names every wrong field, `reason` is a stable word." },
                },
            },
            "request_id": { "type": "string" },
        },
    })
}

const LIMIT_HEADERS: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

const ABOUT: &str = "Everything is JSON in snake_case. Lists are read a page at a time: `next_cursor` of one answer is `cursor` of the next \
    request. Whatever belongs to another organisation looks as if it did not exist. Versions: docs/versioning.md.";
