//! What attackers write, into every field that there is: never a 500, and never an operator.

use axum::body::Body;
use axum::http::HeaderValue;
use serde_json::{Value, json};

use super::house::{House, SECRET, request};
use crate::api::contract::Access;
use crate::api::router::routes;
use crate::domain::ids::{CallId, OrgId};

fn texts() -> Vec<String> {
    let texts = [
        "' OR 1=1 --",
        "\"; DROP TABLE calls; --",
        "1'; ATTACH DATABASE '/tmp/x' AS x; --",
        "$where",
        "{\"$gt\":\"\"}",
        "';return true;var a='",
        "body.name",
        "../../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "${jndi:ldap://x/a}",
        "{{7*7}}",
        "$(id)",
        "`id`",
        "<script>alert(1)</script>",
        "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>",
        "a\u{0}b",
        "a\r\nX-Injected: 1",
        "sip:x@y\r\nVia: z",
        "\u{202e}txt.exe",
        "%00%0d%0a",
        "%s%n%x",
        "=HYPERLINK(\"http://x\")",
        "\u{ffff}",
        "\u{1}\u{2}\u{7f}",
        "a@b.example>, <c@d.example",
        "",
    ];
    texts.into_iter().map(str::to_owned).chain(["A".repeat(20_000), "\u{1f600}".repeat(500)]).collect()
}

fn payloads() -> Vec<Value> {
    let mut payloads: Vec<Value> = texts().into_iter().map(Value::from).collect();
    payloads.extend([
        json!({ "$gt": "" }),
        json!({ "$where": "sleep(9)" }),
        json!(["$in"]),
        json!(null),
        json!(1e308),
        json!(-1),
        json!(true),
    ]);
    payloads
}

/// What stands in a place of a body: with `AURICLE_FULL` each text in many dresses, over what was there.
fn instead_of(value: &Value) -> Vec<Value> {
    let mut instead = payloads();
    if std::env::var_os("AURICLE_FULL").is_some() {
        let known = value.as_str().unwrap_or("x");
        for text in texts() {
            let percent: String = text.bytes().take(400).map(|byte| format!("%{byte:02x}")).collect();
            instead.extend([format!("{known}{text}"), format!("{text}{known}"), format!("{known}\u{0}{text}"), percent].map(Value::from));
            instead.extend(["$eq", "$ne", "$regex", "$in", "$expr"].map(|operator| json!({ operator: text })));
            instead.extend([json!({ text.as_str(): 1 }), json!([text]), json!([[{ "$gt": text }]])]);
        }
    }
    instead
}

/// Every place in a JSON value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found)),
        _ => found.push(at.to_owned()),
    }
}

/// The path with something in the place of every parameter.
fn filled(path: &str, parameter: impl Fn(&str) -> String) -> String {
    let part = |part: &str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).map_or_else(|| part.to_owned(), &parameter);
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn no_field_of_any_body_takes_an_operator_or_breaks_anything() {
    let mut house = House::new();
    house.outbound.close();
    let patient = house.patient(&OrgId::default_org(), false).await;
    let mut tried = 0;
    for route in routes() {
        let operation = route.operation;
        let Some(example) = operation.body_example() else { continue };
        let id = if operation.path.contains("patients") { patient.id.to_string() } else { CallId::random().to_string() };
        let path = filled(operation.path, |_| id.clone());
        let mut fields = Vec::new();
        places(&example, "", &mut fields);
        for field in &fields {
            for payload in instead_of(example.pointer(field).unwrap()) {
                let mut body = example.clone();
                *body.pointer_mut(field).unwrap() = payload.clone();
                let answer = house.ask_as(Some(SECRET), operation.verb.method().as_str(), &path, Some(&body)).await;
                let status = answer.status.as_u16();
                let expected = status < 500 || status == 503 && operation.name == "startCall";
                assert!(expected, "{} {field} {payload:.60}: {}", operation.name, answer.text);
                if payload.is_object() {
                    // Nothing of what is not signed is looked at.
                    let unsigned = operation.access == Access::Public && matches!(status, 401 | 429);
                    assert!(unsigned || matches!(status, 404 | 422 | 429), "{} {field} took an operator: {status}", operation.name);
                }
                tried += 1;
            }
        }
    }
    let at_least = if std::env::var_os("AURICLE_FULL").is_some() { 20_000 } else { 500 };
    assert!(tried > at_least, "only {tried} tried");
}

#[tokio::test]
async fn no_path_and_no_header_breaks_anything() {
    let mut house = House::new();
    house.outbound.close();
    let coded = |text: &str| text.bytes().take(2_000).map(|byte| format!("%{byte:02x}")).collect::<String>();
    for route in routes() {
        let operation = route.operation;
        let (method, body) = (operation.verb.method(), operation.body_example());
        for text in texts() {
            if operation.path.contains('{') {
                let path = filled(operation.path, |_| coded(&text));
                let answer = house.ask_as(Some(SECRET), method.as_str(), &path, body.as_ref()).await;
                assert!(matches!(answer.status.as_u16(), 400..500), "{} {path:.60}: {}", operation.name, answer.text);
            }
            if operation.name == "followEvents" {
                continue;
            }
            let path = filled(operation.path, |_| CallId::random().to_string());
            for name in ["if-match", "idempotency-key", "x-request-id", "content-type", "origin", "x-forwarded-for", "last-event-id"] {
                let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else { continue };
                let mut request = request(method.as_str(), &path);
                if name != "content-type" {
                    request = request.header("content-type", "application/json");
                }
                let sent = body.as_ref().map(ToString::to_string).unwrap_or_default();
                let answer = house.send(request.header(name, value).body(Body::from(sent)).unwrap()).await;
                let status = answer.status.as_u16();
                assert!(
                    status < 500 || status == 503 && operation.name == "startCall",
                    "{} {name} {text:.60}: {}",
                    operation.name,
                    answer.text
                );
            }
        }
    }
}

#[tokio::test]
async fn no_parameter_of_any_query_breaks_anything() {
    let house = House::new();
    for route in routes() {
        let operation = route.operation;
        if operation.name == "followEvents" {
            continue;
        }
        let path = filled(operation.path, |_| CallId::random().to_string());
        for name in operation.parameters().chain(["$where", "limit[$gt]"]) {
            for text in ["%27%20OR%201=1", "%00", "%ff%fe", "..%2f..%2f", "%7B%22$gt%22:%22%22%7D", "99999999999999999999", "-1", ""] {
                let answer = house.ask(operation.verb.method().as_str(), &format!("{path}?{name}={text}")).await;
                let status = answer.status.as_u16();
                assert!(status < 500, "{} {name}={text}: {}", operation.name, answer.text);
            }
        }
    }
}
