//! What it costs to listen to a line, and to make it cleaner: of each a frame of 20 ms both ways, and what it holds. A call on a
//! route without it pays none of this.

use std::hint::black_box;
use std::time::Instant;

use allocation_counter::measure as allocations;
use media::analysis::Analysis;
use media::barge_in;
use media::echo::Gate;
use media::egress::{FrameContent, ReferenceFrame};
use media::enhancement::{Enhancement, Enhancer, Suppression};
use media::ingress::{FrameOrigin, TapFrame};
use media::units::SampleRate;
use media::vad::Detector;

use crate::measured::Figure;
use crate::recorded;
use crate::speech::{PTIME, speech};
use crate::timing::alone;

pub(crate) fn measure(figures: &mut Vec<Figure>) {
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000] {
        let khz = rate.hz() / 1_000;
        let line = Lines::new(rate);
        let mut record = |name: &str, what: &str, took: f64, bytes: i64| {
            figures.push(recorded(format!("{name}_{khz}k_ns"), format!("{what} at {khz} kHz, a frame of 20 ms both ways, ns"), took));
            figures.push(recorded(format!("{name}_{khz}k_bytes"), format!("{what} at {khz} kHz, memory a call, bytes"), bytes as f64));
        };
        let (mut made, held) = holding(|| Detector::new(rate, media::vad::Config::default()));
        let mut frames = line.frames();
        record("voice_detector", "voice detector (earshot), one way", alone(|| made.push(frames().1, |frame| _ = black_box(frame))), held);
        let (mut made, held) = holding(|| Gate::new(rate));
        let mut frames = line.frames();
        let took = alone(|| {
            let (sent, came) = frames();
            made.push_sent(sent);
            made.push_received(came);
        });
        record("echo_gate", "echo gate", took, held);
        for (name, turns) in [("analysis", None), ("turns", Some(barge_in::Config::default()))] {
            let (took, held) = analysis(&line, turns);
            let what = if turns.is_some() { "analysis that decides turns" } else { "analysis" };
            record(name, what, took, held);
        }
        let on = |echo_cancellation, noise_suppression| Enhancement { echo_cancellation, noise_suppression };
        for (name, what, wanted) in [
            ("echo_canceller", "echo cancellation (AEC3)", on(true, Suppression::Off)),
            ("noise_suppressor", "noise suppression", on(false, Suppression::Moderate)),
            ("both", "echo cancellation and noise suppression", on(true, Suppression::Moderate)),
        ] {
            let (took, held) = enhancement(&line, wanted);
            record(name, what, took, held);
        }
    }
}

/// An analysis of both lines.
fn analysis(line: &Lines, turns: Option<barge_in::Config>) -> (f64, i64) {
    let (mut made, held) = holding(|| Analysis::new(line.rate, turns));
    let (mut frames, start, mut at) = (line.frames(), Instant::now(), 0_u32);
    let took = alone(|| {
        let (sent, came) = frames();
        let (now, rate, position) = (start + PTIME * at, line.rate, u64::from(at) * came.len() as u64);
        at += 1;
        made.handle_sent(&ReferenceFrame { samples: sent, rate, position, slot: now, content: FrameContent::Agent });
        made.handle_received(now, &TapFrame { samples: came, rate, position, origin: FrameOrigin::Received });
        made.handle_timeout(now);
        while !matches!(made.poll_output(), media::analysis::AnalysisOutput::Timeout(_)) {}
    });
    (took, held)
}

fn enhancement(line: &Lines, wanted: Enhancement) -> (f64, i64) {
    // Tables that all calls share are no call's.
    drop(Enhancer::new(wanted));
    let (made, held) = holding(|| Enhancer::new(wanted));
    let Some(mut made) = made else { return (f64::NAN, 0) };
    let (mut frames, mut out) = (line.frames(), Vec::new());
    let took = alone(|| {
        let (sent, came) = frames();
        out.clear();
        made.push_sent(sent, line.rate);
        made.push_received(came, line.rate, &mut out);
        black_box(&out);
    });
    (took, held)
}

fn holding<T>(make: impl FnOnce() -> T) -> (T, i64) {
    let mut made = None;
    let held = allocations(|| made = Some(make()));
    let held = held.bytes_current + size_of::<T>() as i64;
    (made.expect("it was made"), held)
}

/// What is sent and what comes: speech, and its echo under other speech.
struct Lines {
    rate: SampleRate,
    sent: Vec<i16>,
    came: Vec<i16>,
}

impl Lines {
    fn new(rate: SampleRate) -> Self {
        let sent = speech(rate);
        let (delay, length) = (rate.hz() as usize / 10, sent.len());
        let at = |n: usize| sent.get(n % length).copied().unwrap_or_default();
        // Their two seconds go round, so that the echo does, too.
        let came = (0..length).map(|n| at(n + length - delay) / 12 + if n > length / 2 { at(n + length / 3) / 2 } else { 0 }).collect();
        Self { rate, sent, came }
    }

    /// Goes round both lines for ever, a frame a call.
    fn frames<'a>(&'a self) -> impl FnMut() -> (&'a [i16], &'a [i16]) {
        let (frame, mut at) = (self.rate.samples(PTIME) as usize, 0);
        move || {
            at = if at + 2 * frame <= self.sent.len() { at + frame } else { 0 };
            (self.sent.get(at..at + frame).unwrap_or_default(), self.came.get(at..at + frame).unwrap_or_default())
        }
    }
}
