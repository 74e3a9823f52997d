//! `auricle health`: asks a running gateway whether it is well; for container health checks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use super::{fail, say};

/// Where to ask.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Address and port of the REST API.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    address: SocketAddr,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match ask(arguments.address) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
            say("well");
            ExitCode::SUCCESS
        }
        Ok(answer) => fail(1, &answer.lines().next().unwrap_or("no answer")),
        Err(error) => fail(1, &error),
    }
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    write!(stream, "GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// How long each step may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Bytes of an answer that are read at most.
const LONGEST_ANSWER: u64 = 64 << 10;
