//! Who is a trunk by the name in its certificate, over real TLS: a name that an authority of ours vouches for, and no other.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::CertifiedKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sip::transport::Transport;

use crate::client::{Client, status_of, tcp};
use crate::spoken::Spoken;

#[test]
fn a_trunk_is_known_by_the_name_in_a_certificate_that_somebody_vouches_for_and_by_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certificate = |name: &str, file: &str| Identity::write(name, &folder.path().join(file));
    let (pbx, other, forged) =
        (certificate("pbx.example", "pbx"), certificate("other.example", "other"), certificate("pbx.example", "forged"));
    let wild = certificate("*.example", "wild");
    let authorities = folder.path().join("clients.pem");
    let known: Vec<String> =
        [&pbx, &other, &wild].iter().map(|known| std::fs::read_to_string(&known.certificate).expect("a certificate")).collect();
    std::fs::write(&authorities, known.concat()).expect("the authorities");
    let spoken = Spoken::start_with(
        &format!(
            "ask_clients = \"optional\"\nclient_authorities = \"{}\"\n[trunks.pbx]\ntls_names = [\"pbx.example\"]\n\
             [numbers.7000]\nagent = \"linear\"\ntrunk = \"pbx\"\n",
            authorities.display()
        ),
        "",
    );
    let address = spoken.address(Transport::Tls);
    let call = |identity: Option<&Identity>, name: &str| {
        let mut client = connect(address, &spoken.authority, identity).ok()?;
        client.send(invite(name).as_bytes()).ok()?;
        final_status(&mut client)
    };
    assert_eq!(call(Some(&pbx), "pbx"), Some(200), "{}", spoken.gateway.log());
    assert_eq!(call(Some(&other), "other"), Some(404), "a good certificate for another name");
    assert_eq!(call(Some(&wild), "wild"), Some(404), "a good certificate for whatever name there may be");
    assert_eq!(call(None, "none"), Some(404), "no certificate");
    assert_eq!(call(Some(&forged), "forged"), None, "the right name, and nobody to vouch for it");
}

/// A certificate of its own making, and its key.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
}

impl Identity {
    fn write(name: &str, file: &Path) -> Self {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let (certificate, key) = (file.with_extension("crt"), file.with_extension("key"));
        std::fs::write(&certificate, cert.pem()).expect("the certificate is written");
        std::fs::write(&key, signing_key.serialize_pem()).expect("the key is written");
        Self { certificate, key }
    }
}

fn connect(to: SocketAddr, authority: &Path, identity: Option<&Identity>) -> io::Result<Client> {
    let mut stream = tcp("127.0.0.1", to)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).map_err(io::Error::other)?).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let builder = builder.with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let chain = vec![CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?];
            let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
            builder.with_client_auth_cert(chain, key).map_err(io::Error::other)?
        }
    };
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    Ok(Client::Stream(Box::new(StreamOwned::new(connection, stream))))
}

fn invite(name: &str) -> String {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
    format!(
        "INVITE sip:7000@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK{name};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:caller@127.0.0.1>;tag=c\r\nTo: <sip:7000@127.0.0.1>\r\nCall-ID: {name}\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:caller@127.0.0.1:9;transport=tls>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

fn final_status(client: &mut Client) -> Option<u16> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut read = Vec::new();
    while Instant::now() < deadline {
        read.extend(client.receive(Duration::from_secs(10))?);
        // Several responses may have come at once.
        let text = String::from_utf8_lossy(&read).into_owned();
        let statuses = text.lines().filter(|line| line.starts_with("SIP/2.0 ")).filter_map(|line| status_of(line.as_bytes()));
        if let Some(status) = statuses.into_iter().find(|status| *status >= 200) {
            return Some(status);
        }
    }
    None
}
