//! Callers of all kinds against a server of certificates of the test's own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::domain::caller_verification::{Attestation, VerificationStatus};
use crate::domain::ids::OrgId;
use crate::net::dns::Names;
use crate::net::https::Reach;
use crate::net::tls::{TlsContext, TlsFiles};
use crate::signalling::stir::{Signer, Statement};

const CALLER: &str = "12155550121";
const CALLED: &str = "12155550131";
/// Of a provider with the code 1234.
const PROVIDER: &[u8] = &[0x30, 8, 0xa0, 6, 0x16, 4, b'1', b'2', b'3', b'4'];

/// An authority, and what it has signed.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = CertificateDer::from(params.self_signed(&key).unwrap().der().to_vec());
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Certificate and key in PEM; `list` is its TNAuthList.
    fn issue(&self, list: Option<&[u8]>, years: std::ops::Range<i32>) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        let extension = |list: &[u8]| CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 26], list.to_vec());
        params.custom_extensions = list.map(extension).into_iter().collect();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// A server of certificates, a verifier that trusts `authority`, and a place for files.
struct House {
    here: SocketAddr,
    asked: Arc<AtomicUsize>,
    verifier: Verifier,
    folder: TempDir,
}

impl House {
    async fn new(authority: &Authority, answer: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let path = folder.path().join("web.pem");
        std::fs::write(&path, made.cert.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (here, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), answer, Arc::clone(&asked)));
        let reach = Reach { allowed: vec!["127.0.0.1".parse().unwrap()], ports: vec![here.port()], plain: false };
        let tls = TlsContext::open(TlsFiles { authorities: Some(path), ..TlsFiles::default() }).unwrap();
        let names = Names::new(&["127.0.0.1:9".parse().unwrap()], Duration::from_secs(1)).unwrap();
        let anchors = Anchors::new(std::slice::from_ref(&authority.certificate)).unwrap();
        let verifier = Verifier::new(HttpsClient::new(names, tls, reach), anchors);
        Self { here, asked, verifier, folder }
    }

    /// A provider's certificate of this authority, served.
    async fn of_provider(authority: &Authority) -> (Self, Signer) {
        let (certificate, key) = authority.issue(Some(PROVIDER), 2020..2090);
        let house = Self::new(authority, certificate.clone()).await;
        let signer = house.signer(&certificate, &key, "/chain.pem");
        (house, signer)
    }

    fn signer(&self, certificate: &str, key: &str, path: &str) -> Signer {
        let files = [("c.pem", certificate), ("k.pem", key)].map(|(name, text)| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        Signer::open(&files[0], &files[1], &format!("https://{}{path}", self.here)).unwrap()
    }

    async fn verify(&self, call: &Claimed) -> Result<CallerVerification, Fault> {
        self.verifier.verify(Utc::now(), call).await
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, body: String, asked: Arc<AtomicUsize>) {
    while let Ok((socket, _)) = listener.accept().await {
        asked.fetch_add(1, Ordering::Relaxed);
        let Ok(mut socket) = tls.accept(socket).await else { continue };
        let mut request = vec![0; 4_096];
        let length = socket.read(&mut request).await.unwrap_or_default();
        let found = request[..length].starts_with(b"GET /chain.pem ");
        let (status, body) = if found { ("200 OK", body.as_str()) } else { ("404 Not Found", "") };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        let _ = socket.write_all(answer.as_bytes()).await;
        let _ = socket.shutdown().await;
    }
}

/// A call that says of itself what `signer` signs now.
fn call(signer: &Signer, now: DateTime<Utc>) -> Claimed {
    let statement = Statement::new(&OrgId::default_org(), CALLER, CALLED, true, Attestation::A).unwrap();
    let headers = signer.sign(now, &statement);
    let identity = headers.iter().find(|(name, _)| *name == sip::header::HeaderName::Identity).map(|(_, value)| value.to_owned());
    Claimed {
        identities: vec![identity.unwrap()],
        caller: Some(CALLER.to_owned()),
        called: vec!["1000".to_owned(), CALLED.to_owned()],
        call_id: "one".to_owned(),
    }
}

#[tokio::test]
async fn a_call_that_its_provider_has_signed_passes_and_the_certificate_is_fetched_once() {
    let authority = Authority::new();
    let (house, signer) = House::of_provider(&authority).await;
    for _ in 0..3 {
        let found = house.verify(&call(&signer, Utc::now())).await.unwrap();
        assert_eq!((found.status, found.attestation), (VerificationStatus::Passed, Some(Attestation::A)));
    }
    assert_eq!(house.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_not_for_this_call_and_this_minute_fails_without_asking_for_the_certificate() {
    let (house, signer) = House::of_provider(&Authority::new()).await;
    let now = Utc::now();
    let fine = call(&signer, now);
    let value = &fine.identities[0];
    let with = |identity: String| Claimed { identities: vec![identity], ..fine.clone() };
    let (token, rest) = value.split_once(';').unwrap();
    for (call, fault) in [
        (Claimed { identities: Vec::new(), ..fine.clone() }, Fault::Missing),
        (with(value.replace("ppt=shaken", "ppt=div")), Fault::Missing),
        (with("nonsense".to_owned()), Fault::Malformed),
        (with(value.replace("/chain.pem", "/other.pem")), Fault::Malformed),
        (with(format!("{}.;{rest}", token.rsplit_once('.').unwrap().0)), Fault::Malformed),
        (Claimed { caller: Some("12155550122".to_owned()), ..fine.clone() }, Fault::WrongCaller),
        (Claimed { caller: None, ..fine.clone() }, Fault::WrongCaller),
        (Claimed { called: vec!["12155550132".to_owned()], ..fine.clone() }, Fault::WrongCalled),
        (
            Claimed {
                called: vec!["12155550132".to_owned()],
                identities: vec![value.replace("ppt=shaken", "ppt=div"), value.clone()],
                ..fine.clone()
            },
            Fault::Diverted,
        ),
        (call(&signer, now - TimeDelta::seconds(62)), Fault::Stale),
        (call(&signer, now + TimeDelta::seconds(62)), Fault::Stale),
    ] {
        assert_eq!(house.verify(&call).await.unwrap_err(), fault);
    }
    assert_eq!(house.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_call_that_was_sent_on_is_judged_by_its_first_signature_alone() {
    let (house, signer) = House::of_provider(&Authority::new()).await;
    let fine = call(&signer, Utc::now());
    let div = fine.identities[0].replace("ppt=shaken", "ppt=\"div\"");
    // Still for the number that was called: whoever sent it on changes nothing, wherever they stand.
    for identities in [vec![div.clone(), fine.identities[0].clone()], vec![fine.identities[0].clone(), div.clone()]] {
        let found = house.verify(&Claimed { identities, ..fine.clone() }).await;
        assert_eq!(found.map(|found| found.status), Ok(VerificationStatus::Passed));
    }
    assert_eq!(Fault::Diverted.verification().status, VerificationStatus::None, "nobody has lied");
    assert_eq!((Fault::Diverted.name(), Fault::Diverted.status().code()), ("diverted", 438));
}

#[tokio::test]
async fn a_token_that_was_changed_or_comes_with_a_second_call_fails() {
    let (house, signer) = House::of_provider(&Authority::new()).await;
    let fine = call(&signer, Utc::now());
    let (token, rest) = fine.identities[0].split_once(';').unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let decode = |part: &str| String::from_utf8(base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part).unwrap()).unwrap();
    let raised = base64_simd::URL_SAFE_NO_PAD.encode_to_string(decode(parts[1]).replace(CALLER, "12155550199"));
    let tampered = Claimed {
        identities: vec![format!("{}.{raised}.{};{rest}", parts[0], parts[2])],
        caller: Some("12155550199".to_owned()),
        ..fine.clone()
    };
    assert_eq!(house.verify(&tampered).await.unwrap_err(), Fault::Signature);
    assert!(house.verify(&fine).await.is_ok());
    assert!(house.verify(&fine).await.is_ok(), "a copy of the request, or one that was challenged");
    assert_eq!(house.verify(&Claimed { call_id: "two".to_owned(), ..fine }).await.unwrap_err(), Fault::Replayed);
}

#[tokio::test]
async fn a_certificate_of_others_that_is_over_or_not_for_the_number_fails() {
    let authority = Authority::new();
    let one = [&[0x30, 15, 0xa2, 13, 0x16, 11][..], CALLER.as_bytes()].concat();
    let another = [&[0x30, 15, 0xa2, 13, 0x16, 11][..], b"12155550122"].concat();
    for (issued, good) in [
        (authority.issue(Some(&one), 2020..2090), true),
        (authority.issue(Some(&another), 2020..2090), false),
        (authority.issue(None, 2020..2090), false),
        (authority.issue(Some(PROVIDER), 2020..2021), false),
        (authority.issue(Some(PROVIDER), 2089..2090), false),
        (Authority::new().issue(Some(PROVIDER), 2020..2090), false),
    ] {
        let (certificate, key) = issued;
        let house = House::new(&authority, certificate.clone()).await;
        let found = house.verify(&call(&house.signer(&certificate, &key, "/chain.pem"), Utc::now())).await;
        assert_eq!(found.map(|_| ()), if good { Ok(()) } else { Err(Fault::Certificate) });
    }
    // Signed with another key than that of the certificate that is served.
    let (house, _) = House::of_provider(&authority).await;
    let (certificate, key) = authority.issue(Some(PROVIDER), 2020..2090);
    let other = house.signer(&certificate, &key, "/chain.pem");
    assert_eq!(house.verify(&call(&other, Utc::now())).await.unwrap_err(), Fault::Signature);
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_refused_and_one_without_a_certificate_is_none() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(Some(PROVIDER), 2020..2090);
    let house = House::new(&authority, certificate.clone()).await;
    let missing = house.signer(&certificate, &key, "/gone.pem");
    assert_eq!(house.verify(&call(&missing, Utc::now())).await.unwrap_err(), Fault::InfoUnreachable);
    let (c, k) = (house.folder.path().join("c.pem"), house.folder.path().join("k.pem"));
    let port = house.here.port();
    for url in [
        "http://127.0.0.1/c",
        "https://127.0.0.1:1/c",
        &format!("https://10.0.0.1:{port}/c"),
        &format!("https://127.0.0.1:{port}/c?x"),
        "https://u@127.0.0.1/c",
    ] {
        let signer = Signer::open(&c, &k, url).unwrap();
        assert_eq!(house.verify(&call(&signer, Utc::now())).await.unwrap_err(), Fault::InfoRefused, "{url}");
    }
    let large = House::new(&authority, "x".repeat(70_000)).await;
    let signer = large.signer(&certificate, &key, "/chain.pem");
    assert_eq!(large.verify(&call(&signer, Utc::now())).await.unwrap_err(), Fault::InfoUnreachable);
}

#[test]
fn chains_and_tokens_are_remembered_within_bounds() {
    let (mut chains, now) = (Chains::default(), Instant::now());
    for n in 0..2 * MAX_CHAINS {
        chains.put(now, n.to_string(), Bytes::new(), Duration::from_secs(60 + n as u64));
    }
    assert_eq!((chains.0.len(), chains.get(now, "1999").is_some(), chains.get(now, "0")), (MAX_CHAINS, true, None));
    assert_eq!(chains.get(now + Duration::from_secs(10_000), "1999"), None, "no longer than its lifetime");
    let lifetime = |value: &str| lifetime(&HeaderMap::from_iter([(CACHE_CONTROL, value.parse().unwrap())]));
    assert_eq!(lifetime("public, max-age=30"), Duration::from_secs(30));
    assert_eq!((lifetime("no-store"), lifetime("max-age=9999999"), lifetime("x")), (Duration::ZERO, LONGEST, USUAL));
}
