//! Accounts over HTTP: from the invitation to the day somebody leaves, and what they look after themselves.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header;
use chrono::Utc;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::cast::{FOREIGN_SUPER_ADMIN, ORG_ADMIN, STAFF, STALE_ADMIN, SUPER_ADMIN};
use super::house::{House, request};
use super::signing_in::{PASSWORD, first_sign_in, post, text};
use crate::domain::access::Role;
use crate::domain::ids::OrgId;

/// The code in an e-mail's link.
fn code_of(mail: &str) -> String {
    mail.split_once("?code=").unwrap().1.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn who_is_invited_comes_in_with_a_password_and_is_shown_changed_and_let_go() {
    let house = House::new();
    let invitation = json!({ "email": "New@planted.example", "name": "Nina", "role": "staff" });
    let made = house.ask_as(Some(ORG_ADMIN), "POST", "/v1/users", Some(&invitation)).await;
    assert_eq!((made.status.as_u16(), made.json()["role"].as_str()), (201, Some("invited")));
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let void = code_of(&house.sent.to("new@planted.example").await);
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "POST", &format!("{path}/invitation"), None).await.status.as_u16(), 202);
    let code = code_of(&house.sent.to("new@planted.example").await);
    let accept =
        async |code: &str, password: &str| post(&house, "/v1/auth/accept_invitation", json!({ "code": code, "password": password })).await;
    assert_eq!(accept(&void, PASSWORD).await.json()["error"]["field"], "code");
    assert_eq!(accept(&code, "passwordpassword").await.json()["error"]["field"], "password");
    assert_eq!(accept(&code, PASSWORD).await.status.as_u16(), 204);
    assert_eq!(accept(&code, PASSWORD).await.error().0, 422);
    let again = house.ask_as(Some(ORG_ADMIN), "POST", &format!("{path}/invitation"), None).await;
    assert_eq!(again.json()["error"]["context"]["reason"], "not_invited");
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "POST", "/v1/users", Some(&invitation)).await.error().0, 409);

    let login = post(&house, "/v1/auth/login", json!({ "email": "new@planted.example", "password": PASSWORD })).await.json();
    let access = text(&login["access_token"]);
    let shown = house.ask_as(Some(ORG_ADMIN), "GET", &path, None).await;
    assert_eq!((shown.json()["role"].as_str(), shown.json()["second_factor"].as_bool()), (Some("staff"), Some(false)));
    assert!(!shown.json()["last_login_at"].is_null());
    let tag = shown.headers[header::ETAG].to_str().unwrap().to_owned();
    let patch = async |tag: &str| {
        let body = Body::from(json!({ "name": "Nina B." }).to_string());
        let bearer = house.cast.bearer(ORG_ADMIN).await;
        let mut request =
            request("PATCH", &path).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag).body(body).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {bearer}").parse().unwrap());
        house.send(request).await
    };
    assert_eq!(patch(&tag).await.json()["name"], "Nina B.");
    assert_eq!(patch(&tag).await.error().0, 412);
    let listed = house.ask_as(Some(ORG_ADMIN), "GET", "/v1/users?role=staff", None).await;
    assert!(listed.text.contains("new@planted.example") && !listed.text.contains("argon2"));
    // A role wants a fresh proof; a name does not.
    let promote = json!({ "role": "orgAdmin" });
    assert_eq!(house.ask_as(Some(STALE_ADMIN), "PATCH", &path, Some(&json!({ "name": null }))).await.status.as_u16(), 200);
    let refused = house.ask_as(Some(STALE_ADMIN), "PATCH", &path, Some(&promote)).await;
    assert_eq!(refused.json()["error"]["context"]["reason"], "second_factor_required");
    assert_eq!(house.ask_as(Some(&access), "GET", "/v1/calls", None).await.status.as_u16(), 200);
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "DELETE", &path, None).await.json()["status"], "inactive");
    assert_eq!(house.ask_as(Some(&access), "GET", "/v1/calls", None).await.error().0, 401);
    assert_eq!(post(&house, "/v1/auth/login", json!({ "email": "new@planted.example", "password": PASSWORD })).await.error().0, 401);
    let back = house.ask_as(Some(ORG_ADMIN), "POST", &format!("{path}/unlock"), None).await;
    assert_eq!(back.json()["status"], "active");
}

#[tokio::test]
async fn a_stream_ends_within_five_seconds_of_its_sign_ins_end_and_keeps_nobody_signed_in() {
    let house = House::new();
    let staff = house.cast.sign_in(&OrgId::default_org(), "follower", Role::Staff, Utc::now()).await;
    let mut follow = request("GET", "/v1/events").body(Body::empty()).unwrap();
    follow.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {}", staff.bearer).parse().unwrap());
    let response = house.router.clone().oneshot(follow).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let ended = tokio::spawn(axum::body::to_bytes(response.into_body(), 10_000));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!ended.is_finished());
    assert_eq!(house.ask_as(Some(&staff.bearer), "POST", "/v1/auth/logout", None).await.status.as_u16(), 204);
    let told = Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(5), ended).await.is_ok(), "it goes on");
    assert!(told.elapsed() < Duration::from_secs(5));
    assert_eq!(house.ask_as(Some(&staff.bearer), "GET", "/v1/auth/me", None).await.error().0, 401);
    assert!(house.deeds().iter().any(|deed| deed == "logout success -"));
}

#[tokio::test]
async fn a_page_gets_its_refresh_token_as_a_cookie_that_no_other_site_can_use() {
    let house = House::new();
    first_sign_in(&house).await;
    let email = "member@planted.example";
    let member = house.cast.user(&OrgId::default_org(), "member", Role::Staff).await;
    assert_eq!(member.email.expose().as_str(), email);
    post(&house, "/v1/auth/password/reset_request", json!({ "email": email })).await;
    let code = code_of(&house.sent.to(email).await);
    assert_eq!(post(&house, "/v1/auth/password/reset", json!({ "code": code, "password": PASSWORD })).await.status.as_u16(), 204);
    let login = post(&house, "/v1/auth/login", json!({ "email": email, "password": PASSWORD, "refresh": "cookie" })).await;
    assert_eq!((login.json()["status"].as_str(), &login.json()["refresh_token"]), (Some("signed_in"), &Value::Null));
    assert_eq!(login.headers["ratelimit-limit"], "5");
    let cookie = login.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    for attribute in ["__Secure-auricle_refresh=rt.", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Path=/v1/auth", "Max-Age=43"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap().to_owned();
    let refresh = async |site: &str| {
        let request = request("POST", "/v1/auth/refresh").header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::COOKIE, &pair).header("sec-fetch-site", site);
        house.send(request.body(Body::from("{}")).unwrap()).await
    };
    assert_eq!(refresh("cross-site").await.error().0, 403);
    assert_eq!(refresh("same-site").await.error().0, 403);
    let next = refresh("same-origin").await;
    assert!(next.headers[header::SET_COOKIE] != cookie.as_str() && next.json()["refresh_token"].is_null());
    let access = text(&next.json()["access_token"]);
    let out = house.ask_as(Some(&access), "POST", "/v1/auth/logout", None).await;
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let over = refresh("same-origin").await;
    assert_eq!(over.error().0, 401);
    assert!(over.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn somebody_looks_after_their_own_password_second_factor_and_sign_ins() {
    let house = House::new();
    let (done, _) = first_sign_in(&house).await;
    let access = text(&done["sign_in"]["access_token"]);
    let ask = async |method: &str, path: &str, body: Value| {
        house.ask_as(Some(&access), method, path, Some(&body).filter(|body| !body.is_null())).await
    };
    let sessions = ask("GET", "/v1/auth/sessions", Value::Null).await.json();
    assert_eq!((sessions["items"].as_array().unwrap().len(), &sessions["items"][0]["current"]), (1, &json!(true)));
    let change = json!({ "old_password": "not the right password", "password": "marble socket thirteen owls" });
    assert_eq!(ask("POST", "/v1/auth/password", change).await.json()["error"]["field"], "old_password");
    let wrong = ask("POST", "/v1/auth/prove", json!({ "code": "000000" })).await;
    assert_eq!(wrong.json()["error"]["field"], "code");
    let codes = ask("POST", "/v1/auth/backup_codes", Value::Null).await.json();
    assert_eq!(ask("POST", "/v1/auth/prove", json!({ "code": done["backup_codes"][1] })).await.error().0, 422, "it is void");
    house
        .state
        .identity
        .unlock(&crate::store::OrgScope::new(OrgId::default_org()), &text(&done["sign_in"]["user_id"]).parse().unwrap())
        .await
        .unwrap();
    assert_eq!(ask("POST", "/v1/auth/prove", json!({ "code": codes["backup_codes"][1] })).await.status.as_u16(), 204);
    assert!(house.sent.to(house.first.email.expose().as_str()).await.len() > 20);
    let in_use = ask("POST", "/v1/auth/totp", json!({ "password": PASSWORD })).await;
    assert_eq!(in_use.json()["error"]["context"]["reason"], "second_factor_in_use");
    let change = json!({ "old_password": PASSWORD, "password": "marble socket thirteen owls" });
    assert_eq!(ask("POST", "/v1/auth/password", change).await.status.as_u16(), 204);
    assert_eq!(ask("DELETE", "/v1/auth/totp", Value::Null).await.status.as_u16(), 204);
    assert_eq!(ask("GET", "/v1/auth/me", Value::Null).await.error().0, 401, "all sign-ins have ended");
    // Neither a key nor the admin secret has an account.
    assert_eq!(house.ask("POST", "/v1/auth/logout").await.error().0, 403);
}

#[tokio::test]
async fn a_code_by_e_mail_signs_staff_in_where_the_organisation_wants_it_and_nobody_else() {
    let house = House::new();
    let member = house.cast.user(&OrgId::default_org(), "member", Role::Staff).await;
    let email = member.email.expose().as_str();
    let ask_for_it = async || assert_eq!(post(&house, "/v1/auth/one_time_code", json!({ "email": email })).await.status.as_u16(), 202);
    ask_for_it().await;
    assert_eq!(house.sent.count(), 0, "it is off at first");
    let rules = json!({ "sign_in": { "email_codes": true } });
    assert_eq!(
        house.ask_as(Some(ORG_ADMIN), "PATCH", "/v1/organisations/org_default", Some(&rules)).await.json()["sign_in"]["email_codes"],
        true
    );
    ask_for_it().await;
    let mail = house.sent.to(email).await;
    let code: String = mail.chars().filter(char::is_ascii_digit).take(8).collect();
    let sign_in = async |code: &str| post(&house, "/v1/auth/one_time_code/login", json!({ "email": email, "code": code })).await;
    let other = format!("{:08}", (code.parse::<u64>().unwrap() + 1) % 100_000_000);
    assert_eq!(sign_in(&other).await.error().0, 401);
    let done = sign_in(&code).await.json();
    assert_eq!(done["status"], "signed_in");
    assert_eq!(sign_in(&code).await.error().0, 401, "it is good once");
    assert_eq!(house.ask_as(Some(&text(&done["access_token"])), "GET", "/v1/calls", None).await.status.as_u16(), 200);
    post(&house, "/v1/auth/one_time_code", json!({ "email": house.first.email.expose().as_str() })).await;
    assert_eq!(house.sent.count(), 0, "administrators have passwords");
}

#[tokio::test]
async fn a_key_is_shown_once_does_what_it_was_made_for_and_ends_when_it_is_revoked() {
    let house = House::new();
    let wanted = json!({ "name": "nightly import", "scopes": ["patients:read"], "expires_in_days": 30 });
    let made = house.ask_as(Some(ORG_ADMIN), "POST", "/v1/api_keys", Some(&wanted)).await;
    assert_eq!(made.status.as_u16(), 201);
    let (key, id) = (text(&made.json()["key"]), text(&made.json()["id"]));
    assert_eq!(house.ask_as(Some(&key), "GET", "/v1/patients", None).await.status.as_u16(), 200);
    assert_eq!(house.ask_as(Some(&key), "GET", "/v1/calls", None).await.error().0, 403);
    let me = house.ask_as(Some(&key), "GET", "/v1/auth/me", None).await.json();
    assert_eq!((me["kind"].as_str(), &me["permissions"], &me["user"]), (Some("api_key"), &json!(["patients:read"]), &Value::Null));
    let listed = house.ask_as(Some(ORG_ADMIN), "GET", "/v1/api_keys", None).await;
    assert!(listed.text.contains(&id) && !listed.text.contains(&key));
    assert_eq!(house.ask_as(Some(STAFF), "GET", "/v1/api_keys", None).await.error().0, 403);
    for _ in 0..2 {
        assert_eq!(house.ask_as(Some(ORG_ADMIN), "DELETE", &format!("/v1/api_keys/{id}"), None).await.status.as_u16(), 204);
    }
    assert_eq!(house.ask_as(Some(&key), "GET", "/v1/patients", None).await.error().0, 401);
    // The admin secret is nobody whose leaving could end a key.
    assert_eq!(house.post_to("/v1/api_keys", &wanted.to_string()).await.error().0, 403);
    let actors: Vec<_> = house.audited().iter().map(|entry| entry["actor_type"].as_str().unwrap_or("-").to_owned()).collect();
    assert!(actors.contains(&"api_key".to_owned()) && actors.contains(&"user".to_owned()), "{actors:?}");
}

#[tokio::test]
async fn who_runs_the_gateway_makes_organisations_and_who_runs_one_changes_that_one() {
    let house = House::new();
    let wanted = json!({ "name": "Harbour Clinic", "calling_code": "+49", "language": "de", "time_zone": "Europe/Berlin", "admin_email": "run@planted.example" });
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "POST", "/v1/organisations", Some(&wanted)).await.error().0, 403);
    let made = house.ask_as(Some(SUPER_ADMIN), "POST", "/v1/organisations", Some(&wanted)).await;
    assert_eq!((made.status.as_u16(), made.json()["calling_code"].as_str()), (201, Some("49")));
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let code = code_of(&house.sent.to("run@planted.example").await);
    assert_eq!(post(&house, "/v1/auth/accept_invitation", json!({ "code": code, "password": PASSWORD })).await.status.as_u16(), 204);
    let login = json!({ "email": "run@planted.example", "password": PASSWORD });
    assert_eq!(post(&house, "/v1/auth/login", login.clone()).await.json()["status"], "enrolment", "administrators need a second factor");
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "GET", &path, None).await.error().0, 404);
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "PATCH", &path, Some(&json!({ "name": "Mine" }))).await.error().0, 404);
    let faults = house
        .ask_as(Some(SUPER_ADMIN), "PATCH", &path, Some(&json!({ "name": " ", "time_zone": "Nowhere/At_All", "status": "active" })))
        .await;
    assert_eq!(faults.error().0, 422);
    assert_eq!(house.ask_as(Some(SUPER_ADMIN), "DELETE", &path, None).await.json()["status"], "suspended");
    assert_eq!(post(&house, "/v1/auth/login", login.clone()).await.error().0, 401);
    assert_eq!(house.ask_as(Some(SUPER_ADMIN), "POST", &format!("{path}/restore"), None).await.json()["status"], "active");
    let own = house.ask_as(Some(SUPER_ADMIN), "DELETE", "/v1/organisations/org_default", None).await;
    assert_eq!(own.json()["error"]["context"]["reason"], "own_organisation");
    let listed = house.ask_as(Some(FOREIGN_SUPER_ADMIN), "GET", "/v1/organisations?limit=2", None).await.json();
    assert_eq!((listed["items"].as_array().unwrap().len(), listed["next_cursor"].is_string()), (2, true));
}

#[tokio::test]
async fn no_organisation_is_made_whose_administrator_cannot_be_added() {
    let house = House::new();
    let organisations = async || house.ask_as(Some(SUPER_ADMIN), "GET", "/v1/organisations?limit=200", None).await.json()["items"].clone();
    let before = organisations().await.as_array().map_or(0, Vec::len);
    let wanted = json!({ "name": "Northern Lights", "admin_email": "everywhere@planted.example" });
    let (mut made, mut refused) = (0, None);
    for _ in 0..20 {
        let answer = house.ask_as(Some(SUPER_ADMIN), "POST", "/v1/organisations", Some(&wanted)).await;
        if answer.status.as_u16() != 201 {
            refused = Some(answer);
            break;
        }
        made += 1;
    }
    // One address signs in to sixteen organisations and no more.
    assert_eq!(refused.map(|answer| answer.error()), Some((409, "CONFLICT".to_owned())));
    assert_eq!((made, organisations().await.as_array().map_or(0, Vec::len)), (16, before + 16));
    let told: Vec<_> = house.deeds().into_iter().filter(|deed| deed.starts_with("create ")).collect();
    assert!(told.last().is_some_and(|deed| deed.starts_with("create failure")), "{told:?}");
}

#[tokio::test]
async fn a_key_takes_patients_out_only_where_its_maker_said_so_and_it_ends_soon() {
    let house = House::new();
    let make = async |scopes: Value, days: Value| {
        let wanted = json!({ "name": "nightly", "scopes": scopes, "expires_in_days": days });
        house.ask_as(Some(ORG_ADMIN), "POST", "/v1/api_keys", Some(&wanted)).await
    };
    for days in [Value::Null, json!(91)] {
        let refused = make(json!(["patients:export"]), days).await;
        assert_eq!((refused.error().0, refused.json()["error"]["field"].as_str()), (422, Some("expires_in_days")));
    }
    let export = async |made: &Value| {
        let key = text(&made["key"]);
        house.ask_as(Some(&key), "GET", "/v1/patients/export?format=json", None).await.status.as_u16()
    };
    let reader = make(json!(["patients:read"]), json!(30)).await.json();
    let exporter = make(json!(["patients:export"]), json!(30)).await.json();
    assert_eq!((export(&reader).await, export(&exporter).await), (403, 200), "{exporter}");
    assert!(house.audited().iter().any(|entry| entry["action"] == "export" && entry["actor_type"] == "api_key"), "{:?}", house.deeds());
    // What its maker has to prove each time, and what no scope opens.
    assert_eq!(house.ask_as(Some(STALE_ADMIN), "GET", "/v1/patients/export", None).await.error().0, 403);
    assert_eq!(make(json!(["patients:export", "system:read"]), json!(30)).await.error().0, 403);
}
