//! Requests to servers whose address somebody else wrote: webhooks, certificates of callers.
//!
//! A name is looked up once, every address that it leads to is judged, and the connection goes to an address that was
//! judged, with the name in TLS and in `Host`: no second look-up could lead elsewhere. HTTP/1.1, one request a
//! connection, and an answer is taken as it is: a redirect is an answer. Left out on purpose: cookies, proxies,
//! compression, connections that are kept.

pub mod config;
mod reach;
mod url;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use reach::{Reach, is_public};
pub use url::{HttpsUrl, InvalidUrl, UrlHost};

use super::dns::Names;
use super::tls::TlsContext;

/// Sends requests; clones share names and certificates.
#[derive(Clone, Debug)]
pub struct HttpsClient {
    names: Names,
    tls: TlsContext,
    reach: Arc<Reach>,
}

/// What a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// From the look-up of the name to the last byte of the answer.
    pub total: Duration,
    /// For the connection to one address, TLS not counted.
    pub connect: Duration,
    /// Longest body of an answer, in bytes; a longer one is an error.
    pub max_answer_len: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { total: Duration::from_secs(10), connect: Duration::from_secs(3), max_answer_len: 64 * 1_024 }
    }
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct HttpsAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// TLS is left out, or the port is not one that may be connected to.
    #[error("neither this scheme nor this port may be used")]
    Scheme,
    /// An address, or one of those behind the name, is not public and not allowed.
    #[error("an address that it leads to may not be connected to")]
    Forbidden,
    /// The name leads nowhere.
    #[error("the name leads to no address")]
    NoAddress,
    /// No address takes a connection; the last one's reason.
    #[error("no connection can be had")]
    Connect(#[source] io::Error),
    /// The server's certificate is not for this name, or TLS fails otherwise.
    #[error("TLS cannot be had")]
    Tls(#[source] io::Error),
    /// What the server says is not HTTP, or it says nothing.
    #[error("the exchange failed")]
    Http(#[from] hyper::Error),
    /// A header or a URL that cannot be sent.
    #[error("the request cannot be written")]
    Request(#[from] hyper::http::Error),
    /// The answer is longer than it may be, or breaks off.
    #[error("the answer is too long or breaks off")]
    Answer,
    /// It took too long.
    #[error("there was no answer in time")]
    TimedOut,
}

impl RequestError {
    /// A stable word for records.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Scheme => "scheme_not_allowed",
            Self::Forbidden => "address_not_allowed",
            Self::NoAddress => "name_not_found",
            Self::Connect(_) => "connection_failed",
            Self::Tls(_) => "tls_failed",
            Self::Http(_) => "http_failed",
            Self::Request(_) => "request_invalid",
            Self::Answer => "answer_too_long",
            Self::TimedOut => "timed_out",
        }
    }
}

impl HttpsClient {
    /// Looks names up by `names`, trusts servers as `tls` does, and goes where `reach` permits.
    #[must_use]
    pub fn new(names: Names, tls: TlsContext, reach: Reach) -> Self {
        Self { names, tls, reach: Arc::new(reach) }
    }

    /// Sends one request and reads its answer whole, whatever its status.
    ///
    /// # Errors
    /// When there is no whole answer within `limits`, or the request may not go there.
    pub async fn request(
        &self,
        method: Method,
        url: &HttpsUrl,
        headers: HeaderMap,
        body: Bytes,
        limits: RequestLimits,
    ) -> Result<HttpsAnswer, RequestError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.target().parse().map_err(hyper::http::Error::from)?;
        *request.headers_mut() = headers;
        let host = HeaderValue::from_str(&url.authority()).map_err(hyper::http::Error::from)?;
        request.headers_mut().insert(header::HOST, host);
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        request.headers_mut().entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        timeout(limits.total, self.exchange(url, request, limits)).await.unwrap_or(Err(RequestError::TimedOut))
    }

    /// Whether a request could go to this URL, as far as can be told without asking anybody.
    #[must_use]
    pub fn may_ask(&self, url: &HttpsUrl) -> bool {
        let address = match url.host() {
            UrlHost::Address(address) => self.reach.permits(*address),
            UrlHost::Name(_) => true,
        };
        address && (url.is_secure() || self.reach.plain) && self.reach.ports.contains(&url.port())
    }

    async fn exchange(&self, url: &HttpsUrl, request: Request<Full<Bytes>>, limits: RequestLimits) -> Result<HttpsAnswer, RequestError> {
        if !(url.is_secure() || self.reach.plain) || !self.reach.ports.contains(&url.port()) {
            return Err(RequestError::Scheme);
        }
        let addresses = self.addresses(url).await?;
        let socket = connect(&addresses, url.port(), limits.connect).await?;
        if !url.is_secure() {
            return converse(socket, request, limits.max_answer_len).await;
        }
        let name = match url.host() {
            UrlHost::Name(name) => ServerName::try_from(name.clone()).map_err(|_| RequestError::NoAddress)?,
            UrlHost::Address(address) => ServerName::IpAddress((*address).into()),
        };
        let secured = TlsConnector::from(self.tls.client()).connect(name, socket).await.map_err(RequestError::Tls)?;
        converse(secured, request, limits.max_answer_len).await
    }

    /// Every address of the host; none when one of them may not be connected to: a name that leads to both sides of a
    /// wall is not to be tried until it leads to the right one.
    async fn addresses(&self, url: &HttpsUrl) -> Result<Vec<IpAddr>, RequestError> {
        let addresses = match url.host() {
            UrlHost::Address(address) => vec![*address],
            UrlHost::Name(name) => self.names.addresses(name, true).await,
        };
        match addresses.iter().all(|address| self.reach.permits(*address)) {
            _ if addresses.is_empty() => Err(RequestError::NoAddress),
            true => Ok(addresses),
            false => Err(RequestError::Forbidden),
        }
    }
}

/// The first address that takes a connection.
async fn connect(addresses: &[IpAddr], port: u16, patience: Duration) -> Result<TcpStream, RequestError> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses.iter().take(MAX_ADDRESSES) {
        match timeout(patience, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(RequestError::Connect(failed))
}

/// Sends one request over a connection that stands, and reads the whole answer; no time is kept here.
///
/// # Errors
/// When there is no whole answer within `max_answer_len`.
pub async fn ask_over<S>(socket: S, request: Request<Bytes>, max_answer_len: usize) -> Result<HttpsAnswer, RequestError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    converse(socket, request.map(Full::new), max_answer_len).await
}

async fn converse<S>(socket: S, request: Request<Full<Bytes>>, max_answer_len: usize) -> Result<HttpsAnswer, RequestError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = http1::Builder::new().max_buf_size(MAX_HEAD_LEN).max_headers(MAX_HEADERS).handshake(TokioIo::new(socket));
    let (mut sender, connection) = builder.await?;
    let mut exchange = pin!(async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, max_answer_len).collect().await.map_err(|_| RequestError::Answer)?;
        Ok(HttpsAnswer { status: head.status, headers: head.headers, body: body.to_bytes() })
    });
    tokio::select! {
        biased;
        answered = exchange.as_mut() => answered,
        // Over and done with, or broken: what was read is there, or the reason why it is not.
        _ = connection => exchange.await,
    }
}

const USER_AGENT: &str = concat!("Auricle/", env!("CARGO_PKG_VERSION"));
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;
const MAX_HEAD_LEN: usize = 16 * 1_024;
const MAX_HEADERS: usize = 64;

#[cfg(test)]
mod tests;
