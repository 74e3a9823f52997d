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

#[test]
fn baresip_that_has_only_g722_hears_its_own_words() {
    assert_heard_again_over("g722", &G722);
}

#[test]
fn baresip_that_has_only_opus_hears_its_own_words() {
    assert_heard_again_over("opus", &OPUS);
}

#[test]
fn baresip_that_has_only_l16_hears_its_own_words() {
    assert_heard_again_over("l16/16000", &L16);
}

#[test]
fn baresip_with_srtp_hears_its_own_words_where_srtp_is_required() {
    assert_heard_again_protected("srtp = \"required\"", "srtp-mand");
}

#[test]
fn baresip_that_offers_srtp_as_an_option_gets_it_where_it_is_one() {
    assert_heard_again_protected("srtp = \"optional\"", "srtp");
}

#[test]
fn baresip_without_srtp_is_refused_where_srtp_is_required() {
    let Some(call) = call("1000", "srtp = \"required\"", &PCMU, None) else { return };
    assert!(call.said.contains("488"), "{}\n{}", call.said, call.gateway.log());
    assert!(dump(&call.home, "-dec.wav").is_none(), "it heard something\n{}", call.said);
}

fn assert_heard_again(number: &str) {
    let Some(call) = call(number, "", &PCMU, None) else { return };
    call.assert_heard(&PCMU);
}

/// The gateway takes the codec alone, as the caller has it alone.
fn assert_heard_again_over(named: &str, codec: &Codec) {
    if !Path::new(MODULES).join(codec.module).is_file() {
        return tools::skip(&format!("baresip has no module {}", codec.module));
    }
    let Some(call) = call("1000", &format!("codecs = [\"{named}\"]"), codec, None) else { return };
    call.assert_heard(codec);
    call.gateway.wait_for_calls("a call over that codec", |calls| calls.len() == 1 && calls[0]["session_status"] == "completed");
}

fn assert_heard_again_protected(rtp_lines: &str, encryption: &str) {
    if !Path::new(MODULES).join("srtp.so").is_file() {
        return tools::skip("baresip has no module for SRTP");
    }
    let Some(call) = call("1000", rtp_lines, &PCMU, Some(encryption)) else { return };
    call.assert_heard(&PCMU);
    assert!(call.said.contains("SRTP is Enabled"), "{}\n{}", call.said, call.gateway.log());
}

/// A codec as baresip has it.
struct Codec {
    module: &'static str,
    /// As its account names it.
    name: &'static str,
    rate_hz: u32,
    /// How like what was played the whole of what is heard must be. Without it each audible half second must be heard near
    /// its place, but for one: one packet late on a busy machine shifts all that follows it.
    likeness: Option<f64>,
}

/// A call that is over.
struct Called {
    gateway: Gateway,
    home: PathBuf,
    /// What baresip said of it.
    said: String,
}

impl Called {
    fn assert_heard(&self, codec: &Codec) {
        let (Some(played), Some(recorded)) = (dump(&self.home, "-enc.wav"), dump(&self.home, "-dec.wav")) else {
            panic!("baresip recorded nothing\n{}\n{}", self.said, self.gateway.log());
        };
        let found = echo::find(&played, &recorded);
        let alike = codec.likeness.is_none_or(|least| found.correlation >= least);
        assert!(alike && found.lost <= 1, "{found:?}\n{}\n{}", self.said, self.gateway.log());
    }
}

/// Calls `number` at a gateway with these lines in `[rtp]`, and plays a spoken file.
fn call(number: &str, rtp_lines: &str, codec: &Codec, encryption: Option<&str>) -> Option<Called> {
    let baresip = tools::find("baresip")?;
    if !Path::new(MODULES).join("sndfile.so").is_file() {
        tools::skip("baresip has no module that records");
        return None;
    }
    let [(_, speech), _] = sound::speakers()?;
    let gateway = Gateway::start_with("echo", rtp_lines);
    let home = gateway.folder().join("baresip");
    configure(&home, &speech, codec, encryption);
    let dial = format!("/dial {}", gateway.uri(number));
    let seconds = speech.len() / 8000 + 4;
    let mut command = Command::new(baresip);
    command.arg("-f").arg(&home).args(["-e", &dial, "-t", &seconds.to_string()]);
    let said = tools::text(&tools::run(&mut command, Duration::from_secs(40)));
    Some(Called { gateway, home, said })
}

/// A baresip on the loopback that plays a file and records both directions; its sound card is ALSA's that swallows everything.
fn configure(home: &Path, speech: &[i16], codec: &Codec, encryption: Option<&str>) {
    fs::create_dir_all(home).expect("baresip's folder");
    let spoken = home.join("spoken.wav");
    sound::write_at(&spoken, speech, codec.rate_hz);
    let own = ports::free_udp();
    let srtp = if encryption.is_some() { "module srtp.so\n" } else { "" };
    let config = format!(
        "module_path {MODULES}\nmodule {module}\n{srtp}module aufile.so\nmodule alsa.so\nmodule sndfile.so\nmodule_app account.so\nmodule_app menu.so\n\
         sip_listen {own}\nnet_interface 127.0.0.1\naudio_source aufile,{spoken}\naudio_player alsa,null\naudio_alert nil\nsnd_path {home}\naudio_buffer 20-160\n\
         opus_stereo no\nopus_sprop_stereo no\nopus_bitrate 32000\n",
        module = codec.module,
        spoken = spoken.display(),
        home = home.display()
    );
    fs::write(home.join("config"), config).expect("baresip's configuration");
    let encryption = encryption.map(|encryption| format!(";mediaenc={encryption}")).unwrap_or_default();
    let account = format!("<sip:tester@{own}>;regint=0;audio_codecs={}{encryption}\n", codec.name);
    fs::write(home.join("accounts"), account).expect("baresip's account");
    fs::write(home.join("contacts"), "").expect("baresip's contacts");
}

fn dump(home: &Path, end: &str) -> Option<Vec<i16>> {
    let files: Vec<PathBuf> = fs::read_dir(home).ok()?.flatten().map(|entry| entry.path()).collect();
    files.iter().find(|path| path.to_string_lossy().ends_with(end)).map(|path| sound::read_at_8_khz(path))
}

const PCMU: Codec = Codec { module: "g711.so", name: "PCMU/8000/1", rate_hz: 8_000, likeness: Some(0.9) };
const G722: Codec = Codec { module: "g722.so", name: "G722/16000/1", rate_hz: 16_000, likeness: None };
const OPUS: Codec = Codec { module: "opus.so", name: "opus/48000/2", rate_hz: 48_000, likeness: None };
const L16: Codec = Codec { module: "l16.so", name: "L16/16000/1", rate_hz: 16_000, likeness: None };

/// Where Debian keeps baresip's modules.
const MODULES: &str = "/usr/lib/baresip/modules";
