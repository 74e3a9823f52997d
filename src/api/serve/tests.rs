//! Real connections: patience, TLS, a certificate that is replaced, and HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::{Certificates, Server};
use crate::api::tests::House;

async fn served(house: &House, certificates: Option<Arc<Certificates>>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = Server::new(listener, house.state.clone());
    if let Some(certificates) = certificates {
        server = server.with_tls(certificates).unwrap();
    }
    tokio::spawn(server.run(house.state.stopped.clone()));
    address
}

fn write_pair(directory: &std::path::Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(directory.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()
}

async fn connect(
    address: std::net::SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[u8],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn a_replaced_certificate_is_used_from_the_next_connection_on_and_a_broken_one_is_not() {
    let (house, directory) = (House::new(), tempfile::tempdir().unwrap());
    let first = write_pair(directory.path());
    let certificates = Certificates::read(&directory.path().join("cert.pem"), &directory.path().join("key.pem")).unwrap();
    let address = served(&house, Some(Arc::clone(&certificates))).await;
    assert!(connect(address, &first, b"http/1.1").await.is_ok());
    assert!(!certificates.refresh().unwrap(), "nothing has changed");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let second = write_pair(directory.path());
    assert!(certificates.refresh().unwrap());
    assert!(connect(address, &second, b"http/1.1").await.is_ok());
    assert!(connect(address, &first, b"http/1.1").await.is_err());
    tokio::time::sleep(Duration::from_millis(20)).await;
    std::fs::write(directory.path().join("key.pem"), "no key").unwrap();
    assert!(certificates.refresh().is_err());
    assert!(connect(address, &second, b"http/1.1").await.is_ok());
}

#[tokio::test]
async fn http_2_is_spoken_where_the_client_asks_for_it() {
    let (house, directory) = (House::new(), tempfile::tempdir().unwrap());
    let trusted = write_pair(directory.path());
    let certificates = Certificates::read(&directory.path().join("cert.pem"), &directory.path().join("key.pem")).unwrap();
    let address = served(&house, Some(certificates)).await;
    let stream = connect(address, &trusted, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("https://localhost/health").body(Body::empty()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    // A header list beyond the bound is refused on its stream; the connection goes on.
    let large = hyper::Request::get("https://localhost/health").header("x-large", "a".repeat(20_000)).body(Body::empty()).unwrap();
    assert!(sender.send_request(large).await.map_or(true, |answer| answer.status() == 431));
}

#[tokio::test]
async fn old_tls_is_not_spoken() {
    let (house, directory) = (House::new(), tempfile::tempdir().unwrap());
    write_pair(directory.path());
    let certificates = Certificates::read(&directory.path().join("cert.pem"), &directory.path().join("key.pem")).unwrap();
    let address = served(&house, Some(certificates)).await;
    // A ClientHello of TLS 1.1, by hand: version 0x0302, one cipher suite, no extensions.
    let hello = [&[0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 2][..], &[7; 32], &[0, 0, 2, 0, 0x2f, 1, 0]].concat();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(answer.first(), Some(&0x15), "an alert, and no handshake: {answer:?}");
}

#[tokio::test]
async fn whoever_sends_no_head_is_let_go_and_the_next_is_served() {
    let house = House::new();
    let address = served(&house, None).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut other = TcpStream::connect(address).await.unwrap();
    other.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for stream in [&mut silent, &mut slow] {
        let closed = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut Vec::new())).await;
        assert!(closed.is_ok(), "it is closed within its time");
    }
}
