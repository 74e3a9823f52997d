//! kill -9 with calls up: what stands after the restart.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::gateway::{Gateway, PROGRAM};
use crate::support::sound;

#[test]
fn calls_that_a_kill_interrupted_stand_as_failed_and_no_audit_entry_is_gone() {
    let mut gateway = Gateway::start("echo");
    let callers = Callers::call(&gateway, CALLS);
    gateway
        .wait_for_calls("all calls are up", |calls| calls.iter().filter(|call| call["session_status"] == "in_progress").count() == CALLS);
    let before = audit_entries(&gateway);
    let ids: HashSet<String> = gateway.calls().iter().filter_map(|call| Some(call["id"].as_str()?.to_owned())).collect();

    gateway.kill_hard();
    drop(callers);
    gateway.restart();

    let calls = gateway.calls();
    let ids_after: HashSet<String> = calls.iter().filter_map(|call| Some(call["id"].as_str()?.to_owned())).collect();
    assert_eq!(ids_after, ids, "the same calls before and after");
    for call in &calls {
        assert_eq!(call["session_status"], "failed", "{call:#}");
        assert!(call["termination"].to_string().contains("interrupted"), "{call:#}");
    }
    // Every line that was acknowledged is still there, in its place; the restart may add its own.
    let after = audit_entries(&gateway);
    assert!(after.len() >= before.len() && after[..before.len()] == before, "{} entries before, {} after", before.len(), after.len());
}

/// Phones that talk until they are dropped.
struct Callers(Vec<Child>);

impl Callers {
    fn call(gateway: &Gateway, count: usize) -> Self {
        let hum = gateway.folder().join("hum.wav");
        sound::write(&hum, &(0..80_000).map(|at| if at / 20 % 2 == 0 { 3000 } else { -3000 }).collect::<Vec<i16>>());
        let phone = |index: usize| {
            let mut command = Command::new(PROGRAM);
            command.args(["call", "--to", &gateway.uri("1000"), "--seconds", "60", "--play"]).arg(&hum);
            command.arg("--record").arg(gateway.folder().join(format!("recorded-{index}.wav")));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the built program starts")
        };
        Self((0..count).map(phone).collect())
    }
}

impl Drop for Callers {
    fn drop(&mut self) {
        for caller in &mut self.0 {
            let _gone = caller.kill();
            let _status = caller.wait();
        }
    }
}

/// The lines of the audit's files, oldest file first.
fn audit_entries(gateway: &Gateway) -> Vec<Value> {
    let folder = gateway.folder().join("store/audit");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let text: String = files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let entries: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(!entries.is_empty(), "no audit entries in {}", folder.display());
    entries
}

const CALLS: usize = 5;
