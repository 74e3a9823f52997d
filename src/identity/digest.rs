//! SHA-256 of secrets that are random enough for it: nothing can be tried against 128 random bits or more, which is what
//! slow hashes are for.

use sha2::{Digest, Sha256};

/// In hexadecimal.
pub(super) fn of(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Whether `text` has this digest, in a time that does not tell how much of it agrees.
pub(super) fn matches(digest: &str, text: &str) -> bool {
    let other = of(text);
    let difference =
        digest.bytes().zip(other.bytes()).fold(u8::from(digest.len() != other.len()), |difference, (a, b)| difference | (a ^ b));
    std::hint::black_box(difference) == 0
}

/// `bytes` random bytes as text for a URL.
pub(super) fn random(bytes: usize) -> Result<String, std::io::Error> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(std::io::Error::from)?;
    Ok(base64_simd::URL_SAFE_NO_PAD.encode_to_string(random))
}
