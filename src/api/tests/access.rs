//! Who gets in, and what is written down of those who do not.

use axum::body::Body;
use axum::http::{Request, header};

use super::house::{House, request};

const PROTECTED: [(&str, &str); 5] = [
    ("GET", "/metrics"),
    ("GET", "/v1/calls"),
    ("POST", "/v1/calls"),
    ("GET", "/v1/calls/call_00000000000000000000000000"),
    ("DELETE", "/v1/calls/call_00000000000000000000000000"),
];

#[tokio::test]
async fn health_needs_no_secret_and_everything_else_does() {
    let house = House::new();
    let bare = |method: &str, path: &str| Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let healthy = house.send(bare("GET", "/health")).await;
    assert_eq!((healthy.status.as_u16(), healthy.json()["status"].as_str()), (200, Some("ok")));
    for (method, path) in PROTECTED {
        let refused = house.send(bare(method, path)).await;
        assert_eq!(refused.error(), (401, "UNAUTHORIZED".to_owned()), "{method} {path}");
        assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    assert_eq!(house.deeds(), ["api_access denied missing_credentials"; 5]);
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_the_refusal_names_the_client() {
    let house = House::new();
    for credentials in ["Bearer wrong", "Bearer ", "Basic OGYxYzBiN2U2YTVkNGMz", "8f1c0b7e6a5d4c3b2a190817f6e5d4c3"] {
        let mut wrong = request("GET", "/v1/calls").body(Body::empty()).unwrap();
        wrong.headers_mut().insert(header::AUTHORIZATION, credentials.parse().unwrap());
        assert_eq!(house.send(wrong).await.status.as_u16(), 401, "{credentials}");
    }
    let entry = &house.audited()[0];
    assert_eq!((entry["actor_type"].as_str(), entry["ip"].as_str()), (Some("anonymous"), Some("203.0.113.77")));
    assert_eq!((entry["object"].as_str(), entry["reason"].as_str()), (Some("/v1/calls"), Some("wrong_credentials")));
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case() {
    let house = House::new();
    let mut lower = request("GET", "/v1/calls").body(Body::empty()).unwrap();
    lower.headers_mut().insert(header::AUTHORIZATION, format!("bearer {}", super::house::SECRET).parse().unwrap());
    assert_eq!(house.send(lower).await.status.as_u16(), 200);
}

#[tokio::test]
async fn without_an_audit_log_nothing_is_told_not_even_a_refusal() {
    let house = House::new();
    house.ask("GET", "/v1/calls").await;
    house.break_audit();
    let mut wrong = request("GET", "/v1/calls").body(Body::empty()).unwrap();
    wrong.headers_mut().remove(header::AUTHORIZATION);
    for request in [wrong, request("GET", "/v1/calls").body(Body::empty()).unwrap()] {
        let refused = house.send(request).await;
        assert_eq!(refused.error(), (503, "SERVICE_UNAVAILABLE".to_owned()));
        assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    }
    assert_eq!(house.ask("GET", "/health").await.status.as_u16(), 200);
}
