//! `baresip`, a telephone of somebody else's, with a spoken file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::gateway::Gateway;
use crate::support::{echo, ports, sound, tools};

#[test]
fn baresip_hears_its_own_words_through_a_24_khz_agent() {
    assert_heard_again("1000");
}

#[test]
fn baresip_hears_its_own_words_where_ulaw_passes_through() {
    assert_heard_again("1001");
}

fn assert_heard_again(number: &str) {
    let Some((gateway, played, recorded)) = call(number) else { return };
    let found = echo::find(&played, &recorded);
    assert!(found.lost <= 1, "{found:?}\n{}", gateway.log());
}

/// Calls `number`, plays a spoken file, and answers with what was played and recorded.
fn call(number: &str) -> Option<(Gateway, Vec<i16>, Vec<i16>)> {
    let baresip = tools::find("baresip")?;
    if !Path::new(MODULES).join("sndfile.so").is_file() {
        tools::skip("baresip has no module that records");
        return None;
    }
    let [(_, speech), _] = sound::speakers()?;
    let gateway = Gateway::start("echo");
    let home = gateway.folder().join("baresip");
    configure(&home, &speech);
    let dial = format!("/dial {}", gateway.uri(number));
    let seconds = speech.len() / 8000 + 4;
    let mut command = Command::new(baresip);
    command.arg("-f").arg(&home).args(["-e", &dial, "-t", &seconds.to_string()]);
    let output = tools::run(&mut command, Duration::from_secs(40));
    let (played, recorded) = (dump(&home, "-enc.wav"), dump(&home, "-dec.wav"));
    assert!(played.is_some() && recorded.is_some(), "baresip recorded nothing\n{}\n{}", tools::text(&output), gateway.log());
    Some((gateway, played?, recorded?))
}

/// A baresip on the loopback that plays a file and records both directions; its sound card is ALSA's that swallows everything.
fn configure(home: &Path, speech: &[i16]) {
    fs::create_dir_all(home).expect("baresip's folder");
    let spoken = home.join("spoken.wav");
    sound::write(&spoken, speech);
    let own = ports::free_udp();
    let config = format!(
        "module_path {MODULES}\nmodule g711.so\nmodule aufile.so\nmodule alsa.so\nmodule sndfile.so\nmodule_app account.so\nmodule_app menu.so\n\
         sip_listen {own}\nnet_interface 127.0.0.1\naudio_source aufile,{spoken}\naudio_player alsa,null\naudio_alert nil\nsnd_path {home}\naudio_buffer 20-160\n",
        spoken = spoken.display(),
        home = home.display()
    );
    fs::write(home.join("config"), config).expect("baresip's configuration");
    fs::write(home.join("accounts"), format!("<sip:tester@{own}>;regint=0;audio_codecs=PCMU/8000/1\n")).expect("baresip's account");
    fs::write(home.join("contacts"), "").expect("baresip's contacts");
}

fn dump(home: &Path, end: &str) -> Option<Vec<i16>> {
    let files: Vec<PathBuf> = fs::read_dir(home).ok()?.flatten().map(|entry| entry.path()).collect();
    files.iter().find(|path| path.to_string_lossy().ends_with(end)).map(|path| sound::read(path))
}

/// Where Debian keeps baresip's modules.
const MODULES: &str = "/usr/lib/baresip/modules";
