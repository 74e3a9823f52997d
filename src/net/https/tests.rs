//! Requests over real sockets, with a name server and servers of the test's own.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::net::tls::TlsFiles;

/// A name server that leads every name to the next of these lists, the last again and again; AAAA leads nowhere.
fn names(answers: Vec<Vec<[u8; 4]>>) -> Names {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut buffer, mut asked) = ([0; 512], 0);
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            let end = 12 + buffer[12..length].iter().position(|byte| *byte == 0).unwrap() + 5;
            let is_a = buffer[end - 3] == 1;
            let found = if is_a { answers[asked.min(answers.len() - 1)].clone() } else { Vec::new() };
            asked += usize::from(is_a);
            let mut answer = buffer[..end].to_vec();
            answer[2] = 0x84 | (buffer[2] & 1);
            answer[3] = 0;
            answer[4..12].copy_from_slice(&[0, 1, 0, found.len() as u8, 0, 0, 0, 0]);
            // No lifetime: whoever asks again is answered anew.
            found.iter().for_each(|address| answer.extend([&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4][..], address].concat()));
            socket.send_to(&answer, peer).unwrap();
        }
    });
    Names::new(&[address], Duration::from_secs(2)).unwrap()
}

/// A server that answers with `answer`; where it is, and how many connections it saw.
async fn server(answer: &'static str, tls: Option<TlsAcceptor>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    Some(tls) => say(tls.accept(socket).await?, answer).await,
                    None => say(socket, answer).await,
                }
            });
        }
    });
    (address, seen)
}

async fn say(mut socket: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        socket.read_buf(&mut request).await?;
    }
    let echoed = String::from_utf8_lossy(&request).lines().filter(|line| line.starts_with("host")).collect::<String>();
    socket.write_all(answer.replace("HOST", &echoed).as_bytes()).await?;
    socket.shutdown().await
}

fn client(names: Names, port: u16, allowed: &[&str]) -> HttpsClient {
    let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
    HttpsClient::new(names, TlsContext::open(TlsFiles::default()).unwrap(), Reach { allowed, ports: vec![port], plain: true })
}

async fn get(client: &HttpsClient, url: &str) -> Result<HttpsAnswer, RequestError> {
    let limits = RequestLimits { total: Duration::from_secs(5), max_answer_len: 100, ..RequestLimits::default() };
    client.request(Method::GET, &url.parse().unwrap(), HeaderMap::new(), Bytes::new(), limits).await
}

const OK: &str = "HTTP/1.1 200 OK\r\nx-saw: HOST\r\ncontent-length: 4\r\n\r\nfine";

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_judged_address_is_connected_to() {
    let (here, seen) = server(OK, None).await;
    // Whoever looked again would be led to this machine.
    let rebinding = names(vec![vec![[192, 0, 2, 1]], vec![[127, 0, 0, 1]]]);
    let url = format!("http://hooks.example:{}/x", here.port());
    assert!(matches!(get(&client(rebinding, here.port(), &[]), &url).await, Err(RequestError::Forbidden)));
    for led in [vec![[127, 0, 0, 1]], vec![[8, 8, 8, 8], [127, 0, 0, 1]], vec![[169, 254, 169, 254]], vec![[10, 0, 0, 1], [1, 1, 1, 1]]] {
        assert!(matches!(get(&client(names(vec![led]), here.port(), &[]), &url).await, Err(RequestError::Forbidden)));
    }
    assert_eq!(seen.load(Ordering::Relaxed), 0, "nobody connected to what is not public");
    let allowed = client(names(vec![vec![[127, 0, 0, 1]], vec![[8, 8, 8, 8]]]), here.port(), &["127.0.0.0/8"]);
    let answer = get(&allowed, &url).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..], seen.load(Ordering::Relaxed)), (200, &b"fine"[..], 1));
    assert_eq!(answer.headers["x-saw"], format!("host: hooks.example:{}", here.port()));
}

#[tokio::test]
async fn an_address_in_a_url_is_judged_as_one_that_a_name_leads_to() {
    let (here, seen) = server(OK, None).await;
    let strict = client(names(vec![vec![]]), here.port(), &[]);
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "0.0.0.0"] {
        let url = format!("http://{host}:{}/", here.port());
        assert!(matches!(get(&strict, &url).await, Err(RequestError::Forbidden)), "{host}");
        assert!(!strict.may_ask(&url.parse().unwrap()));
    }
    assert!(matches!(get(&strict, &format!("http://nobody.example:{}/", here.port())).await, Err(RequestError::NoAddress)));
    assert!(matches!(get(&strict, "http://8.8.8.8:22/").await, Err(RequestError::Scheme)));
    assert_eq!(seen.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_a_long_or_broken_one_is_none() {
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890";
    let endless =
        "HTTP/1.1 200 OK\r\n\r\n01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123";
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort";
    for (answer, expected) in [
        ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", Ok(302)),
        ("HTTP/1.1 204 No Content\r\n\r\n", Ok(204)),
        (long, Err("answer_too_long")),
        (endless, Err("answer_too_long")),
        (cut, Err("answer_too_long")),
        ("SSH-2.0-OpenSSH_9.2\r\n", Err("http_failed")),
        ("", Err("http_failed")),
    ] {
        let (here, _) = server(answer, None).await;
        let asked =
            get(&client(names(vec![vec![[127, 0, 0, 1]]]), here.port(), &["127.0.0.1"]), &format!("http://a.example:{}/", here.port()))
                .await;
        assert_eq!(asked.map(|answer| answer.status.as_u16()).map_err(|error| error.reason()), expected, "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let client = client(names(vec![vec![[127, 0, 0, 1]]]), port, &["127.0.0.1"]);
    let limits = RequestLimits { total: Duration::from_millis(200), ..RequestLimits::default() };
    let url = format!("http://a.example:{port}/").parse().unwrap();
    let asked = client.request(Method::POST, &url, HeaderMap::new(), Bytes::from_static(b"{}"), limits).await;
    assert!(matches!(asked, Err(RequestError::TimedOut)));
}

#[tokio::test]
async fn the_certificate_has_to_be_that_of_the_name_and_of_a_trusted_authority() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["hooks.example".to_owned()]).unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key).unwrap();
    let (here, _) = server(OK, Some(TlsAcceptor::from(Arc::new(config)))).await;
    let reach = Reach { allowed: vec!["127.0.0.1".parse().unwrap()], ports: vec![here.port()], plain: false };
    let trusting = |files| HttpsClient::new(names(vec![vec![[127, 0, 0, 1]]]), TlsContext::open(files).unwrap(), reach.clone());
    let ours = trusting(TlsFiles { authorities: Some(path), ..TlsFiles::default() });
    let url = |host: &str| format!("https://{host}:{}/", here.port());
    assert_eq!(get(&ours, &url("hooks.example")).await.unwrap().body, "fine");
    assert!(matches!(get(&ours, &url("other.example")).await, Err(RequestError::Tls(_))));
    assert!(matches!(get(&ours, &url("127.0.0.1")).await, Err(RequestError::Tls(_))));
    assert!(matches!(get(&trusting(TlsFiles::default()), &url("hooks.example")).await, Err(RequestError::Tls(_))));
    assert!(matches!(get(&ours, &format!("http://hooks.example:{}/", here.port())).await, Err(RequestError::Scheme)));
}
