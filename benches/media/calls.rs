//! A tick of a call's media in either direction, and what a call holds.
//!
//! A tick is 20 ms: from a datagram to the agent's audio, and from that to a datagram; transport and reports included,
//! sockets not. What libopus holds is allocated in C: of the decoder it says how much, of the encoder the growth of the
//! resident memory over many of them tells.

use std::fs;

use allocation_counter::{AllocationInfo, measure};
use anyhow::Context as _;
use audiopus::{Application, Channels, coder};
use media::codec::Codec;
use media::frame::AudioFormat;
use media::units::SampleRate;

use crate::call::{Call, Job, Outside};
use crate::measured::Figure;
use crate::timing::alone;
use crate::{gated, recorded};

pub(crate) fn ticks(figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    for job in JOBS {
        let (mut call, mut outside) = (Call::new(&job)?, Outside::new(&job)?);
        let ingress = alone(|| call.receive(&mut outside));
        let egress = alone(|| call.send(&outside));
        let (forwarded, sent) = call.packets();
        anyhow::ensure!(forwarded > 1_000 && sent > 1_000, "{}: {forwarded} packets came through, {sent} went out", job.name);
        for (direction, took) in [("ingress", ingress), ("egress", egress)] {
            let what = format!("{}, {direction} a tick, ns", job.what);
            figures.push(recorded(format!("{}_{direction}_ns", job.name), what, took));
        }
    }
    Ok(())
}

pub(crate) fn memory(figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let mut most_allocations: f64 = 0.0;
    for job in JOBS {
        let mut outside = Outside::new(&job)?;
        let mut call = None;
        let built = measure(|| call = Call::new(&job).ok());
        let mut call = call.context("the call could be made before")?;
        let mut run = |ticks: u32| (0..ticks).for_each(|_| (call.receive(&mut outside), call.send(&outside)).1);
        let grown = measure(|| run(WARM_UP_TICKS));
        let AllocationInfo { count_total, .. } = measure(|| run(COUNTED_TICKS));
        most_allocations = most_allocations.max(count_total as f64 / f64::from(2 * COUNTED_TICKS));
        let held = built.bytes_current + grown.bytes_current + size_of::<Call>() as i64;
        let gate = CALL_GATES.iter().find(|(name, _)| *name == job.name).map(|&(_, gate)| gate);
        let in_c = if job.codec == Codec::Opus { libopus()? } else { 0.0 };
        let what = format!("{}, memory a call, bytes", job.what);
        figures.push(Figure { gate, ..recorded(format!("{}_call_bytes", job.name), what, held as f64 + in_c) });
    }
    figures.push(gated("allocations".to_owned(), "allocations a packet, the most of all these".to_owned(), most_allocations, 0.0));
    Ok(())
}

/// Bytes of a decoder and an encoder, mono.
fn libopus() -> anyhow::Result<f64> {
    const ENCODERS: usize = 400;
    let mut encoders = Vec::with_capacity(ENCODERS);
    let before = resident()?;
    for _ in 0..ENCODERS {
        encoders.push(coder::Encoder::new(audiopus::SampleRate::Hz24000, Channels::Mono, Application::Voip)?);
    }
    let encoder = (resident()? - before) / ENCODERS as f64;
    Ok(coder::size(Channels::Mono) as f64 + encoder)
}

/// Resident bytes of this process.
fn resident() -> anyhow::Result<f64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).context("resident pages")?.parse()?;
    Ok(pages * rustix::param::page_size() as f64)
}

const fn linear(rate: SampleRate) -> AudioFormat {
    AudioFormat::S16 { rate }
}

const JOBS: [Job; 5] = [
    Job { name: "pcmu_24k", what: "PCMU to and from 24 kHz", codec: Codec::Pcmu, format: linear(SampleRate::HZ_24000), secure: false },
    Job { name: "pcmu_pass", what: "PCMU passed through", codec: Codec::Pcmu, format: AudioFormat::Ulaw8k, secure: false },
    Job { name: "g722_16k", what: "G.722 to and from 16 kHz", codec: Codec::G722, format: linear(SampleRate::HZ_16000), secure: false },
    Job { name: "opus_24k", what: "Opus to and from 24 kHz", codec: Codec::Opus, format: linear(SampleRate::HZ_24000), secure: false },
    Job {
        name: "opus_srtp_24k",
        what: "Opus over SRTP to and from 24 kHz",
        codec: Codec::Opus,
        format: linear(SampleRate::HZ_24000),
        secure: true,
    },
];
/// Bytes a call of these jobs may hold.
const CALL_GATES: [(&str, f64); 2] = [("pcmu_24k", 64_000.0), ("opus_srtp_24k", 160_000.0)];
/// All the items that the ledger keeps, and every buffer grown.
const WARM_UP_TICKS: u32 = 64 * 70;
const COUNTED_TICKS: u32 = 2_000;
