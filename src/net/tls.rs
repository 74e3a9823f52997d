//! TLS 1.2 and 1.3 for signalling: our certificate, whom we trust, and both anew when their files change.
//!
//! A change is looked for by the files' modification times. Connections that are open keep what they were opened with; new ones take the
//! new certificate. Files that cannot be used change nothing: the old certificate goes on, and the fault is told.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use webpki::EndEntityCert;

/// Which files, and what of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Our certificate with its chain and the key to it, in PEM. Without them only connections outward can be had.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whose certificates peers that we connect to may have; without it the public authorities.
    pub authorities: Option<PathBuf>,
    /// Whose certificates clients may have, and whether they must have one; without it they are not asked.
    pub clients: Option<(PathBuf, ClientCertificates)>,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// One that is shown must be good.
    Optional,
    /// Without one there is no connection.
    Required,
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM of the kind.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// A file holds none.
    #[error("{path} holds no certificate")]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Certificate and key do not fit, or neither to TLS.
    #[error("the certificate cannot be used: {0}")]
    Identity(#[from] rustls::Error),
    /// The authorities for clients.
    #[error("the authorities for clients cannot be used: {0}")]
    Clients(#[from] VerifierBuilderError),
}

/// What new connections are made with; clones share it.
#[derive(Clone, Debug)]
pub struct TlsContext {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    files: TlsFiles,
    current: RwLock<Current>,
}

#[derive(Clone, Debug)]
struct Current {
    server: Option<Arc<ServerConfig>>,
    client: Arc<ClientConfig>,
    seen: Vec<Option<SystemTime>>,
}

impl TlsContext {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(Current::read(&files)?);
        Ok(Self { shared: Arc::new(Shared { files, current }) })
    }

    /// Reads the files again when one of them has changed; whether it did.
    ///
    /// # Errors
    /// When one of them cannot be used: what was before stays.
    pub fn reload(&self) -> Result<bool, TlsError> {
        if modified(&self.shared.files) == self.current().seen {
            return Ok(false);
        }
        let new = Current::read(&self.shared.files);
        let mut current = self.shared.current.write().unwrap_or_else(PoisonError::into_inner);
        // Told once for each change, not at each look.
        current.seen = modified(&self.shared.files);
        *current = new?;
        Ok(true)
    }

    /// For connections that peers open; `None` without a certificate.
    #[must_use]
    pub fn server(&self) -> Option<Arc<ServerConfig>> {
        self.current().server
    }

    /// For connections that we open.
    #[must_use]
    pub fn client(&self) -> Arc<ClientConfig> {
        self.current().client
    }

    fn current(&self) -> Current {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Current {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        // Before the files, so that a change between the two is seen.
        let seen = modified(files);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let identity = files
            .identity
            .as_ref()
            .map(|(certificate, key)| Ok::<_, TlsError>((certificates(certificate)?, private_key(key)?)))
            .transpose()?;
        let server = match &identity {
            Some((chain, key)) => Some(Arc::new(server(&provider, files, chain.clone(), key.clone_key())?)),
            None => None,
        };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.with_root_certificates(roots(files.authorities.as_deref())?);
        let client = match identity {
            // Shown to whoever asks for it: trunks with mutual TLS.
            Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self { server, client: Arc::new(client), seen })
    }
}

fn server(
    provider: &Arc<CryptoProvider>,
    files: &TlsFiles,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider)).with_safe_default_protocol_versions()?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some((authorities, asked)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(Some(authorities))?), Arc::clone(provider));
            let verifier = if *asked == ClientCertificates::Optional { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build()?)
        }
    };
    Ok(builder.with_single_cert(chain, key)?)
}

/// For a connection to whoever has the first certificate of this file, under whatever name and by whatever authority.
///
/// # Errors
/// When the file holds none.
pub fn pinned_client(certificate: &Path) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let expected = certificates(certificate)?.into_iter().next();
    let expected = expected.ok_or_else(|| TlsError::Empty { path: certificate.to_owned() })?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(Pin { expected, provider })).with_no_client_auth())
}

/// Takes one certificate and no other; that the peer has the key to it is proved by its signature as ever.
#[derive(Debug)]
struct Pin {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let known = *end_entity == self.expected;
        known.then(ServerCertVerified::assertion).ok_or(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match file {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate)?;
            }
        }
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refused = |source| TlsError::File { path: path.to_owned(), source };
    let found: Vec<_> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(refused)?;
    if found.is_empty() { Err(TlsError::Empty { path: path.to_owned() }) } else { Ok(found) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn modified(files: &TlsFiles) -> Vec<Option<SystemTime>> {
    let identity = files.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
    let others = files.authorities.iter().chain(files.clients.iter().map(|(path, _)| path));
    identity.chain(others).map(|path| fs::metadata(path).and_then(|file| file.modified()).ok()).collect()
}

/// Whether a peer's certificate, already found good, is that of the SIP domain `name` (RFC 5922 §7.1, §7.2).
///
/// SIP URIs without a user among its names are what counts; only where it has none its DNS names do, and its subject never does. A
/// wildcard is the name of nobody: whoever holds `*.example.com` speaks for no domain of a trunk. An address is its own name.
#[must_use]
pub fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        let parsed = ParsedCertificate::try_from(certificate);
        return parsed.is_ok_and(|parsed| verify_server_name(&parsed, &ServerName::from(address)).is_ok());
    }
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return false };
    let is_name = |found: &str| !found.contains('*') && found.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'));
    let mut domains = certificate.valid_uri_names().filter_map(sip_domain).peekable();
    if domains.peek().is_some() { domains.any(is_name) } else { certificate.valid_dns_names().any(is_name) }
}

/// The domain that a SIP URI stands for; none for one of a user.
fn sip_domain(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    (["sip", "sips"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !rest.contains('@')).then_some(())?;
    rest.split([':', ';', '?']).next().filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use rcgen::SanType;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.write(name);
            folder
        }

        fn write(&self, name: &str) {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
            fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        }

        fn path(&self, file: &str) -> PathBuf {
            self.0.path().join(file)
        }

        fn files(&self) -> TlsFiles {
            TlsFiles { identity: Some((self.path("cert.pem"), self.path("key.pem"))), ..TlsFiles::default() }
        }

        /// As if written later: two writes may fall into one tick of the file system's clock.
        fn touch(&self, file: &str, seconds: u64) {
            let later = SystemTime::now() + std::time::Duration::from_secs(seconds);
            fs::File::options().append(true).open(self.path(file)).unwrap().set_modified(later).unwrap();
        }
    }

    #[test]
    fn new_files_are_taken_and_broken_ones_change_nothing() {
        let folder = Folder::new("a.example");
        let context = TlsContext::open(folder.files()).unwrap();
        let first = context.server().unwrap();
        assert!(!context.reload().unwrap());
        folder.write("b.example");
        folder.touch("cert.pem", 5);
        assert!(context.reload().unwrap());
        let second = context.server().unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        fs::write(folder.path("cert.pem"), "nothing").unwrap();
        folder.touch("cert.pem", 9);
        assert!(context.reload().is_err());
        assert!(Arc::ptr_eq(&second, &context.server().unwrap()));
        assert!(!context.reload().unwrap(), "the same fault is told once");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (a, b) = (Folder::new("a.example"), Folder::new("b.example"));
        let files = TlsFiles { identity: Some((a.path("cert.pem"), b.path("key.pem"))), ..TlsFiles::default() };
        assert!(matches!(TlsContext::open(files), Err(TlsError::Identity(_))));
    }

    /// A certificate with these names.
    fn certificate(names: &[SanType]) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    fn uri(name: &str) -> SanType {
        SanType::URI(name.try_into().unwrap())
    }

    #[test]
    fn a_certificate_is_for_its_names_only() {
        let made = certificate(&[dns("trunk.example"), SanType::IpAddress("192.0.2.1".parse().unwrap())]);
        assert!(["trunk.example", "Trunk.Example.", "192.0.2.1"].iter().all(|name| is_for(&made, name)));
        assert!(["other.example", "sub.trunk.example", "example", "192.0.2.2", ""].iter().all(|name| !is_for(&made, name)));
    }

    #[test]
    fn a_wildcard_is_the_name_of_no_sip_domain() {
        let made = certificate(&[dns("*.example.com")]);
        assert!(["sip.example.com", "example.com", "*.example.com"].iter().all(|name| !is_for(&made, name)));
        assert!(!is_for(&certificate(&[uri("sip:*.example.com")]), "sip.example.com"));
    }

    #[test]
    fn where_there_are_sip_domains_dns_names_do_not_count_and_users_are_no_domains() {
        let made = certificate(&[dns("host.example.com"), uri("sip:example.com"), uri("sip:example.net:5061;transport=tls")]);
        assert!(["example.com", "EXAMPLE.NET"].iter().all(|name| is_for(&made, name)));
        assert!(!is_for(&made, "host.example.com"));
        let made = certificate(&[dns("host.example.com"), uri("sip:alice@example.com"), uri("https://example.org")]);
        assert!(is_for(&made, "host.example.com"));
        assert!(["example.com", "example.org"].iter().all(|name| !is_for(&made, name)));
    }
}
