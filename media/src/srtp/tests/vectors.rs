//! Vectors of RFC 3711 appendix B and of libsrtp's test driver (AES-CM, and AES-GCM as in RFC 7714).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::srtp::aes_cm::AesCm;
use crate::srtp::key_derivation::{Label, derive};

fn vectors(file: &str) -> Option<Value> {
    let root = std::env::var_os("AURICLE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let path = root.join("rfc-small").join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            println!("skipped: no vectors at {}", path.display());
            None
        }
    }
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

#[test]
fn the_key_stream_is_that_of_rfc_3711_b_2() {
    let Some(vectors) = vectors("rfc3711_srtp.json") else { return };
    let text = |at: &str| octets(vectors.pointer(at).unwrap().as_str().unwrap());
    let offset = octets(&vectors["aes_cm"]["offset"].as_str().unwrap()[2..]);
    // The offset is what salt, source and index make; here all of it is salt, as in the appendix.
    let cipher = AesCm::of_session_keys(text("/aes_cm/session_key").try_into().unwrap(), offset[..14].try_into().unwrap());
    let stream = cipher.keystream(Ssrc(0), 0, (0xff02) * 16);
    for (counter, expected) in vectors["aes_cm"]["counter_to_keystream"].as_object().unwrap() {
        let at = usize::from_str_radix(&counter[2..], 16).unwrap() * 16;
        assert_eq!(stream[at..at + 16], octets(expected.as_str().unwrap()), "{counter}");
    }
}

#[test]
fn session_keys_are_those_of_rfc_3711_b_3() {
    let Some(vectors) = vectors("rfc3711_srtp.json") else { return };
    let kdf = &vectors["kdf"];
    let master: Vec<u8> = ["master_key", "master_salt"].iter().flat_map(|name| octets(kdf[*name].as_str().unwrap())).collect();
    let master = MasterKey::new(CryptoSuite::AesCm128HmacSha1_80, &master).unwrap();
    for (label, name) in [
        (Label::RtpEncryption, "cipher_key_label0"),
        (Label::RtpAuthentication, "auth_key_label1_94_octets"),
        (Label::RtpSalt, "cipher_salt_label2"),
        (Label::RtcpEncryption, "srtcp_cipher_key_label3"),
        (Label::RtcpAuthentication, "srtcp_auth_key_label4_20"),
        (Label::RtcpSalt, "srtcp_salt_label5"),
    ] {
        let expected = octets(kdf[name].as_str().unwrap());
        let mut derived = vec![0; expected.len()];
        derive(&master, label, &mut derived);
        assert_eq!(derived, expected, "{label:?}");
    }
}

/// The packets of one function of libsrtp's driver: plain and protected RTP, plain and protected RTCP with index 1.
fn assert_protects_as_libsrtp(function: &str, plain: &str, suite: CryptoSuite, master: &[u8]) {
    let Some(vectors) = vectors("libsrtp_srtp_driver_vectors.json") else { return };
    let table = |name: &str| {
        let tables = vectors["tables"].as_array().unwrap();
        let found = tables.iter().find(|table| table["fn"] == function && table["name"] == name);
        octets(found.unwrap_or_else(|| panic!("no {name} of {function}"))["hex"].as_str().unwrap())
    };
    let key = MasterKey::new(suite, master).unwrap();
    let (mut sender, mut receiver) = (Sender::new(&key), Receiver::new(&key));
    assert_eq!(sealed(&mut sender, table(plain)), table("srtp_ciphertext"));
    assert_eq!(opened(&mut receiver, &table("srtp_ciphertext")), Ok(table(plain)));
    let mut compound = table("rtcp_plaintext_ref");
    // That library counts from 1.
    sender.resume(Ssrc(0), 0, 1);
    sender.seal_rtcp(&mut compound).unwrap();
    assert_eq!(compound, table("srtcp_ciphertext"));
    assert_eq!(opened_rtcp(&mut receiver, &table("srtcp_ciphertext")), Ok(table("rtcp_plaintext_ref")));
}

#[test]
fn aes_cm_protects_as_libsrtp_does() {
    let master = octets("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6");
    assert_protects_as_libsrtp("srtp_validate", "srtp_plaintext_ref", CryptoSuite::AesCm128HmacSha1_80, &master);
}

#[test]
fn aes_gcm_protects_as_libsrtp_does() {
    let master = octets("000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab");
    assert_protects_as_libsrtp("srtp_validate_gcm", "rtp_plaintext_ref", CryptoSuite::AeadAes128Gcm, &master);
}
