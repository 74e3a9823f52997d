//! From turns to figures, each with the limit that gates it, if any does; and the table for people.

use serde_json::Value;

use crate::measured::Figure;
use crate::table;
use crate::trial::Trial;
use crate::{FEW, MANY};

pub(crate) fn figures(trials: &[Trial], opus_alone: f64) -> Vec<Figure> {
    let cpu = |calls| mean(trials, calls, |trial| Some(trial.cpu_ms_per_call_second));
    #[expect(clippy::cast_precision_loss, reason = "memory sizes far below 2^52")]
    let resident = |calls| mean(trials, calls, |trial| Some(trial.resident_kb as f64));
    let found = |pointer: &'static str| mean(trials, MANY.calls, move |trial| trial.load.pointer(pointer)?.as_f64());
    #[expect(clippy::cast_precision_loss, reason = "a hundred calls")]
    let a_call = resident(MANY.calls).zip(resident(FEW.calls)).map(|(many, few)| (many - few) / (MANY.calls - FEW.calls) as f64);
    let setups = all(trials, "/setups_ms");
    let figure = |name, what, value, gate| Figure { name, what, value, gate, at_least: false };
    vec![
        figure("cpu_100_ms_per_call_s", "CPU of a page's call at 100 calls, Opus at complexity 5, ms/call-s", cpu(MANY.calls), Some(9.8)),
        figure("opus_alone_ms_per_call_s", "libopus alone for that call, on this machine, ms/call-s", Some(opus_alone), None),
        figure("cpu_without_opus_ms_per_call_s", "the call without it, ms/call-s", cpu(MANY.calls).map(|cpu| cpu - opus_alone), None),
        figure("cpu_20_ms_per_call_s", "the same at 20 calls", cpu(FEW.calls), None),
        figure("memory_kb_per_call", "memory of a page's call, slope from 20 to 100 calls, kB", a_call, Some(250.0)),
        figure("setup_p50_ms", "POST → keys of SRTP, with a cold agent socket, p50, ms", percentile(&setups, 0.5), None),
        figure("setup_p99_ms", "the same, p99, ms", percentile(&setups, 0.99), Some(30.0)),
        figure("answered_p50_ms", "of it POST → answer, p50, ms", percentile(&all(trials, "/answers_ms"), 0.5), None),
        figure("first_audio_p50_ms", "POST → first packet of the agent's audio, p50, ms", percentile(&all(trials, "/heard_ms"), 0.5), None),
        figure("lost", "packets lost at 100 calls", found("/lost"), None),
        figure("kbit_per_s", "Opus toward the page, kbit/s", found("/kbit_per_s"), None),
    ]
}

/// Prints every turn, every figure, and the `RESULT` line.
pub(crate) fn print(trials: &[Trial], figures: &[Figure]) {
    println!("\n{:<12} {:>10} {:>9} {:>10} {:>6} {:>8}", "turn", "ms/call-s", "RSS kB", "packets", "lost", "kbit/s");
    for Trial { job, cpu_ms_per_call_second, resident_kb, load, .. } in trials {
        let (packets, lost) = (&load["packets"], &load["lost"]);
        let bits = load["kbit_per_s"].as_f64().unwrap_or(f64::NAN);
        println!(
            "{:<12} {cpu_ms_per_call_second:>10.3} {resident_kb:>9} {packets:>10} {lost:>6} {bits:>8.1}",
            format!("{} pages", job.calls)
        );
    }
    table::print("webrtc", figures, 3);
}

/// The mean of a figure over the turns of one size; nothing when there was none.
#[expect(clippy::cast_precision_loss, reason = "a handful of turns")]
fn mean(trials: &[Trial], calls: u64, figure: impl Fn(&Trial) -> Option<f64>) -> Option<f64> {
    let found: Vec<f64> = trials.iter().filter(|trial| trial.job.calls == calls).filter_map(figure).collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

/// What every page of every turn said of itself, in order.
fn all(trials: &[Trial], pointer: &str) -> Vec<f64> {
    let said = trials.iter().filter_map(|trial| trial.load.pointer(pointer)?.as_array()).flatten();
    let mut found: Vec<f64> = said.filter_map(Value::as_f64).collect();
    found.sort_by(f64::total_cmp);
    found
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred set-ups")]
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied()
}
