//! How a voice sounds from Chromium to an echoing agent and back, and how much of its way is the gateway's (`make quality-webrtc`).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::gateway::{Gateway, SECRET};
use crate::support::measured::{self, Figure};
use crate::support::tools;

#[test]
fn sound_of_a_real_voice_from_a_browser_to_an_agent_and_back() {
    if std::env::var_os("AURICLE_MEASURE").is_none() {
        return;
    }
    let (Some(browser), Some(python)) = (Browser::found(), tools::python()) else { return };
    if !Path::new(VOICE).is_file() {
        return tools::skip("codec2-examples (recorded speech) is not installed");
    }
    let gateway = Gateway::start("echo");
    let folder = gateway.folder().to_owned();
    let mut command = Command::new(&browser.node);
    command.arg("tests/webrtc/sound.mjs").arg(&folder).arg("40").env("SECRET", SECRET).env("VOICE", VOICE);
    tools::assert_success("the recording", &tools::run(browser.at(&gateway, &mut command), Duration::from_secs(120)));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/webrtc/sound.py");
    let scored = tools::run(Command::new(python).arg(script).arg(&folder), Duration::from_secs(120));
    tools::assert_success("the scores", &scored);
    let found: Value = serde_json::from_slice(&scored.stdout).expect("JSON");
    println!("{found:#}");
    let pieces = |name: &str| {
        let mut scores: Vec<f64> = found[name].as_array()?.iter().filter_map(Value::as_f64).collect();
        scores.sort_by(f64::total_cmp);
        Some(scores)
    };
    let median = |name: &str| pieces(name).and_then(|scores| scores.get(scores.len().saturating_sub(1) / 2).copied());
    let worst = |name: &str| pieces(name).and_then(|scores| scores.first().copied());
    let figure = |name, what, value, gate| Figure { name, what, value, gate, at_least: false };
    let figures = [
        Figure {
            at_least: true,
            ..figure("pesq", "PESQ, wide band, Chromium → agent → Chromium, median of pieces of 8 s", median("pesq"), Some(4.0))
        },
        figure("pesq_worst", "the same, the worst piece", worst("pesq"), None),
        figure("pesq_direct", "the same from Chromium to itself, without a gateway, median", median("pesq_direct"), None),
        figure("added_p50_ms", "mouth to ear that the gateway and its agent add, p50, ms", found["added_p50_ms"].as_f64(), None),
        figure("added_p95_ms", "the same, p95, ms", found["added_p95_ms"].as_f64(), Some(45.0)),
        figure("through_p50_ms", "mouth to ear in Chromium with its own buffers, p50, ms", found["through_p50_ms"].as_f64(), None),
    ];
    measured::save("webrtc_sound", "How a voice from a browser sounds", "make quality-webrtc", &figures).expect("the figures are saved");
    let short: Vec<&str> =
        figures.iter().filter(|figure| figure.passed() != Some(true) && figure.gate.is_some()).map(|figure| figure.name).collect();
    assert!(short.is_empty(), "short of their gates, or not measured: {short:?}");
}

/// Somebody who speaks for ten seconds, at 16 kHz.
const VOICE: &str = "/usr/share/codec2/raw/speech_orig_16k.wav";
