//! baresip as it runs: told what to do by its control interface, by which it tells what happens.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::ports;

/// A running baresip, and the way to tell it something.
pub(crate) struct Telephone {
    child: Child,
    pub(crate) home: PathBuf,
    control: TcpStream,
    /// What has come and was not read yet.
    bytes: Vec<u8>,
    /// Events that nobody has waited for.
    events: Vec<Value>,
}

impl Telephone {
    /// Starts it with what stands in `home`, and a port for orders beside.
    pub(crate) fn start(baresip: &Path, home: &Path) -> Self {
        let control = ports::free_tcp();
        let config = fs::read_to_string(home.join("config")).expect("baresip's configuration");
        fs::write(home.join("config"), format!("{config}module_app ctrl_tcp.so\nctrl_tcp_listen {control}\n")).expect("the same, written");
        let log = fs::File::create(home.join("log")).expect("baresip's log");
        let mut command = Command::new(baresip);
        command.arg("-f").arg(home).arg("-s").stdin(Stdio::null()).stdout(log.try_clone().expect("the log once more")).stderr(log);
        let mut child = command.spawn().expect("baresip starts");
        let Some(control) = connect(control) else {
            let _gone = child.kill();
            panic!("baresip takes no orders\n{}", fs::read_to_string(home.join("log")).unwrap_or_default());
        };
        Self { child, home: home.to_owned(), control, bytes: Vec::new(), events: Vec::new() }
    }

    /// An order as a netstring.
    pub(crate) fn order(&mut self, command: &str, parameters: &str) {
        let order = json!({ "command": command, "params": parameters, "token": command }).to_string();
        self.control.write_all(format!("{}:{order},", order.len()).as_bytes()).expect("baresip takes orders");
    }

    pub(crate) fn wait_for(&mut self, event: &str, gateway: &Gateway) -> Value {
        self.wait(gateway, |said| said["type"] == event)
    }

    pub(crate) fn wait(&mut self, gateway: &Gateway, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = self.events.iter().position(&is_wanted) {
                return self.events.remove(place);
            }
            assert!(Instant::now() < limit, "baresip said only {:#?}\n{}\n{}", self.events, self.log(), gateway.log());
            self.read();
        }
    }

    fn read(&mut self) {
        let mut some = [0; 4096];
        if let Ok(length) = self.control.read(&mut some) {
            self.bytes.extend_from_slice(&some[..length]);
        }
        while let Some(colon) = self.bytes.iter().position(|&byte| byte == b':') {
            let length: usize = std::str::from_utf8(&self.bytes[..colon]).ok().and_then(|text| text.parse().ok()).expect("a length");
            if self.bytes.len() < colon + 2 + length {
                return;
            }
            let rest = self.bytes.split_off(colon + 2 + length);
            let whole = std::mem::replace(&mut self.bytes, rest);
            self.events.push(serde_json::from_slice(&whole[colon + 1..colon + 1 + length]).expect("JSON"));
        }
    }

    pub(crate) fn wait_for_end(&mut self, gateway: &Gateway) {
        let limit = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("baresip is ours").is_none() {
            assert!(Instant::now() < limit, "baresip does not end\n{}\n{}", self.log(), gateway.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }
}

impl Drop for Telephone {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn connect(control: SocketAddr) -> Option<TcpStream> {
    let limit = Instant::now() + PATIENCE;
    while Instant::now() < limit {
        if let Ok(stream) = TcpStream::connect(control) {
            stream.set_read_timeout(Some(Duration::from_millis(100))).ok()?;
            return Some(stream);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// For whatever is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
