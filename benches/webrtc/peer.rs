//! A page's half of DTLS: the client's, by `rtc-dtls`, and the keys of SRTP that come of it (RFC 5764).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use bytes::BytesMut;
use media::srtp::{CryptoSuite, MasterKey, Receiver, Sender};
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_shared::TransportProtocol;
use sha2::{Digest as _, Sha256};

/// The certificate of every page of the load.
pub(crate) struct Identity {
    certificate: Certificate,
    provider: Arc<dyn RTCCryptoProvider>,
    /// As an offer writes it.
    pub(crate) fingerprint: String,
}

/// One page's connection.
pub(crate) struct Peer {
    endpoint: Endpoint,
    gateway: SocketAddr,
}

impl Identity {
    pub(crate) fn generate() -> Result<Self> {
        let provider = rtc_crypto::default_provider().map_err(|error| anyhow::anyhow!("{error}"))?;
        let certificate = Certificate::generate_self_signed(vec!["page".to_owned()], provider.crypto())?;
        let digest = Sha256::digest(certificate.certificate.first().context("no certificate")?);
        let mut fingerprint = String::new();
        for (place, octet) in digest.iter().enumerate() {
            write!(fingerprint, "{}{octet:02X}", if place == 0 { "" } else { ":" })?;
        }
        Ok(Self { certificate, provider, fingerprint })
    }
}

impl Peer {
    /// Begins the handshake.
    pub(crate) fn connect(now: Instant, identity: &Identity, gateway: SocketAddr) -> Result<Self> {
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&identity.provider))
            .with_certificates(vec![identity.certificate.clone()])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
            // What is measured is the time; whose certificate it is is other tests' business.
            .with_insecure_skip_verify(true)
            .build(true, None)?;
        let mut endpoint = Endpoint::new((Ipv4Addr::LOCALHOST, 0).into(), TransportProtocol::UDP, None);
        endpoint.connect(now, gateway, Arc::new(config), None)?;
        Ok(Self { endpoint, gateway })
    }

    /// Takes a datagram of the gateway's; the keys once the handshake is done.
    pub(crate) fn read(&mut self, now: Instant, datagram: &[u8]) -> Result<Option<(Sender, Receiver)>> {
        let events = self.endpoint.read(now, self.gateway, None, BytesMut::from(datagram))?;
        if !events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
            return Ok(None);
        }
        let state = self.endpoint.get_connection_state(self.gateway).context("no state of a finished handshake")?;
        keys(state).context("no keys of a finished handshake").map(Some)
    }

    /// Repeats what was not answered in time.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        // A handshake that does not end is noticed by the load's own limit.
        let _ = self.endpoint.handle_timeout(self.gateway, now);
    }

    /// Sends what there is to send.
    pub(crate) fn send(&mut self, socket: &UdpSocket) -> Result<()> {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            socket.send_to(&transmit.message, self.gateway)?;
        }
        Ok(())
    }
}

/// The client's key, the server's, the client's salt, the server's (RFC 5764 §4.2).
fn keys(state: &State) -> Option<(Sender, Receiver)> {
    let suite = CryptoSuite::AeadAes128Gcm;
    let (key, salt) = (suite.key_len(), suite.salt_len());
    let material = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], 2 * (key + salt)).ok()?;
    let material: &[u8] = material.as_ref();
    let (client_key, rest) = material.split_at_checked(key)?;
    let (server_key, rest) = rest.split_at_checked(key)?;
    let (client_salt, server_salt) = rest.split_at_checked(salt)?;
    let ours = MasterKey::new(suite, &[client_key, client_salt].concat())?;
    let theirs = MasterKey::new(suite, &[server_key, server_salt].concat())?;
    Some((Sender::new(&ours), Receiver::new(&theirs)))
}
