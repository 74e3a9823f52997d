//! Somebody who listens to a call by a browser (WHEP): a leg of its own that says what the listener hears, and hears nothing.
//!
//! It lives on a media thread as a call does, apart from the call that it listens to: what that call has for it comes by the
//! bounded channel of every listener, so neither waits for the other. Left out on purpose: speaking to either side.

use std::future::poll_fn;
use std::time::Instant;

use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::transport::webrtc::WebRtcEvent;
use media::units::SampleRate;
use tokio::sync::mpsc;

use super::deadline::Deadline;
use super::event::{IceRestart, SignallingEvent};
use super::listening::Listening;
use super::mux::{Arrival, RouteName, Seat};
use super::thread::ThreadContext;
use super::thread::wheel::PhaseLease;
use crate::leg::Leg;
use crate::leg::listeners::{ListenerMix, ListenerSetup};
use crate::leg::plan::PlannedLeg;
use crate::net::udp::DATAGRAMS_PER_WAKE;

/// What a listener by browser hears: both sides, at the rate that Opus is encoded from.
pub(super) const HEARS: ListenerSetup = ListenerSetup { rate: SampleRate::HZ_24000, mix: ListenerMix::Both };
/// The same, as the leg takes it.
pub(super) const FORMAT: AudioFormat = AudioFormat::S16 { rate: SampleRate::HZ_24000 };

/// What a listener is wired to.
pub(super) struct Wiring {
    pub(super) route: RouteName,
    pub(super) listening: Listening,
    pub(super) signals: mpsc::Receiver<SignallingEvent>,
}

/// Runs until the call ends, the listener goes, or is told to.
pub(super) async fn drive(mut leg: Box<PlannedLeg>, wiring: Wiring, thread: ThreadContext, phase: PhaseLease) {
    let Some(mux) = thread.mux.as_ref() else { return };
    let Wiring { route, mut listening, mut signals } = wiring;
    let seat = mux.seat(route);
    let mut sleep = thread.wheel.sleep_until(Instant::now());
    let (mut samples, mut deadline) = (Vec::new(), Deadline::default());
    loop {
        let over = drain(&mut leg, &seat, &phase);
        sleep.set(deadline.set(Instant::now, leg.poll_timeout()).unwrap_or_else(|stuck| {
            tracing::error!("listener_deadline_stuck");
            Some(stuck.wake_at)
        }));
        if over {
            break;
        }
        samples.clear();
        tokio::select! {
            biased;
            () = &mut sleep => {
                deadline.passes();
                with(&mut leg, |leg| leg.handle_timeout(Instant::now()));
            }
            () = poll_fn(|context| seat.poll_ready(context)) => receive(&mut leg, &seat),
            heard = listening.next(&mut samples) => match heard {
                Some(_) => say(&mut leg, &samples),
                None => break,
            },
            signal = signals.recv() => match signal {
                Some(SignallingEvent::IceRestarted(restart)) => {
                    let IceRestart { local, remote } = *restart;
                    with(&mut leg, |leg| leg.restart_ice(local, remote));
                }
                Some(SignallingEvent::HungUp) | None => break,
                Some(_) => {}
            },
        }
    }
    leg.close(Instant::now());
    drain(&mut leg, &seat, &phase);
}

fn with(leg: &mut PlannedLeg, work: impl FnOnce(&mut Leg)) {
    if let Some(leg) = leg.agreed() {
        work(leg);
    }
}

/// What was heard goes out as an agent's words do.
fn say(leg: &mut PlannedLeg, samples: &[i16]) {
    let octets: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    leg.push(Instant::now(), ItemId(1), AudioChunk { format: FORMAT, bytes: &octets });
}

fn receive(leg: &mut PlannedLeg, seat: &Seat) {
    let now = Instant::now();
    for _ in 0..DATAGRAMS_PER_WAKE {
        match seat.try_next() {
            None => return,
            Some(Arrival::Closed(flow)) => with(leg, |leg| leg.handle_closed(now, flow)),
            Some(Arrival::Datagram { flow, octets, known }) => {
                with(leg, |leg| _ = leg.handle_datagram(now, flow, &octets));
                if !known && leg.admits(flow) {
                    seat.learn(flow, |flow| leg.admits(flow));
                }
                seat.recycle(octets);
            }
        }
    }
}

/// Sends what is to be sent; true when the listener has gone, or never came.
fn drain(leg: &mut PlannedLeg, seat: &Seat, phase: &PhaseLease) -> bool {
    let mut over = false;
    while let Some(event) = leg.agreed().and_then(Leg::poll_browser) {
        match event {
            WebRtcEvent::Connected => leg.open(Instant::now(), phase.first_slot()),
            WebRtcEvent::Failed(_) | WebRtcEvent::Lost | WebRtcEvent::Closed => over = true,
            WebRtcEvent::Moved | WebRtcEvent::Channel(_) => {}
        }
    }
    let Some(agreed) = leg.agreed() else { return true };
    // What a listener says is nobody's to hear.
    while agreed.poll_audio().is_some() {}
    while agreed.poll_event().is_some() {}
    while let Some(transmit) = agreed.poll_transmit() {
        seat.send(transmit.flow, transmit.bytes);
    }
    over
}
