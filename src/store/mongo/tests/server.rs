//! A server of MongoDB's wire protocol, on a port of its own, with its documents in a file.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::skip;

/// A running server; it ends with its standard input.
pub(super) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    port: u16,
}

impl Server {
    /// Starts one on `port` (0 for any free one) with its documents in `file`; none, with a word about it, where it is not
    /// installed.
    pub(super) fn start(port: u16, file: &Path) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let classes = root.join("target/tools/mongo");
        let java = std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("java")).find(|path| path.is_file());
        let (Some(java), true) = (java, classes.is_dir()) else {
            skip("MONGO_URI is not set and the server for tests is not installed (make test does it where java and maven are)");
            return None;
        };
        let port = if port == 0 { free_port() } else { port };
        let mut command = Command::new(java);
        command.args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp"]).arg(classes.join("*"));
        command.arg(root.join("tests/support/mongo/Server.java")).arg(port.to_string()).arg(file);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "listening");
        let input = child.stdin.take();
        Some(Self { child, input, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.input = None;
        let _ended = self.child.wait();
    }
}

/// The server that all tests of a run share, which ends when the process does.
pub(super) fn uri() -> Option<String> {
    static SHARED: OnceLock<Option<(Server, TempDir)>> = OnceLock::new();
    if let Ok(uri) = std::env::var("MONGO_URI") {
        return Some(uri);
    }
    let start = || {
        let directory = tempfile::tempdir().unwrap();
        Some((Server::start(0, &file(&directory))?, directory))
    };
    SHARED.get_or_init(start).as_ref().map(|(server, _)| server.uri())
}

pub(super) fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("documents")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
