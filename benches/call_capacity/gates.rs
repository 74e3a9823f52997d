//! From turns to figures, each with the limit that gates it, if any does.

use crate::measured::Figure;
use crate::trial::Trial;

/// Every figure that `trials` yield, in the order of `performance` rows.
pub(crate) fn figures(trials: &[Trial]) -> Vec<Figure> {
    let cpu = |kind: Kind, calls| mean(trials, kind, calls, |trial| Some(trial.cpu_ms_per_call_second));
    let found = |calls, pointer: &'static str| mean(trials, Kind::Gateway, calls, move |trial| trial.load.pointer(pointer)?.as_f64());
    let resident = |calls| mean(trials, Kind::Gateway, calls, |trial| Some(kilobytes(trial.resident_kb)));
    let system_calls = |kind| mean(trials, kind, 400, |trial| trial.system_calls_per_call_and_tick);
    let ratio = |over: Option<f64>, under: Option<f64>| Some(over? / under?);
    let figure = |name, what, value, gate| Figure { name, what, value, gate, at_least: false };
    vec![
        figure("cpu_100_ms_per_call_s", "CPU of a call at 100 calls, ms/call-s", cpu(Kind::Gateway, 100), Some(2.0)),
        figure("cpu_100_to_bare", "the same, times the bare loop", ratio(cpu(Kind::Gateway, 100), cpu(Kind::Bare, 100)), Some(1.3)),
        figure("bare_100_ms_per_call_s", "bare loop at 100 calls, ms/call-s", cpu(Kind::Bare, 100), None),
        figure("cpu_400_ms_per_call_s", "CPU of a call at 400 calls, ms/call-s", cpu(Kind::Gateway, 400), Some(1.4)),
        figure("cpu_400_to_bare", "the same, times the bare loop", ratio(cpu(Kind::Gateway, 400), cpu(Kind::Bare, 400)), Some(1.3)),
        figure("bare_400_ms_per_call_s", "bare loop at 400 calls, ms/call-s", cpu(Kind::Bare, 400), None),
        figure("cpu_50_ms_per_call_s", "CPU of a call at 50 calls, ms/call-s", cpu(Kind::Gateway, 50), None),
        figure(
            "wss_extra_ms_per_call_s",
            "TLS on top at 100 calls, ms/call-s",
            difference(cpu(Kind::Wss, 100), cpu(Kind::Gateway, 100)),
            None,
        ),
        figure(
            "through_to_transcoded",
            "μ-law passed through, times the transcoded job",
            ratio(cpu(Kind::Through, 100), cpu(Kind::Gateway, 100)),
            None,
        ),
        figure(
            "memory_kb_per_call",
            "memory of a call, slope from 100 to 400 calls, kB",
            difference(resident(400), resident(100)).map(|kb| kb / 300.0),
            Some(64.0),
        ),
        figure("system_calls_per_call_and_tick", "system calls a call and tick at 400 calls", system_calls(Kind::Gateway), None),
        figure("bare_system_calls_per_call_and_tick", "the same of the bare loop", system_calls(Kind::Bare), None),
        figure("uplink_p50_ms", "RTP in → WebSocket out at 100 calls, p50, ms", found(100, "/uplink/p50_ms"), None),
        figure("uplink_p99_ms", "RTP in → WebSocket out at 100 calls, p99, ms", found(100, "/uplink/p99_ms"), Some(1.0)),
        figure("lateness_p50_ms", "send lateness at 100 calls, p50, ms", found(100, "/lateness/p50_ms"), None),
        figure("lateness_p99_ms", "send lateness at 100 calls, p99, ms", found(100, "/lateness/p99_ms"), Some(0.5)),
        figure("round_trip_p50_ms", "impulse in → out at 100 calls, p50, ms", found(100, "/round_trip/p50_ms"), None),
        figure("round_trip_p99_ms", "impulse in → out at 100 calls, p99, ms", found(100, "/round_trip/p99_ms"), None),
        figure("setup_p50_ms", "INVITE → 200 with a cold agent socket, p50, ms", found(100, "/setup/p50_ms"), None),
        figure("lost_100", "packets lost at 100 calls", found(100, "/lost"), None),
        figure("lost_400", "packets lost at 400 calls", found(400, "/lost"), None),
        figure("dropped_400", "calls dropped at 400 calls", found(400, "/dropped"), None),
    ]
}

/// Which turns belong together.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Gateway,
    Bare,
    Wss,
    Through,
}

fn kind(trial: &Trial) -> Kind {
    match &trial.job {
        job if !job.gateway => Kind::Bare,
        job if job.wss => Kind::Wss,
        job if job.number == "1001" => Kind::Through,
        _ => Kind::Gateway,
    }
}

/// The mean of a figure over the turns of one kind and size; nothing when there was none.
#[expect(clippy::cast_precision_loss, reason = "a handful of turns")]
fn mean(trials: &[Trial], wanted: Kind, calls: u64, figure: impl Fn(&Trial) -> Option<f64>) -> Option<f64> {
    let found: Vec<f64> = trials.iter().filter(|trial| kind(trial) == wanted && trial.job.calls == calls).filter_map(figure).collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

fn difference(over: Option<f64>, under: Option<f64>) -> Option<f64> {
    Some(over? - under?)
}

#[expect(clippy::cast_precision_loss, reason = "memory sizes far below 2^52")]
fn kilobytes(count: u64) -> f64 {
    count as f64
}
