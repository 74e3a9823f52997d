//! Trunks, numbers and rules of dialling through the interface.

use axum::http::header;
use serde_json::{Value, json};

use super::cast::{FOREIGN_SUPER_ADMIN, ORG_ADMIN, STAFF};
use super::house::{Answer, House, SECRET};

async fn ask(house: &House, bearer: &str, method: &str, path: &str, body: Value) -> Answer {
    let body = (!body.is_null()).then_some(body);
    house.ask_as(Some(bearer), method, path, body.as_ref()).await
}

fn fields(answer: &Answer) -> Vec<String> {
    let fields = answer.json()["error"]["context"]["fields"].clone();
    fields.as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_trunk_is_made_changed_and_taken_away_and_its_passwords_never_come_out() {
    let house = House::new();
    let sent = json!({ "name": "carrier", "target": "sip:sip.example.com", "realm": "sip.example.com", "username": "practice",
        "password": "planted-one", "login": "pbx", "login_password": "planted-two", "caller_id": "+4930901820" });
    let made = ask(&house, SECRET, "POST", "/v1/trunks", sent).await;
    assert_eq!((made.status.as_u16(), made.headers[header::ETAG].to_str().unwrap()), (201, "\"1\""), "{}", made.text);
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let trunk = made.json();
    assert_eq!(
        (trunk["origin"].as_str(), trunk["has_password"].as_bool(), trunk["probe_s"].as_u64()),
        (Some("store"), Some(true), Some(30))
    );
    let changed = ask(&house, SECRET, "PATCH", &path, json!({ "max_calls": 30, "probe_s": null, "caller_id": null })).await;
    assert_eq!((changed.status.as_u16(), changed.headers[header::ETAG].to_str().unwrap()), (200, "\"2\""), "{}", changed.text);
    assert_eq!((changed.json()["max_calls"].as_u64(), changed.json()["caller_id"].clone()), (Some(30), Value::Null));
    assert_eq!(changed.json()["has_password"], true, "what is absent stays");
    let halved = ask(&house, SECRET, "PATCH", &path, json!({ "password": null, "ptime_ms": 25 })).await;
    assert_eq!((halved.error().0, fields(&halved)), (422, vec!["realm".to_owned(), "ptime_ms".to_owned()]));
    let all = ask(&house, ORG_ADMIN, "GET", "/v1/trunks", Value::Null).await;
    assert_eq!(all.json()["items"].as_array().unwrap().len(), 2);
    let one = ask(&house, ORG_ADMIN, "GET", &path, Value::Null).await;
    assert_eq!(one.status.as_u16(), 200);
    assert_eq!(ask(&house, SECRET, "DELETE", &path, Value::Null).await.status.as_u16(), 204);
    assert_eq!(ask(&house, SECRET, "GET", &path, Value::Null).await.error().0, 404);
    let log = format!("{:?}", house.audited());
    for shown in [made.text, changed.text, all.text, one.text, log] {
        assert!(!shown.contains("planted"), "{shown}");
    }
    let deeds = house.audited();
    assert!(deeds.iter().any(|entry| entry["resource"] == "trunk" && entry["action"] == "create"), "{deeds:?}");
}

#[tokio::test]
async fn all_faults_of_a_trunk_are_named_at_once_and_no_variable_of_the_process_can_be_named() {
    let house = House::new();
    let wrong = json!({ "name": "a b", "addresses": ["192.0.2.1/24"], "advertised": "here", "max_calls": -1, "password_env": "HOME", "org": "org_other" });
    let answer = ask(&house, SECRET, "POST", "/v1/trunks", wrong).await;
    assert_eq!(answer.error().0, 422);
    let mut found = fields(&answer);
    found.sort();
    assert_eq!(found, ["addresses[0]", "advertised", "max_calls", "name", "org", "password_env"]);
    let meant = json!({ "name": "carrier", "target": "sip:bob@example.com", "codecs": ["g729"], "login": "pbx", "caller_id": "112" });
    let answer = ask(&house, SECRET, "POST", "/v1/trunks", meant).await;
    let mut found = fields(&answer);
    found.sort();
    assert_eq!(found, ["caller_id", "codecs", "login", "target"]);
}

#[tokio::test]
async fn what_the_configuration_has_is_shown_and_not_changed_and_wins() {
    let house = House::new();
    let trunks = ask(&house, SECRET, "GET", "/v1/trunks", Value::Null).await.json();
    let trunk = trunks["items"][0].clone();
    assert_eq!((trunk["name"].as_str(), trunk["origin"].as_str()), (Some("configured"), Some("configuration")));
    assert_eq!(trunk["password_env"], Value::Null, "nor does a variable's name come out");
    let path = format!("/v1/trunks/{}", trunk["id"].as_str().unwrap());
    assert!(!ask(&house, SECRET, "GET", &path, Value::Null).await.headers.contains_key(header::ETAG));
    for (method, body) in [("PATCH", json!({ "max_calls": 1 })), ("DELETE", Value::Null)] {
        let refused = ask(&house, SECRET, method, &path, body).await;
        assert_eq!((refused.error().0, refused.json()["error"]["context"]["reason"].as_str()), (409, Some("configured")));
    }
    let same = ask(&house, SECRET, "POST", "/v1/trunks", json!({ "name": "configured" })).await;
    assert_eq!((same.error().0, same.json()["error"]["field"].as_str()), (409, Some("name")));
    let of_create = |entry: &Value| entry["resource"] == "trunk" && entry["action"] == "create";
    let told: Vec<_> = house.audited().into_iter().filter(of_create).map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(told, ["intended", "failure"], "what the store refuses is told as done by nobody");
    let number = ask(&house, SECRET, "POST", "/v1/numbers", json!({ "number": "+4930901820", "agent": "reception" })).await;
    assert_eq!((number.error().0, number.json()["error"]["field"].as_str()), (409, Some("number")));
}

#[tokio::test]
async fn a_number_is_answered_by_a_known_agent_and_changed_for_the_version_that_was_read() {
    let house = House::new();
    let wrong = json!({ "number": "+49-30", "agent": "nobody", "trunk": "none" });
    let refused = ask(&house, ORG_ADMIN, "POST", "/v1/numbers", wrong).await;
    assert_eq!((refused.error().0, fields(&refused)), (422, ["number", "agent", "trunk"].map(str::to_owned).to_vec()));
    let sent = json!({ "number": "1000", "agent": "reception", "trunk": "configured", "noise_suppression": "high" });
    let made = ask(&house, ORG_ADMIN, "POST", "/v1/numbers", sent).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text);
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let again = ask(&house, ORG_ADMIN, "POST", "/v1/numbers", json!({ "number": "1000", "agent": "reception" })).await;
    assert_eq!(again.error().0, 409);
    let changed = ask(&house, ORG_ADMIN, "PATCH", &path, json!({ "trunk": null, "answer": "immediately" })).await;
    assert_eq!((changed.json()["trunk"].clone(), changed.json()["noise_suppression"].as_str()), (Value::Null, Some("high")));
    let mut request = super::house::request("DELETE", &path);
    request = request.header(header::IF_MATCH, "\"1\"");
    assert_eq!(house.send(request.body(axum::body::Body::empty()).unwrap()).await.error().0, 412);
    assert_eq!(ask(&house, ORG_ADMIN, "DELETE", &path, Value::Null).await.status.as_u16(), 204);
    assert_eq!(ask(&house, STAFF, "GET", "/v1/numbers", Value::Null).await.error().0, 403);
}

#[tokio::test]
async fn a_number_asks_none_of_its_agents_for_words_that_takes_none_whichever_of_them_that_is() {
    let house = House::new();
    let bot = json!({ "name": "bot", "protocol": "twilio", "url": "wss://bot.example/", "format": "pcmu" });
    assert_eq!(ask(&house, ORG_ADMIN, "POST", "/v1/agents", bot).await.status.as_u16(), 201);
    let asking = json!({ "idle_after_s": 10, "goodbye": "Say goodbye.", "max_call_s": 600 });
    for agents in [json!({ "agent": "bot" }), json!({ "agent": "reception", "fallback_agents": ["bot"] })] {
        let mut sent = agents.clone();
        (sent["number"], sent["conduct"]) = (json!("1000"), asking.clone());
        let refused = ask(&house, ORG_ADMIN, "POST", "/v1/numbers", sent).await;
        let expected = ["conduct.idle_after_s", "conduct.goodbye"].map(str::to_owned).to_vec();
        assert_eq!((refused.error().0, fields(&refused)), (422, expected), "{agents}");
    }
    let alone = json!({ "number": "1000", "agent": "reception", "conduct": asking });
    let made = ask(&house, ORG_ADMIN, "POST", "/v1/numbers", alone).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text);
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let joined = ask(&house, ORG_ADMIN, "PATCH", &path, json!({ "fallback_agents": ["bot"] })).await;
    assert_eq!(joined.error().0, 422, "{}", joined.text);
    let asks_nothing = json!({ "fallback_agents": ["bot"], "conduct": { "idle_after_s": 0, "goodbye": null } });
    assert_eq!(ask(&house, ORG_ADMIN, "PATCH", &path, asks_nothing).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_list_is_read_a_page_at_a_time() {
    let house = House::new();
    for extension in 0..7 {
        house.number(&crate::domain::ids::OrgId::default_org(), &format!("100{extension}")).await;
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = ask(&house, SECRET, "GET", &format!("/v1/numbers?limit=3{cursor}"), Value::Null).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["number"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, ["+4930901820", "1000", "1001", "1002", "1003", "1004", "1005", "1006"]);
}

#[tokio::test]
async fn an_organisation_may_allow_itself_less_and_never_more() {
    let house = House::new();
    let nothing = ask(&house, ORG_ADMIN, "GET", "/v1/dialling", Value::Null).await;
    assert_eq!((nothing.json()["countries"].clone(), nothing.json()["max_calls"].as_u64()), (json!([]), Some(0)), "{}", nothing.text);
    let wide = json!({ "countries": ["DE", "AT"], "max_calls": 4, "minutes_per_day": 100, "spend_per_day": 5.5, "rates": { "+49": 0.02, "+43": 0.05 },
        "routes": [{ "prefix": "+", "trunks": ["configured"] }] });
    assert_eq!(ask(&house, ORG_ADMIN, "PUT", "/v1/dialling", wide.clone()).await.error().0, 403);
    let set = ask(&house, SECRET, "PUT", "/v1/dialling", wide.clone()).await;
    assert_eq!((set.status.as_u16(), set.json()["origin"].as_str()), (200, Some("store")), "{}", set.text);
    let mut narrow = wide.clone();
    narrow["countries"] = json!(["DE"]);
    narrow["max_calls"] = json!(1);
    assert_eq!(ask(&house, ORG_ADMIN, "PUT", "/v1/dialling", narrow).await.status.as_u16(), 200);
    assert_eq!(ask(&house, ORG_ADMIN, "PUT", "/v1/dialling", wide).await.error().0, 403, "what was given up is given by others");
    let wrong = json!({ "deny": ["49"], "rates": { "x": 1 }, "services": ["lottery"], "countries": ["Germany"] });
    let refused = ask(&house, SECRET, "PUT", "/v1/dialling", wrong).await;
    assert_eq!(refused.error().0, 422);
    assert_eq!(fields(&refused).len(), 4, "{}", refused.text);
    let unknown = json!({ "routes": [{ "prefix": "+49", "trunks": ["nobodys"] }] });
    assert_eq!(fields(&ask(&house, SECRET, "PUT", "/v1/dialling", unknown).await), ["routes"]);
    let denied = house.deeds().into_iter().filter(|deed| deed == "update denied forbidden").count();
    assert_eq!(denied, 2, "{:?}", house.deeds());
}

#[tokio::test]
async fn calls_out_are_stopped_by_the_organisation_and_what_is_stopped_above_is_resumed_above() {
    let house = House::new();
    let stopped = |org: &str| house.state.switchboard.directory().is_stopped(&org.parse().unwrap());
    let mut events = house.state.events.subscribe();
    let stop = ask(&house, ORG_ADMIN, "POST", "/v1/dialling/stop", Value::Null).await;
    assert_eq!((stop.status.as_u16(), stop.json()["by"].as_str()), (200, Some("organisation")), "{}", stop.text);
    assert!(stopped("org_default") && !stopped("org_other"));
    assert!(matches!(events.try_recv().unwrap().kind, crate::domain::event::EventKind::TollAlarm { .. }));
    let resumed = ask(&house, ORG_ADMIN, "POST", "/v1/dialling/resume", Value::Null).await;
    assert_eq!(resumed.json()["stopped"], false);
    assert!(!stopped("org_default"));
    assert_eq!(ask(&house, SECRET, "POST", "/v1/dialling/stop", Value::Null).await.json()["by"], "gateway");
    assert_eq!(ask(&house, ORG_ADMIN, "POST", "/v1/dialling/resume", Value::Null).await.error().0, 403);
    assert_eq!(ask(&house, STAFF, "POST", "/v1/dialling/stop", Value::Null).await.error().0, 403);
    assert_eq!(ask(&house, ORG_ADMIN, "POST", "/v1/dialling/gateway/stop", Value::Null).await.error().0, 403);
    assert_eq!(ask(&house, FOREIGN_SUPER_ADMIN, "POST", "/v1/dialling/gateway/stop", Value::Null).await.status.as_u16(), 200);
    assert!(stopped("org_other"));
    assert_eq!(ask(&house, FOREIGN_SUPER_ADMIN, "POST", "/v1/dialling/gateway/resume", Value::Null).await.json()["stopped"], false);
    assert!(stopped("org_default") && !stopped("org_other"));
    let deeds = house.deeds();
    assert!(deeds.iter().any(|deed| deed.starts_with("stop_dialling success")), "{deeds:?}");
    assert!(deeds.iter().any(|deed| deed == "resume_dialling denied stopped_above"), "{deeds:?}");
}

#[tokio::test]
async fn calls_out_are_stopped_even_where_the_audit_log_cannot_be_written() {
    let house = House::new();
    house.ask("GET", "/v1/calls").await;
    house.break_audit();
    assert_eq!(ask(&house, ORG_ADMIN, "POST", "/v1/dialling/stop", Value::Null).await.error().0, 503);
    assert!(house.state.switchboard.directory().is_stopped(&crate::domain::ids::OrgId::default_org()));
    let restarted = house.another_switchboard();
    restarted.refresh().await.unwrap();
    assert!(restarted.directory().is_stopped(&crate::domain::ids::OrgId::default_org()), "nor does a restart let them out");
}

#[tokio::test]
async fn another_organisation_is_reached_by_whoever_may_manage_organisations_and_by_nobody_else() {
    let house = House::new();
    let other: crate::domain::ids::OrgId = "org_practice".parse().unwrap();
    let organisation = crate::domain::organisation::Organisation::new(other.clone(), "Practice".to_owned(), chrono::Utc::now());
    house.state.organisations.insert(&organisation).await.unwrap();
    let body = json!({ "name": "carrier" });
    assert_eq!(ask(&house, SECRET, "POST", "/v1/trunks?org_id=org_practice", body.clone()).await.json()["org_id"], "org_practice");
    assert_eq!(ask(&house, SECRET, "POST", "/v1/trunks?org_id=org_nobody", body).await.error().0, 404);
    for path in ["/v1/trunks", "/v1/numbers", "/v1/dialling"] {
        assert_eq!(ask(&house, ORG_ADMIN, "GET", &format!("{path}?org_id=org_practice"), Value::Null).await.error().0, 403, "{path}");
    }
}

/// A profile: its configuration, and the requests that come to the same.
struct Profile {
    configuration: String,
    requests: Vec<(String, String, Value)>,
}

fn profiles() -> Vec<Profile> {
    let document = include_str!("../../../docs/trunks.md");
    let block = |text: &str| text.split("```").next().unwrap().to_owned();
    let section = |section: &str| {
        let (_, toml) = section.split_once("```toml\n")?;
        let mut requests = Vec::new();
        let mut rest = section;
        while let Some((before, after)) = rest.split_once("```json\n") {
            let line = before.trim_end().lines().last().unwrap().trim_matches('`');
            let (method, path) = line.split_once(' ').unwrap();
            requests.push((method.to_owned(), path.to_owned(), serde_json::from_str(&block(after)).unwrap()));
            rest = after;
        }
        Some(Profile { configuration: block(toml), requests })
    };
    document.split("\n### ").filter_map(section).collect()
}

#[tokio::test]
async fn each_profile_of_the_documents_is_taken_and_is_what_its_configuration_is() {
    let profiles = profiles();
    assert_eq!(profiles.len(), 5);
    for Profile { configuration, requests } in profiles {
        let house = House::bare();
        let configured: toml::Table = configuration.parse().unwrap();
        assert!(requests.len() >= 2, "{configuration}");
        for (method, path, body) in requests {
            let answer = ask(&house, SECRET, &method, &path, body.clone()).await;
            assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
            let (section, key) = match path.as_str() {
                "/v1/trunks" => ("trunks", body["name"].as_str().unwrap()),
                "/v1/numbers" => ("numbers", body["number"].as_str().unwrap()),
                _ => ("tenants", "org_default"),
            };
            let same = serde_json::to_value(&configured[section][key]).unwrap();
            for (setting, value) in same.as_object().unwrap().iter().filter(|(setting, _)| !setting.ends_with("_env")) {
                assert_eq!(body[setting], *value, "{section}.{key}.{setting}");
            }
        }
    }
}
