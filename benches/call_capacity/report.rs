//! The table for people and the line for scripts.

use serde_json::Value;

use crate::measured::Figure;
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
