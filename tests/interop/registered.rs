//! baresip as a telephone that registers with us: it calls and is called by its registration, told what to do by its control interface.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::baresip::{MODULES, PCMU, configure, dump};
use crate::support::gateway::{Gateway, TRUNK_PASSWORD};
use crate::support::{ports, sound, tools};

#[test]
fn baresip_registers_here_calls_is_called_by_its_registration_and_is_not_called_once_it_has_left() {
    let Some(baresip) = tools::find("baresip") else { return };
    if ["ctrl_tcp.so", "sndfile.so"].iter().any(|module| !Path::new(MODULES).join(module).is_file()) {
        return tools::skip("baresip has no module that is told what to do, or none that records");
    }
    let Some([(_, speech), _]) = sound::speakers() else { return };
    let gateway = Gateway::start_over("echo", "unknown_callers = \"refuse\"\n", PHONE, "");
    let mut phone = Telephone::start(&baresip, &gateway, &speech);
    phone.wait_until_registered(&gateway);

    phone.order("dial", "1000");
    phone.wait_for("CALL_ESTABLISHED", &gateway);
    // It hangs up itself where its file ends.
    let closed = phone.wait_for("CALL_CLOSED", &gateway);
    assert_eq!((&closed["direction"], &closed["param"]), (&json!("outgoing"), &json!("end of file")), "{closed}");
    gateway.wait_for_calls("the call in is over", |calls| calls.iter().any(|call| is_over(call, "inbound", "completed")));
    phone.assert_heard(&gateway);

    // It is called at the contact that it has registered, which nobody but it knows; the number stands in To.
    let placed = gateway.send("POST", "/v1/calls", &json!({ "to": "+4930901821", "agent": "ulaw" }).to_string());
    assert_eq!(placed.status, 201, "{}\n{}", placed.body, gateway.log());
    let up = phone.wait_for("CALL_ESTABLISHED", &gateway);
    assert_eq!((&up["direction"], &up["peeruri"]), (&json!("incoming"), &json!("sip:+4930901820@127.0.0.1")), "{up}");
    std::thread::sleep(Duration::from_secs(speech.len() as u64 / 8_000 - 1));
    let ended = gateway.ask("DELETE", &format!("/v1/calls/{}", placed.json["id"].as_str().expect("an id")));
    assert_eq!(ended.status, 202, "{}", ended.body);
    phone.wait_for("CALL_CLOSED", &gateway);
    gateway.wait_for_calls("the call out is over", |calls| calls.iter().any(|call| is_over(call, "outbound", "terminated")));
    phone.assert_heard(&gateway);

    // Before it goes it takes its registration back.
    phone.order("quit", "");
    phone.wait_for_end(&gateway);
    let nowhere = gateway.send("POST", "/v1/calls", &json!({ "to": "+4930901821", "agent": "linear" }).to_string());
    assert_eq!(nowhere.status, 503, "{}", nowhere.body);
}

fn is_over(call: &Value, direction: &str, status: &str) -> bool {
    call["direction"] == direction && call["session_status"] == status
}

/// A telephone whose password alone is known. It answers no challenge beside which stands one by an algorithm that it does not know.
const PHONE: &str = "[trunks.phone]\nlogin = \"phone\"\nlogin_password_env = \"AURICLE_TEST_TRUNK_PASSWORD\"\nregisters = true\n\
    addresses = [\"127.0.0.0/8\"]\ndigest_algorithms = [\"MD5\"]\ncaller_id = \"+4930901820\"\n\
    [outbound]\nenabled = true\nroutes = [{ prefix = \"+49\", trunks = [\"phone\"] }]\n\
    [tenants.org_default]\ncountries = [\"DE\"]\nminutes_per_day = 60\nmax_calls = 5\n";

/// A running baresip, and the way to tell it something.
struct Telephone {
    child: Child,
    home: PathBuf,
    control: TcpStream,
    /// What has come and was not read yet.
    bytes: Vec<u8>,
    /// Events that nobody has waited for.
    events: Vec<Value>,
}

impl Telephone {
    fn start(baresip: &Path, gateway: &Gateway, speech: &[i16]) -> Self {
        let (home, control) = (gateway.folder().join("baresip"), ports::free_tcp());
        configure(&home, speech, &PCMU, None);
        let config = fs::read_to_string(home.join("config")).expect("baresip's configuration");
        fs::write(home.join("config"), format!("{config}module_app ctrl_tcp.so\nctrl_tcp_listen {control}\n")).expect("the same, written");
        let account = format!(
            "<sip:phone@{}>;auth_user=phone;auth_pass={TRUNK_PASSWORD};regint=60;audio_codecs={};answermode=auto\n",
            gateway.sip(),
            PCMU.name
        );
        fs::write(home.join("accounts"), account).expect("baresip's account");
        let log = fs::File::create(home.join("log")).expect("baresip's log");
        let mut command = Command::new(baresip);
        command.arg("-f").arg(&home).arg("-s").stdin(Stdio::null()).stdout(log.try_clone().expect("the log once more")).stderr(log);
        let mut child = command.spawn().expect("baresip starts");
        let Some(control) = connect(control) else {
            let _gone = child.kill();
            panic!("baresip takes no orders\n{}", fs::read_to_string(home.join("log")).unwrap_or_default());
        };
        Self { child, home, control, bytes: Vec::new(), events: Vec::new() }
    }

    /// An order as a netstring.
    fn order(&mut self, command: &str, parameters: &str) {
        let order = json!({ "command": command, "params": parameters, "token": command }).to_string();
        self.control.write_all(format!("{}:{order},", order.len()).as_bytes()).expect("baresip takes orders");
    }

    fn wait_until_registered(&mut self, gateway: &Gateway) {
        let limit = Instant::now() + PATIENCE;
        loop {
            self.order("reginfo", "");
            let said = self.wait(gateway, |said| said["token"] == "reginfo");
            if said["data"].as_str().is_some_and(|data| data.contains("OK ")) {
                return;
            }
            assert!(Instant::now() < limit, "not registered: {said}\n{}\n{}", self.log(), gateway.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn wait_for(&mut self, event: &str, gateway: &Gateway) -> Value {
        self.wait(gateway, |said| said["type"] == event)
    }

    fn wait(&mut self, gateway: &Gateway, is_wanted: impl Fn(&Value) -> bool) -> Value {
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

    /// What it has recorded of one call is what it played; the files are gone afterwards.
    fn assert_heard(&self, gateway: &Gateway) {
        // They are finished a moment after it has said that the call is over.
        std::thread::sleep(Duration::from_millis(500));
        let (Some(played), Some(recorded)) = (dump(&self.home, "-enc.wav"), dump(&self.home, "-dec.wav")) else {
            panic!("baresip recorded nothing\n{}\n{}", self.log(), gateway.log());
        };
        let (audible, found) = quarter_seconds(&played, &recorded);
        assert!(audible >= 10 && found * 2 > audible, "{found} of {audible}\n{}\n{}", self.log(), gateway.log());
        for entry in fs::read_dir(&self.home).expect("baresip's folder").flatten().filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.ends_with("-enc.wav") || name.ends_with("-dec.wav")
        }) {
            fs::remove_file(entry.path()).expect("a recording");
        }
    }

    fn wait_for_end(&mut self, gateway: &Gateway) {
        let limit = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("baresip is ours").is_none() {
            assert!(Instant::now() < limit, "baresip does not end\n{}\n{}", self.log(), gateway.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }
}

impl Drop for Telephone {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Audible quarter seconds of what was played, and those of them that were heard again within a second. What baresip plays late or
/// conceals shifts all that follows, and is no business of registrations.
fn quarter_seconds(played: &[i16], recorded: &[i16]) -> (usize, usize) {
    const WINDOW: usize = 2_000;
    let energy = |samples: &[i16]| samples.iter().step_by(2).map(|&sample| i64::from(sample).pow(2)).sum::<i64>() as f64;
    let audible = |start: &usize| energy(&played[*start..*start + WINDOW]) > 10_000.0 * (WINDOW / 2) as f64;
    let is_heard = |start: usize| {
        let part = &played[start..start + WINDOW];
        (start.saturating_sub(WINDOW)..start + 4 * WINDOW).step_by(2).any(|place| {
            let Some(heard) = recorded.get(place..place + WINDOW) else { return false };
            let product: i64 = part.iter().zip(heard).step_by(2).map(|(&one, &other)| i64::from(one) * i64::from(other)).sum();
            product as f64 > 0.8 * (energy(part) * energy(heard)).sqrt()
        })
    };
    let starts: Vec<usize> = (0..played.len().saturating_sub(WINDOW)).step_by(WINDOW).filter(audible).collect();
    (starts.len(), starts.iter().filter(|start| is_heard(**start)).count())
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

const PATIENCE: Duration = Duration::from_secs(15);
