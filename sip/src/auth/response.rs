//! The response of RFC 7616 §3.4.1: what proves that somebody knows the password.

use super::Algorithm;

/// What a request says beside the password.
#[derive(Clone, Copy)]
pub(super) struct Proof<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) username: &'a str,
    pub(super) realm: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    /// Nonce count as written and client nonce; without `qop`, none (RFC 2069).
    pub(super) counted: Option<(&'a str, &'a str)>,
}

impl Proof<'_> {
    pub(super) fn response(&self, password: &str) -> String {
        let secret = self.algorithm.hash(&[self.username, self.realm, password]);
        let request = self.algorithm.hash(&[self.method, self.uri]);
        match self.counted {
            Some((count, cnonce)) => self.algorithm.hash(&[&secret, self.nonce, count, cnonce, "auth", &request]),
            None => self.algorithm.hash(&[&secret, self.nonce, &request]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 §3.9.1, which RFC 8760 takes over.
    fn example(algorithm: Algorithm) -> String {
        let proof = Proof {
            algorithm,
            username: "Mufasa",
            realm: "http-auth@example.org",
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        };
        proof.response("Circle of Life")
    }

    #[test]
    fn the_examples_of_rfc_7616_are_met() {
        assert_eq!(example(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(example(Algorithm::Sha256), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    }

    #[test]
    fn the_example_of_rfc_2617_is_met_with_and_the_one_of_rfc_2069_without_a_count() {
        let counted = Proof {
            algorithm: Algorithm::Md5,
            username: "Mufasa",
            realm: "testrealm@host.com",
            method: "GET",
            uri: "/dir/index.html",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            counted: Some(("00000001", "0a4f113b")),
        };
        assert_eq!(counted.response("Circle Of Life"), "6629fae49393a05397450978507c4ef1");
        assert_eq!(Proof { counted: None, ..counted }.response("Circle Of Life"), "670fd8c2df070c60b045671b8b24ff02");
    }
}
