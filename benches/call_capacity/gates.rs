//! From turns to figures, each with the limit that gates it, if any does.

use crate::measured::Figure;
use crate::trial::Trial;

/// Every figure that `trials` yield, in the order of `performance` rows.
pub(crate) fn figures(trials: &[Trial]) -> Vec<Figure> {
    let cpu = |kind: Kind, calls| mean(trials, kind, calls, |trial| Some(trial.cpu_ms_per_call_second));
    let found = |calls, pointer: &'static str| mean(trials, Kind::Gateway, calls, move |trial| trial.load.pointer(pointer)?.as_f64());
    let resident = |calls| mean(trials, Kind::Gateway, calls, |trial| Some(kilobytes(trial.resident_kb)));
    let system_calls =
        |kind, nth: usize| mean(trials, kind, 400, move |trial| trial.system_calls_per_call_and_tick.as_ref()?.get(nth).copied());
    let user = |kind| mean(trials, kind, 400, |trial| Some(trial.user_ms_per_call_second));
    let switches = |kind| mean(trials, kind, 400, |trial| Some(trial.switches_per_call_and_tick));
    let ratio = |over: Option<f64>, under: Option<f64>| Some(over? / under?);
    let figure = |name, what, value, gate| Figure { name, what, value, gate, at_least: false };
    let mut figures = vec![
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
            "μ-law passed through at 400 calls, times the transcoded job",
            ratio(cpu(Kind::Through, 400), cpu(Kind::Gateway, 400)),
            Some(0.85),
        ),
        // With fewer calls a thread wakes for each packet by itself: both jobs pay that, and the less work there is, the more often.
        figure("through_to_transcoded_100", "the same at 100 calls", ratio(cpu(Kind::Through, 100), cpu(Kind::Gateway, 100)), None),
        figure(
            "memory_kb_per_call",
            "memory of a call, slope from 100 to 400 calls, kB",
            difference(resident(400), resident(100)).map(|kb| kb / 300.0),
            Some(64.0),
        ),
        figure("uplink_p50_ms", "RTP in → WebSocket out at 100 calls, p50, ms", found(100, "/uplink/p50_ms"), Some(0.3)),
        figure("uplink_p99_ms", "RTP in → WebSocket out at 100 calls, p99, ms", found(100, "/uplink/p99_ms"), Some(1.0)),
        figure("lateness_p50_ms", "send lateness at 100 calls, p50, ms", found(100, "/lateness/p50_ms"), None),
        figure("lateness_p99_ms", "send lateness at 100 calls, p99, ms", found(100, "/lateness/p99_ms"), Some(0.5)),
        figure("round_trip_p50_ms", "impulse in → out at 100 calls, p50, ms", found(100, "/round_trip/p50_ms"), None),
        figure("round_trip_p99_ms", "impulse in → out at 100 calls, p99, ms", found(100, "/round_trip/p99_ms"), None),
        figure("setup_p50_ms", "INVITE → 200 with a cold agent socket, p50, ms", found(100, "/setup/p50_ms"), None),
        figure("lost_100", "packets lost at 100 calls", found(100, "/lost"), None),
        figure("lost_400", "packets lost at 400 calls", found(400, "/lost"), None),
        figure("dropped_400", "calls dropped at 400 calls", found(400, "/dropped"), None),
        figure("user_400_ms_per_call_s", "of a call's CPU at 400 calls what is not the kernel's, ms/call-s", user(Kind::Gateway), None),
        figure("bare_user_400_ms_per_call_s", "the same of the bare loop", user(Kind::Bare), None),
        figure("switches_per_call_and_tick", "task switches a call and tick at 400 calls", switches(Kind::Gateway), None),
        figure("bare_switches_per_call_and_tick", "the same of the bare loop", switches(Kind::Bare), None),
    ];
    for (nths, name, what, bare_name) in SYSTEM_CALLS {
        let sum = |kind| nths.iter().map(|&nth| system_calls(kind, nth)).sum();
        let gate = (*nths == [ALL_CALLS]).then_some(5.0);
        figures.push(figure(name, what, sum(Kind::Gateway), gate));
        figures.push(figure(bare_name, "the same of the bare loop", sum(Kind::Bare), None));
    }
    figures
}

/// The place of all system calls in what a trial counted.
const ALL_CALLS: usize = 0;
/// Which of the counts, all or some of [`crate::subject::CALLS`] behind it, and their names for scripts and people.
const SYSTEM_CALLS: &[(&[usize], &str, &str, &str)] = &[
    (&[ALL_CALLS], "system_calls_per_call_and_tick", "system calls a call and tick at 400 calls", "bare_system_calls_per_call_and_tick"),
    (&[1, 2], "looks_per_call_and_tick", "of these: looks for what is ready", "bare_looks_per_call_and_tick"),
    (&[3], "reads_per_call_and_tick", "of these: reading", "bare_reads_per_call_and_tick"),
    (&[4], "writes_per_call_and_tick", "of these: sending", "bare_writes_per_call_and_tick"),
    (&[5], "timer_per_call_and_tick", "of these: setting the wheel's timer", "bare_timer_per_call_and_tick"),
    (&[6], "futex_per_call_and_tick", "of these: waking other threads", "bare_futex_per_call_and_tick"),
];

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
