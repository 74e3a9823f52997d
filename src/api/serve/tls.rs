//! Certificates from files, read again when they change: TLS 1.2 and 1.3 (RFC 5246, RFC 8446), HTTP/2 by ALPN (RFC 7301).
//!
//! A pair that cannot be read or does not fit leaves the old one in use, and is complained of in the log. Left out on
//! purpose: client certificates, and asking an authority for new ones.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not PEM, or holds something else.
    #[error("{path} holds no certificate or no key in PEM")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// The TLS library does not take them.
    #[error("certificate and key cannot be used")]
    Tls(#[from] rustls::Error),
}

/// A certificate and its key, as their files have them.
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

struct Current {
    pair: Arc<CertifiedKey>,
    /// When the files were changed last.
    changed: [SystemTime; 2],
}

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// When they cannot be read or do not fit.
    pub fn read(certificate: &Path, key: &Path) -> Result<Arc<Self>, ServeError> {
        let current = RwLock::new(load(certificate, key)?);
        Ok(Arc::new(Self { certificate: certificate.to_owned(), key: key.to_owned(), current }))
    }

    /// Looks for changed files now and then, for ever.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut beat = tokio::time::interval(LOOK_AGAIN);
        loop {
            beat.tick().await;
            let this = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || this.refresh()).await {
                Ok(Ok(true)) => tracing::info!("tls_certificate_renewed"),
                Ok(Err(error)) => {
                    let behind = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, behind, "tls_certificate_not_renewed");
                }
                Ok(Ok(false)) | Err(_) => {}
            }
        }
    }

    /// Reads the files if they changed; tells whether they did.
    pub(super) fn refresh(&self) -> Result<bool, ServeError> {
        let changed = [modified(&self.certificate)?, modified(&self.key)?];
        if self.current.read().unwrap_or_else(PoisonError::into_inner).changed == changed {
            return Ok(false);
        }
        let fresh = load(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(true)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).pair))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

pub(super) fn server_config(certificates: Arc<Certificates>) -> Result<ServerConfig, ServeError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn load(certificate: &Path, key: &Path) -> Result<Current, ServeError> {
    let changed = [modified(certificate)?, modified(key)?];
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |source| ServeError::Pem { path, source }
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).map_err(pem(certificate))?.collect();
    let chain = chain.map_err(pem(certificate))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    let pair = CertifiedKey::from_der(chain, private, &default_provider())?;
    pair.keys_match()?;
    Ok(Current { pair: Arc::new(pair), changed })
}

fn modified(path: &Path) -> Result<SystemTime, ServeError> {
    let read = || fs::metadata(path)?.modified();
    read().map_err(|source| ServeError::File { path: path.to_owned(), source })
}

const LOOK_AGAIN: Duration = Duration::from_secs(10);
