//! What attackers write, into every field that there is: never a 500, and never an operator.

use serde_json::{Value, json};

use super::house::{House, SECRET};
use crate::api::contract::Access;
use crate::api::router::routes;
use crate::domain::ids::{CallId, OrgId};

fn payloads() -> Vec<Value> {
    let texts = [
        "' OR 1=1 --",
        "\"; DROP TABLE calls; --",
        "$where",
        "{\"$gt\":\"\"}",
        "../../../../etc/passwd",
        "${jndi:ldap://x/a}",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "a\u{0}b",
        "a\r\nX-Injected: 1",
        "\u{202e}txt.exe",
        "%00%0d%0a",
        "=HYPERLINK(\"http://x\")",
        "\u{ffff}",
        "",
    ];
    let mut payloads: Vec<Value> = texts.into_iter().map(Value::from).collect();
    payloads.extend([
        json!({ "$gt": "" }),
        json!({ "$where": "sleep(9)" }),
        json!(["$in"]),
        json!(null),
        json!(1e308),
        json!(-1),
        json!(true),
    ]);
    payloads.extend([json!("A".repeat(20_000)), json!("\u{1f600}".repeat(500))]);
    payloads
}

/// Every place in a JSON value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found)),
        _ => found.push(at.to_owned()),
    }
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
        let path = operation.path.replace("{id}", &id);
        let mut fields = Vec::new();
        places(&example, "", &mut fields);
        for (field, payload) in fields.iter().flat_map(|field| payloads().into_iter().map(move |payload| (field, payload))) {
            let mut body = example.clone();
            *body.pointer_mut(field).unwrap() = payload.clone();
            let answer = house.ask_as(Some(SECRET), operation.verb.method().as_str(), &path, Some(&body)).await;
            let status = answer.status.as_u16();
            let expected = status < 500 || status == 503 && operation.name == "startCall";
            assert!(expected, "{} {field} {payload:.60}: {}", operation.name, answer.text);
            if payload.is_object() {
                // Nothing of what is not signed is looked at.
                let unsigned = operation.access == Access::Public && matches!(status, 401 | 429);
                assert!(unsigned || matches!(status, 404 | 422), "{} {field} took an operator: {status}", operation.name);
            }
            tried += 1;
        }
    }
    assert!(tried > 500, "only {tried} tried");
}

#[tokio::test]
async fn no_parameter_of_any_query_breaks_anything() {
    let house = House::new();
    for route in routes() {
        let operation = route.operation;
        if operation.name == "followEvents" || operation.path.contains("{file}") {
            continue;
        }
        let path = operation.path.replace("{id}", CallId::random().as_str());
        for name in operation.parameters().chain(["$where", "limit[$gt]"]) {
            for text in ["%27%20OR%201=1", "%00", "%ff%fe", "..%2f..%2f", "%7B%22$gt%22:%22%22%7D", "99999999999999999999", "-1", ""] {
                let answer = house.ask("GET", &format!("{path}?{name}={text}")).await;
                assert!(answer.status.as_u16() < 500, "{} {name}={text}: {}", operation.name, answer.text);
            }
        }
    }
}
