//! Whole calls and patients with planted numbers, names, addresses and spoken words: none of them stands in a line of the
//! log, at its most talkative and in either form, however it could be written there; nor in any file of the data folder,
//! nor in a backup of it.
//!
//! So do the e-mail addresses of users, the passwords of trunks, and the addresses of webhooks, whose queue is full of what waits.
//!
//! What is planted stands in `privacy/plants.rs`, what is done with it in `privacy/scenes.rs`; that the search finds a leak
//! in every encoding is shown in `privacy/scan.rs`.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "a test outside of test functions")]

#[path = "support/agents.rs"]
#[expect(dead_code, reason = "what agents see is another test's")]
mod agents;
#[path = "support/caller.rs"]
#[expect(dead_code, reason = "what is measured of the audio is another test's")]
mod caller;
#[path = "support/http.rs"]
mod http;
#[path = "privacy/plants.rs"]
mod plants;
#[path = "support/ports.rs"]
mod ports;
#[path = "privacy/scan.rs"]
mod scan;
#[path = "privacy/scenes.rs"]
mod scenes;
#[path = "support/server.rs"]
#[expect(dead_code, reason = "memory is another test's")]
mod server;
#[path = "support/speech.rs"]
#[expect(dead_code, reason = "levels are another test's")]
mod speech;
#[path = "../benches/generator/sip.rs"]
mod uac;

use std::fs;
use std::path::Path;
use std::process::Command;

use scan::Scanner;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_stands_in_the_log_of_whole_calls_in_json() {
    check("json").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_stands_in_the_log_of_whole_calls_in_text() {
    check("text").await;
}

async fn check(format: &'static str) {
    let (log, folder) = scenes::play(format).await;
    // The log is there, at its most talkative, and says of an address what it may.
    for shown in ["call_offered", "call_ended", "call_refused", "http_request", "malformed message", "DEBUG", "127.77.66.0/24"] {
        assert!(log.contains(shown), "{shown} is not in\n{log}");
    }
    let scanner = Scanner::new(plants::SECRETS);
    let leaks: Vec<String> =
        log.lines().flat_map(|line| scanner.leaks(line).into_iter().map(move |leak| format!("{leak}: {line}"))).collect();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    let store = folder.path().join("store");
    let mut kept = files_below(&store);
    back_up(&store, &folder.path().join("backup"));
    kept.push(("backup".to_owned(), fs::read(folder.path().join("backup")).expect("the backup")));
    for named in ["auricle.sqlite", "auricle.sqlite-wal", "audit-00000001.jsonl", "backup", ".eml"] {
        assert!(kept.iter().any(|(name, bytes)| name.contains(named) && !bytes.is_empty()), "{named} is not kept");
    }
    for (name, bytes) in kept {
        // A byte is a character, so that what is ASCII in a binary file is found as what it is.
        let text: String = bytes.into_iter().map(char::from).collect();
        let mut leaks = scanner.leaks(&text);
        // From where somebody did something is what the audit log is for.
        leaks.retain(|leak| !(name.contains("audit-") && leak.starts_with(&plants::ADDRESS.to_string())));
        // An e-mail that a file stands in for, where there is no mail server, is to somebody; its name says so no more than its text.
        leaks.retain(|leak| !(name.ends_with(".eml") && leak.starts_with(plants::MEMBER)));
        assert!(leaks.is_empty(), "{name}: {}", leaks.join(", "));
    }
}

/// Every file, by its path.
fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => files_below(&path),
        false => vec![(path.display().to_string(), fs::read(&path).expect("a file"))],
    });
    found.collect()
}

fn back_up(store: &Path, to: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auricle"));
    command.args(["admin", "backup"]).arg(to).env("AURICLE__STORE__PATH", store);
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
