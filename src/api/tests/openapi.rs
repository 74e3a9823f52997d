//! The OpenAPI document: whole, and the one in the repository.

use serde_json::Value;

use super::house::House;
use crate::api::openapi_text;
use crate::api::router::routes;

fn document() -> Value {
    serde_json::from_str(&openapi_text()).unwrap()
}

#[test]
fn the_document_in_the_repository_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if std::env::var_os("AURICLE_WRITE_OPENAPI").is_some() {
        std::fs::write(path, openapi_text()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == openapi_text(), "openapi.json is not what the routes say; `make openapi` writes it anew");
}

#[test]
fn every_route_has_its_answers_its_errors_and_its_security() {
    let document = document();
    let mut names = std::collections::BTreeSet::new();
    for route in routes() {
        let operation = route.operation;
        let described = &document["paths"][operation.path][operation.verb.method().as_str().to_ascii_lowercase()];
        assert_eq!(described["operationId"], operation.name);
        assert!(names.insert(operation.name), "{} names two routes", operation.name);
        let responses = described["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{}", operation.name);
        for code in operation.codes() {
            assert!(responses.contains_key(code.status().as_str()), "{} lacks {}", operation.name, code.name());
        }
        assert!(described["security"].is_array() && !described["summary"].as_str().unwrap().is_empty());
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_runs_only_its_own_script() {
    let house = House::new();
    let page = house.ask("GET", "/docs").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"), "{policy}");
    assert!(!page.text.contains("http://") && !page.text.contains("https://") && !page.text.contains("onload"));
    for file in ["page.js", "page.css"] {
        assert!(page.text.contains(&format!("/docs/{file}")));
        assert_eq!(house.ask("GET", &format!("/docs/{file}")).await.status.as_u16(), 200);
    }
    let script = house.ask("GET", "/docs/page.js").await.text;
    for sink in ["innerHTML", "outerHTML", "document.write", "eval(", "insertAdjacentHTML"] {
        assert!(!script.contains(sink), "{sink}");
    }
    assert_eq!(house.ask("GET", "/docs/..%2fmod.rs").await.error().0, 404);
}
