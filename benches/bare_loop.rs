//! The yardstick: the gateway's media job written as bare as it can be, without SIP, RTCP, TLS, record or metrics.
//!
//! Per call one UDP socket and one WebSocket: PCMU in → 24 kHz → base64 JSON out, and the same way back, sent on the
//! call's 20 ms slot. One thread a core, each with one epoll and one 1 ms wheel driven by a timerfd; no runtime, no
//! task, no allocation a packet. What the gateway costs above this is the price of being a gateway.
//!
//! `bare_loop --calls N --seconds S --agent HOST:PORT [--rtp-base PORT]`: call `i` takes RTP on `PORT + 2 i`, from
//! whoever sends first. Prints `ready`, then its own CPU milliseconds a call-second after `S` seconds of RTP.
#![expect(clippy::indexing_slicing, clippy::print_stdout, reason = "a benchmark on our own traffic, which reports on standard output")]

#[path = "bare_loop/call.rs"]
mod call;
#[path = "generator/cpu.rs"]
mod cpu;
#[path = "bare_loop/encoder.rs"]
mod encoder;
#[path = "bare_loop/json_audio.rs"]
mod json_audio;
#[path = "generator/ulaw.rs"]
mod ulaw;
#[path = "bare_loop/websocket.rs"]
mod websocket;

use std::io::Read as _;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, io, process, thread};

use anyhow::{Context as _, Result};
use rustix::event::epoll;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime};

use call::Call;

/// What the threads and the measuring main thread tell each other.
#[derive(Default)]
struct Progress {
    /// Calls that have seen their first RTP packet.
    started: AtomicUsize,
    stop: AtomicBool,
}

fn main() -> Result<()> {
    let calls: usize = option("--calls").as_deref().unwrap_or("100").parse().context("--calls")?;
    let seconds: u64 = option("--seconds").as_deref().unwrap_or("20").parse().context("--seconds")?;
    let rtp_base: u16 = option("--rtp-base").as_deref().unwrap_or("40000").parse().context("--rtp-base")?;
    let agent = option("--agent").unwrap_or_else(|| "127.0.0.1:9202".to_owned());

    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(calls.max(1));
    let progress = Arc::new(Progress::default());
    let mut running = Vec::new();
    for index in 0..threads {
        let own = (index..calls)
            .step_by(threads)
            .map(|call| Call::open(rtp_base + 2 * u16::try_from(call)?, &agent, call))
            .collect::<Result<Vec<_>>>()?;
        let progress = Arc::clone(&progress);
        running.push(thread::spawn(move || drive(own, &progress)));
    }
    println!("ready");

    while progress.started.load(Ordering::Relaxed) < calls {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_secs(1));
    let before = cpu::of(process::id())?;
    thread::sleep(Duration::from_secs(seconds));
    let used = cpu::of(process::id())?.cpu().saturating_sub(before.cpu());
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let figure = used.as_secs_f64() * 1000.0 / (calls as f64 * seconds as f64);
    println!("RESULT bare_loop calls={calls} seconds={seconds} cpu_ms_per_call_second={figure:.3}");

    // The load goes on after the window; whoever started this process ends it by closing its standard input.
    io::stdin().read_to_end(&mut Vec::new())?;
    progress.stop.store(true, Ordering::Relaxed);
    for thread in running {
        thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    }
    Ok(())
}

/// One thread: readiness of its calls' sockets, and the wheel.
fn drive(mut calls: Vec<Call>, progress: &Progress) -> Result<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (index, call) in calls.iter().enumerate() {
        epoll::add(&epoll, call.rtp(), epoll::EventData::new_u64(2 * index as u64), epoll::EventFlags::IN)?;
        epoll::add(&epoll, call.agent(), epoll::EventData::new_u64(2 * index as u64 + 1), epoll::EventFlags::IN)?;
    }
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let tick = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: tick, it_value: tick })?;
    epoll::add(&epoll, &timer, epoll::EventData::new_u64(u64::MAX), epoll::EventFlags::IN)?;

    let mut slots: Vec<Vec<usize>> = vec![Vec::new(); SLOTS];
    (0..calls.len()).for_each(|index| slots[index % SLOTS].push(index));
    let mut events = Vec::with_capacity(256);
    let mut ticks: usize = 0;
    while !progress.stop.load(Ordering::Relaxed) {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let key = event.data.u64();
            if key == u64::MAX {
                let mut expired = [0; 8];
                rustix::io::read(&timer, &mut expired)?;
                for _ in 0..u64::from_ne_bytes(expired) {
                    slots[ticks % SLOTS].iter().try_for_each(|&index| calls[index].send_slot())?;
                    ticks += 1;
                }
            } else if key.is_multiple_of(2) {
                let call = &mut calls[usize::try_from(key / 2)?];
                progress.started.fetch_add(usize::from(call.receive_rtp()?), Ordering::Relaxed);
            } else {
                calls[usize::try_from(key / 2)?].receive_agent()?;
            }
        }
    }
    Ok(())
}

/// The value after `name` on the command line.
fn option(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}

/// Slots of 1 ms in a packet time.
const SLOTS: usize = 20;
