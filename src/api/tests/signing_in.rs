//! Signing in over HTTP, from the first start on.

use axum::http::header;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::house::{Answer, House};
use crate::domain::ids::OrgId;
use crate::store::OrgScope;

pub(super) const PASSWORD: &str = "gravel tin orbit lamp";

/// What an authenticator shows.
pub(super) fn totp(secret: &str, at: DateTime<Utc>) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(at.timestamp().unsigned_abs()).to_string()
}

/// Asks without credentials.
pub(super) async fn post(house: &House, path: &str, body: Value) -> Answer {
    house.ask_as(None, "POST", path, Some(&body)).await
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Takes the first administrator from the one-time password to a sign-in; the shared secret of the authenticator with it.
pub(super) async fn first_sign_in(house: &House) -> (Value, String) {
    let (email, password) = (house.first.email.expose().as_str(), house.first.password.expose());
    let begun = post(house, "/v1/auth/login", json!({ "email": email, "password": password })).await.json();
    assert_eq!(begun["status"], "password_change", "{begun}");
    let replaced =
        post(house, "/v1/auth/password/replace", json!({ "step_token": begun["step_token"], "password": PASSWORD })).await.json();
    assert_eq!(replaced["status"], "enrolment", "{replaced}");
    let enrolment = post(house, "/v1/auth/enrolment", json!({ "step_token": replaced["step_token"] })).await.json();
    let secret = text(&enrolment["secret"]);
    assert!(text(&enrolment["uri"]).starts_with("otpauth://totp/Auricle:admin%40localhost.localdomain?secret="));
    let code = totp(&secret, Utc::now());
    let done = post(house, "/v1/auth/enrolment/confirm", json!({ "step_token": replaced["step_token"], "code": code })).await.json();
    assert_eq!(done["backup_codes"].as_array().unwrap().len(), 10);
    (done, secret)
}

#[tokio::test]
async fn the_first_administrator_comes_in_by_another_password_and_a_second_factor_and_never_again_by_the_first() {
    let house = House::new();
    let (done, _) = first_sign_in(&house).await;
    let access = text(&done["sign_in"]["access_token"]);
    let me = house.ask_as(Some(&access), "GET", "/v1/auth/me", None).await.json();
    assert_eq!((me["kind"].as_str(), me["role"].as_str(), me["org_id"].as_str()), (Some("user"), Some("superAdmin"), Some("org_default")));
    assert_eq!(house.ask_as(Some(&access), "GET", "/v1/calls", None).await.status.as_u16(), 200);
    let (email, password) = (house.first.email.expose().as_str(), house.first.password.expose());
    let again = post(&house, "/v1/auth/login", json!({ "email": email, "password": password })).await;
    assert_eq!(again.error(), (401, "UNAUTHORIZED".to_owned()));
    // The backup code in the place of the authenticator, once.
    let next = post(&house, "/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.json();
    assert_eq!(next["status"], "second_factor", "{next}");
    // Whoever mistyped once has to wait for a second before the code is looked at.
    let user = text(&done["sign_in"]["user_id"]).parse().unwrap();
    house.cast.identity.unlock(&OrgScope::new(OrgId::default_org()), &user).await.unwrap();
    let prove = async || {
        let body = json!({ "step_token": next["step_token"], "code": done["backup_codes"][0] });
        post(&house, "/v1/auth/second_factor", body).await
    };
    assert_eq!(prove().await.json()["status"], "signed_in");
    assert_eq!(prove().await.error().0, 401);
    assert!(house.sent.to(email).await.contains("backup code"));
    let deeds = house.deeds().join("\n");
    for deed in [
        "login success password_change_next",
        "password_change success -",
        "login success enrolment_next",
        "enrol_second_factor success begun",
        "enrol_second_factor success -",
        "login success -",
        "login denied wrong_password",
        "login success second_factor_next",
        "login denied wrong_code",
    ] {
        assert!(deeds.lines().any(|done| done == deed), "{deed} in {deeds}");
    }
    let planted = [email, password, PASSWORD, "planted"];
    let log: String = house.audited().iter().map(Value::to_string).collect();
    assert!(planted.iter().all(|planted| !log.contains(planted)), "{log}");
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same_and_takes_the_store_and_the_hasher_the_same() {
    let house = House::new();
    first_sign_in(&house).await;
    let known = house.first.email.expose().as_str();
    let mut seen = Vec::new();
    for (email, org) in [(known, "org_default"), ("nobody@planted.example", "org_default"), (known, "org_nowhere")] {
        let before = house.counted.calls();
        let body = json!({ "email": email, "password": "not the right password", "org_id": org });
        let answer = post(&house, "/v1/auth/login", body).await;
        let after = house.counted.calls();
        seen.push((answer.json()["error"].clone(), after.0 - before.0, after.1 - before.1));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    for path in ["/v1/auth/password/reset_request", "/v1/auth/one_time_code", "/v1/auth/verify_email/request"] {
        let mut seen = Vec::new();
        for email in [known, "nobody@planted.example"] {
            let before = house.counted.calls();
            let answer = post(&house, path, json!({ "email": email })).await;
            let after = house.counted.calls();
            seen.push((answer.status, answer.text, after.0 - before.0, after.1 - before.1));
        }
        assert_eq!(seen[0], seen[1], "{path}");
    }
}

#[tokio::test]
async fn five_attempts_at_one_account_in_a_quarter_of_an_hour_and_three_e_mails_an_hour_are_let_through() {
    let house = House::new();
    let wrong = json!({ "email": "ana@planted.example", "password": "not the right password" });
    for left in ["4", "3", "2", "1", "0"] {
        let answer = post(&house, "/v1/auth/login", wrong.clone()).await;
        assert!(answer.error().0 == 401, "{left}");
    }
    let refused = post(&house, "/v1/auth/login", wrong).await;
    assert_eq!((refused.error().0, &refused.headers["ratelimit-limit"]), (429, &header::HeaderValue::from_static("5")));
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 890);
    // Another account from the same address is another count.
    let other = json!({ "email": "bea@planted.example", "password": "not the right password" });
    assert_eq!(post(&house, "/v1/auth/login", other).await.error().0, 401);
    for (path, limit) in [("/v1/auth/password/reset_request", 3), ("/v1/auth/one_time_code", 3)] {
        for _ in 0..limit {
            assert_eq!(post(&house, path, json!({ "email": "ana@planted.example" })).await.status.as_u16(), 202, "{path}");
        }
        assert_eq!(post(&house, path, json!({ "email": "ANA@planted.example" })).await.error().0, 429, "{path}");
    }
    assert_eq!(house.sent.count(), 0);
}

#[tokio::test]
async fn no_password_is_reset_and_no_second_factor_set_up_where_the_log_does_not_take_it() {
    let house = House::new();
    let (email, first) = (house.first.email.expose().as_str(), house.first.password.expose());
    let begun = post(&house, "/v1/auth/login", json!({ "email": email, "password": first })).await.json();
    post(&house, "/v1/auth/password/reset_request", json!({ "email": email })).await;
    let letter = house.sent.to(email).await;
    let code = letter.split_once("reset-password?code=").unwrap().1.split_whitespace().next().unwrap();
    house.break_audit();
    let reset = json!({ "code": code, "password": PASSWORD });
    assert_eq!(post(&house, "/v1/auth/password/reset", reset).await.status.as_u16(), 503);
    let replace = json!({ "step_token": begun["step_token"], "password": PASSWORD });
    assert_eq!(post(&house, "/v1/auth/password/replace", replace).await.status.as_u16(), 503);
    let scope = OrgScope::new(OrgId::default_org());
    let user = house.cast.identity.user(&scope, &house.first.user).await.unwrap().unwrap().record;
    let verdict = house.cast.identity.confirm_password(&scope, &user, &house.first.password, Utc::now()).await;
    assert!(verdict.is_ok(), "the password is what it was: {verdict:?}");
}
