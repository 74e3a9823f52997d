//! baresip as a telephone that registers with us: it calls and is called by its registration, told what to do by its control interface.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::baresip::{MODULES, PCMU, configure, dump, is_enough, quarter_seconds};
use crate::support::gateway::{Gateway, TRUNK_PASSWORD};
use crate::support::{sound, tools};
use crate::telephone::{PATIENCE, Telephone};

#[test]
fn baresip_registers_here_calls_is_called_by_its_registration_and_is_not_called_once_it_has_left() {
    let Some(baresip) = tools::find("baresip") else { return };
    if ["ctrl_tcp.so", "sndfile.so"].iter().any(|module| !Path::new(MODULES).join(module).is_file()) {
        return tools::skip("baresip has no module that is told what to do, or none that records");
    }
    let Some([(_, speech), _]) = sound::speakers() else { return };
    let gateway = Gateway::start_over("echo", "unknown_callers = \"refuse\"\n", PHONE, "");
    let mut phone = start(&baresip, &gateway, &speech);
    wait_until_registered(&mut phone, &gateway);

    phone.order("dial", "1000");
    phone.wait_for("CALL_ESTABLISHED", &gateway);
    // It hangs up itself where its file ends.
    let closed = phone.wait_for("CALL_CLOSED", &gateway);
    assert_eq!((&closed["direction"], &closed["param"]), (&json!("outgoing"), &json!("end of file")), "{closed}");
    gateway.wait_for_calls("the call in is over", |calls| calls.iter().any(|call| is_over(call, "inbound", "completed")));
    assert_heard(&phone, &gateway);

    // It is called at the contact that it has registered, which nobody but it knows; the number stands in To.
    let placed = gateway.send("POST", "/v1/calls", &json!({ "to": "+4930901821", "agent": "ulaw" }).to_string());
    assert_eq!(placed.status, 201, "{}\n{}", placed.body, gateway.log());
    let up = phone.wait_for("CALL_ESTABLISHED", &gateway);
    assert_eq!((&up["direction"], &up["peeruri"]), (&json!("incoming"), &json!("sip:+4930901820@127.0.0.1")), "{up}");
    std::thread::sleep(Duration::from_secs(4));
    let ended = gateway.ask("DELETE", &format!("/v1/calls/{}", placed.json["id"].as_str().expect("an id")));
    assert_eq!(ended.status, 202, "{}", ended.body);
    phone.wait_for("CALL_CLOSED", &gateway);
    gateway.wait_for_calls("the call out is over", |calls| calls.iter().any(|call| is_over(call, "outbound", "terminated")));
    assert_heard(&phone, &gateway);

    // Before it goes it takes its registration back.
    phone.order("quit", "");
    phone.wait_for_end(&gateway);
    let call = || gateway.send("POST", "/v1/calls", &json!({ "to": "+4930901821", "agent": "linear" }).to_string());
    let (mut nowhere, limit) = (call(), Instant::now() + Duration::from_secs(10));
    while nowhere.status != 503 && Instant::now() < limit {
        // One that was placed all the same makes no place for the next to be refused in.
        if let Some(id) = nowhere.json["id"].as_str() {
            gateway.ask("DELETE", &format!("/v1/calls/{id}"));
        }
        std::thread::sleep(Duration::from_millis(300));
        nowhere = call();
    }
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

/// A baresip whose account is the trunk's, which answers by itself.
fn start(baresip: &Path, gateway: &Gateway, speech: &[i16]) -> Telephone {
    let home = gateway.folder().join("baresip");
    configure(&home, speech, &PCMU, None);
    let account = format!(
        "<sip:phone@{}>;auth_user=phone;auth_pass={TRUNK_PASSWORD};regint=60;audio_codecs={};answermode=auto\n",
        gateway.sip(),
        PCMU.name
    );
    fs::write(home.join("accounts"), account).expect("baresip's account");
    Telephone::start(baresip, &home)
}

fn wait_until_registered(phone: &mut Telephone, gateway: &Gateway) {
    let limit = Instant::now() + PATIENCE;
    loop {
        phone.order("reginfo", "");
        let said = phone.wait(gateway, |said| said["token"] == "reginfo");
        if said["data"].as_str().is_some_and(|data| data.contains("OK ")) {
            return;
        }
        assert!(Instant::now() < limit, "not registered: {said}\n{}\n{}", phone.log(), gateway.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What it has recorded of one call is what it played; the files are gone afterwards.
fn assert_heard(phone: &Telephone, gateway: &Gateway) {
    // They are finished a moment after it has said that the call is over.
    let limit = Instant::now() + Duration::from_secs(10);
    let (audible, found) = loop {
        std::thread::sleep(Duration::from_millis(500));
        let files = [dump(&phone.home, "-enc.wav"), dump(&phone.home, "-dec.wav")];
        let (audible, found) = match &files {
            [Some(played), Some(recorded)] => quarter_seconds(played, recorded),
            _ => (0, 0),
        };
        if is_enough(audible, found) || Instant::now() > limit {
            break (audible, found);
        }
    };
    assert!(is_enough(audible, found), "{found} of {audible}\n{}\n{}", phone.log(), gateway.log());
    for entry in fs::read_dir(&phone.home).expect("baresip's folder").flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.ends_with("-enc.wav") || name.ends_with("-dec.wav")
    }) {
        fs::remove_file(entry.path()).expect("a recording");
    }
}
