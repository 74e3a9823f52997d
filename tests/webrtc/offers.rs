//! What is no offer, or none that can be answered, is told so; and who may not call is not heard.

use serde_json::json;

use crate::asks::{Reply, send};
use crate::support::gateway::{Gateway, SECRET};

/// The least that is answered.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:gzHm\r\na=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS\r\n\
    a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";

fn post(gateway: &Gateway, bearer: &str, path: &str, content_type: &str, body: &[u8]) -> Reply {
    send(gateway.http(), "POST", path, bearer, &[("Content-Type", content_type)], body)
}

#[test]
fn an_offer_is_answered_with_a_resource_and_a_mutated_one_with_a_clear_error() {
    let gateway = Gateway::start("echo");
    let answered = post(&gateway, SECRET, "/v1/whip/1000", "application/sdp", OFFER.as_bytes());
    assert_eq!(answered.status, 201, "{}\n{}", answered.text, gateway.log());
    let location = answered.header("location").expect("a location");
    assert!(location.starts_with("/v1/whip/calls/call_") && answered.header("etag") == Some("\"1\""), "{location}");
    assert!(answered.text.contains("a=setup:passive") && answered.text.contains("typ host"));
    let fragment = "a=ice-ufrag:gzHm\r\na=ice-pwd:4Xy+2zBvXo8QkTzq8W0J/5uS\r\na=candidate:1 1 udp 1 192.0.2.9 5 typ host\r\n";
    let patch = |body: &str, tag: &str| {
        let headers = [("Content-Type", "application/trickle-ice-sdpfrag"), ("If-Match", tag)];
        send(gateway.http(), "PATCH", location, SECRET, &headers, body.as_bytes())
    };
    assert_eq!(patch(fragment, "\"1\"").status, 204);
    assert_eq!(patch(fragment, "\"7\"").status, 412);
    let restarted = patch(&fragment.replace("gzHm", "NeWw"), "*");
    assert_eq!((restarted.status, restarted.header("etag")), (200, Some("\"2\"")), "{}", restarted.text);
    assert!(restarted.text.contains("a=ice-ufrag:") && restarted.text.contains("a=end-of-candidates"));
    assert_eq!(gateway.ask("DELETE", location).status, 200);
    assert_eq!(gateway.ask("DELETE", location).status, 404);

    let (full, mut seen) = (std::env::var_os("AURICLE_FULL").is_some(), 0);
    let lines: Vec<&str> = OFFER.split_inclusive("\r\n").collect();
    let mut state = 5_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    for _ in 0..if full { 1_500 } else { 150 } {
        let mut mutated = lines.clone();
        mutated.remove(draw() % mutated.len());
        let mut octets = mutated.concat().into_bytes();
        for _ in 0..draw() % 6 {
            let at = draw() % octets.len();
            octets[at] = draw() as u8;
        }
        let answer = post(&gateway, SECRET, "/v1/whip/1000", "application/sdp", &octets);
        match answer.status {
            201 => {
                let location = answer.header("location").expect("a location").to_owned();
                assert_eq!(gateway.ask("DELETE", &location).status, 200);
            }
            400 | 422 => {
                assert!(answer.json()["error"]["message"].is_string(), "{}", answer.text);
                seen += 1;
            }
            503 => std::thread::sleep(std::time::Duration::from_millis(100)),
            status => panic!("{status}: {}\n{}", answer.text, gateway.log()),
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn a_token_makes_one_call_to_its_agent_and_opens_nothing_else() {
    let gateway = Gateway::start("echo");
    let wish = json!({ "agent": "1000", "caller": "front desk" }).to_string();
    let made = gateway.post("/v1/whip_tokens", &wish);
    assert_eq!(made.status, 201, "{}", made.body);
    let token = made.json["token"].as_str().expect("a token").to_owned();
    let offer = |bearer: &str, path: &str| post(&gateway, bearer, path, "application/sdp", OFFER.as_bytes());
    assert_eq!(offer(&token, "/v1/whip/1001").status, 403, "of another agent");
    for path in ["/v1/calls", "/v1/auth/me"] {
        assert_eq!(send(gateway.http(), "GET", path, &token, &[], b"").status, 403, "{path}");
    }
    let again = send(gateway.http(), "POST", "/v1/whip_tokens", &token, &[("Content-Type", "application/json")], wish.as_bytes());
    assert_eq!(again.status, 403, "a token makes no tokens");
    let answered = offer(&token, "/v1/whip/1000");
    assert_eq!(answered.status, 201, "{}", answered.text);
    assert_eq!(offer(&token, "/v1/whip/1000").status, 409, "it was used");
    let location = answered.header("location").expect("a location").to_owned();
    let other = gateway.post("/v1/whip_tokens", &wish).json["token"].as_str().expect("a token").to_owned();
    let end = |bearer: &str| send(gateway.http(), "DELETE", &location, bearer, &[], b"").status;
    assert_eq!((end(&other), end(&token)), (404, 200), "nobody else's call");
    assert_eq!((end(&token), end("wt_forged")), (404, 401), "it is over, as its own page is told");
    assert_eq!(offer(&token, "/v1/whip/1000").status, 401, "and it opens nothing any more");
    assert_eq!(offer("wt_forged", "/v1/whip/1000").status, 401);
    assert_eq!(offer(SECRET, "/v1/whip/nobody").status, 404);
    assert_eq!(post(&gateway, SECRET, "/v1/whip/1000", "application/json", b"{}").status, 415);
}
