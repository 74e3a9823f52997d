//! From turns to figures, each with the limit that gates it, if any does; and the table for people.

use std::time::Duration;

use serde_json::Value;

use crate::Turn;
use crate::measured::Figure;
use crate::requests::Requests;
use crate::table;
use crate::trial::Trial;

type Turns = [(Turn, Trial, Option<Requests>)];

pub(crate) fn figures(turns: &Turns) -> Vec<Figure> {
    let mixed: Vec<&Requests> = of(turns, Turn::Mixed).collect();
    let spray: Vec<&Requests> = of(turns, Turn::Spray).collect();
    let all = |requests: &[&Requests]| requests.iter().flat_map(|requests| &requests.took).map(|(_, took)| *took).collect::<Vec<_>>();
    let (answered, sprayed) = (all(&mixed), all(&spray));
    let errors = answered.iter().chain(&sprayed).filter(|took| took.is_none()).count();
    let seconds: f64 = mixed.iter().map(|requests| requests.length.as_secs_f64()).sum();
    let store = mixed.iter().map(|requests| requests.store_p95_ms).reduce(f64::max);
    let (quiet, beside) = (lateness(turns, Turn::Quiet), lateness(turns, Turn::Mixed));
    let guesses = spray.iter().map(|requests| requests.guesses.len()).sum::<usize>();
    let guessing: f64 = spray.iter().map(|requests| requests.length.as_secs_f64()).sum();
    let figure = |name, what, value, gate| Figure { name, what, value, gate, at_least: false };
    vec![
        Figure {
            at_least: true,
            ..figure("requests_per_s", "requests a second beside 50 calls", Some(count(answered.len()) / seconds), Some(490.0))
        },
        figure("api_p50_ms", "answer, p50, ms", percentile(&answered, 0.5), None),
        figure("api_p95_ms", "answer, p95, ms", percentile(&answered, 0.95), Some(10.0)),
        figure("api_p99_ms", "answer, p99, ms", percentile(&answered, 0.99), None),
        figure("store_p95_ms", "the store alone, its queue included, p95, ms", store, Some(5.0)),
        figure(
            "errors_percent",
            "requests refused or failed, %",
            Some(count(errors) * 100.0 / count(answered.len() + sprayed.len())),
            Some(0.1),
        ),
        figure("lateness_quiet_p99_ms", "send lateness of the calls without requests, p99, ms", quiet, None),
        figure("lateness_p99_ms", "send lateness of the calls beside requests, p99, ms", beside, None),
        figure(
            "lateness_ratio",
            "the same, times that without requests",
            beside.zip(quiet).map(|(beside, quiet)| beside / quiet),
            Some(1.1),
        ),
        Figure { at_least: true, ..figure("guesses_per_s", "sign-ins guessed a second", Some(count(guesses) / guessing), Some(90.0)) },
        figure("spray_p95_ms", "answers to others meanwhile, p95, ms", percentile(&sprayed, 0.95), Some(200.0)),
    ]
}

pub(crate) fn print(turns: &Turns, figures: &[Figure]) {
    for (turn, trial, requests) in turns {
        let late = trial.load.pointer("/lateness/p99_ms").and_then(Value::as_f64).unwrap_or(f64::NAN);
        println!("\n{turn:?}: lateness p99 {late:.3} ms, lost {}", trial.load["lost"]);
        let Some(requests) = requests else { continue };
        for what in ["read", "list patients", "list calls", "search", "create", "change"] {
            let took: Vec<_> = requests.took.iter().filter(|(asked, _)| *asked == what).map(|(_, took)| *took).collect();
            let at = |share| percentile(&took, share).unwrap_or(f64::NAN);
            println!("  {what:<14} {:>6}  p50 {:>8.2}  p95 {:>8.2}  p99 {:>8.2} ms", took.len(), at(0.5), at(0.95), at(0.99));
        }
        let mut statuses = requests.guesses.clone();
        statuses.sort_unstable();
        for same in statuses.chunk_by(|one, other| one == other) {
            println!("  guesses answered with {}: {}", same[0], same.len());
        }
    }
    table::print("api", figures, 3);
}

fn of(turns: &Turns, wanted: Turn) -> impl Iterator<Item = &Requests> {
    turns.iter().filter(move |(turn, ..)| *turn == wanted).filter_map(|(_, _, requests)| requests.as_ref())
}

/// The mean over the turns of one kind.
fn lateness(turns: &Turns, wanted: Turn) -> Option<f64> {
    let found: Vec<f64> = turns
        .iter()
        .filter(|(turn, ..)| *turn == wanted)
        .filter_map(|(_, trial, _)| trial.load.pointer("/lateness/p99_ms")?.as_f64())
        .collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / count(found.len()))
}

/// An error counts as the slowest answer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
fn percentile(took: &[Option<Duration>], share: f64) -> Option<f64> {
    let mut took: Vec<Duration> = took.iter().map(|took| took.unwrap_or(Duration::MAX)).collect();
    took.sort_unstable();
    let place = (count(took.len()) * share).ceil() as usize;
    took.get(place.saturating_sub(1)).map(|took| took.as_secs_f64() * 1_000.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn count(count: usize) -> f64 {
    count as f64
}
