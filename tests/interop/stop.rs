//! SIGTERM with a call up: new callers are refused, the running call goes on until a second signal ends it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::gateway::{Gateway, PROGRAM};
use crate::support::sound;

#[test]
fn a_gateway_that_stops_refuses_callers_keeps_its_calls_and_ends_them_at_the_second_signal() {
    let mut gateway = Gateway::start("echo");
    let hum = gateway.folder().join("hum.wav");
    sound::write(&hum, &(0..80_000).map(|at| if at / 20 % 2 == 0 { 3000 } else { -3000 }).collect::<Vec<i16>>());
    let call = |name: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["call", "--to", &gateway.uri("1000"), "--seconds", "60", "--play"]).arg(&hum);
        command.arg("--record").arg(gateway.folder().join(name)).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
        command.spawn().expect("the built program starts")
    };
    let running = call("running.wav");
    gateway.wait_for_calls("the call is up", |calls| calls.iter().any(|call| call["session_status"] == "running"));

    gateway.ask_to_stop();
    let limit = Instant::now() + Duration::from_secs(10);
    while gateway.get("/ready").status != 503 {
        assert!(Instant::now() < limit, "it is ready still");
        std::thread::sleep(Duration::from_millis(20));
    }
    let refused = call("refused.wav").wait_with_output().expect("the phone ends");
    let report = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(report.contains("refused_503"), "{report}");
    assert_eq!(gateway.calls()[0]["session_status"], "running", "the call goes on");

    gateway.ask_to_stop();
    assert!(gateway.wait_for_end(Duration::from_secs(8)).success());
    let ended = running.wait_with_output().expect("the phone ends");
    let report = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(report.contains("remote_hung_up"), "{report}");
    gateway.restart();
    let call = gateway.calls().remove(0);
    assert_eq!((&call["session_status"], &call["termination"]["reason"]), (&"terminated".into(), &"shutdown".into()));
}
