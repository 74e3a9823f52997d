//! Our own credentials: which challenge is answered, and how (RFC 3261 §22.2).

use std::fmt;

use thiserror::Error;

use super::credentials::Written;
use super::response::Proof;
use super::{Algorithms, Challenge};
use crate::header::HeaderName;
use crate::message::Response;

/// Who we are to one realm.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    realm: Box<str>,
    username: Box<str>,
    password: Box<str>,
    algorithms: Algorithms,
}

impl Account {
    /// `None` when a part is empty, too long, or holds what cannot stand between quotes.
    pub fn new(realm: &str, username: &str, password: &str) -> Option<Self> {
        let quotable = |text: &str| {
            !text.is_empty() && text.len() <= MAX_PART && !text.contains(['"', '\\']) && !text.contains(|each: char| each.is_control())
        };
        let fits = quotable(realm) && quotable(username) && !password.is_empty() && password.len() <= MAX_PART;
        fits.then(|| Self { realm: realm.into(), username: username.into(), password: password.into(), algorithms: Algorithms::default() })
    }

    /// The same, which answers no challenges of other algorithms: whoever sits between cannot ask for a weaker proof.
    #[must_use]
    pub fn answering(self, algorithms: Algorithms) -> Self {
        Self { algorithms, ..self }
    }

    /// The only realm that is answered.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Our name in it.
    pub fn username(&self) -> &str {
        &self.username
    }
}

/// Hides who and by what.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(…)")
    }
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthError {
    /// There is none that we can read.
    #[error("no challenge that can be answered")]
    NoChallenge,
    /// All are of realms that our account is not of.
    #[error("the challenge is of another realm")]
    ForeignRealm,
    /// Those of our realm are of algorithms that our account does not answer.
    #[error("the challenge asks for an algorithm that is not allowed")]
    Algorithm,
    /// We have answered, and the answer was not taken.
    #[error("the credentials were refused")]
    Refused,
}

/// Answers the challenges of one account.
#[derive(Clone, Debug)]
pub struct DigestClient {
    account: Account,
    last: Option<(Box<str>, u32)>,
}

impl DigestClient {
    /// Nothing was asked yet.
    pub fn new(account: Account) -> Self {
        Self { account, last: None }
    }

    /// The header that answers a 401 or 407 to our request; `answered` says how often that request was challenged and answered
    /// before. `cnonce` is fresh and random.
    pub fn answer(
        &mut self,
        response: &Response,
        answered: u8,
        method: &str,
        uri: &str,
        cnonce: &str,
    ) -> Result<(HeaderName, String), AuthError> {
        let (asked, given) = match response.status().code() {
            401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            407 => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
            _ => return Err(AuthError::NoChallenge),
        };
        let challenges = || response.headers().values(asked).take(MAX_CHALLENGES).filter_map(Challenge::parse);
        let ours = || challenges().filter(|challenge| challenge.realm == &*self.account.realm);
        // Of equals the first: that is the server's order (RFC 8760 §2.4).
        let allowed = ours().filter(|challenge| self.account.algorithms.contain(challenge.algorithm));
        let best = allowed.reduce(|best, next| if next.algorithm > best.algorithm { next } else { best });
        let Some(challenge) = best else {
            return Err(match (ours().next(), challenges().next()) {
                (Some(_), _) => AuthError::Algorithm,
                (None, Some(_)) => AuthError::ForeignRealm,
                (None, None) => AuthError::NoChallenge,
            });
        };
        let again = answered > 0;
        if (again && !challenge.stale) || answered >= MAX_ANSWERS {
            return Err(AuthError::Refused);
        }
        let count = self.count(challenge.nonce);
        let written = format!("{count:08x}");
        let proof = Proof {
            algorithm: challenge.algorithm,
            username: &self.account.username,
            realm: challenge.realm,
            method,
            uri,
            nonce: challenge.nonce,
            counted: challenge.counted.then_some((&written, cnonce)),
        };
        let response = proof.response(&self.account.password);
        Ok((given, Written { proof, opaque: challenge.opaque, response }.to_string()))
    }

    /// How often this nonce was used, this time included (RFC 7616 §3.4, nc).
    fn count(&mut self, nonce: &str) -> u32 {
        let count = match &self.last {
            Some((last, count)) if **last == *nonce => count.saturating_add(1),
            _ => 1,
        };
        self.last = Some((nonce.into(), count));
        count
    }
}

/// Of realm, name and password, in bytes.
const MAX_PART: usize = 256;

/// Challenges beyond are not looked at.
const MAX_CHALLENGES: usize = 8;

/// A server that finds each nonce stale is not asked for ever.
const MAX_ANSWERS: u8 = 3;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::auth::{Algorithm, Credentials};
    use crate::message::Message;

    fn refusal(status: &str, challenges: &[&str]) -> Response {
        let mut text =
            format!("SIP/2.0 {status} x\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n");
        for challenge in challenges {
            text.push_str(challenge);
            text.push_str("\r\n");
        }
        text.push_str("Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n");
        match Message::parse(Bytes::from(text)) {
            Ok(Message::Response(response)) => response,
            _ => panic!("a response"),
        }
    }

    fn client() -> DigestClient {
        DigestClient::new(Account::new("trunk", "alice", "secret").unwrap())
    }

    const MD5: &str = r#"WWW-Authenticate: Digest realm="trunk", nonce="n1", qop="auth,auth-int", algorithm=MD5, opaque="o""#;
    const SHA256: &str = r#"WWW-Authenticate: Digest realm="trunk", nonce="n2", qop="auth", algorithm=SHA-256"#;

    #[test]
    fn the_strongest_challenge_is_answered_wherever_it_stands() {
        for challenges in [[MD5, SHA256], [SHA256, MD5]] {
            let (name, value) = client().answer(&refusal("401", &challenges), 0, "INVITE", "sip:x@y", "c").unwrap();
            let credentials = Credentials::parse(&value).unwrap();
            assert_eq!((name, credentials.algorithm, credentials.nonce), (HeaderName::Authorization, Algorithm::Sha256, "n2"));
            assert_eq!(credentials.response, credentials.proof("INVITE").response("secret"));
        }
    }

    #[test]
    fn a_proxy_is_answered_as_a_proxy_and_opaque_is_given_back() {
        let challenge = MD5.replace("WWW-Authenticate", "Proxy-Authenticate");
        let (name, value) = client().answer(&refusal("407", &[&challenge]), 0, "BYE", "sip:x@y", "c").unwrap();
        assert_eq!(name, HeaderName::ProxyAuthorization);
        assert!(value.contains(r#"opaque="o""#), "{value}");
    }

    #[test]
    fn another_realm_is_never_answered() {
        let foreign = SHA256.replace("trunk", "evil");
        let refusal = refusal("401", &[&foreign]);
        assert_eq!(client().answer(&refusal, 0, "BYE", "sip:x@y", "c"), Err(AuthError::ForeignRealm));
    }

    #[test]
    fn an_account_that_answers_one_algorithm_alone_answers_no_other() {
        let strict = Account::new("trunk", "alice", "secret").unwrap().answering(Algorithms::new(&[Algorithm::Sha256]).unwrap());
        let answer = |challenges: &[&str]| DigestClient::new(strict.clone()).answer(&refusal("401", challenges), 0, "BYE", "sip:x@y", "c");
        assert_eq!(answer(&[MD5]), Err(AuthError::Algorithm));
        assert!(answer(&[MD5, SHA256]).unwrap().1.contains("algorithm=SHA-256"));
    }

    #[test]
    fn refused_credentials_are_not_sent_again_but_a_stale_nonce_is_replaced() {
        let stale = format!("{SHA256}, stale=TRUE");
        assert_eq!(client().answer(&refusal("401", &[SHA256]), 1, "INVITE", "sip:x@y", "c"), Err(AuthError::Refused));
        assert!(client().answer(&refusal("401", &[&stale]), 1, "INVITE", "sip:x@y", "c").is_ok());
        assert_eq!(client().answer(&refusal("401", &[&stale]), 3, "INVITE", "sip:x@y", "c"), Err(AuthError::Refused));
    }

    #[test]
    fn a_nonce_that_is_used_again_is_counted() {
        let (mut client, refusal) = (client(), refusal("401", &[SHA256]));
        let count = |value: &str| Credentials::parse(value).unwrap().counted.unwrap().count;
        let (_, first) = client.answer(&refusal, 0, "INVITE", "sip:x@y", "c").unwrap();
        let (_, second) = client.answer(&refusal, 0, "BYE", "sip:x@y", "d").unwrap();
        assert_eq!((count(&first), count(&second)), (1, 2));
    }

    #[test]
    fn a_server_of_rfc_2069_gets_no_count() {
        let old = r#"WWW-Authenticate: Digest realm="trunk", nonce="n1""#;
        let (_, value) = client().answer(&refusal("401", &[old]), 0, "REGISTER", "sip:y", "c").unwrap();
        assert!(!value.contains("qop") && !value.contains("cnonce"), "{value}");
    }
}
