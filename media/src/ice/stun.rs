//! STUN messages (RFC 8489) as ICE needs them: Binding requests, responses and errors.
//!
//! Left out on purpose: every other method, SOFTWARE (an answer shall not be longer than its question), long-term
//! credentials, padding of other versions.

use std::net::{IpAddr, SocketAddr};

use hmac::{Hmac, Mac};
use sha1::Sha1;

/// A transaction's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// What a message is (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It asks.
    Request,
    /// It tells, and wants no answer.
    Indication,
    /// It answers.
    Success,
    /// It refuses.
    Error,
}

/// A Binding message, read where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    octets: &'a [u8],
    /// What it is.
    pub class: Class,
    /// Of which transaction.
    pub transaction: TransactionId,
    /// USERNAME: the receiver's user fragment, a colon, the sender's.
    pub username: Option<&'a str>,
    /// The controlling side wants this pair.
    pub use_candidate: bool,
    /// The sender takes the controlled side for its own.
    pub controlled: bool,
    /// XOR-MAPPED-ADDRESS.
    pub mapped: Option<SocketAddr>,
    /// ERROR-CODE.
    pub error: Option<u16>,
    /// An attribute that has to be understood, and is not.
    pub unknown: Option<u16>,
    /// Where MESSAGE-INTEGRITY begins.
    integrity: Option<usize>,
    /// Where FINGERPRINT begins, and what it says.
    fingerprint: Option<(usize, u32)>,
}

/// Why a datagram is no Binding message that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StunError {
    /// Too short, of another length than it says, or without the magic cookie.
    #[error("malformed STUN header")]
    Header,
    /// Another method than Binding.
    #[error("STUN method {method}")]
    Method {
        /// Which.
        method: u16,
    },
    /// An attribute is not as long as it says, or not what it should be.
    #[error("malformed STUN attribute {kind:#06x}")]
    Attribute {
        /// Which.
        kind: u16,
    },
    /// More attributes than any peer writes.
    #[error("more than {MAX_ATTRIBUTES} STUN attributes")]
    TooMany,
}

impl<'a> Message<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// When it is no Binding message, or malformed.
    pub fn parse(octets: &'a [u8]) -> Result<Self, StunError> {
        let (header, _) = octets.split_first_chunk::<HEADER_LEN>().ok_or(StunError::Header)?;
        let [k0, k1, l0, l1, c0, c1, c2, c3, transaction @ ..] = *header;
        let (kind, length) = (u16::from_be_bytes([k0, k1]), usize::from(u16::from_be_bytes([l0, l1])));
        let framed = kind >> 14 == 0 && [c0, c1, c2, c3] == MAGIC && length.is_multiple_of(4) && octets.len() == HEADER_LEN + length;
        if !framed {
            return Err(StunError::Header);
        }
        let class = match (kind & 0x0100 != 0, kind & 0x0010 != 0) {
            (false, false) => Class::Request,
            (false, true) => Class::Indication,
            (true, false) => Class::Success,
            (true, true) => Class::Error,
        };
        let method = (kind & 0x3e00) >> 2 | (kind & 0x00e0) >> 1 | kind & 0x000f;
        if method != BINDING {
            return Err(StunError::Method { method });
        }
        let mut message = Self {
            octets,
            class,
            transaction: TransactionId(transaction),
            username: None,
            use_candidate: false,
            controlled: false,
            mapped: None,
            error: None,
            unknown: None,
            integrity: None,
            fingerprint: None,
        };
        message.read_attributes()?;
        Ok(message)
    }

    /// Whether it was written by somebody who has the key, and nobody has changed it since (RFC 8489 §14.5).
    #[must_use]
    pub fn is_authentic(&self, key: &[u8]) -> bool {
        let Some((at, before)) = self.integrity.and_then(|at| Some((at, self.octets.get(..at)?))) else { return false };
        let tag = self.octets.get(at + ATTRIBUTE_HEADER_LEN..at + ATTRIBUTE_HEADER_LEN + TAG_LEN).unwrap_or_default();
        integrity(key, before).verify_slice(tag).is_ok()
    }

    /// Whether it ends with the FINGERPRINT that every message of ICE has (RFC 8445 §7.1), and that fits.
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        self.fingerprint.is_some_and(|(at, says)| self.octets.get(..at).is_some_and(|before| crc32(before) ^ FINGERPRINT_XOR == says))
    }

    fn read_attributes(&mut self) -> Result<(), StunError> {
        let mut at = HEADER_LEN;
        for _ in 0..MAX_ATTRIBUTES {
            let Some(rest) = self.octets.get(at..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            let Some((&[k0, k1, l0, l1], behind)) = rest.split_first_chunk::<ATTRIBUTE_HEADER_LEN>() else { return Err(StunError::Header) };
            let (kind, length) = (u16::from_be_bytes([k0, k1]), usize::from(u16::from_be_bytes([l0, l1])));
            let value = behind.get(..length).ok_or(StunError::Attribute { kind })?;
            // Behind MESSAGE-INTEGRITY nothing counts but FINGERPRINT, and behind that nothing at all.
            if self.fingerprint.is_none() && (self.integrity.is_none() || kind == FINGERPRINT) {
                self.read_attribute(at, kind, value).ok_or(StunError::Attribute { kind })?;
            }
            at += ATTRIBUTE_HEADER_LEN + length.next_multiple_of(4);
        }
        if at < self.octets.len() { Err(StunError::TooMany) } else { Ok(()) }
    }

    fn read_attribute(&mut self, at: usize, kind: u16, value: &'a [u8]) -> Option<()> {
        match kind {
            USERNAME if value.len() <= MAX_USERNAME_LEN => self.username = Some(std::str::from_utf8(value).ok()?),
            USERNAME => return None,
            MESSAGE_INTEGRITY => self.integrity = Some(at).filter(|_| value.len() == TAG_LEN),
            FINGERPRINT => self.fingerprint = Some((at, u32::from_be_bytes(value.try_into().ok()?))),
            USE_CANDIDATE => self.use_candidate = true,
            ICE_CONTROLLED => self.controlled = true,
            XOR_MAPPED_ADDRESS => self.mapped = Some(read_address(value, self.transaction)?),
            ERROR_CODE => {
                let &[_, _, class, number, ..] = value else { return None };
                self.error = Some(u16::from(class & 7) * 100 + u16::from(number));
            }
            PRIORITY | ICE_CONTROLLING => {}
            // Of those below 0x8000 each has to be understood (RFC 8489 §14).
            kind if kind < 0x8000 => _ = self.unknown.get_or_insert(kind),
            _ => {}
        }
        Some(())
    }
}

/// Whose a datagram is, without judging it: the receiver's half of USERNAME, if it is a Binding request that has one.
#[must_use]
pub fn addressee(datagram: &[u8]) -> Option<&str> {
    let message = Message::parse(datagram).ok().filter(|message| message.class == Class::Request)?;
    message.username?.split_once(':').map(|(receiver, _)| receiver)
}

/// What stands in a message that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// USERNAME: the receiver's user fragment and the sender's.
    Username(&'a str, &'a str),
    /// PRIORITY of the candidate that the check would make known.
    Priority(u32),
    /// ICE-CONTROLLED with a tie-breaker.
    Controlled(u64),
    /// ICE-CONTROLLING with a tie-breaker.
    Controlling(u64),
    /// USE-CANDIDATE.
    UseCandidate,
    /// XOR-MAPPED-ADDRESS.
    Mapped(SocketAddr),
    /// ERROR-CODE with its reason.
    Error(u16, &'static str),
    /// UNKNOWN-ATTRIBUTES, of which there is one.
    Unknown(u16),
}

/// Appends a Binding message to `out`, authenticated by `key`.
pub fn write(out: &mut Vec<u8>, class: Class, transaction: TransactionId, attributes: &[Attribute<'_>], key: &[u8]) {
    let start = out.len();
    let kind: u16 = BINDING
        | match class {
            Class::Request => 0,
            Class::Indication => 0x0010,
            Class::Success => 0x0100,
            Class::Error => 0x0110,
        };
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&transaction.0);
    for attribute in attributes {
        write_attribute(out, attribute, transaction);
    }
    let written = out.get(start..).unwrap_or_default();
    let tag = integrity(key, written).finalize().into_bytes();
    append(out, MESSAGE_INTEGRITY, &tag);
    // The length is written as it will be, for FINGERPRINT is over it, too.
    let length = out.len() - start - HEADER_LEN + ATTRIBUTE_HEADER_LEN + 4;
    if let Some(place) = out.get_mut(start + 2..start + 4) {
        place.copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    }
    let fingerprint = crc32(out.get(start..).unwrap_or_default()) ^ FINGERPRINT_XOR;
    append(out, FINGERPRINT, &fingerprint.to_be_bytes());
}

fn write_attribute(out: &mut Vec<u8>, attribute: &Attribute<'_>, transaction: TransactionId) {
    match *attribute {
        Attribute::Username(receiver, sender) => append(out, USERNAME, format!("{receiver}:{sender}").as_bytes()),
        Attribute::Priority(priority) => append(out, PRIORITY, &priority.to_be_bytes()),
        Attribute::Controlled(tie_breaker) => append(out, ICE_CONTROLLED, &tie_breaker.to_be_bytes()),
        Attribute::Controlling(tie_breaker) => append(out, ICE_CONTROLLING, &tie_breaker.to_be_bytes()),
        Attribute::UseCandidate => append(out, USE_CANDIDATE, &[]),
        Attribute::Mapped(address) => append(out, XOR_MAPPED_ADDRESS, &address_octets(address, transaction)),
        Attribute::Error(code, reason) => {
            let (class, number) = (u8::try_from(code / 100).unwrap_or_default(), u8::try_from(code % 100).unwrap_or_default());
            append(out, ERROR_CODE, &[&[0, 0, class, number], reason.as_bytes()].concat());
        }
        Attribute::Unknown(kind) => append(out, UNKNOWN_ATTRIBUTES, &kind.to_be_bytes()),
    }
}

fn append(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(value);
    out.extend(std::iter::repeat_n(0, value.len().next_multiple_of(4) - value.len()));
}

/// MESSAGE-INTEGRITY over what stands before it, with the length that the message has up to its end.
fn integrity(key: &[u8], before: &[u8]) -> Hmac<Sha1> {
    let mut mac = <Hmac<Sha1> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    let length = (before.len() + ATTRIBUTE_HEADER_LEN + TAG_LEN).saturating_sub(HEADER_LEN);
    mac.update(before.get(..2).unwrap_or_default());
    mac.update(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    mac.update(before.get(4..).unwrap_or_default());
    mac
}

/// The mask of an address: the magic cookie, then the transaction (RFC 8489 §14.2).
fn mask(transaction: TransactionId) -> [u8; 16] {
    let mut mask = [0; 16];
    mask.iter_mut().zip(MAGIC.iter().chain(&transaction.0)).for_each(|(to, from)| *to = *from);
    mask
}

fn address_octets(address: SocketAddr, transaction: TransactionId) -> Vec<u8> {
    let [p0, p1] = address.port().to_be_bytes();
    let [m0, m1, ..] = MAGIC;
    let (family, octets) = match address.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let masked = octets.iter().zip(mask(transaction)).map(|(octet, mask)| octet ^ mask);
    [0, family, p0 ^ m0, p1 ^ m1].into_iter().chain(masked).collect()
}

fn read_address(value: &[u8], transaction: TransactionId) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], octets) = value.split_first_chunk::<4>()?;
    let [m0, m1, ..] = MAGIC;
    let unmasked: Vec<u8> = octets.iter().zip(mask(transaction)).map(|(octet, mask)| octet ^ mask).collect();
    let ip = match (family, octets.len()) {
        (1, 4) => IpAddr::from(<[u8; 4]>::try_from(unmasked).ok()?),
        (2, 16) => IpAddr::from(<[u8; 16]>::try_from(unmasked).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([p0 ^ m0, p1 ^ m1])))
}

/// CRC-32 of ITU V.42, bit by bit: messages are short and seldom.
fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

const HEADER_LEN: usize = 20;
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// Octets of HMAC-SHA1.
const TAG_LEN: usize = 20;
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const FINGERPRINT_XOR: u32 = 0x5354_554e;
const BINDING: u16 = 1;
/// Browsers write a dozen.
const MAX_ATTRIBUTES: usize = 32;
/// Two user fragments of 256 characters and a colon.
const MAX_USERNAME_LEN: usize = 513;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSACTION: TransactionId = TransactionId([7; 12]);

    fn request(attributes: &[Attribute<'_>]) -> Vec<u8> {
        let mut out = vec![];
        write(&mut out, Class::Request, TRANSACTION, attributes, b"password");
        out
    }

    /// RFC 5769 §2.1: a sample request with its password.
    const SAMPLE: &[u8] = &[
        0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22,
        0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04,
        0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76,
        0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56,
        0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
    ];

    #[test]
    fn the_sample_request_of_rfc_5769_is_read_and_authentic() {
        let message = Message::parse(SAMPLE).unwrap();
        assert_eq!((message.class, message.username, message.controlled), (Class::Request, Some("evtj:h6vY"), true));
        assert!(message.is_authentic(b"VOkJxbRl1RmTxUk/WvJxBt") && message.has_fingerprint());
        assert!(!message.is_authentic(b"VOkJxbRl1RmTxUk/WvJxBT"));
        assert_eq!(addressee(SAMPLE), Some("evtj"));
    }

    #[test]
    fn no_bit_of_a_message_can_be_changed_unnoticed() {
        for bit in 0..SAMPLE.len() * 8 {
            let mut changed = SAMPLE.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let fine =
                Message::parse(&changed).is_ok_and(|message| message.is_authentic(b"VOkJxbRl1RmTxUk/WvJxBt") && message.has_fingerprint());
            assert!(!fine, "bit {bit}");
        }
    }

    #[test]
    fn every_truncation_and_extension_is_refused() {
        for length in 0..SAMPLE.len() {
            assert!(Message::parse(&SAMPLE[..length]).is_err(), "{length}");
        }
        assert_eq!(Message::parse(&[SAMPLE, &[0; 4]].concat()), Err(StunError::Header));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for address in ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"] {
            let address = address.parse().unwrap();
            let mut out = vec![];
            write(&mut out, Class::Success, TRANSACTION, &[Attribute::Mapped(address)], b"password");
            let message = Message::parse(&out).unwrap();
            assert_eq!((message.class, message.transaction, message.mapped), (Class::Success, TRANSACTION, Some(address)));
            assert!(message.is_authentic(b"password") && message.has_fingerprint());
        }
        let out = request(&[Attribute::Username("them", "us"), Attribute::Priority(1), Attribute::Controlling(2), Attribute::UseCandidate]);
        let message = Message::parse(&out).unwrap();
        assert_eq!((message.username, message.use_candidate, message.controlled, message.unknown), (Some("them:us"), true, false, None));
    }

    #[test]
    fn what_stands_behind_the_integrity_counts_for_nothing() {
        let mut out = request(&[Attribute::Username("them", "us")]);
        // In the place of FINGERPRINT: USE-CANDIDATE, which nobody has vouched for.
        out.truncate(out.len() - 8);
        append(&mut out, USE_CANDIDATE, &[0; 4]);
        let message = Message::parse(&out).unwrap();
        assert!(message.is_authentic(b"password") && !message.use_candidate && !message.has_fingerprint());
    }

    #[test]
    fn random_octets_and_mutations_are_refused_without_harm() {
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        for _ in 0..20_000 {
            let mut octets = SAMPLE[..draw() % (SAMPLE.len() + 1)].to_vec();
            for _ in 0..draw() % 4 {
                let at = draw() % octets.len().max(1);
                if let Some(octet) = octets.get_mut(at) {
                    *octet = draw() as u8;
                }
            }
            let _ = Message::parse(&octets).map(|message| message.is_authentic(b"x"));
        }
    }
}
