//! Which web origins may read answers.

use axum::body::Body;
use axum::http::header;

use super::house::{House, ORIGIN, request};

#[tokio::test]
async fn an_origin_on_the_list_may_read_and_any_other_is_told_nothing() {
    let house = House::new();
    for (origin, allowed) in
        [(ORIGIN, true), ("https://app.example.org.evil.test", false), ("null", false), ("http://app.example.org", false)]
    {
        let asked = request("GET", "/v1/calls").header(header::ORIGIN, origin).body(Body::empty()).unwrap();
        let answer = house.send(asked).await;
        let told = answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap());
        assert_eq!(told, allowed.then_some(origin));
        assert_eq!(answer.headers[header::VARY], "Origin");
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
}

#[tokio::test]
async fn a_preflight_needs_no_credentials_and_is_answered_to_the_list_alone() {
    let house = House::new();
    for (origin, status) in [(ORIGIN, 204), ("https://evil.test", 405)] {
        let mut preflight = request("OPTIONS", "/v1/patients").header(header::ORIGIN, origin);
        preflight = preflight.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        let mut preflight = preflight.body(Body::empty()).unwrap();
        preflight.headers_mut().remove(header::AUTHORIZATION);
        let answer = house.send(preflight).await;
        assert_eq!(answer.status.as_u16(), status, "{origin}");
        assert_eq!(answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_METHODS), status == 204);
    }
}

#[tokio::test]
async fn where_pages_call_is_told_what_is_taken_and_nowhere_else() {
    let house = House::new();
    for (path, told) in [("/v1/whip/default", true), ("/v1/whip/calls/call_x", false), ("/v1/calls", false)] {
        let answer = house.send(request("OPTIONS", path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers.get("accept-post").is_some(), told, "{path}");
        assert_eq!(answer.status.as_u16() == 204, told, "{path}");
        assert!(answer.headers.get("access-control-allow-origin").is_none());
    }
}
