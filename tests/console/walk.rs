//! An operator's way through the console. What a person would do stands in `walk.mjs`; here is the gateway with its callers.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::browser::Browser;
use crate::support::gateway::Gateway;
use crate::support::{sound, tools};

#[test]
fn an_operator_signs_in_and_follows_calls_and_finds_patients() {
    let Some(browser) = Browser::found() else { return };
    let Some([(_, speaker), _]) = sound::speakers() else { return };
    let gateway = Gateway::start("greeter");
    let [speech, heard] = ["speech.wav", "heard.wav"].map(|name| gateway.folder().join(name));
    sound::write(&speech, &speaker);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Somebody is always on the telephone.
        let caller = scope.spawn(|| {
            let [play, record] = [&speech, &heard].map(|path| path.to_str().expect("a path of ours"));
            while !over.load(Ordering::Relaxed) {
                gateway.phone(&["--to", &gateway.uri("1000"), "--play", play, "--record", record], 90);
            }
        });
        gateway.wait_for_calls("a call that runs", |calls| calls.iter().any(|call| call["session_status"] == "running"));
        let mut command = Command::new(&browser.node);
        command.arg("tests/console/walk.mjs").env("PASSWORD", one_time_password(&gateway));
        let output = tools::run(browser.at(&gateway, &mut command), Duration::from_secs(600));
        over.store(true, Ordering::Relaxed);
        for call in gateway.calls().iter().filter(|call| call["ended_at"].is_null()) {
            gateway.ask("DELETE", &format!("/v1/calls/{}", call["id"].as_str().expect("an id")));
        }
        tools::assert_success("the walk", &output);
        caller.join().expect("the caller hangs up");
    });
}

/// What the gateway printed at its first start.
pub(crate) fn one_time_password(gateway: &Gateway) -> String {
    let log = fs::read_to_string(gateway.folder().join("gateway.log")).expect("the gateway's log");
    let line = log.lines().find(|line| line.starts_with("first administrator:")).expect("a first administrator");
    line.rsplit(' ').next().expect("a word").to_owned()
}
