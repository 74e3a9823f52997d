//! The form of answers, whatever they say.

use axum::body::Body;
use axum::http::header;

use super::house::{House, request};
use crate::domain::ids::RequestId;

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_have_the_one_error_form() {
    let house = House::new();
    assert_eq!(house.ask("GET", "/nothing").await.error(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(house.ask("GET", "/v1/calls/not-an-id").await.error(), (404, "NOT_FOUND".to_owned()));
    let wrong_method = house.ask("PUT", "/v1/calls").await;
    assert_eq!(wrong_method.error(), (405, "METHOD_NOT_ALLOWED".to_owned()));
    assert!(wrong_method.headers.contains_key(header::ALLOW));
}

#[tokio::test]
async fn every_answer_has_the_security_headers_and_none_invites_other_origins() {
    let house = House::new();
    for path in ["/health", "/metrics", "/v1/calls", "/nothing"] {
        let answer = house.ask("GET", path).await;
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(answer.headers[header::CONTENT_SECURITY_POLICY], "default-src 'none'; frame-ancestors 'none'", "{path}");
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
    }
}

#[tokio::test]
async fn a_well_formed_request_id_is_kept_and_any_other_replaced() {
    let house = House::new();
    let given = RequestId::random();
    for (named, kept) in [(given.as_str(), true), ("req_<script>", false), ("1", false)] {
        let answer = house.send(request("GET", "/nothing").header("x-request-id", named).body(Body::empty()).unwrap()).await;
        let returned = answer.headers["x-request-id"].to_str().unwrap();
        assert_eq!(returned == named, kept, "{named}");
        assert!(returned.parse::<RequestId>().is_ok());
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_json_object_is_refused() {
    let house = House::new();
    let large = format!("{{\"to\":\"{}\"}}", "a".repeat(70_000));
    assert_eq!(house.post(&large).await.error(), (413, "PAYLOAD_TOO_LARGE".to_owned()));
    for body in ["", "{", "[]", "\"sip:a@b\"", "{\"to\":1}}", &"[".repeat(20_000)] {
        assert_eq!(house.post(body).await.error(), (400, "MALFORMED_JSON".to_owned()), "{body:.20}");
    }
    let untyped = house.send(request("POST", "/v1/calls").body(Body::from("{}")).unwrap()).await;
    assert_eq!(untyped.error(), (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_at_once() {
    let house = House::new();
    let answer = house.post(r#"{"to":"bob","agent":7,"speed":1}"#).await;
    assert_eq!(answer.error(), (422, "VALIDATION_ERROR".to_owned()));
    let error = &answer.json()["error"];
    let fields: Vec<_> = error["context"]["fields"].as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect();
    assert_eq!((fields, error["field"].as_str()), (vec!["to", "agent", "speed"], Some("to")));
    for query in ["?limit=0", "?limit=201", "?limit=x", "?cursor=!", "?session_status=asleep", "?page=2", "?limit=1&limit=2"] {
        let answer = house.ask("GET", &format!("/v1/calls{query}")).await;
        assert_eq!(answer.error(), (422, "VALIDATION_ERROR".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let house = House::new();
    house.ask("GET", "/v1/calls/call_00000000000000000000000000").await;
    house.ask("GET", "/some/secret/path").await;
    house.ask("BREW", "/health").await;
    let text = house.ask("GET", "/metrics").await.text;
    assert!(text.contains(r#"auricle_api_requests_total{method="GET",route="/v1/calls/{id}",status="404"} 1"#), "{text}");
    assert!(text.contains(r#"route="unmatched""#) && text.contains(r#"method="other""#));
    assert!(!text.contains("secret/path") && !text.contains("call_0000") && !text.contains("BREW"));
}
