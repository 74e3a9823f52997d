//! An operator's way through the console. What a person would do stands in `walk.mjs`; here is the gateway with its callers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
                gateway.phone(&["--to", &gateway.uri("1000"), "--play", play, "--record", record], 30);
            }
        });
        gateway.wait_for_calls("a call that runs", |calls| calls.iter().any(|call| call["session_status"] == "running"));
        let mut command = Command::new(&browser.node);
        command.arg("tests/console/walk.mjs").env("PASSWORD", one_time_password(&gateway));
        let output = tools::run(browser.at(&gateway, &mut command), Duration::from_secs(240));
        over.store(true, Ordering::Relaxed);
        tools::assert_success("the walk", &output);
        caller.join().expect("the caller hangs up");
    });
}

/// A browser, what steers it, and a page to show.
pub(crate) struct Browser {
    pub(crate) node: PathBuf,
    program: PathBuf,
    modules: PathBuf,
}

impl Browser {
    /// Nothing, aloud, where one of them is missing.
    pub(crate) fn found() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modules = root.join("target/node/node_modules");
        let (node, program) = tools::find("node").zip(tools::find("chromium"))?;
        let lacking = if !modules.join("playwright-core").is_dir() || !modules.join("axe-core").is_dir() {
            Some("the packages that steer a browser are not installed (make test does it)")
        } else if !root.join("console/dist/index.html").is_file() {
            Some("the console is not built (make console does it)")
        } else {
            None
        };
        lacking.map_or(Some(Self { node, program, modules }), |reason| {
            tools::skip(reason);
            None
        })
    }

    /// Tells a script where everything is.
    pub(crate) fn at<'a>(&self, gateway: &Gateway, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(env!("CARGO_MANIFEST_DIR")).env("CONSOLE", format!("http://{}", gateway.http()));
        command.env("BROWSER", &self.program).env("MODULES", &self.modules)
    }
}

/// What the gateway printed at its first start.
pub(crate) fn one_time_password(gateway: &Gateway) -> String {
    let log = fs::read_to_string(gateway.folder().join("gateway.log")).expect("the gateway's log");
    let line = log.lines().find(|line| line.starts_with("first administrator:")).expect("a first administrator");
    line.rsplit(' ').next().expect("a word").to_owned()
}
