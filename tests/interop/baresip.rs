//! `baresip`, a telephone of somebody else's, with a spoken file.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::gateway::Gateway;
use crate::support::{echo, ports, sound, tools};
use crate::telephone::Telephone;

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
    assert!(call.closed["param"].as_str().is_some_and(|why| why.contains("488")), "{}\n{}", call.closed, call.gateway.log());
    assert!(dump(&call.home, "-dec.wav").is_none(), "it heard something\n{}", call.said);
}

#[test]
fn baresip_over_tls_with_srtp_hears_its_own_words_where_the_certificate_is_checked() {
    if !Path::new(MODULES).join("srtp.so").is_file() {
        return tools::skip("baresip has no module for SRTP");
    }
    let certificate = Certificate::make();
    let (tls, listener) = (ports::free_tcp(), "srtp = \"required\"");
    let (certificate_file, key) = (certificate.file("cert.pem"), certificate.file("key.pem"));
    let sections = format!("[sip.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", certificate_file.display(), key.display());
    let start = || Gateway::start_over("echo", &format!("listeners = [\"tls:{tls}\"]\n"), &sections, listener);
    let adjust = |home: &Path| {
        let own = own_address();
        let more = format!("sip_listen {own}\nsip_transports tls\nsip_cafile {}\nsip_verify_server yes\n", certificate_file.display());
        let config = home.join("config");
        let before = fs::read_to_string(&config).expect("baresip's configuration");
        let without = before.lines().filter(|line| !line.starts_with("sip_listen")).collect::<Vec<_>>().join("\n");
        fs::write(config, format!("{without}\n{more}")).expect("baresip's configuration");
    };
    let dial = format!("sip:1000@127.0.0.1:{};transport=tls", tls.port());
    let Some(call) = call_at(start, &adjust, |_| dial.clone(), &PCMU, Some("srtp-mand")) else { return };
    call.assert_heard();
    assert!(call.said.contains("SRTP is Enabled"), "{}\n{}", call.said, call.gateway.log());
}

/// A certificate for the loopback, which is its own authority.
struct Certificate(tempfile::TempDir);

impl Certificate {
    fn make() -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
        fs::write(folder.file("cert.pem"), made.cert.pem()).expect("the certificate is written");
        fs::write(folder.file("key.pem"), made.signing_key.serialize_pem()).expect("the key is written");
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn assert_heard_again(number: &str) {
    let Some(call) = call(number, "", &PCMU, None) else { return };
    call.assert_heard();
}

/// The gateway takes the codec alone, as the caller has it alone.
fn assert_heard_again_over(named: &str, codec: &Codec) {
    if !Path::new(MODULES).join(codec.module).is_file() {
        return tools::skip(&format!("baresip has no module {}", codec.module));
    }
    let Some(call) = call("1000", &format!("codecs = [\"{named}\"]"), codec, None) else { return };
    call.assert_heard();
    call.gateway.wait_for_calls("a call over that codec", |calls| calls.len() == 1 && calls[0]["session_status"] == "completed");
}

fn assert_heard_again_protected(rtp_lines: &str, encryption: &str) {
    if !Path::new(MODULES).join("srtp.so").is_file() {
        return tools::skip("baresip has no module for SRTP");
    }
    let Some(call) = call("1000", rtp_lines, &PCMU, Some(encryption)) else { return };
    call.assert_heard();
    assert!(call.said.contains("SRTP is Enabled"), "{}\n{}", call.said, call.gateway.log());
}

/// A codec as baresip has it.
pub(crate) struct Codec {
    module: &'static str,
    /// As its account names it.
    pub(crate) name: &'static str,
    rate_hz: u32,
}

/// A call that is over.
struct Called {
    gateway: Gateway,
    home: PathBuf,
    /// Why baresip says that it was closed.
    closed: Value,
    /// What baresip said of it.
    said: String,
}

impl Called {
    fn assert_heard(&self) {
        let (Some(played), Some(recorded)) = (dump(&self.home, "-enc.wav"), dump(&self.home, "-dec.wav")) else {
            panic!("baresip recorded nothing\n{}\n{}", self.said, self.gateway.log());
        };
        // That the gateway's bytes are the caller's to the last one is proved in `through`.
        let (audible, found) = quarter_seconds(&played, &recorded);
        eprintln!("{found} quarter seconds of {audible} heard again");
        assert!(is_enough(audible, found), "{found} of {audible}\n{}\n{}", self.said, self.gateway.log());
    }
}

/// Calls `number` at a gateway with these lines in `[rtp]`, and plays a spoken file.
fn call(number: &str, rtp_lines: &str, codec: &Codec, encryption: Option<&str>) -> Option<Called> {
    call_at(|| Gateway::start_with("echo", rtp_lines), &|_| {}, |gateway| gateway.uri(number), codec, encryption)
}

/// As [`call`], with a gateway of one's own, and baresip's configuration changed.
fn call_at(
    start: impl FnOnce() -> Gateway,
    adjust: &dyn Fn(&Path),
    target: impl FnOnce(&Gateway) -> String,
    codec: &Codec,
    encryption: Option<&str>,
) -> Option<Called> {
    let baresip = tools::find("baresip")?;
    if ["ctrl_tcp.so", "sndfile.so"].iter().any(|module| !Path::new(MODULES).join(module).is_file()) {
        tools::skip("baresip has no module that is told what to do, or none that records");
        return None;
    }
    let [(_, speech), _] = sound::speakers()?;
    let gateway = start();
    let home = gateway.folder().join("baresip");
    configure(&home, &speech, codec, encryption);
    adjust(&home);
    let mut phone = Telephone::start(&baresip, &home);
    phone.order("dial", &target(&gateway));
    // It hangs up itself where its file ends, and its recordings are finished when it has gone.
    let closed = phone.wait_for("CALL_CLOSED", &gateway);
    phone.order("quit", "");
    phone.wait_for_end(&gateway);
    let said = phone.log();
    Some(Called { gateway, home, closed, said })
}

/// A baresip on the loopback that plays a file and records both directions; its sound card is ALSA's that swallows everything.
pub(crate) fn configure(home: &Path, speech: &[i16], codec: &Codec, encryption: Option<&str>) {
    fs::create_dir_all(home).expect("baresip's folder");
    let spoken = home.join("spoken.wav");
    sound::write_at(&spoken, speech, codec.rate_hz);
    let own = own_address();
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

/// Where it listens: for TLS it takes the port behind, whether it needs it or not.
fn own_address() -> SocketAddr {
    let pairs = std::iter::repeat_with(|| (ports::free_udp(), ports::free_tcp()));
    let (own, _) = { pairs }.find(|(own, behind)| behind.port() == own.port() + 1).expect("two free ports in a row");
    own
}

pub(crate) fn dump(home: &Path, end: &str) -> Option<Vec<i16>> {
    let files: Vec<PathBuf> = fs::read_dir(home).ok()?.flatten().map(|entry| entry.path()).collect();
    files.iter().find(|path| path.to_string_lossy().ends_with(end)).map(|path| sound::read_at_8_khz(path))
}

/// Audible quarter seconds of what was played, and those of them that were heard again within a second. What baresip plays late or
/// conceals shifts all that follows: it has no real-time priority, and the machine may stand still for a moment.
pub(crate) fn quarter_seconds(played: &[i16], recorded: &[i16]) -> (usize, usize) {
    const WINDOW: usize = 2_000;
    let audible = |start: &usize| {
        let energy: i64 = played[*start..*start + WINDOW].iter().map(|&sample| i64::from(sample).pow(2)).sum();
        energy > 10_000 * WINDOW as i64
    };
    let is_heard = |start: usize| {
        let around = start.saturating_sub(WINDOW).min(recorded.len())..(start + 5 * WINDOW).min(recorded.len());
        echo::likenesses(&played[start..start + WINDOW], &recorded[around]).iter().any(|likeness| *likeness > 0.8)
    };
    let starts: Vec<usize> = (0..played.len().saturating_sub(WINDOW)).step_by(WINDOW).filter(audible).collect();
    (starts.len(), starts.iter().filter(|start| is_heard(**start)).count())
}

/// What it hears of a voice through the gateway, whatever the machine does to it.
pub(crate) fn is_enough(audible: usize, found: usize) -> bool {
    audible >= 10 && found * 10 >= audible * 7
}

pub(crate) const PCMU: Codec = Codec { module: "g711.so", name: "PCMU/8000/1", rate_hz: 8_000 };
const G722: Codec = Codec { module: "g722.so", name: "G722/16000/1", rate_hz: 16_000 };
const OPUS: Codec = Codec { module: "opus.so", name: "opus/48000/2", rate_hz: 48_000 };
const L16: Codec = Codec { module: "l16.so", name: "L16/16000/1", rate_hz: 16_000 };

/// Where Debian keeps baresip's modules.
pub(crate) const MODULES: &str = "/usr/lib/baresip/modules";
