//! The table for people and the line for scripts.

use serde_json::Value;

use crate::measured::Figure;
use crate::table;
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
    table::print("call_capacity", figures, 3);
}
