//! Whole calls with planted numbers, names, addresses and spoken words: none of them stands in a line of the log, at its
//! most talkative and in either form, however it could be written there.
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
    let log = scenes::play(format).await;
    // The log is there, at its most talkative, and says of an address what it may.
    for shown in ["call_offered", "call_ended", "call_refused", "http_request", "malformed message", "DEBUG", "127.77.66.0/24"] {
        assert!(log.contains(shown), "{shown} is not in\n{log}");
    }
    let scanner = Scanner::new(plants::SECRETS);
    let leaks: Vec<String> =
        log.lines().flat_map(|line| scanner.leaks(line).into_iter().map(move |leak| format!("{leak}: {line}"))).collect();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}
