//! The yardstick: what libopus alone takes of a call, both ways at the agent's rate, without anything around it.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings};
use media::units::SampleRate;

use crate::speech::{PTIME, payloads, speech};

/// Milliseconds of a core for a second of a call: the least of several rounds.
pub(crate) fn opus_ms_per_call_second() -> Result<f64> {
    let agent = SampleRate::HZ_24000;
    let (said, heard) = (speech(agent), payloads(Codec::Opus, SampleRate::HZ_48000)?);
    let mut encoder = Encoder::new(EncoderConfig { codec: Codec::Opus, wanted: agent, ptime: PTIME, opus: OpusSettings::default() })?;
    let mut decoder = Decoder::new(Codec::Opus, agent)?;
    let (mut payload, mut samples, mut least) = (Vec::new(), Vec::new(), f64::INFINITY);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for (frame, packet) in said.chunks_exact(agent.samples(PTIME) as usize).zip(&heard) {
            payload.clear();
            samples.clear();
            encoder.encode(black_box(frame), &mut payload)?;
            decoder.decode(black_box(packet), &mut samples)?;
        }
        // What is said lasts for two seconds.
        least = least.min(began.elapsed().as_secs_f64() * 1e3 / 2.0);
    }
    Ok(least)
}

const ROUNDS: usize = 50;
