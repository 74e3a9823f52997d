//! What attackers do with tokens, over HTTP: each is answered as if it were nobody's.

use chrono::{TimeDelta, Utc};
use ring::hmac;
use serde_json::{Value, json};

use super::cast::{FOREIGNER, ORG_ADMIN, STAFF};
use super::house::House;
use super::signing_in::{first_sign_in, post, text};
use crate::domain::access::{Permission, Role};
use crate::domain::ids::OrgId;
use crate::store::OrgScope;
use crate::store::users::UserFilter;

fn encode(json: &Value) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(json.to_string())
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part).unwrap()).unwrap()
}

/// A token with this header and these claims, signed with `secret`.
fn forged(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(mac))
}

#[tokio::test]
async fn a_token_that_was_touched_or_made_by_others_opens_nothing() {
    let house = House::new();
    let genuine = house.cast.bearer(STAFF).await;
    let parts: Vec<&str> = genuine.split('.').collect();
    let (header, claims) = (decode(parts[0]), decode(parts[1]));
    let with = |of: &Value, name: &str, value: Value| {
        let mut of = of.clone();
        of[name] = value;
        of
    };
    let none = |alg: &str| format!("{}.{}.", encode(&with(&header, "alg", json!(alg))), parts[1]);
    let resigned = |header: &Value, claims: &Value| forged(header, claims, b"a secret that is none of ours, of 32");
    let mut tried = vec![
        none("none"),
        none("None"),
        none("NONE"),
        format!("{}.{}.{}", encode(&with(&header, "alg", json!("RS256"))), parts[1], parts[2]),
        format!("{}.{}.{}", encode(&with(&header, "alg", json!("HS512"))), parts[1], parts[2]),
        format!("{}.{}.{}", encode(&with(&header, "jwk", json!({ "kty": "oct", "k": "YQ" }))), parts[1], parts[2]),
        format!("{}.{}.{}", encode(&with(&header, "jku", json!("https://evil.example/keys"))), parts[1], parts[2]),
        format!("{}.{}.{}", encode(&with(&header, "kid", json!("../../../../dev/null"))), parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], encode(&with(&claims, "role", json!("superAdmin"))), parts[2]),
        format!("{}.{}.{}", parts[0], encode(&with(&claims, "org", json!("org_other"))), parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{genuine}="),
        format!("{genuine} {genuine}"),
        resigned(&header, &claims),
        resigned(&with(&header, "kid", json!("' OR 1=1 --")), &claims),
        forged(&header, &claims, b""),
        // The public name of the key as if it were the key.
        forged(&header, &claims, header["kid"].as_str().unwrap().as_bytes()),
    ];
    for (name, value) in [("exp", json!("9999999999")), ("exp", json!(9e99)), ("aud", json!(["auricle"])), ("typ", json!("refresh"))] {
        tried.push(resigned(&header, &with(&claims, name, value)));
    }
    for token in &tried {
        let answer = house.ask_as(Some(token), "GET", "/v1/auth/me", None).await;
        assert_eq!(answer.error(), (401, "UNAUTHORIZED".to_owned()), "{token}");
    }
    assert_eq!(house.ask_as(Some(&genuine), "GET", "/v1/auth/me", None).await.status.as_u16(), 200);
}

/// The claims are signed with the gateway's own key: what is refused is what they say.
#[tokio::test]
async fn a_token_of_ours_for_something_else_opens_nothing() {
    let house = House::new();
    let (email, password) = (house.first.email.expose().as_str(), house.first.password.expose());
    let step = post(&house, "/v1/auth/login", json!({ "email": email, "password": password })).await.json();
    let step = text(&step["step_token"]);
    let staff = house.cast.player(STAFF).await;
    for (method, path) in [("GET", "/v1/auth/me"), ("GET", "/v1/users"), ("POST", "/v1/auth/logout")] {
        assert_eq!(house.ask_as(Some(&step), method, path, None).await.error().0, 401, "{path}");
    }
    // A step of one kind is none of another, an access token is no step, and no token is a refresh token.
    for (path, token) in
        [("/v1/auth/second_factor", &step), ("/v1/auth/enrolment/confirm", &step), ("/v1/auth/second_factor", &staff.bearer)]
    {
        let answer = post(&house, path, json!({ "step_token": token, "code": "000000" })).await;
        assert_eq!(answer.error(), (401, "UNAUTHORIZED".to_owned()), "{path}");
    }
    let answer = post(&house, "/v1/auth/refresh", json!({ "refresh_token": "rt.org_default.sess.0.secret.mac" })).await;
    assert_eq!(answer.error(), (401, "UNAUTHORIZED".to_owned()));
}

#[tokio::test]
async fn a_hundred_refreshes_of_one_token_at_one_time_leave_one_chain_and_a_thief_none() {
    let house = House::new();
    let (done, _) = first_sign_in(&house).await;
    let first = text(&done["sign_in"]["refresh_token"]);
    let body = json!({ "refresh_token": first });
    let answers = futures_util::future::join_all((0..100).map(|_| post(&house, "/v1/auth/refresh", body.clone()))).await;
    let mut chains: Vec<String> =
        answers.iter().filter(|answer| answer.status.as_u16() == 200).map(|answer| text(&answer.json()["refresh_token"])).collect();
    chains.sort_unstable();
    chains.dedup();
    assert_eq!(chains.len(), 1);
    let next = post(&house, "/v1/auth/refresh", json!({ "refresh_token": chains[0] })).await;
    assert_eq!(next.status.as_u16(), 200);
    let access = text(&next.json()["access_token"]);
    assert_eq!(house.ask_as(Some(&access), "GET", "/v1/auth/me", None).await.status.as_u16(), 200);
    // The first one again, after its successor was used: two have it, and nobody goes on.
    assert_eq!(post(&house, "/v1/auth/refresh", body).await.error().0, 401);
    assert_eq!(house.ask_as(Some(&access), "GET", "/v1/auth/me", None).await.error().0, 401);
    assert_eq!(post(&house, "/v1/auth/refresh", json!({ "refresh_token": text(&next.json()["refresh_token"]) })).await.error().0, 401);
    assert!(house.deeds().iter().any(|deed| deed == "refresh denied token_reused"));
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have_nor_touches_who_may_more() {
    let house = House::new();
    let home = OrgId::default_org();
    let above = house.cast.user(&home, "above", Role::SuperAdmin).await;
    let below = house.cast.user(&home, "below", Role::Staff).await;
    let refused = |answer: super::house::Answer| (answer.error().0, text(&answer.json()["error"]["context"]["reason"]));
    let more = (403, "more_than_own".to_owned());
    let invitation = json!({ "email": "new@planted.example", "role": "superAdmin" });
    assert_eq!(refused(house.ask_as(Some(ORG_ADMIN), "POST", "/v1/users", Some(&invitation)).await), more);
    for (method, path, body) in [
        ("PATCH", format!("/v1/users/{}", below.id), json!({ "role": "superAdmin" })),
        ("PATCH", format!("/v1/users/{}", above.id), json!({ "name": "Mallory" })),
        ("PATCH", format!("/v1/users/{}", above.id), json!({ "role": "staff" })),
        ("POST", format!("/v1/users/{}/lock", above.id), Value::Null),
        ("DELETE", format!("/v1/users/{}", above.id), Value::Null),
        ("DELETE", format!("/v1/users/{}/second_factor", above.id), Value::Null),
    ] {
        let body = Some(&body).filter(|body| !body.is_null());
        assert_eq!(refused(house.ask_as(Some(ORG_ADMIN), method, &path, body).await), more, "{method} {path}");
    }
    let key = json!({ "name": "root", "scopes": ["system:read"] });
    assert_eq!(refused(house.ask_as(Some(ORG_ADMIN), "POST", "/v1/api_keys", Some(&key)).await), more);
    // A key that may invite cannot invite whoever may more than the key.
    let admin = house.cast.player(ORG_ADMIN).await;
    let inviter = house.cast.key_of(&admin.user, vec![Permission::UsersWrite]).await;
    let invitation = json!({ "email": "new@planted.example", "role": "staff" });
    assert_eq!(refused(house.ask_as(Some(&inviter), "POST", "/v1/users", Some(&invitation)).await), more);
    // What a client must not set is no field.
    for field in ["org_id", "id", "permissions", "email_verified_at", "password"] {
        let body = json!({ "email": "new@planted.example", "role": "staff", field: "x" });
        assert_eq!(house.ask_as(Some(ORG_ADMIN), "POST", "/v1/users", Some(&body)).await.error().0, 422, "{field}");
    }
    assert_eq!(house.ask_as(Some(FOREIGNER), "GET", &format!("/v1/users/{}", below.id), None).await.error().0, 404);
}

#[tokio::test]
async fn the_last_administrator_stays_also_when_two_take_each_others_role_at_one_time() {
    let house = House::new();
    let org: OrgId = "org_small".parse().unwrap();
    let one = house.cast.sign_in(&org, "one", Role::OrgAdmin, Utc::now()).await;
    let own = format!("/v1/users/{}", one.user.id);
    let staff = json!({ "role": "staff" });
    for (method, path, body) in [("PATCH", own.clone(), Some(&staff)), ("DELETE", own.clone(), None), ("POST", format!("{own}/lock"), None)]
    {
        let answer = house.ask_as(Some(&one.bearer), method, &path, body).await;
        assert_eq!(
            (answer.error().0, text(&answer.json()["error"]["context"]["reason"])),
            (409, "last_administrator".to_owned()),
            "{path}"
        );
    }
    let two = house.cast.sign_in(&org, "two", Role::OrgAdmin, Utc::now()).await;
    let (first, second) = (format!("/v1/users/{}", one.user.id), format!("/v1/users/{}", two.user.id));
    let (a, b) = tokio::join!(
        house.ask_as(Some(&one.bearer), "PATCH", &second, Some(&staff)),
        house.ask_as(Some(&two.bearer), "PATCH", &first, Some(&staff)),
    );
    let done = [&a, &b].into_iter().filter(|answer| answer.status.as_u16() == 200).count();
    assert!(done <= 1, "{} {}", a.text, b.text);
    let administrators = UserFilter::Role(Role::OrgAdmin);
    let left = house.cast.users.list(&OrgScope::new(org), administrators, None, 10).await.unwrap();
    assert_eq!(left.records.len(), 2 - done);
}

#[tokio::test]
async fn who_is_locked_demoted_or_left_is_out_at_once() {
    let house = House::new();
    let home = OrgId::default_org();
    for (name, method, suffix, status) in [("a", "POST", "/lock", 401), ("b", "DELETE", "", 401)] {
        let victim = house.cast.sign_in(&home, name, Role::Staff, Utc::now()).await;
        let key = house.cast.key_of(&victim.user, vec![Permission::CallsRead]).await;
        for bearer in [&victim.bearer, &key] {
            assert_eq!(house.ask_as(Some(bearer), "GET", "/v1/calls", None).await.status.as_u16(), 200);
        }
        let path = format!("/v1/users/{}{suffix}", victim.user.id);
        assert_eq!(house.ask_as(Some(ORG_ADMIN), method, &path, None).await.status.as_u16(), 200, "{name}");
        for bearer in [&victim.bearer, &key] {
            assert_eq!(house.ask_as(Some(bearer), "GET", "/v1/calls", None).await.status.as_u16(), status, "{name}");
        }
    }
    // Who is made an administrator while signed in without a second factor may set one up, and nothing else.
    let raised = house.cast.sign_in(&home, "raised", Role::Staff, Utc::now()).await;
    let path = format!("/v1/users/{}", raised.user.id);
    assert_eq!(house.ask_as(Some(&raised.bearer), "GET", "/v1/calls", None).await.status.as_u16(), 200);
    let promoted = house.ask_as(Some(ORG_ADMIN), "PATCH", &path, Some(&json!({ "role": "orgAdmin" }))).await;
    assert_eq!(promoted.json()["role"], "orgAdmin");
    assert_eq!(house.ask_as(Some(&raised.bearer), "GET", "/v1/calls", None).await.error().0, 403);
    let me = house.ask_as(Some(&raised.bearer), "GET", "/v1/auth/me", None).await.json();
    assert_eq!(me["permissions"], json!([]));
    // Sixteen minutes without a request are too long.
    let idle = house.cast.sign_in(&home, "idle", Role::Staff, Utc::now() - TimeDelta::minutes(16)).await;
    assert_eq!(house.ask_as(Some(&idle.bearer), "GET", "/v1/calls", None).await.error().0, 401);
}
