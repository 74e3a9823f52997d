use bytes::Bytes;

use super::*;
use crate::auth::{Account, DigestClient};
use crate::message::{Message, Response};

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn server(now: Instant, max_nonces: usize) -> DigestServer {
    DigestServer::new(
        now,
        DigestServerConfig { realm: "auricle".to_owned(), seed: [7; 32], nonce_lifetime: Duration::from_secs(60), max_nonces },
    )
}

fn request(authorization: &str) -> Request {
    let text = format!(
        "REGISTER sip:gateway SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n{authorization}\
         Call-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n"
    );
    match Message::parse(Bytes::from(text)) {
        Ok(Message::Request(request)) => request,
        _ => panic!("a request"),
    }
}

fn refusal(challenges: &[String]) -> Response {
    let mut text = "SIP/2.0 401 x\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n".to_owned();
    for challenge in challenges {
        text.push_str(&format!("WWW-Authenticate: {challenge}\r\n"));
    }
    text.push_str("Call-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n");
    match Message::parse(Bytes::from(text)) {
        Ok(Message::Response(response)) => response,
        _ => panic!("a response"),
    }
}

/// A request that answers these challenges.
fn answered(challenges: &[String], username: &str, password: &str) -> Request {
    let mut client = DigestClient::new(Account::new("auricle", username, password).unwrap());
    let (_, value) = client.answer(&refusal(challenges), 0, "REGISTER", "sip:gateway", "cnonce").unwrap();
    request(&format!("Authorization: {value}\r\n"))
}

/// `carol` has a password that she may prove by SHA-256 alone.
fn password(name: &str, algorithm: Algorithm) -> Option<Box<str>> {
    (name == "alice" || name == "carol" && algorithm == Algorithm::Sha256).then(|| "secret".into())
}

fn only(algorithm: Algorithm) -> Algorithms {
    Algorithms::new(&[algorithm]).unwrap()
}

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

#[test]
fn whoever_knows_the_password_is_let_in_by_either_algorithm() {
    let now = start();
    let mut server = server(now, 8);
    assert_eq!(server.verify(now, HERE, &request(""), password), Err(Denied::Missing));
    for algorithm in 0..2 {
        let challenges = server.challenge(now, HERE, Denied::Missing, Algorithms::default());
        let request = answered(&challenges[algorithm..=algorithm], "alice", "secret");
        assert_eq!(server.verify(now, HERE, &request, password), Ok("alice"));
    }
}

#[test]
fn wrong_passwords_and_unknown_names_get_the_same_answer() {
    let now = start();
    let mut server = server(now, 8);
    let mut denied = |name, word| {
        let challenges = server.challenge(now, HERE, Denied::Missing, Algorithms::default());
        let denied = server.verify(now, HERE, &answered(&challenges, name, word), password).unwrap_err();
        let lengths: Vec<_> = server.challenge(now, HERE, denied, Algorithms::default()).iter().map(String::len).collect();
        (denied, lengths)
    };
    assert_eq!(denied("alice", "guess"), denied("nobody", "guess"));
    assert_eq!(denied("nobody", "secret").0, Denied::Wrong);
}

#[test]
fn a_request_that_is_replayed_is_stale_even_when_the_table_was_full() {
    let now = start();
    let mut server = server(now, 2);
    let challenges = server.challenge(now, HERE, Denied::Missing, Algorithms::default());
    let first = answered(&challenges, "alice", "secret");
    assert_eq!(server.verify(now, HERE, &first, password), Ok("alice"));
    assert_eq!(server.verify(now, HERE, &first, password), Err(Denied::Stale));
    for _ in 0..5 {
        let challenges = server.challenge(now, HERE, Denied::Missing, Algorithms::default());
        assert_eq!(server.verify(now, HERE, &answered(&challenges, "alice", "secret"), password), Ok("alice"));
    }
    assert!(server.used.len() <= 2);
    assert_eq!(server.verify(now, HERE, &first, password), Err(Denied::Stale));
}

#[test]
fn a_nonce_serves_the_address_and_the_time_that_it_was_made_for() {
    let now = start();
    let mut server = server(now, 8);
    let challenges = server.challenge(now, HERE, Denied::Missing, Algorithms::default());
    let request = answered(&challenges, "alice", "secret");
    assert_eq!(server.verify(now, THERE, &request, password), Err(Denied::Stale));
    assert_eq!(server.verify(now + Duration::from_secs(61), HERE, &request, password), Err(Denied::Stale));
    assert_eq!(server.verify(now + Duration::from_secs(59), HERE, &request, password), Ok("alice"));
}

#[test]
fn a_stale_answer_is_told_so_and_nothing_else_is() {
    let now = start();
    let mut server = server(now, 8);
    assert!(server.challenge(now, HERE, Denied::Stale, Algorithms::default()).iter().all(|challenge| challenge.contains("stale=true")));
    assert!(server.challenge(now, HERE, Denied::Wrong, Algorithms::default()).iter().all(|challenge| !challenge.contains("stale")));
}

#[test]
fn nonces_of_somebody_else_and_uncounted_ones_are_refused() {
    let now = start();
    let mut server = server(now, 8);
    let forged = [r#"Digest realm="auricle", nonce="00112233", qop="auth""#.to_owned()];
    assert_eq!(server.verify(now, HERE, &answered(&forged, "alice", "secret"), password), Err(Denied::Stale));
    let challenges = server.challenge(now, HERE, Denied::Missing, Algorithms::default());
    let uncounted = [challenges[0].replace(", qop=\"auth\"", "")];
    assert_eq!(server.verify(now, HERE, &answered(&uncounted, "alice", "secret"), password), Err(Denied::Missing));
}

#[test]
fn challenges_are_those_that_are_asked_for_in_their_order() {
    let now = start();
    let mut server = server(now, 8);
    let md5_first = Algorithms::new(&[Algorithm::Md5, Algorithm::Sha256]).unwrap();
    for (wanted, expected) in [
        (Algorithms::default(), &["SHA-256", "MD5"][..]),
        (md5_first, &["MD5", "SHA-256"]),
        (only(Algorithm::Md5), &["MD5"]),
        (only(Algorithm::Sha256), &["SHA-256"]),
    ] {
        let challenges = server.challenge(now, HERE, Denied::Missing, wanted);
        assert_eq!(challenges.len(), expected.len());
        assert!(
            challenges.iter().zip(expected).all(|(challenge, name)| challenge.contains(&format!("algorithm={name}"))),
            "{challenges:?}"
        );
    }
    assert_eq!((Algorithms::new(&[]), Algorithms::new(&[Algorithm::Md5, Algorithm::Md5])), (None, None));
}

#[test]
fn a_name_that_may_not_use_an_algorithm_is_as_good_as_unknown_by_it() {
    let now = start();
    let mut server = server(now, 8);
    for (algorithm, expected) in [(Algorithm::Md5, Err(Denied::Wrong)), (Algorithm::Sha256, Ok("carol"))] {
        let challenges = server.challenge(now, HERE, Denied::Missing, only(algorithm));
        assert_eq!(server.verify(now, HERE, &answered(&challenges, "carol", "secret"), password), expected);
    }
}
