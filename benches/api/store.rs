//! How long the store took, by the gateway's own histogram.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::connection::Connection;

/// Within so many milliseconds 95 % of everything was done: the bucket's share of it, taken as even.
pub(crate) fn p95_ms() -> Result<f64> {
    let (status, body) = Connection::open()?.ask("GET", "/metrics", None)?;
    ensure!(status == 200, "/metrics: {status}");
    let text = String::from_utf8(body)?;
    // Of all operations together: how many took no longer than each bound.
    let mut within: BTreeMap<u64, f64> = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("auricle_store_operation_duration_ms_bucket")) {
        let (labels, count) = line.rsplit_once(' ').context("a bucket")?;
        let bound = labels.split("le=\"").nth(1).and_then(|rest| rest.split('"').next()).context("a bound")?;
        let micros = if bound == "+Inf" { u64::MAX } else { micros(bound.parse()?) };
        *within.entry(micros).or_default() += count.parse::<f64>()?;
    }
    let wanted = within.last_key_value().context("no store histogram")?.1 * 0.95;
    let (mut below, mut so_far) = (0, 0.0);
    for (&bound, &count) in &within {
        if count >= wanted {
            let share = (wanted - so_far) / (count - so_far);
            return Ok(if bound == u64::MAX { f64::INFINITY } else { ms(below) + (ms(bound) - ms(below)) * share });
        }
        (below, so_far) = (bound, count);
    }
    Ok(f64::INFINITY)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds of a table, far below 2^52")]
fn micros(ms: f64) -> u64 {
    (ms * 1_000.0) as u64
}

#[expect(clippy::cast_precision_loss, reason = "bounds of a table, far below 2^52")]
fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
