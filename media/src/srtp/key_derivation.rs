//! Session keys from a master key (RFC 3711 §4.3; RFC 6188 §3 and RFC 7714 §11 for AES-256), with a derivation rate of nought.

use aes::{Aes128, Aes256};
use ctr::cipher::{KeyIvInit, StreamCipher};

use crate::srtp::MasterKey;

/// What a session key is for (RFC 3711 §4.3.1, §4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the key for that purpose.
pub(super) fn derive(master: &MasterKey, label: Label, out: &mut [u8]) {
    // The salt is as long as AES-CM's or, for GCM, as if noughts stood behind it.
    let mut counter = [0; 16];
    for (octet, salt) in counter.iter_mut().zip(master.salt()) {
        *octet = *salt;
    }
    counter[7] ^= label as u8;
    out.fill(0);
    let counter = &counter.into();
    match master.key().first_chunk::<32>() {
        Some(key) => ctr::Ctr128BE::<Aes256>::new(key.into(), counter).apply_keystream(out),
        None => {
            let key = master.key().first_chunk::<16>().expect("a master key has 16 octets or 32");
            ctr::Ctr128BE::<Aes128>::new(key.into(), counter).apply_keystream(out);
        }
    }
}
