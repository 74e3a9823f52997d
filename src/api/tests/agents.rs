//! Agents through the interface: made, changed, version by version, and their keys never seen again.

use axum::http::header;
use serde_json::{Value, json};

use super::cast::{ORG_ADMIN, STAFF, SUPER_ADMIN};
use super::house::{Answer, House};
use crate::domain::access::Permission;
use crate::domain::ids::OrgId;

async fn ask(house: &House, method: &str, path: &str, body: Value) -> Answer {
    let body = (!body.is_null()).then_some(body);
    house.ask_as(Some(ORG_ADMIN), method, path, body.as_ref()).await
}

fn fields(answer: &Answer) -> Vec<String> {
    let fields = answer.json()["error"]["context"]["fields"].clone();
    fields.as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap().to_owned()).collect()
}

fn desk() -> Value {
    json!({ "name": "desk", "url": "wss://api.openai.com/v1/realtime", "model": "gpt-realtime-2.1", "api_key": "planted-api-key",
        "instructions": "Greet {{patient.first_name|the caller}}.", "variables": ["patient.first_name"], "transfer_targets": ["+4930901820"],
        "tools": { "built_in": ["end_call", "transfer_call"], "own": [{ "name": "free_times", "description": "Free times of a day.",
            "url": "https://practice.example.org/free_times", "secret": "planted-key-of-the-tool",
            "parameters": { "type": "object", "required": ["day"], "properties": { "day": { "type": "string" } } } }] } })
}

#[tokio::test]
async fn an_agent_is_made_changed_version_by_version_and_taken_away_and_its_keys_never_come_out() {
    let house = House::new();
    let made = ask(&house, "POST", "/v1/agents", desk()).await;
    assert_eq!((made.status.as_u16(), made.headers[header::ETAG].to_str().unwrap()), (201, "\"1\""), "{}", made.text);
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let agent = made.json();
    assert_eq!((agent["origin"].as_str(), agent["has_api_key"].as_bool(), agent["version"].as_u64()), (Some("store"), Some(true), Some(1)));
    let changed = ask(
        &house,
        "PATCH",
        &path,
        json!({ "voice": "marin", "transfer_targets": null, "tools": { "own": [{ "name": "free_times",
        "description": "Free times.", "url": "https://practice.example.org/free_times" }] } }),
    )
    .await;
    assert_eq!((changed.status.as_u16(), changed.headers[header::ETAG].to_str().unwrap()), (200, "\"2\""), "{}", changed.text);
    let was = |version: u64| format!("{path}/versions/{version}");
    let first = ask(&house, "GET", &was(1), Value::Null).await;
    assert_eq!(
        (first.json()["voice"].clone(), first.json()["tools"]["built_in"].clone()),
        (Value::Null, json!(["end_call", "transfer_call"]))
    );
    assert_eq!(ask(&house, "GET", &was(2), Value::Null).await.json()["voice"], "marin");
    for never in [was(3), was(257), was(0), format!("{path}/versions/x")] {
        assert_eq!(ask(&house, "GET", &never, Value::Null).await.error().0, 404, "{never}");
    }
    let all = ask(&house, "GET", "/v1/agents", Value::Null).await;
    assert_eq!(all.json()["items"].as_array().unwrap().len(), 2, "the configuration's among them");
    assert_eq!(ask(&house, "DELETE", &path, Value::Null).await.status.as_u16(), 204);
    assert_eq!(ask(&house, "GET", &path, Value::Null).await.error().0, 404);
    assert_eq!(ask(&house, "GET", &was(2), Value::Null).await.status.as_u16(), 200, "calls that it had name a version of it");
    let log = format!("{:?}", house.audited());
    for shown in [made.text, changed.text, first.text, all.text, log] {
        assert!(!shown.contains("planted"), "{shown}");
    }
    assert!(house.audited().iter().any(|entry| entry["resource"] == "agent" && entry["action"] == "update"));
}

#[tokio::test]
async fn an_agent_that_is_made_anew_goes_on_with_the_versions_of_the_one_before() {
    let house = House::new();
    let made = ask(&house, "POST", "/v1/agents", desk()).await;
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(ask(&house, "DELETE", &path, Value::Null).await.status.as_u16(), 204);
    assert_eq!(ask(&house, "DELETE", &path, Value::Null).await.error().0, 404, "what is no more is not taken away twice");
    assert_eq!(ask(&house, "PATCH", &path, json!({ "voice": "marin" })).await.error().0, 404);
    let number = ask(&house, "POST", "/v1/numbers", json!({ "number": "1000", "agent": "desk" })).await;
    assert_eq!(fields(&number), ["agent"], "it answers nothing any more");
    let anew = ask(&house, "POST", "/v1/agents", json!({ "name": "desk", "url": "wss://b.example/", "voice": "cedar" })).await;
    assert_eq!((anew.status.as_u16(), anew.headers[header::ETAG].to_str().unwrap()), (201, "\"3\""), "{}", anew.text);
    assert_eq!(anew.json()["has_api_key"], false, "the key of the one before is gone with it");
    let was = async |version: u64| ask(&house, "GET", &format!("{path}/versions/{version}"), Value::Null).await.json()["voice"].clone();
    assert_eq!((was(1).await, was(3).await), (Value::Null, json!("cedar")), "a call names a version, and it stays what it was");
    let twice = ask(&house, "POST", "/v1/agents", desk()).await;
    assert_eq!((twice.error().0, twice.json()["error"]["field"].as_str()), (409, Some("name")));
}

#[tokio::test]
async fn of_the_operators_agents_an_organisation_sees_what_they_are_and_nobody_else_where() {
    let house = House::new();
    let id = crate::agent::kept::KeptAgent::id_of(&OrgId::default_org(), "reception");
    let path = format!("/v1/agents/{id}");
    for path in ["/v1/agents", &path] {
        let seen = ask(&house, "GET", path, Value::Null).await;
        assert!(seen.status.is_success() && !seen.text.contains("agent.example"), "{path}: {}", seen.text);
        let whole = house.ask_as(Some(SUPER_ADMIN), "GET", path, None).await;
        assert!(whole.text.contains("wss://agent.example/"), "{path}: {}", whole.text);
    }
}

#[tokio::test]
async fn what_an_agent_may_not_be_is_told_field_by_field() {
    let house = House::new();
    let form = json!({ "name": "a b", "url": "wss://a.example/", "api_key_env": "HOME", "ca_file": "/etc/passwd",
        "tools": { "filler": { "file": "/etc/passwd" }, "own": [{ "name": "1", "description": "d", "url": "ftp://a.example/", "secret_env": "HOME" }] } });
    let mut found = fields(&ask(&house, "POST", "/v1/agents", form).await);
    found.sort();
    assert_eq!(
        found,
        ["api_key_env", "ca_file", "name", "tools.filler", "tools.own[0].name", "tools.own[0].secret_env", "tools.own[0].url"]
    );
    let meant = json!({ "name": "desk", "url": "ws://127.0.0.1/", "instructions": "{{patient.notes}} {{patient.name}}", "format": "pcm16k",
        "tools": { "built_in": ["transfer_call"], "own": [{ "name": "t", "description": "d", "url": "https://a.example/", "parameters": { "pattern": "x" } }] } });
    let mut found = fields(&ask(&house, "POST", "/v1/agents", meant).await);
    found.sort();
    let expected = ["format", "instructions", "instructions", "tools.built_in", "tools.own[0].parameters", "tools.own[0].secret", "url"];
    assert_eq!(found, expected);
    let taken = ask(&house, "POST", "/v1/agents", json!({ "name": "reception", "url": "wss://a.example/" })).await;
    assert_eq!((taken.error().0, taken.json()["error"]["field"].as_str()), (409, Some("name")), "the configuration has it");
    let id = crate::agent::kept::KeptAgent::id_of(&OrgId::default_org(), "reception");
    let configured = ask(&house, "PATCH", &format!("/v1/agents/{id}"), json!({ "voice": "marin" })).await;
    assert_eq!(configured.json()["error"]["context"]["reason"], "configured");
    assert_eq!(house.ask_as(Some(STAFF), "GET", "/v1/agents", None).await.error().0, 403);
}

#[tokio::test]
async fn who_answers_for_an_organisation_states_its_agreement_and_the_audit_log_says_who_and_when() {
    let house = House::new();
    let admin = house.cast.player(ORG_ADMIN).await.user;
    let scopes = |scopes: &[Permission]| house.cast.key_of(&admin, scopes.to_vec());
    let writer = scopes(&[Permission::AgentsRead, Permission::AgentsWrite]).await;
    let agent = |agreement: Value| json!({ "name": "desk", "url": "wss://a.example/", "agreement": agreement });
    for (agreement, status) in [(json!("all"), 422), (json!(["org_other"]), 422), (json!(["org_default", "org_other"]), 422)] {
        let refused = ask(&house, "POST", "/v1/agents", agent(agreement.clone())).await;
        assert_eq!((refused.status.as_u16(), fields(&refused)[0].split('[').next()), (status, Some("agreement")), "{agreement}");
    }
    let own = json!(["org_default"]);
    assert_eq!(house.ask_as(Some(&writer), "POST", "/v1/agents", Some(&agent(own.clone()))).await.error().0, 403, "agents:write alone");
    let made = ask(&house, "POST", "/v1/agents", agent(own.clone())).await;
    assert_eq!((made.status.as_u16(), made.json()["agreement"].clone()), (201, own.clone()), "{}", made.text);
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let change = async |who: &str, change: Value| house.ask_as(Some(who), "PATCH", &path, Some(&change)).await;

    assert_eq!(change(&writer, json!({ "voice": "marin" })).await.json()["agreement"], own, "not spoken of, it stays");
    let elsewhere = json!({ "url": "wss://b.example/" });
    assert_eq!(fields(&change(&writer, elsewhere.clone()).await), ["agreement"], "it is with the service that it was stated for");
    let restated = json!({ "url": "wss://b.example/", "agreement": own });
    assert_eq!(change(&writer, restated.clone()).await.error().0, 403, "nor does agents:write alone say it of another service");
    let moved = change(&writer, json!({ "url": "wss://b.example/", "agreement": null })).await;
    assert_eq!((moved.status.as_u16(), moved.json()["agreement"].clone()), (200, Value::Null), "{}", moved.text);
    assert_eq!(change(ORG_ADMIN, restated).await.json()["agreement"], own);
    assert_eq!(change(ORG_ADMIN, json!({ "agreement": [] })).await.status.as_u16(), 200);

    let deeds: Vec<_> = house.deeds().into_iter().filter(|deed| deed.contains("_agreement")).collect();
    let twice = |action: &str| [format!("{action} intended -"), format!("{action} success -")];
    let expected = ["state_agreement", "withdraw_agreement", "state_agreement", "withdraw_agreement"].map(twice);
    assert_eq!(deeds, expected.concat());
    let entries = house.audited();
    let stated = entries.iter().find(|entry| entry["action"] == "state_agreement").unwrap();
    assert_eq!((stated["resource"].as_str(), &stated["object"]), (Some("agent"), &made.json()["id"]));
    assert_eq!((stated["actor_type"].as_str(), stated["actor"].as_str()), (Some("user"), Some(admin.id.as_str())));
}

#[tokio::test]
async fn a_number_is_answered_by_an_agent_of_its_organisation_and_by_nobody_elses() {
    let house = House::new();
    let other: OrgId = "org_practice".parse().unwrap();
    house.agent(&other, "theirs").await;
    assert_eq!(ask(&house, "POST", "/v1/agents", desk()).await.status.as_u16(), 201);
    let number = ask(&house, "POST", "/v1/numbers", json!({ "number": "1000", "agent": "desk" })).await;
    assert_eq!(number.status.as_u16(), 201, "{}", number.text);
    let foreign = ask(&house, "POST", "/v1/numbers", json!({ "number": "1001", "agent": "theirs" })).await;
    assert_eq!((foreign.error().0, fields(&foreign)), (422, vec!["agent".to_owned()]));
}
