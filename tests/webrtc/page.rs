//! Runs `page.py`, and reads what it saw.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::gateway::{Gateway, SECRET};
use crate::support::tools;

/// The interpreter, if it has aiortc.
pub(crate) fn python() -> Option<PathBuf> {
    let python = tools::python()?;
    let has = Command::new(&python).args(["-c", "import aiortc"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !has {
        tools::skip("aiortc is not installed; scripts/setup.sh test does it");
        return None;
    }
    Some(python)
}

/// What each call of a page saw.
pub(crate) fn run(python: &PathBuf, gateway: &Gateway, wish: &Value, limit: Duration) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/webrtc/page.py");
    let base = format!("http://{}", gateway.http());
    let ran = tools::run(Command::new(python).args([script, &base, SECRET, &wish.to_string()]), limit);
    tools::assert_success("the page", &ran);
    let saw: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", tools::text(&ran)));
    saw["calls"].as_array().expect("calls").clone()
}

/// Whether a call was heard and answered: its own tone came back, and little else.
pub(crate) fn assert_heard(call: &Value, gateway: &Gateway) {
    let said = call["hz"].as_f64().expect("a tone");
    let heard = call["heard_hz"].as_f64().unwrap_or_default();
    let clean = call["heard_snr_db"].as_f64().unwrap_or_default();
    assert!((said - heard).abs() <= 1.0 && clean >= 20.0, "{call:#}\n{}", gateway.log());
}
