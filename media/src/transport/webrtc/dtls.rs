//! DTLS (RFC 6347) under SRTP (RFC 5764): the handshake as its server, and what the two sides tell each other by it.
//!
//! The protocol is that of `rtc-dtls`. It knows one peer by one name here, whatever path its records come by: which paths
//! are the peer's is decided by ICE, before anything is looked at. It draws its own randomness, which makes this the one
//! part whose output a repeated run does not repeat.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ring::digest;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::cipher_suite::CipherSuiteId;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;

use crate::sdp::Fingerprint;
use crate::srtp::{CryptoSuite, MasterKey, SdesKeys};

/// Our certificate: one for all calls of a process, made when it starts. Clones share it; the key does not print.
#[derive(Clone)]
pub struct DtlsIdentity {
    pub(super) certificate: Certificate,
    pub(super) provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: Fingerprint,
}

/// Why there is no identity, or no handshake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DtlsError {
    /// No key or certificate can be made.
    #[error("no DTLS certificate can be made: {cause}")]
    Certificate {
        /// As the library says it.
        cause: String,
    },
    /// The peer's certificate is not the one that its description names.
    #[error("the peer's certificate is not the one in its description")]
    Fingerprint,
    /// The peer speaks no SRTP, or none that we do.
    #[error("no SRTP protection profile in common")]
    Profile,
    /// The handshake failed.
    #[error("the DTLS handshake failed: {cause}")]
    Handshake {
        /// As the library says it.
        cause: String,
    },
}

/// What the connection has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DtlsEvent {
    /// The handshake is done: these are the keys of SRTP.
    Connected(SdesKeys),
    /// It failed, for good.
    Failed(DtlsError),
    /// What the peer has to say beside audio.
    Received(Vec<u8>),
    /// The peer has closed the connection.
    Closed,
}

/// One connection.
pub(super) struct Dtls {
    endpoint: Endpoint,
    /// The fingerprints in the peer's description.
    expected: Arc<[Fingerprint]>,
    /// The peer showed another certificate.
    mismatch: Arc<AtomicBool>,
    state: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Shaking,
    Connected,
    Over,
}

impl DtlsIdentity {
    /// A new key and certificate: ECDSA on P-256, self-signed, which every browser takes (RFC 8827 §6.5).
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> Result<Self, DtlsError> {
        let failed = |cause: String| DtlsError::Certificate { cause };
        let provider = rtc_crypto::default_provider().map_err(|error| failed(error.to_string()))?;
        let certificate =
            Certificate::generate_self_signed(vec![NAME.to_owned()], provider.crypto()).map_err(|error| failed(error.to_string()))?;
        let der = certificate.certificate.first().ok_or_else(|| failed("no certificate".to_owned()))?;
        let fingerprint = Fingerprint { hash: "sha-256".to_owned(), digest: digest::digest(&digest::SHA256, der).as_ref().to_vec() };
        Ok(Self { certificate, provider, fingerprint })
    }

    /// What descriptions of ours name.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

impl fmt::Debug for DtlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DtlsIdentity({})", self.fingerprint)
    }
}

impl Dtls {
    /// Waits for a peer whose certificate has one of these fingerprints; each names a hash that we know.
    ///
    /// # Errors
    /// When the library takes no such settings.
    pub(super) fn new(identity: &DtlsIdentity, expected: Vec<Fingerprint>) -> Result<Self, DtlsError> {
        let mismatch = Arc::new(AtomicBool::new(false));
        let expected: Arc<[Fingerprint]> = expected.into();
        let (noted, named) = (Arc::clone(&mismatch), Arc::clone(&expected));
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&identity.provider))
            .with_certificates(vec![identity.certificate.clone()])
            .with_cipher_suites(vec![
                CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
                CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256,
            ])
            .with_srtp_protection_profiles(PROFILES.iter().map(|(profile, _)| *profile).collect())
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            // No authority vouches for a browser's certificate: its description does.
            .with_insecure_skip_verify(true)
            .with_verify_peer_certificate(Some(Arc::new(move |chain: &[Vec<u8>], _: &[_]| {
                if chain.first().is_some_and(|certificate| is_one_of(&named, certificate)) {
                    return Ok(());
                }
                noted.store(true, Ordering::Relaxed);
                Err(Error::ErrInvalidCertificate)
            })))
            .with_flight_interval(RETRANSMIT)
            .build(false, None)
            .map_err(|error| DtlsError::Handshake { cause: error.to_string() })?;
        let endpoint = Endpoint::new(PEER, TransportProtocol::UDP, Some(Arc::new(config)));
        Ok(Self { endpoint, expected, mismatch, state: Phase::Shaking })
    }

    /// Takes a datagram of the peer's; what came of it.
    pub(super) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) -> Vec<DtlsEvent> {
        if self.state == Phase::Over {
            return Vec::new();
        }
        match self.endpoint.read(now, PEER, None, BytesMut::from(datagram)) {
            Ok(events) => events.into_iter().filter_map(|event| self.translate(event)).collect(),
            Err(_) if self.mismatch.load(Ordering::Relaxed) => vec![self.fail(DtlsError::Fingerprint)],
            Err(Error::ErrServerNoMatchingSrtpProfile) => vec![self.fail(DtlsError::Profile)],
            // A fatal alert of the peer's, or of ours. Of an established connection a stray record says nothing.
            Err(error @ Error::ErrAlertFatalOrClose) => vec![self.fail(DtlsError::Handshake { cause: error.to_string() })],
            Err(_) => Vec::new(),
        }
    }

    /// Says something to the peer beside audio; dropped unless the connection stands.
    pub(super) fn send(&mut self, now: Instant, octets: &[u8]) {
        if self.state == Phase::Connected {
            // What cannot be sent is lost, as on any network; SCTP repeats it.
            let _ = self.endpoint.write(now, PEER, octets);
        }
    }

    /// Ends the connection, and says so.
    pub(super) fn close(&mut self, now: Instant) {
        if self.state != Phase::Over {
            self.state = Phase::Over;
            let _ = self.endpoint.close(now);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        // What is not answered in time is noticed by the transport's own deadline.
        let _ = self.endpoint.handle_timeout(PEER, now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.state == Phase::Shaking { self.endpoint.poll_timeout(&PEER) } else { None }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    fn translate(&mut self, event: EndpointEvent) -> Option<DtlsEvent> {
        match event {
            EndpointEvent::HandshakeComplete => {
                let state = self.endpoint.get_connection_state(PEER)?;
                // Once more, whatever the library has asked: a peer without any certificate has proved nothing.
                if !state.peer_certificates.first().is_some_and(|certificate| is_one_of(&self.expected, certificate)) {
                    return Some(self.fail(DtlsError::Fingerprint));
                }
                let Some(keys) = keys(state) else { return Some(self.fail(DtlsError::Profile)) };
                self.state = Phase::Connected;
                Some(DtlsEvent::Connected(keys))
            }
            EndpointEvent::ApplicationData(octets) => Some(DtlsEvent::Received(octets.to_vec())),
            EndpointEvent::PeerClosed => {
                self.state = Phase::Over;
                Some(DtlsEvent::Closed)
            }
            _ => None,
        }
    }

    fn fail(&mut self, error: DtlsError) -> DtlsEvent {
        self.state = Phase::Over;
        DtlsEvent::Failed(error)
    }
}

impl fmt::Debug for Dtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dtls").field("state", &self.state).finish_non_exhaustive()
    }
}

fn is_one_of(expected: &[Fingerprint], certificate: &[u8]) -> bool {
    expected.iter().any(|fingerprint| fingerprint.is_of(certificate))
}

/// The keys of both directions (RFC 5764 §4.2): the client's key, the server's, the client's salt, the server's.
pub(super) fn keys(state: &State) -> Option<SdesKeys> {
    let profile = state.srtp_protection_profile();
    let (_, suite) = PROFILES.iter().find(|(known, _)| *known == profile)?;
    let (key, salt) = (suite.key_len(), suite.salt_len());
    let material = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], 2 * (key + salt)).ok()?;
    let material: &[u8] = material.as_ref();
    let (client_key, rest) = material.split_at_checked(key)?;
    let (server_key, rest) = rest.split_at_checked(key)?;
    let (client_salt, server_salt) = rest.split_at_checked(salt)?;
    let local = MasterKey::new(*suite, &[server_key, server_salt].concat())?;
    let remote = MasterKey::new(*suite, &[client_key, client_salt].concat())?;
    Some(SdesKeys { local, remote })
}

/// The profiles that are taken, best first: with AES in hardware that of Galois mode is the cheapest.
const PROFILES: [(SrtpProtectionProfile, CryptoSuite); 3] = [
    (SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm, CryptoSuite::AeadAes128Gcm),
    (SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm, CryptoSuite::AeadAes256Gcm),
    (SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80, CryptoSuite::AesCm128HmacSha1_80),
];

/// The peer's name within the library.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9);
/// The name in our certificate, which nobody looks at.
const NAME: &str = "auricle";
/// Before a flight is sent again: paths are known by then, and no slower than this (RFC 6347 §4.2.4.1 has 1 s where nothing is).
const RETRANSMIT: Duration = Duration::from_millis(400);
