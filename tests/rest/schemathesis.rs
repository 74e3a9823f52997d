//! Schemathesis, which knows of this interface nothing but its OpenAPI document: whatever it sends, valid or not, no answer
//! is a 5xx, and none has a status, a content type, a header or a body that the document does not have.
//!
//! 1,000 cases for each of the three roles, signed in as people are, and 10,000 with `AURICLE_FULL`. `AURICLE_SEED` chooses others.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::people;
use crate::support::gateway::{Gateway, PROGRAM};
use crate::support::{http, sound, tools};

#[test]
fn whatever_is_sent_no_answer_is_a_server_error_or_undocumented() {
    let Some(python) = tools::python() else { return };
    let program = python.with_file_name("schemathesis");
    if !program.is_file() {
        return tools::skip("schemathesis is not installed (make test does it)");
    }
    let gateway = Gateway::start_over("echo", "", SIGN_INS, "");
    let document = gateway.get("/openapi.json").json;
    let operations = document["paths"].as_object().expect("paths").values().map(|path| path.as_object().map_or(0, serde_json::Map::len));
    let (cases, limit) = if full() { (10_000, 3_600) } else { (1_000, 900) };
    let each = cases / operations.sum::<usize>() + 1;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rest");
    let patient = gateway.post("/v1/patients", &json!({ "name": "Ana García", "phone": "+1 555 010 0199" }).to_string());
    assert_eq!(patient.status, 201, "{}", patient.body);
    let mut caller = call(&gateway);
    gateway.wait_for_calls("a call runs", |calls| !calls.is_empty());
    let call = gateway.calls()[0]["id"].as_str().expect("an id").to_owned();
    for (role, bearer) in people::of_each_role(&gateway) {
        let who = || http::request(gateway.http(), "GET", "/v1/auth/me", &bearer, "").expect("an answer");
        let asking = who().json;
        let own = [&asking["user"]["id"], &asking["session_id"]].map(|id| id.as_str().expect("an id")).join(",");
        let mut command = Command::new(&program);
        command.arg("--config-file").arg(folder.join("schemathesis.toml"));
        command.args(["run", &format!("http://{}/openapi.json", gateway.http()), "--no-color", "--continue-on-failure"]);
        command.args(["--header", &format!("Authorization: Bearer {bearer}"), "--workers", "2", "--generation-database", "none"]);
        command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", &each.to_string(), "--seed", &seed()]);
        // It has no end; and what ends the very sign-in that asks would leave nothing to ask with.
        let endless = ["/v1/events", "/v1/auth/logout", "/v1/auth/logout_all", "/v1/auth/totp"];
        // Of session descriptions it can make none; tests/webrtc alters offers.
        let of_sdp = ["/v1/whip/{agent}", "/v1/whip/calls/{id}", "/v1/calls/{id}/whep", "/v1/whep/{id}"];
        for path in endless.into_iter().chain(of_sdp) {
            command.args(["--exclude-path", path]);
        }
        command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &folder).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("AURICLE_OWN", own).env("AURICLE_CALL", &call).env("AURICLE_PATIENT", patient.json["id"].as_str().expect("an id"));
        let output = tools::run(command.current_dir(gateway.folder()), Duration::from_secs(limit));
        let said = tools::text(&output);
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(format!("schemathesis-{}.txt", role.replace(' ', "-")));
        fs::write(&kept, &said).expect("the report is written");
        assert!(output.status.success(), "{role}: the whole report is in {}\n{}", kept.display(), failures(&said));
        let generated = said.lines().find_map(|line| line.trim().split_once(" generated")?.0.parse::<usize>().ok()).unwrap_or_default();
        assert!(generated >= cases, "{role}: only {generated} cases");
        let me = who();
        assert_eq!((me.status, me.json["role"].as_str()), (200, Some(role)), "whoever asked is nobody any more: {}", me.body);
    }
    let _gone = caller.kill();
    let _status = caller.wait();
}

/// A call that is there to be looked at, held, and ended.
fn call(gateway: &Gateway) -> Child {
    let (play, record) = (gateway.folder().join("play.wav"), gateway.folder().join("record.wav"));
    sound::write(&play, &[0; 8_000]);
    let mut command = Command::new(PROGRAM);
    command.args(["call", "--to", &gateway.uri("1000"), "--seconds", "3600", "--play"]).arg(play).arg("--record").arg(record);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the built program starts")
}

/// What it has to say of failures, without the rest.
fn failures(said: &str) -> &str {
    let begin = said.find("= FAILURES").or_else(|| said.find("= ERRORS")).unwrap_or_default();
    let text = &said[begin..];
    text.char_indices().nth(6_000).map_or(text, |(end, _)| &text[..end])
}

/// As long as may be: the last of the roles asks when the others are done.
const SIGN_INS: &str = "[identity]\naccess_token_minutes = 60\nidle_minutes = 60\n";

fn full() -> bool {
    std::env::var_os("AURICLE_FULL").is_some()
}

fn seed() -> String {
    std::env::var("AURICLE_SEED").unwrap_or_else(|_| "1".to_owned())
}
