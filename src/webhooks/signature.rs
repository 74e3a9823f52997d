//! What proves who sent a webhook, and when: HMAC-SHA256 over the time and the body (RFC 2104).
//!
//! `Auricle-Signature: t=1800000000,v1=<hex>[,v1=<hex>]`: one `v1` for each key that is good, so that a key is changed
//! without a gap. What is signed is the time as it stands in `t`, a full stop, and the body to the byte.

use std::fmt::Write;

use ring::hmac;

/// The header that it stands in.
pub const SIGNATURE: &str = "auricle-signature";

/// The header's value.
#[must_use]
pub fn signature<'a>(keys: impl Iterator<Item = &'a str>, unix_time: i64, body: &[u8]) -> String {
    let mut value = format!("t={unix_time}");
    for key in keys {
        // Writing to a string cannot fail.
        let _ = write!(value, ",v1={}", hex::encode(sign(key, &[unix_time.to_string().as_bytes(), b".", body])));
    }
    value
}

/// The MAC of these parts, one behind the other.
pub(super) fn sign(key: &str, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()));
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_an_independent_implementation() {
        // printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_key
        let signed = signature(["whsec_key"].into_iter(), 1_800_000_000, br#"{"id":"evt_1"}"#);
        assert_eq!(signed, "t=1800000000,v1=7aed0e392c74660f367b03fec827132e69ae6c3d105b6f2f13d131cd3f66d7e3");
        assert_eq!(signature(["a", "b"].into_iter(), 1, b"").matches(",v1=").count(), 2);
    }
}
