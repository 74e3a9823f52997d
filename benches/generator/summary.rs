//! Percentiles.

use serde_json::{Value, json};

/// `p50`, `p99` and the count of `nanoseconds`, in milliseconds.
pub(crate) fn of(mut nanoseconds: Vec<u64>) -> Value {
    nanoseconds.sort_unstable();
    let at = |share: usize| nanoseconds.get((nanoseconds.len() * share / 100).min(nanoseconds.len().saturating_sub(1)));
    json!({ "p50_ms": at(50).map(milliseconds), "p99_ms": at(99).map(milliseconds), "max_ms": nanoseconds.last().map(milliseconds), "count": nanoseconds.len() })
}

#[expect(clippy::cast_precision_loss, reason = "intervals far below 2^52 ns")]
fn milliseconds(nanoseconds: &u64) -> f64 {
    (*nanoseconds as f64 / 1000.0).round() / 1000.0
}
