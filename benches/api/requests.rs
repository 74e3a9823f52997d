//! The requests: each is due at an instant that was fixed before, and its time runs from there, so that a slow answer is
//! not forgiven by asking less. Many connections, each with a share of them.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::store;

/// What to send.
pub(crate) struct Mix {
    /// Of reads, searches, creations and changes, 12 : 3 : 3 : 2.
    pub(crate) per_second: u32,
    /// Of sign-ins with passwords that are none.
    pub(crate) guesses_per_second: u32,
    pub(crate) length: Duration,
}

/// What came of it.
pub(crate) struct Requests {
    pub(crate) length: Duration,
    /// What was asked, and how long it took; none for an error.
    pub(crate) took: Vec<(&'static str, Option<Duration>)>,
    /// How the guesses were answered, by status.
    pub(crate) guesses: Vec<u16>,
    /// 95 % of what the store was asked was done within so many milliseconds.
    pub(crate) store_p95_ms: f64,
}

pub(crate) fn send(mix: &Mix) -> Result<Requests> {
    let patients = seed()?;
    let begun = Instant::now();
    let (took, guesses) = thread::scope(|scope| {
        let share = patients.len() / CONNECTIONS as usize;
        let workers: Vec<_> =
            (0..CONNECTIONS).zip(patients.chunks(share)).map(|(index, own)| scope.spawn(move || worker(mix, begun, index, own))).collect();
        let guesser = scope.spawn(|| guess(mix, begun));
        let mut took = Vec::new();
        for worker in workers {
            took.extend(worker.join().ok().context("a connection panicked")??);
        }
        Ok::<_, anyhow::Error>((took, guesser.join().ok().context("the guesses panicked")??))
    })?;
    let length = begun.elapsed();
    Ok(Requests { length, took, guesses, store_p95_ms: store::p95_ms()? })
}

/// Patients to look for, of whom each connection changes its own.
fn seed() -> Result<Vec<String>> {
    let patients: Vec<_> =
        (0..CONNECTIONS * PATIENTS_EACH).map(|n| json!({ "name": format!("Ana Planted {n}"), "phone": format!("+1555{n:07}") })).collect();
    let (status, body) = Connection::open()?.ask("POST", "/v1/patients/bulk", Some(&json!({ "patients": patients })))?;
    ensure!(status == 201, "{status}: {}", String::from_utf8_lossy(&body));
    let made: Value = serde_json::from_slice(&body)?;
    Ok(made["ids"].as_array().context("ids")?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn worker(mix: &Mix, begun: Instant, index: u32, own: &[String]) -> Result<Vec<(&'static str, Option<Duration>)>> {
    let mut connection = Connection::open()?;
    let interval = Duration::from_secs(CONNECTIONS.into()) / mix.per_second;
    let first = begun + interval * index / CONNECTIONS;
    let mut took = Vec::new();
    for (n, due) in (0_usize..).map_while(|n| Some((n, first + interval * u32::try_from(n).ok()?))) {
        if due > begun + mix.length {
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let patient = &own[n % own.len()];
        // Each connection begins elsewhere in the mix.
        let (what, method, path, body) = request((n + index as usize) % 20, n, patient);
        let answer = connection.ask(method, &path, body.as_ref());
        let good = answer.as_ref().is_ok_and(|(status, _)| (200..300).contains(status));
        if !good {
            eprintln!("{what}: {:?}", answer.as_ref().map(|(status, body)| (status, String::from_utf8_lossy(body))));
        }
        took.push((what, good.then(|| due.elapsed())));
        if answer.is_err() {
            connection = Connection::open()?;
        }
    }
    Ok(took)
}

fn request(place: usize, n: usize, patient: &str) -> (&'static str, &'static str, String, Option<Value>) {
    match place {
        0..7 => ("read", "GET", format!("/v1/patients/{patient}"), None),
        7..10 => ("list patients", "GET", "/v1/patients?limit=20".to_owned(), None),
        10..12 => ("list calls", "GET", "/v1/calls?limit=20".to_owned(), None),
        12..15 => ("search", "GET", format!("/v1/patients?limit=20&search=planted%20{}", n % 100), None),
        15..18 => ("create", "POST", "/v1/patients".to_owned(), Some(json!({ "name": format!("Ana New {n}"), "notes": "Hears badly." }))),
        _ => ("change", "PATCH", format!("/v1/patients/{patient}"), Some(json!({ "notes": format!("Note {n}.") }))),
    }
}

/// Nobody waits for one guess before the next: several connections take them in turns.
fn guess(mix: &Mix, begun: Instant) -> Result<Vec<u16>> {
    if mix.guesses_per_second == 0 {
        return Ok(Vec::new());
    }
    let interval = Duration::from_secs(GUESSERS.into()) / mix.guesses_per_second;
    let guesser = |index: u32| -> Result<Vec<u16>> {
        let mut connection = Connection::open()?;
        let mut statuses = Vec::new();
        let mut due = begun + interval * index / GUESSERS;
        while due < begun + mix.length {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let guess = json!({ "email": format!("user{}@planted.example", statuses.len()), "password": format!("guess {index} of many") });
            statuses.push(connection.ask("POST", SIGN_IN, Some(&guess))?.0);
            due += interval;
        }
        Ok(statuses)
    };
    thread::scope(|scope| {
        let guessers: Vec<_> = (0..GUESSERS).map(|index| scope.spawn(move || guesser(index))).collect();
        let mut statuses = Vec::new();
        for guesser in guessers {
            statuses.extend(guesser.join().ok().context("a guesser panicked")??);
        }
        Ok(statuses)
    })
}

const SIGN_IN: &str = "/v1/auth/login";
const CONNECTIONS: u32 = 32;
const GUESSERS: u32 = 16;
const PATIENTS_EACH: u32 = 8;
