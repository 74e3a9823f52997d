//! `auricle health`: asks a running gateway whether it is well; for container health checks.
//!
//! It asks where the gateway's own configuration says that it listens, and over TLS where it has a certificate: of the peer nothing is
//! wanted but that it shows this certificate and has its key. The address is one of this machine, which stands in no certificate.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::{ConfigFile, fail, say, with_config};
use crate::net::tls::{TlsError, pinned_client};

/// Where to ask.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Address and port of the REST API, without TLS; what the configuration says where this is not given.
    #[arg(long, value_name = "ADDR")]
    address: Option<SocketAddr>,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match arguments.address {
        Some(address) => told(ask(address, None)),
        None => with_config(&arguments.file, |config| told(ask(reachable(config.http.listen), config.http.certificate.as_deref()))),
    }
}

fn told(answer: Result<String, HealthError>) -> ExitCode {
    match answer {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
            say("well");
            ExitCode::SUCCESS
        }
        Ok(answer) => fail(1, &answer.lines().next().unwrap_or("no answer")),
        Err(error) => fail(1, &error),
    }
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
enum HealthError {
    #[error("{0}")]
    Connection(#[from] io::Error),
    #[error("{0}")]
    Tls(#[from] TlsError),
}

/// Who listens on all addresses is asked on this machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

fn ask(address: SocketAddr, certificate: Option<&Path>) -> Result<String, HealthError> {
    let stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let Some(certificate) = certificate else { return Ok(exchange(stream, address)?) };
    let tls = rustls::ClientConnection::new(Arc::new(pinned_client(certificate)?), address.ip().into()).map_err(TlsError::from)?;
    Ok(exchange(rustls::StreamOwned::new(tls, stream), address)?)
}

fn exchange(mut stream: impl Read + Write, address: SocketAddr) -> io::Result<String> {
    stream.write_all(format!("GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(LONGEST_ANSWER).read_to_end(&mut answer) {
        // A server that closes without saying so in TLS has answered all the same.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        read => _ = read?,
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// How long each step may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Bytes of an answer that are read at most.
const LONGEST_ANSWER: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::net::tls::{TlsContext, TlsFiles};

    /// A server with a certificate of its own for a name, and what it answers once; the certificate's file.
    fn serve(folder: &Path, name: &str) -> (SocketAddr, std::path::PathBuf) {
        let made = rcgen::generate_simple_self_signed(["gateway.example".to_owned()]).unwrap();
        let [certificate, key] = ["crt", "key"].map(|kind| folder.join(format!("{name}.{kind}")));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let files = TlsFiles { identity: Some((certificate.clone(), key)), ..TlsFiles::default() };
        let config = TlsContext::open(files).unwrap().server().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), stream);
            let mut asked = [0; 512];
            if stream.read(&mut asked).is_ok_and(|length| asked[..length].starts_with(b"GET /health ")) {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                stream.flush().unwrap();
            }
        });
        (address, certificate)
    }

    #[test]
    fn over_tls_whoever_has_the_configured_certificate_is_asked_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let (address, certificate) = serve(folder.path(), "ours");
        assert!(ask(address, Some(&certificate)).unwrap().starts_with("HTTP/1.1 200"), "under whatever name it is reached");
        let (address, _) = serve(folder.path(), "another");
        assert!(ask(address, Some(&certificate)).is_err());
    }

    #[test]
    fn who_listens_everywhere_is_asked_on_this_machine() {
        let reached = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:8443"), "127.0.0.1:8443");
        assert_eq!(reached("[::]:8443"), "[::1]:8443");
        assert_eq!(reached("192.0.2.1:80"), "192.0.2.1:80");
    }
}
