//! How often things may be done, and what a client is told of it.

use super::cast::{FOREIGNER, STAFF};
use super::house::{House, SECRET};

#[tokio::test]
async fn one_request_too_many_is_refused_with_when_to_come_back() {
    let house = House::with_limit(3);
    for left in ["2", "1", "0"] {
        let answer = house.ask("GET", "/v1/calls").await;
        assert_eq!(answer.headers["ratelimit-limit"], "3");
        assert_eq!(answer.headers["ratelimit-remaining"], left);
        assert_eq!(answer.headers["ratelimit-reset"], "60");
    }
    let refused = house.ask("GET", "/v1/patients").await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 59);
    assert_eq!(refused.headers["ratelimit-remaining"], "0");
    assert_eq!(house.ask_as(Some(FOREIGNER), "GET", "/v1/calls", None).await.status.as_u16(), 200, "others go on");
    assert_eq!(house.ask("GET", "/health").await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_flood_of_wrong_credentials_ends_in_429_and_fills_no_log() {
    let house = House::with_limit(3);
    for _ in 0..3 {
        assert_eq!(house.ask_as(Some("forged"), "GET", "/v1/calls", None).await.error().0, 401);
    }
    for _ in 0..20 {
        assert_eq!(house.ask_as(Some("forged"), "GET", "/v1/calls", None).await.error().0, 429);
    }
    assert_eq!(house.deeds().len(), 3);
    assert_eq!(house.ask_as(Some(SECRET), "GET", "/v1/calls", None).await.status.as_u16(), 200, "who has the right ones gets in");
}

#[tokio::test]
async fn everything_can_be_taken_out_ten_times_an_hour_and_not_by_staff() {
    let house = House::with_limit(100);
    for _ in 0..10 {
        assert_eq!(house.ask("GET", "/v1/patients/export").await.status.as_u16(), 200);
    }
    assert_eq!(house.ask("GET", "/v1/patients/export?format=json").await.error().0, 429);
    assert_eq!(house.ask_as(Some(STAFF), "GET", "/v1/patients/export", None).await.error().0, 403);
}
