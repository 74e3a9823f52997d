//! What a call sounded like: the figures of its record, where its number asks for them.
//!
//! Levels are effective values in dB below full scale; what could not be measured is null.

use std::time::Duration;

use media::analysis::{Diagnostics, LineFigures};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a call sounded like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AudioDiagnostics {
    /// What the caller's line brought.
    pub caller: LineDiagnostics,
    /// What the caller was sent.
    pub agent: LineDiagnostics,
    /// Milliseconds in which the caller alone spoke,
    pub caller_talk_ms: u64,
    /// the agent alone,
    pub agent_talk_ms: u64,
    /// both,
    pub double_talk_ms: u64,
    /// and nobody.
    pub silence_ms: u64,
    /// Where what is sent comes back from; null where it does not, or was not found.
    pub echo: Option<EchoDiagnostics>,
}

/// What one line sounds like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LineDiagnostics {
    /// Level of all of it.
    pub level_dbfs: Option<f64>,
    /// Level of the speech alone.
    pub speech_dbfs: Option<f64>,
    /// The greatest sample.
    pub peak_dbfs: Option<f64>,
    /// Level of what is there when nobody speaks.
    pub noise_floor_dbfs: Option<f64>,
    /// Samples at the end of the scale, 0 to 1.
    pub clipped: f64,
    /// Mean of the samples, −1 to 1.
    pub dc_offset: f64,
    /// Samples that are as good as nought, 0 to 1.
    pub silent: f64,
}

/// What comes back of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EchoDiagnostics {
    /// From our sending to its coming.
    pub delay_ms: u64,
    /// How much weaker it comes back; null until it was heard alone.
    pub return_loss_db: Option<f64>,
}

impl From<&Diagnostics> for AudioDiagnostics {
    fn from(found: &Diagnostics) -> Self {
        Self {
            caller: line(&found.caller),
            agent: line(&found.agent),
            caller_talk_ms: millis(found.talk.caller),
            agent_talk_ms: millis(found.talk.agent),
            double_talk_ms: millis(found.talk.both),
            silence_ms: millis(found.talk.nobody),
            echo: found.echo.map(|path| EchoDiagnostics {
                delay_ms: millis(path.delay),
                return_loss_db: path.return_loss_db.map(|loss| rounded(f64::from(loss), 1)),
            }),
        }
    }
}

fn line(figures: &LineFigures) -> LineDiagnostics {
    let LineFigures { level_dbfs, speech_dbfs, peak_dbfs, noise_floor_dbfs, clipped, dc_offset, silent } = *figures;
    let level = |level: Option<f64>| level.map(|level| rounded(level, 1));
    LineDiagnostics {
        level_dbfs: level(level_dbfs),
        speech_dbfs: level(speech_dbfs),
        peak_dbfs: level(peak_dbfs),
        noise_floor_dbfs: level(noise_floor_dbfs),
        clipped: rounded(clipped, 6),
        dc_offset: rounded(dc_offset, 6),
        silent: rounded(silent, 4),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// So many places behind the point: what is behind them says nothing, and is read by people.
fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}
