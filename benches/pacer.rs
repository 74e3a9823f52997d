//! How late a stream's slot comes: 1,000 streams of 20 ms on one media thread, which does nothing else.
//!
//! `make bench-pacer`, or `cargo bench --bench pacer_lateness`. Seconds and streams can be given as arguments.

#![expect(clippy::print_stdout, reason = "a measurement is read from standard output")]

#[path = "../tests/support/measured.rs"]
mod measured;
#[path = "measured/table.rs"]
mod table;

use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use auricle::call::thread::{CallTask, MediaThreads, MediaThreadsConfig};
use measured::Figure;
use rustix::time::{ClockId, clock_gettime};

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let seconds: u64 = arguments.next().unwrap_or(10);
    let streams: u64 = arguments.next().unwrap_or(1_000);

    let threads = MediaThreads::start(&MediaThreadsConfig { threads: 1, realtime: true })?;
    let (tell, told) = sync_channel(usize::try_from(streams)?);
    let (begun, wall) = (cpu_time(), Instant::now());
    for _ in 0..streams {
        // Starts come faster than a thread takes them only here; a gateway would refuse the call.
        while threads.spawn(stream(tell.clone(), wall + WARM_UP, Duration::from_secs(seconds))).is_err() {
            thread::sleep(Duration::from_millis(1));
        }
    }
    drop(tell);
    let mut lateness: Vec<Duration> = told.iter().flatten().collect();
    let cpu = cpu_time().saturating_sub(begun).as_secs_f64() * 1_000.0 / wall.elapsed().as_secs_f64();
    lateness.sort_unstable();
    let at = |quantile: f64| {
        let index = (lateness.len() as f64 * quantile) as usize;
        lateness.get(index.min(lateness.len().saturating_sub(1))).map(|late| late.as_secs_f64() * 1_000.0).context("no slot was measured")
    };
    println!("{streams} streams, {} slots, {:?}", lateness.len(), threads.status().first().context("no thread")?.scheduling);
    let figure = |name, what, value, gate| Figure { name, what, value: Some(value), gate, at_least: false };
    let figures = [
        figure("lateness_p50_ms", "lateness of a slot, p50, ms", at(0.50)?, None),
        figure("lateness_p99_ms", "lateness of a slot, p99, ms", at(0.99)?, Some(P99_GATE_MS)),
        figure("lateness_max_ms", "lateness of a slot, the worst, ms", at(1.0)?, None),
        figure("cpu_ms_per_s", "CPU of the thread, ms a second", cpu, None),
    ];
    measured::save("pacer", "1,000 paced streams alone on one media thread", "make bench-pacer", &figures)?;
    table::print("pacer", &figures, 3);
    Ok(table::verdict(&figures))
}

/// On an otherwise idle machine.
const P99_GATE_MS: f64 = 0.25;

/// One stream of 20 ms; tells how late each slot after `begin` came.
fn stream(tell: SyncSender<Vec<Duration>>, begin: Instant, length: Duration) -> CallTask {
    Box::new(move |context| {
        Box::pin(async move {
            let phase = context.wheel.phase(Instant::now());
            let mut slot = phase.first_slot();
            let mut sleep = context.wheel.sleep_until(slot);
            let mut lateness = Vec::with_capacity(length.div_duration_f64(PTIME) as usize + 1);
            while slot < begin + length {
                (&mut sleep).await;
                if slot >= begin {
                    lateness.push(slot.elapsed());
                }
                slot += PTIME;
                sleep.reset(slot);
            }
            // Fails only when nobody listens any more.
            let _ = tell.send(lateness);
        })
    })
}

/// Of the whole process; the calling thread only waits.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

const PTIME: Duration = Duration::from_millis(20);
/// Streams start in a burst; what is measured is the steady state.
const WARM_UP: Duration = Duration::from_secs(1);
