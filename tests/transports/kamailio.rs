//! Kamailio as a record-routing proxy before the gateway: the call goes through it both ways, whatever is spoken behind it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sip::transport::Transport;

use crate::client::Client;
use crate::spoken::Spoken;
use crate::support::{ports, tools};

#[test]
fn a_call_goes_through_a_record_routing_proxy_over_udp_tcp_and_tls() {
    let (Some(kamailio), Some(sipp)) = (tools::find("kamailio"), tools::find("sipp")) else { return };
    let spoken = Spoken::start("");
    if !has_tls() {
        return;
    }
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let proxy = relaying(&kamailio, &spoken, transport);
        let scenario = spoken.gateway.folder().join("called_off.xml");
        std::fs::write(&scenario, SCENARIO).expect("the scenario is written");
        let before = spoken.gateway.calls().len();
        let mut sipp = Command::new(&sipp);
        sipp.current_dir(spoken.gateway.folder()).arg("-sf").arg(&scenario).arg(proxy.udp.to_string());
        sipp.args(["-s", "1000", "-i", "127.0.0.1", "-p"]).arg(ports::free_udp().port().to_string());
        sipp.args(["-m", "1", "-nostdin", "-timeout", "20", "-timeout_error"]);
        let calling = std::thread::spawn(move || tools::run(&mut sipp, Duration::from_secs(30)));
        // The far end of the call hangs up: its BYE takes the route that the proxy has recorded.
        spoken
            .gateway
            .wait_for_calls("the call is up", |calls| calls.len() > before && calls.iter().any(|call| call["session_status"] == "running"));
        let up: Vec<String> = spoken.gateway.calls().iter().filter_map(|call| call["id"].as_str().map(str::to_owned)).collect();
        std::thread::sleep(Duration::from_millis(500));
        for id in up {
            spoken.gateway.ask("DELETE", &format!("/v1/calls/{id}"));
        }
        let output = calling.join().expect("sipp ran");
        let said = tools::text(&output);
        assert!(output.status.success(), "{transport:?}\n{said}\n{}\n{}", proxy.log(), spoken.gateway.log());
    }
}

/// Whether Kamailio can speak TLS; says aloud when not.
pub(crate) fn has_tls() -> bool {
    let found =
        ["x86_64", "aarch64"].iter().any(|machine| Path::new(&format!("/usr/lib/{machine}-linux-gnu/kamailio/modules/tls.so")).exists());
    if !found {
        tools::skip("Kamailio has no module for TLS");
    }
    found
}

/// INVITE and ACK by the recorded route; then the far end hangs up by it, too.
const SCENARIO: &str = r#"<?xml version="1.0"?>
<scenario name="called off">
<send retrans="500"><![CDATA[
INVITE sip:[service]@127.0.0.1 SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@127.0.0.1>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 9000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@127.0.0.1>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"#;

/// A running Kamailio, listening on UDP, TCP and TLS.
pub(crate) struct Kamailio {
    child: Child,
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
    pub(crate) tls: SocketAddr,
    folder: tempfile::TempDir,
}

impl Kamailio {
    /// With the certificate of `authority`; `LISTEN` and `TLS_CFG` in its configuration are filled in.
    pub(crate) fn start(program: &Path, authority: &Path, configuration: &str) -> Self {
        let (udp, tcp, tls) = (ports::free_udp(), ports::free_tcp(), ports::free_tcp());
        Self::start_at(program, authority, configuration, (udp, tcp, tls))
    }

    /// At addresses of one's own choice.
    pub(crate) fn start_at(
        program: &Path,
        authority: &Path,
        configuration: &str,
        (udp, tcp, tls): (SocketAddr, SocketAddr, SocketAddr),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = authority.with_file_name("key.pem");
        let tls_settings = format!(
            "[server:default]\nmethod = TLSv1.2+\ncertificate = {0}\nprivate_key = {1}\n[client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\nca_list = {0}\n",
            authority.display(),
            key.display()
        );
        std::fs::write(folder.path().join("tls.cfg"), tls_settings).expect("the settings of TLS");
        let configuration = configuration
            .replace("LISTEN", &format!("listen=udp:{udp}\nlisten=tcp:{tcp}\nlisten=tls:{tls}"))
            .replace("TLS_CFG", &folder.path().join("tls.cfg").display().to_string());
        std::fs::write(folder.path().join("kamailio.cfg"), configuration).expect("the configuration");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new(program);
        command.args(["-DD", "-E", "-m", "64", "-f"]).arg(folder.path().join("kamailio.cfg")).arg("-Y").arg(folder.path());
        command.arg("-P").arg(folder.path().join("pid"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("Kamailio starts");
        let kamailio = Self { child, udp, tcp, tls, folder };
        let limit = Instant::now() + Duration::from_secs(15);
        while std::net::TcpStream::connect(tcp).is_err() {
            assert!(Instant::now() < limit, "Kamailio does not listen\n{}", kamailio.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        kamailio
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// A Kamailio that hands everything to the gateway by one transport.
fn relaying(program: &Path, spoken: &Spoken, transport: Transport) -> Kamailio {
    let target = format!("sip:{};transport={}", spoken.address(transport), transport.uri_name());
    let proxy = Kamailio::start(program, &spoken.authority, &CONFIGURATION.replace("TARGET", &target));
    let mut probe = Client::connect(Transport::Udp, proxy.udp, &spoken.authority).expect("a socket");
    assert!(probe.options(Transport::Udp, "proxied").is_some(), "nothing comes through\n{}", proxy.log());
    proxy
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its children follow it on SIGTERM, not on SIGKILL.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _asked = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _status = self.child.wait();
    }
}

const CONFIGURATION: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=2
auto_aliases=no
enable_tls=yes
LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "tls.so"
modparam("tls", "config", "TLS_CFG")
request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
        sl_send_reply("404", "Not here");
        exit;
    }
    if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
    if (is_method("INVITE")) { record_route(); }
    $du = "TARGET";
    t_relay();
}
"#;
