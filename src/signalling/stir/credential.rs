//! The signer's certificate: whose it is, whether it is good now, and for which numbers (RFC 8226).
//!
//! Left out: revocation lists. A certificate of SHAKEN names one that its policy administrator keeps; whoever is put on it also
//! loses the right to be issued the next, and certificates are short.

use chrono::{DateTime, Utc};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use super::der::{Der, IA5_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, context};
use super::fault::Fault;
use super::passport::Passport;

/// Those whose certificates count: the authorities that a policy administrator has approved.
#[derive(Clone, Debug)]
pub struct Anchors(Vec<TrustAnchor<'static>>);

/// A certificate that is good, for the moment at which it was asked for.
#[derive(Debug)]
pub struct Credential {
    /// The point on P-256, uncompressed.
    point: Vec<u8>,
    authority: Authority,
}

/// For which numbers a certificate speaks (TNAuthList, RFC 8226 §9).
#[derive(Debug, Default, PartialEq, Eq)]
struct Authority {
    /// A provider by its code, and so all its numbers, which nobody but the provider knows.
    provider: bool,
    /// First numbers, and how many follow.
    ranges: Vec<(String, u64)>,
}

impl Anchors {
    /// From certificates.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn new(certificates: &[CertificateDer<'_>]) -> Result<Self, webpki::Error> {
        certificates
            .iter()
            .map(|one| webpki::anchor_from_trusted_cert(one).map(|anchor| anchor.to_owned()))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Credential {
    /// Checks a chain in PEM, the signer's certificate first.
    ///
    /// # Errors
    /// When it is no good now, or not for telephone numbers.
    pub fn check(now: DateTime<Utc>, pem: &[u8], anchors: &Anchors) -> Result<Self, Fault> {
        let chain: Vec<CertificateDer<'_>> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| Fault::Certificate)?;
        let (leaf, others) = chain.split_first().filter(|_| chain.len() <= MAX_CHAIN).ok_or(Fault::Certificate)?;
        let certificate = EndEntityCert::try_from(leaf).map_err(|_| Fault::Certificate)?;
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        // Certificates of SHAKEN name no extended usage; one that names some must name this.
        let usage = KeyUsage::client_auth();
        certificate.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors.0, others, time, usage, None, None).map_err(|_| Fault::Certificate)?;
        let key = certificate.subject_public_key_info();
        let point = key.strip_prefix(P256).filter(|point| point.len() == POINT).ok_or(Fault::Certificate)?.to_vec();
        let authority = extension(leaf).and_then(Authority::read).ok_or(Fault::Certificate)?;
        Ok(Self { point, authority })
    }

    /// Whether it has signed this, and may.
    ///
    /// # Errors
    /// When not.
    pub fn verify(&self, passport: &Passport) -> Result<(), Fault> {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point);
        key.verify(&passport.signed, &passport.signature).map_err(|_| Fault::Signature)?;
        self.authority.covers(&passport.claims.orig.tn).then_some(()).ok_or(Fault::Certificate)
    }
}

impl Authority {
    /// RFC 8226 §9; its tags are explicit.
    fn read(list: &[u8]) -> Option<Self> {
        let mut authority = Self::default();
        let text = |content: &[u8]| String::from_utf8(Der::new(content).content(IA5_STRING)?.to_vec()).ok();
        let (provider, range, one) = (context(0), context(1), context(2));
        for (tag, content) in Der::new(list).enter(SEQUENCE)?.take(MAX_ENTRIES) {
            if tag == provider {
                authority.provider = true;
            } else if tag == range {
                let mut parts = Der::new(content).enter(SEQUENCE)?;
                let start = String::from_utf8(parts.content(IA5_STRING)?.to_vec()).ok()?;
                let count = parts.content(INTEGER).filter(|count| count.len() <= 8)?;
                authority.ranges.push((start, count.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet))));
            } else if tag == one {
                authority.ranges.push((text(content)?, 1));
            } else {
                return None;
            }
        }
        (authority.provider || !authority.ranges.is_empty()).then_some(authority)
    }

    fn covers(&self, number: &str) -> bool {
        let within = |(start, count): &(String, u64)| {
            let numbers = start.parse::<u64>().ok().zip(number.parse::<u64>().ok());
            start == number
                || numbers.is_some_and(|(start, number)| number.checked_sub(start).is_some_and(|offset| offset < *count))
                    && start.len() == number.len()
        };
        self.provider || self.ranges.iter().any(within)
    }
}

/// The value of TNAuthList.
fn extension<'a>(certificate: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    let body = Der::new(certificate).enter(SEQUENCE)?.enter(SEQUENCE)?;
    let (_, extensions) = { body }.find(|(tag, _)| *tag == context(3))?;
    Der::new(extensions).enter(SEQUENCE)?.find_map(|(_, extension)| {
        let mut parts = Der::new(extension);
        (parts.content(OID)? == TN_AUTH_LIST).then_some(())?;
        parts.find(|(tag, _)| *tag == OCTET_STRING).map(|(_, value)| value)
    })
}

/// 1.3.6.1.5.5.7.1.26.
const TN_AUTH_LIST: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 26];
/// What stands before the point of a key of P-256 (RFC 5480): `id-ecPublicKey`, `prime256v1`, a bit string of whole octets.
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];
const POINT: usize = 65;
const MAX_CHAIN: usize = 6;
const MAX_ENTRIES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_numbers_covers_those_and_no_others() {
        let list =
            [&[0x30, 36, 0xa1, 18, 0x30, 16, 0x16, 11][..], b"12155550100", &[2, 1, 10], &[0xa2, 13, 0x16, 11], b"13035550100"].concat();
        let list = [&[0x30, u8::try_from(list.len() - 2).unwrap()], &list[2..]].concat();
        let authority = Authority::read(&list).unwrap();
        for (number, covered) in [
            ("12155550100", true),
            ("12155550109", true),
            ("12155550110", false),
            ("2155550100", false),
            ("13035550100", true),
            ("*67", false),
        ] {
            assert_eq!(authority.covers(number), covered, "{number}");
        }
        let provider = Authority::read(&[0x30, 8, 0xa0, 6, 0x16, 4, b'1', b'2', b'3', b'4']).unwrap();
        assert!(provider.covers("12155550110"));
        assert_eq!(Authority::read(&[0x30, 0]), None, "an empty list is for nobody");
    }
}
