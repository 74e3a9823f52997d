//! Figures that a measurement saves for `docs/measured.md`: `target/measured/<name>.json`, read by `scripts/measured.py`.

use std::path::Path;
use std::process::Command;
use std::{fs, io, thread};

use serde_json::{Value, json};

/// One figure.
pub(crate) struct Figure {
    /// For scripts; the unit ends it.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) what: &'static str,
    /// Nothing when this run did not measure it.
    pub(crate) value: Option<f64>,
    /// The limit, where the figure is gated.
    pub(crate) gate: Option<f64>,
    /// Whether the gate is a lower limit.
    pub(crate) at_least: bool,
}

impl Figure {
    /// Whether the figure keeps to its gate; nothing for one that is only recorded, or was not measured.
    pub(crate) fn passed(&self) -> Option<bool> {
        let (value, gate) = (self.value?, self.gate?);
        Some(if self.at_least { value >= gate } else { value <= gate })
    }
}

/// Writes `figures` with the command that made them, the date, the machine and the commit.
pub(crate) fn save(name: &str, title: &str, command: &str, figures: &[Figure]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/measured");
    fs::create_dir_all(&folder)?;
    let saved = |figure: &Figure| {
        let Figure { name, what, value, gate, at_least } = figure;
        Some(json!({ "name": name, "what": what, "value": (*value)?, "gate": gate, "at_least": at_least, "passed": figure.passed() }))
    };
    let figures: Vec<Value> = figures.iter().filter_map(saved).collect();
    let date = chrono::Utc::now().format("%Y-%m-%d").to_string();
    let saved = json!({ "title": title, "command": command, "date": date, "machine": machine(), "commit": commit(), "figures": figures });
    fs::write(folder.join(format!("{name}.json")), format!("{saved:#}\n"))
}

fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    format!("{cores} cores, {}, Linux {kernel}", model.trim_start_matches([' ', '\t', ':']))
}

fn commit() -> String {
    let asked = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
