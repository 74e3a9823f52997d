//! A call from the page: Chromium, with a spoken file in place of its microphone. What a person would do stands in `phone.mjs`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::browser::Browser;
use crate::support::gateway::Gateway;
use crate::support::{sound, tools};
use crate::walk::one_time_password;

#[test]
fn somebody_speaks_with_an_agent_from_the_page_and_interrupts_it() {
    let Some(browser) = Browser::found() else { return };
    let Some([(_, speaker), _]) = sound::speakers() else { return };
    let gateway = Gateway::start("greeter");
    let voice = gateway.folder().join("voice.wav");
    write_voice(&voice, &speaker);
    let mut command = Command::new(&browser.node);
    command.arg("tests/console/phone.mjs").env("VOICE", &voice).env("PASSWORD", one_time_password(&gateway));
    let output = tools::run(browser.at(&gateway, &mut command), Duration::from_secs(300));
    tools::assert_success("the call", &output);
}

/// After the greeting somebody speaks, and again while they are answered; then silence, so that the second answer is heard whole.
fn write_voice(path: &Path, speaker: &[i16]) {
    let quiet = |ms: usize| vec![0; ms * 8];
    let voice = [quiet(4_000), speaker.to_vec(), quiet(1_800), speaker.to_vec(), quiet(20_000)].concat();
    sound::write_at(path, &voice, 48_000);
}
