//! What every benchmark ends with: the table for people, the line for scripts, and whether a gated figure is short.

use std::process::ExitCode;

use crate::measured::Figure;

/// Prints every figure that was measured, each against its gate, then the `RESULT` line of `name` with so many digits behind the point.
pub(crate) fn print(name: &str, figures: &[Figure], digits: usize) {
    let width = figures.iter().map(|figure| figure.what.chars().count()).max().unwrap_or_default();
    println!("\n{:<width$} {:>12} {:>10}", "figure", "measured", "gate");
    for figure in figures {
        let Some(value) = figure.value else { continue };
        let gate = figure.gate.map_or_else(String::new, |gate| format!("{} {gate}", if figure.at_least { "≥" } else { "≤" }));
        let verdict = match figure.passed() {
            Some(true) => "ok",
            Some(false) => "SHORT",
            None => "",
        };
        println!("{:<width$} {value:>12.3} {gate:>10} {verdict}", figure.what);
    }
    let line: Vec<String> = figures.iter().filter_map(|figure| Some(format!("{}={:.digits$}", figure.name, figure.value?))).collect();
    println!("\nRESULT {name} {}", line.join(" "));
}

/// Failure when a gated figure is short.
pub(crate) fn verdict(figures: &[Figure]) -> ExitCode {
    if figures.iter().any(|figure| figure.passed() == Some(false)) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
