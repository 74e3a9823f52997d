//! Faults of a line that somebody should know of.
//!
//! Each condition is judged once a second by what the second showed, which may be nothing (nobody who is silent can be
//! too loud). It is told once a call, after it has held for some seconds, so that one cough is no fault.

use std::time::Duration;

use super::meter::Sums;
use crate::echo::EchoPath;

/// A fault of the caller's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Samples at the end of the scale: gain set too high somewhere.
    Clipping,
    /// The caller can hardly be heard.
    TooQuiet,
    /// The caller is too loud.
    TooLoud,
    /// The line has a direct current: a broken converter.
    Offset,
    /// The caller's place is loud.
    Noisy,
    /// Nothing comes: one-way audio.
    NothingComes,
    /// Packets come, and there is digital silence in them: a muted or broken microphone, or one-way audio.
    OnlySilence,
    /// The agent speaks and speaks, and nobody is heard to answer.
    NobodyAnswers,
    /// Much of what is sent comes back.
    Echo,
}

/// A condition, told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warning {
    /// Which.
    pub condition: Condition,
    /// By how much: see [`Condition::unit`].
    pub measured: f64,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Clipping,
        Self::TooQuiet,
        Self::TooLoud,
        Self::Offset,
        Self::Noisy,
        Self::NothingComes,
        Self::OnlySilence,
        Self::NobodyAnswers,
        Self::Echo,
    ];

    /// A stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Clipping => "audio_clipping",
            Self::TooQuiet => "audio_too_quiet",
            Self::TooLoud => "audio_too_loud",
            Self::Offset => "audio_dc_offset",
            Self::Noisy => "audio_noisy",
            Self::NothingComes => "one_way_audio_no_packets",
            Self::OnlySilence => "one_way_audio_silence",
            Self::NobodyAnswers => "one_way_audio_nobody_answers",
            Self::Echo => "audio_echo",
        }
    }

    /// What [`Warning::measured`] is.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Clipping => "part_of_samples",
            Self::TooQuiet | Self::TooLoud | Self::Noisy => "dbfs",
            Self::Offset => "part_of_full_scale",
            Self::NothingComes | Self::OnlySilence | Self::NobodyAnswers => "seconds",
            Self::Echo => "return_loss_db",
        }
    }

    /// Seconds for which it must hold.
    const fn patience(self) -> u8 {
        match self {
            Self::NobodyAnswers => 1,
            Self::Clipping | Self::Echo => 3,
            Self::TooQuiet | Self::TooLoud => 4,
            Self::Offset | Self::NothingComes => 5,
            Self::Noisy | Self::OnlySilence => 10,
        }
    }
}

/// What a second showed.
#[derive(Debug, Default)]
pub(super) struct Second {
    pub(super) caller: Sums,
    /// Audio that came, nothing that was filled in.
    pub(super) received: Duration,
    pub(super) caller_spoke: Duration,
    pub(super) agent_spoke: Duration,
}

/// How long each condition has held.
#[derive(Debug, Default)]
pub(super) struct Watch {
    held: [u8; Condition::ALL.len()],
    told: [bool; Condition::ALL.len()],
    /// The agent's speech since the caller was last heard.
    unanswered: Duration,
}

impl Watch {
    /// Judges a second; tells what has held for long enough.
    pub(super) fn judge(&mut self, second: &Second, noise_dbfs: Option<f64>, echo: Option<EchoPath>, mut tell: impl FnMut(Warning)) {
        self.unanswered = if second.caller_spoke.is_zero() { self.unanswered + second.agent_spoke } else { Duration::ZERO };
        let unanswered = self.unanswered;
        for ((condition, held), told) in Condition::ALL.into_iter().zip(&mut self.held).zip(&mut self.told) {
            match second.shows(condition, noise_dbfs, echo, unanswered) {
                Shown::Fault(measured) => {
                    *held = held.saturating_add(1);
                    if *held >= condition.patience() && !std::mem::replace(told, true) {
                        let seconds = condition.unit() == "seconds" && condition != Condition::NobodyAnswers;
                        tell(Warning { condition, measured: if seconds { f64::from(*held) } else { measured } });
                    }
                }
                // Twice as slow to forget as to learn would tell of what comes and goes; so it is as fast.
                Shown::Fine => *held = held.saturating_sub(1),
                Shown::Nothing => {}
            }
        }
    }
}

enum Shown {
    Fault(f64),
    Fine,
    Nothing,
}

impl Second {
    fn shows(&self, condition: Condition, noise_dbfs: Option<f64>, echo: Option<EchoPath>, unanswered: Duration) -> Shown {
        let (came, spoke) = (self.received >= HALF, self.caller_spoke >= ENOUGH);
        let level = self.caller.dbfs();
        let loss_db = echo.and_then(|path| path.return_loss_db).map(f64::from);
        let silent = self.caller.part(self.caller.silent);
        match condition {
            Condition::NothingComes => given(Some(0.0), |_| self.received.is_zero()),
            Condition::NobodyAnswers => given(Some(unanswered.as_secs_f64()), |_| unanswered >= UNANSWERED),
            _ if !came => Shown::Nothing,
            Condition::Clipping => given(spoke.then(|| self.caller.part(self.caller.clipped)), |part| part > CLIPPED),
            Condition::TooQuiet => given(level.filter(|_| spoke), |level| level < QUIET_DBFS),
            Condition::TooLoud => given(level.filter(|_| spoke), |level| level > LOUD_DBFS),
            Condition::Offset => given(Some(self.caller.offset()), |offset| offset.abs() > OFFSET),
            Condition::Noisy => given(noise_dbfs, |level| level > NOISE_DBFS),
            Condition::OnlySilence => given(Some(silent), |part| part >= 1.0),
            Condition::Echo => given(loss_db.filter(|_| !self.agent_spoke.is_zero()), |loss| loss < ECHO_DB),
        }
    }
}

/// What a figure shows, where there is one.
fn given(figure: Option<f64>, fault: impl Fn(f64) -> bool) -> Shown {
    match figure {
        Some(figure) if fault(figure) => Shown::Fault(figure),
        Some(_) => Shown::Fine,
        None => Shown::Nothing,
    }
}

const HALF: Duration = Duration::from_millis(500);
/// Speech in a second that says something of its level.
const ENOUGH: Duration = Duration::from_millis(300);
/// One sample in 500: heard as roughness.
const CLIPPED: f64 = 0.002;
/// Speech over a telephone stands at −16 to −30 dBFS (ITU-T G.100.1).
const QUIET_DBFS: f64 = -42.0;
const LOUD_DBFS: f64 = -9.0;
/// −40 dB of full scale.
const OFFSET: f64 = 0.01;
const NOISE_DBFS: f64 = -45.0;
/// Agents that have this to say without an answer speak to nobody.
const UNANSWERED: Duration = Duration::from_secs(45);
/// A hybrid gives 14 to 40 dB; with the delay of a voice agent less than 30 is heard.
const ECHO_DB: f64 = 30.0;
