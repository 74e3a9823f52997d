//! PESQ (ITU-T P.862, P.862.2) of many recordings at once, by the package `pesq` of PyPI.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use media::units::SampleRate;

use crate::tools;

/// What was said, and what was heard of it.
pub(crate) struct Recording<'a> {
    pub(crate) rate: SampleRate,
    pub(crate) said: &'a [i16],
    pub(crate) heard: Vec<i16>,
}

/// The score of each recording: narrow band at 8 kHz, wide band at 16 kHz. Nothing, aloud, without Python.
pub(crate) fn pesq(recordings: &[Recording<'_>]) -> Option<Vec<f64>> {
    let python = tools::python()?;
    let folder = tempfile::tempdir().expect("a folder");
    let mut list = String::new();
    for (index, Recording { rate, said, heard }) in recordings.iter().enumerate() {
        let (reference, degraded) = (folder.path().join(format!("{index}.said")), folder.path().join(format!("{index}.heard")));
        write(&reference, said);
        write(&degraded, heard);
        writeln!(list, "{}\t{}\t{}", rate.hz(), reference.display(), degraded.display()).expect("a line");
    }
    let listed = folder.path().join("list");
    fs::write(&listed, list).expect("the list is written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/quality/pesq_scores.py");
    let scored = tools::run(Command::new(python).arg(script).arg(&listed), Duration::from_secs(900));
    tools::assert_success("pesq", &scored);
    let scores: Vec<f64> = String::from_utf8_lossy(&scored.stdout).lines().map(|line| line.parse().expect("a score a line")).collect();
    assert_eq!(scores.len(), recordings.len());
    Some(scores)
}

fn write(path: &Path, samples: &[i16]) {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    fs::write(path, bytes).expect("the sound file is written");
}
