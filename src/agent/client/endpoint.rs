//! An agent as it is dialled: made once from the configuration, used for every call.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, Request as HttpRequest, Uri};

use super::error::{ConnectError, EndpointError};
use crate::agent::config::{AgentConfig, Protocol, proxy_address};
use crate::agent::protocol::{self, Meeting};
use crate::domain::redacted::Redacted;
use crate::net::https::Reach;

/// Where an agent is, and all that is needed to be let in.
pub struct AgentEndpoint {
    protocol: Protocol,
    /// As it is configured: what is signed where a signature is what lets us in.
    url: String,
    uri: Uri,
    api_key: Option<SecretString>,
    tls: Option<Tls>,
    proxy: Option<Proxy>,
    /// Where it may be, for one that somebody else than the operator wrote; of the operator's own nothing is asked.
    reach: Option<Reach>,
    pub(super) connect_timeout: Duration,
}

/// By whom it is reached.
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// `user:password`.
    pub(super) credentials: Option<SecretString>,
}

/// A place to connect to.
pub(super) struct Place<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// None in the clear.
    pub(super) tls: Option<&'a Tls>,
}

impl<'a> Place<'a> {
    pub(super) fn of(uri: &'a Uri, tls: Option<&'a Tls>) -> Self {
        let default = if tls.is_some() { 443 } else { 80 };
        Self { host: bare_host(uri), port: uri.port_u16().unwrap_or(default), tls }
    }
}

/// How TLS is spoken with it. The settings are shared, so that sessions are resumed.
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: ServerName<'static>,
}

impl AgentEndpoint {
    /// Reads the key from the environment and the private certificates from their file.
    pub fn new(config: &AgentConfig) -> Result<Self, EndpointError> {
        let key = config.api_key_env.as_deref().map(|variable| api_key(config, variable)).transpose()?;
        Self::build(config, key, None)
    }

    /// An agent of an organisation's own: with this key, and at addresses and ports of `reach` alone.
    ///
    /// # Errors
    /// When its URL or its key cannot be used.
    pub fn kept(config: &AgentConfig, key: Option<&Redacted<String>>, reach: &Reach) -> Result<Self, EndpointError> {
        let key = key.map(|key| SecretString::from(key.expose().clone()));
        if key.as_ref().is_some_and(|key| protocol::credentials(config.protocol, &config.url, key.expose_secret()).is_none()) {
            return Err(EndpointError::KeyIllegal { variable: "api_key".to_owned() });
        }
        Self::build(config, key, Some(reach.clone()))
    }

    fn build(config: &AgentConfig, api_key: Option<SecretString>, reach: Option<Reach>) -> Result<Self, EndpointError> {
        let uri = protocol::request_uri(config).map_err(|_| EndpointError::Url)?;
        let tls = match uri.scheme_str() {
            Some("wss" | "https") => Some(Tls {
                config: Arc::new(tls_config(config.ca_file.as_deref())?),
                server_name: ServerName::try_from(bare_host(&uri).to_owned()).map_err(|_| EndpointError::Url)?,
            }),
            _ => None,
        };
        let proxy = config.proxy.as_deref().map(|proxy| proxy_of(proxy, config.proxy_credentials_env.as_deref())).transpose()?;
        let url = config.url.clone();
        Ok(Self { protocol: config.protocol, url, uri, api_key, tls, proxy, reach, connect_timeout: config.connect_timeout() })
    }

    /// Whether it may be at all of these addresses, and spoken with so. A name that leads to both sides of a wall is not to be tried until
    /// it leads to the right one.
    pub(super) fn may_be_at(&self, addresses: &[SocketAddr]) -> bool {
        let Some(reach) = &self.reach else { return true };
        (self.tls.is_some() || reach.plain)
            && addresses.iter().all(|address| reach.ports.contains(&address.port()) && reach.permits(address.ip()))
    }

    /// Whether it is asked for and dialled over TLS.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The port at which it is asked for, or dialled.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.place().port
    }

    /// Where it is asked for, or dialled.
    pub(super) fn place(&self) -> Place<'_> {
        Place::of(&self.uri, self.tls.as_ref())
    }

    /// Whether it is asked for before it is dialled.
    pub(super) fn is_arranged(&self) -> bool {
        protocol::is_arranged(self.protocol, &self.uri)
    }

    /// How TLS is spoken at the place that an answer named: by the same settings. Whoever was asked over TLS is not met in the clear.
    pub(super) fn tls_at(&self, uri: &Uri) -> Result<Option<Tls>, ConnectError> {
        match (&self.tls, uri.scheme_str()) {
            (Some(tls), Some("wss")) => {
                let server_name = ServerName::try_from(bare_host(uri).to_owned()).map_err(|_| ConnectError::NoMeeting)?;
                Ok(Some(Tls { config: tls.config.clone(), server_name }))
            }
            (None, Some("ws")) => Ok(None),
            (Some(_), _) => Err(ConnectError::Plaintext),
            (None, _) => Err(ConnectError::NoMeeting),
        }
    }

    pub(super) const fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// What is asked over HTTP, at the URL as it is configured.
    pub(super) fn question(&self, body: &str) -> Result<HttpRequest<Bytes>, ConnectError> {
        let target = self.uri.path_and_query().map_or("/", |target| target.as_str());
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let question = HttpRequest::post(target).header(HOST, host).header(CONTENT_TYPE, "application/json").header(CONNECTION, "close");
        let body = protocol::keyed(self.protocol, body, self.api_key.as_ref().map(ExposeSecret::expose_secret));
        let mut question = question.body(Bytes::copy_from_slice(body.as_bytes())).map_err(|_| ConnectError::NoMeeting)?;
        question.headers_mut().extend(self.credentials());
        Ok(question)
    }

    /// The upgrade request at the place that an answer named. Our key is not for that place: its URL or its token is.
    pub(super) fn request_at(&self, meeting: Meeting) -> Result<Request, ConnectError> {
        let mut request = meeting.uri.into_client_request().map_err(|_| ConnectError::NoMeeting)?;
        if let Some(token) = meeting.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| ConnectError::NoMeeting)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        request.headers_mut().extend(protocol::upgrade_headers(self.protocol));
        Ok(request)
    }

    /// The upgrade request, with a fresh nonce.
    pub(super) fn request(&self) -> Result<Request, ConnectError> {
        let mut request = self.uri.clone().into_client_request().map_err(|_| ConnectError::NotWebSocket)?;
        request.headers_mut().extend(self.credentials());
        request.headers_mut().extend(protocol::upgrade_headers(self.protocol));
        Ok(request)
    }

    /// What opens the configured door.
    fn credentials(&self) -> HeaderMap {
        let key = self.api_key.as_ref();
        key.and_then(|key| protocol::credentials(self.protocol, &self.url, key.expose_secret())).unwrap_or_default()
    }

    /// Where it is started, and says itself where the caller is to be sent: how long it has for that.
    pub(super) const fn calls_back_within(&self) -> Option<Duration> {
        self.protocol.calls_back_within()
    }

    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }
}

fn api_key(config: &AgentConfig, variable: &str) -> Result<SecretString, EndpointError> {
    let key = std::env::var(variable).ok().filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| EndpointError::KeyMissing { variable: variable.to_owned() })?;
    let key = SecretString::from(key);
    if protocol::credentials(config.protocol, &config.url, key.expose_secret()).is_none() {
        return Err(EndpointError::KeyIllegal { variable: variable.to_owned() });
    }
    Ok(key)
}

fn proxy_of(proxy: &str, variable: Option<&str>) -> Result<Proxy, EndpointError> {
    let (host, port) = proxy_address(proxy).ok_or(EndpointError::Proxy)?;
    let secret = |variable: &str| std::env::var(variable).map_err(|_| EndpointError::KeyMissing { variable: variable.to_owned() });
    let credentials = variable.map(secret).transpose()?.map(SecretString::from);
    Ok(Proxy { host: host.to_owned(), port, credentials })
}

fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, EndpointError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        let unreadable = |source| EndpointError::CaFile { path: path.to_owned(), source };
        let unusable = || EndpointError::CaCertificate { path: path.to_owned() };
        let mut added = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            roots.add(certificate.map_err(unreadable)?).map_err(|_| unusable())?;
            added += 1;
        }
        if added == 0 {
            return Err(unusable());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The host without the brackets of an IPv6 literal.
fn bare_host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_follows_the_scheme_and_the_model_stands_in_the_url() {
        let config = AgentConfig { model: Some("gpt realtime/2".into()), ..AgentConfig::at("wss://api.example/v1/realtime") };
        let endpoint = AgentEndpoint::new(&config).unwrap();
        let place = endpoint.place();
        assert_eq!((place.host, place.port, place.tls.is_some()), ("api.example", 443, true));
        assert_eq!(endpoint.request().unwrap().uri(), "wss://api.example/v1/realtime?model=gpt%20realtime%2F2");
        let endpoint = AgentEndpoint::new(&AgentConfig::at("ws://[::1]/")).unwrap();
        assert_eq!((endpoint.place().host, endpoint.place().port), ("::1", 80));
    }

    #[test]
    fn a_key_that_is_not_there_is_named_by_its_variable() {
        let config = AgentConfig { api_key_env: Some("AURICLE_TEST_NO_SUCH_KEY".into()), ..AgentConfig::at("ws://127.0.0.1/") };
        assert!(
            matches!(AgentEndpoint::new(&config), Err(EndpointError::KeyMissing { variable }) if variable == "AURICLE_TEST_NO_SUCH_KEY")
        );
    }

    #[test]
    fn a_request_without_a_key_carries_no_credentials() {
        let request = AgentEndpoint::new(&AgentConfig::at("ws://127.0.0.1/")).unwrap().request().unwrap();
        assert!(!request.headers().contains_key("authorization"));
        assert!(!request.headers().contains_key("openai-beta"));
    }

    #[test]
    fn an_agent_of_an_organisations_own_is_nowhere_but_where_the_gateway_may_go() {
        let config = AgentConfig::at("wss://a.example/");
        let at = |reach: &Reach, addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            AgentEndpoint::kept(&config, None, reach).unwrap().may_be_at(&addresses)
        };
        let usual = Reach::default();
        assert!(at(&usual, &["1.1.1.1:443"]));
        for inside in ["127.0.0.1:443", "10.0.0.1:443", "169.254.169.254:443", "[::1]:443", "[::ffff:10.0.0.1]:443", "1.1.1.1:6379"] {
            assert!(!at(&usual, &[inside]), "{inside}");
            assert!(!at(&usual, &["1.1.1.1:443", inside]), "one of both sides of the wall: {inside}");
        }
        let plain = AgentEndpoint::kept(&AgentConfig::at("ws://127.0.0.1:443/"), None, &usual).unwrap();
        assert!(!plain.may_be_at(&["1.1.1.1:443".parse().unwrap()]));
        assert!(AgentEndpoint::kept(&config, Some(&Redacted::new("a\nb".to_owned())), &usual).is_err());
    }

    #[test]
    fn credentials_are_not_printed() {
        let headers = protocol::credentials(Protocol::OpenAi, "wss://a.example/", "sk-secret").unwrap();
        assert_eq!(headers["authorization"], "Bearer sk-secret");
        assert!(!format!("{headers:?}").contains("sk-secret"));
    }
}
