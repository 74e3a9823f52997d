//! The table for people, the line for scripts, the file for `docs/measured.md`.

use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use anyhow::Result;
use serde_json::{Value, json};

use crate::gates::Figure;
use crate::trial::Trial;

/// Prints every turn, every figure, and the `RESULT` line.
pub(crate) fn print(trials: &[Trial], figures: &[Figure]) {
    println!(
        "\n{:<36} {:>10} {:>9} {:>11} {:>11} {:>11} {:>6}",
        "turn", "ms/call-s", "RSS kB", "uplink p99", "late p99", "round p50", "lost"
    );
    for trial in trials {
        let found =
            |pointer| trial.load.pointer(pointer).and_then(Value::as_f64).map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        println!(
            "{:<36} {:>10.3} {:>9} {:>11} {:>11} {:>11} {:>6}",
            trial.job.to_string(),
            trial.cpu_ms_per_call_second,
            trial.resident_kb,
            found("/uplink/p99_ms"),
            found("/lateness/p99_ms"),
            found("/round_trip/p50_ms"),
            trial.load["lost"]
        );
    }
    println!("\n{:<52} {:>9} {:>9}", "figure", "measured", "gate");
    for figure in figures {
        let Some(value) = figure.value else { continue };
        let gate = figure.gate.map_or_else(String::new, |gate| format!("≤ {gate}"));
        let verdict = match figure.passed() {
            Some(true) => "ok",
            Some(false) => "SHORT",
            None => "",
        };
        println!("{:<52} {value:>9.3} {gate:>9} {verdict}", figure.what);
    }
    let line: Vec<String> = figures.iter().filter_map(|figure| Some(format!("{}={:.3}", figure.name, figure.value?))).collect();
    println!("\nRESULT call_capacity {}", line.join(" "));
}

/// Writes `target/measured/<name>.json` in the form that `scripts/measured.py` reads.
pub(crate) fn save(name: &str, title: &str, command: &str, figures: &[Figure], trials: &[Trial]) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/measured");
    fs::create_dir_all(&folder)?;
    let figures: Vec<Value> = figures
        .iter()
        .filter_map(|figure| {
            Some(
                json!({ "name": figure.name, "what": figure.what, "value": figure.value?, "gate": figure.gate, "passed": figure.passed() }),
            )
        })
        .collect();
    let date = chrono::Utc::now().format("%Y-%m-%d").to_string();
    let saved = json!({ "title": title, "command": command, "date": date, "machine": machine(), "commit": commit(), "figures": figures, "turns": trials });
    fs::write(folder.join(format!("{name}.json")), serde_json::to_vec_pretty(&saved)?)?;
    Ok(())
}

fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    format!("{cores} cores, {model}, Linux {kernel}")
}

fn commit() -> String {
    let asked = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
