//! Numbers that nobody can guess, from a seed: transaction identifiers and the jitter of consent checks.

use std::fmt;

use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::stun::TransactionId;

/// A counter under a keyed hash.
pub(super) struct Random {
    seed: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl Random {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { seed: Zeroizing::new(seed), drawn: 0 }
    }

    pub(super) fn transaction(&mut self) -> TransactionId {
        let mut id = [0; 12];
        id.iter_mut().zip(self.block()).for_each(|(to, from)| *to = from);
        TransactionId(id)
    }

    /// 0 to 255.
    pub(super) fn octet(&mut self) -> u8 {
        self.block().first().copied().unwrap_or_default()
    }

    fn block(&mut self) -> [u8; 20] {
        self.drawn += 1;
        let mut mac = <Hmac<Sha1> as Mac>::new_from_slice(&*self.seed).expect("HMAC takes keys of any length");
        mac.update(&self.drawn.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(hidden)")
    }
}
