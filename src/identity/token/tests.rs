use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::TimeZone;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://gateway.example";
const SECRET: &[u8] = b"8f1c0b7e6a5d4c3b2a190817f6e5d4c3";

fn key(kid: &str, secret: &[u8]) -> NamedKey {
    NamedKey { kid: kid.to_owned(), encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret) }
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap()
}

fn claims() -> Value {
    let at = now().timestamp();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": UserId::random(), "org": "org_default", "jti": TokenId::random(), "typ": "access",
        "iat": at, "nbf": at, "exp": at + 60, "sid": SessionId::random(), "role": "staff"
    })
}

fn encoded(value: &Value) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(value.to_string())
}

fn signed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret), text.as_bytes());
    format!("{text}.{}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(tag.as_ref()))
}

fn header() -> Value {
    json!({ "typ": "JWT", "alg": "HS256", "kid": "ours" })
}

/// What the gateway says to a token, with one key.
fn read(token: &str, at: DateTime<Utc>) -> Result<Claims, TokenFault> {
    let key = key("ours", SECRET);
    if kid(token)? != key.kid {
        return Err(TokenFault::Foreign);
    }
    let claims = verify(&key.decoding, token)?;
    judge(&claims, TokenKind::Access, ISSUER, at).map(|()| claims)
}

#[test]
fn a_token_of_ours_reads_back_and_one_by_another_hand_alike() {
    let claims: Claims = serde_json::from_value(claims()).unwrap();
    let token = sign(&key("ours", SECRET), &claims).unwrap();
    assert_eq!(read(token.expose(), now()).unwrap(), claims);
    let by_hand = signed(&header(), &serde_json::to_value(&claims).unwrap(), SECRET);
    assert_eq!(read(&by_hand, now()).unwrap(), claims);
}

#[test]
fn no_algorithm_but_ours_is_taken_whatever_the_header_says() {
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "hs256"] {
        let token = signed(&json!({ "typ": "JWT", "alg": algorithm, "kid": "ours" }), &claims(), SECRET);
        assert_eq!(read(&token, now()), Err(TokenFault::Foreign), "{algorithm}");
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        assert_eq!(read(&unsigned, now()), Err(TokenFault::Foreign), "{algorithm}");
    }
}

#[test]
fn a_header_that_brings_a_key_a_path_or_an_extension_is_foreign() {
    let additions = [
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/cert")),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
    ];
    for (name, value) in additions {
        let mut header = header();
        header[name] = value;
        assert_eq!(read(&signed(&header, &claims(), SECRET), now()), Err(TokenFault::Foreign), "{name}");
    }
    for kid in [json!("theirs"), json!("../../dev/null"), json!("ours' OR '1'='1"), json!(7), Value::Null] {
        let mut header = header();
        header["kid"] = kid.clone();
        assert_eq!(read(&signed(&header, &claims(), SECRET), now()), Err(TokenFault::Foreign), "{kid}");
    }
}

#[test]
fn every_claim_is_required_typed_and_alone() {
    for name in ["iss", "aud", "sub", "org", "jti", "typ", "iat", "nbf", "exp", "role"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(read(&signed(&header(), &without, SECRET), now()), Err(TokenFault::Foreign), "{name}");
    }
    let at = now().timestamp();
    let wrong = [
        ("exp", json!((at + 60).to_string())),
        ("exp", json!(1e300)),
        ("exp", json!(at as f64 + 60.5)),
        ("exp", Value::Null),
        ("nbf", json!(at.to_string())),
        ("aud", json!([AUDIENCE])),
        ("org", json!("../org_default")),
        ("org", json!("gateway")),
        ("sub", json!("admin")),
        ("typ", json!("refresh")),
        ("role", json!("root")),
        ("admin", json!(true)),
    ];
    for (name, value) in wrong {
        let mut changed = claims();
        changed[name] = value.clone();
        assert_eq!(read(&signed(&header(), &changed, SECRET), now()), Err(TokenFault::Foreign), "{name}: {value}");
    }
}

#[test]
fn a_token_for_others_or_for_something_else_is_misplaced() {
    let changes =
        [("iss", json!("https://elsewhere.example")), ("aud", json!("elsewhere")), ("typ", json!("second_factor")), ("sid", Value::Null)];
    for (name, value) in changes {
        let mut changed = claims();
        changed[name] = value;
        assert_eq!(read(&signed(&header(), &changed, SECRET), now()), Err(TokenFault::Misplaced), "{name}");
    }
}

#[test]
fn a_token_begins_and_ends_on_time() {
    let token = signed(&header(), &claims(), SECRET);
    for (seconds, good) in [(-31, false), (-30, true), (0, true), (59, true), (60, false), (1_000_000, false)] {
        let outcome = read(&token, now() + TimeDelta::seconds(seconds));
        assert_eq!(outcome.is_ok(), good, "{seconds}: {outcome:?}");
    }
    let mut backwards = claims();
    backwards["iat"] = json!(now().timestamp() + 3_600);
    assert_eq!(read(&signed(&header(), &backwards, SECRET), now()), Err(TokenFault::Untimely));
}

#[test]
fn no_bit_of_a_token_can_be_changed() {
    let token = signed(&header(), &claims(), SECRET);
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        if changed != token {
            assert!(read(&changed, now()).is_err(), "byte {at}");
        }
    }
}

#[test]
fn the_vectors_of_our_algorithm_are_judged_exactly_and_all_others_refused() {
    let folder = std::env::var_os("AURICLE_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("wycheproof/json_web_signature_test.json")) else {
        eprintln!("skipped: no test vectors in {}", folder.display());
        return;
    };
    ring_provider::install();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let (mut judged, mut refused) = (0, BTreeMap::<String, usize>::new());
    for group in vectors["testGroups"].as_array().unwrap() {
        let ours = group["private"]["kty"] == "oct" && (group["private"]["alg"] == "HS256");
        let name = format!("{} {}", group["comment"].as_str().unwrap_or_default(), group["private"]["alg"].as_str().unwrap_or("other"));
        // For a key of another kind: whatever it is, its bytes taken as a secret must open nothing (algorithm confusion).
        let secret = if ours {
            base64_simd::URL_SAFE_NO_PAD.decode_to_vec(group["private"]["k"].as_str().unwrap()).unwrap()
        } else {
            group["public"].to_string().into_bytes()
        };
        for test in group["tests"].as_array().unwrap() {
            let (id, token) = (&test["tcId"], test["jws"].as_str().unwrap_or_default());
            let accepted = accepts(token, &secret);
            if ours {
                judged += 1;
                let otherwise = READ_OTHERWISE.iter().find(|(known, ..)| *id == *known);
                let expected = otherwise.map_or(test["result"] == "valid", |(_, expected, _)| *expected);
                assert_eq!(accepted, expected, "{id}: {}: {:?}", test["comment"], otherwise.map(|(.., reason)| reason));
            } else {
                assert!(!accepted, "{id}: {}", test["comment"]);
                *refused.entry(name.clone()).or_default() += 1;
            }
        }
    }
    eprintln!("judged {judged}; refused as another algorithm: {refused:?}");
    assert!(judged >= 39, "{judged}");
}

/// Vectors that are read otherwise than they say: which, whether it is taken here, and why.
const READ_OTHERWISE: &[(u64, bool, &str)] = &[
    (367, true, "byte for byte the token of 357, which is valid; the padding that it is about is not in it"),
    (370, true, "byte for byte the token of 357, which is valid; the padding that it is about is not in it"),
    (372, false, "a question mark stands in it, which RFC 4648 section 5 has no place for"),
    (373, false, "a question mark stands in it, which RFC 4648 section 5 has no place for"),
];

/// Whether a signature of compact form is taken: the header's algorithm and the tag. The vectors' payloads are no claims.
fn accepts(token: &str, secret: &[u8]) -> bool {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(tag), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return false };
    let Ok(parsed) = jsonwebtoken::decode_header(token) else { return false };
    let signed_text = format!("{header}.{payload}");
    is_compact(token)
        && parsed.alg == ALGORITHM
        && jsonwebtoken::crypto::verify(tag, signed_text.as_bytes(), &DecodingKey::from_secret(secret), ALGORITHM).unwrap_or(false)
}
