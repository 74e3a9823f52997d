//! Audio as base64 in JSON, both ways, and the resamplers on the way there.

use anyhow::{Context as _, Result};
use base64_simd::{Out, STANDARD};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};
use serde::Deserialize;

use crate::encoder::Encoder;
use crate::ulaw::Ulaw;
use crate::websocket::HEADER;

/// PCMU at 8 kHz → message with linear 24 kHz.
pub(crate) struct Uplink {
    fft: Fft<f32>,
    samples: Vec<f32>,
    converted: Vec<f32>,
    bytes: Vec<u8>,
    /// Room for the frame header, the constant beginning, base64, the constant end.
    frame: Vec<u8>,
}

impl Uplink {
    pub(crate) fn new() -> Result<Self> {
        let fft = Fft::new(8000, 24000, CHUNK, 1, FixedSync::Both)?;
        Ok(Self {
            fft,
            samples: Vec::with_capacity(CHUNK),
            converted: vec![0.0; 3 * CHUNK],
            bytes: Vec::with_capacity(6 * 2 * CHUNK),
            frame: Vec::with_capacity(2048),
        })
    }

    /// One RTP payload as a WebSocket frame, its header left open.
    pub(crate) fn frame(&mut self, ulaw: &Ulaw, payload: &[u8]) -> Result<&mut [u8]> {
        self.bytes.clear();
        for chunk in payload.chunks_exact(CHUNK) {
            self.samples.clear();
            self.samples.extend(chunk.iter().map(|&code| f32::from(ulaw.decode(code))));
            convert(&mut self.fft, &self.samples, &mut self.converted)?;
            self.bytes.extend(self.converted.iter().flat_map(|&sample| to_i16(sample).to_le_bytes()));
        }
        self.frame.clear();
        self.frame.resize(HEADER, 0);
        self.frame.extend_from_slice(BEGINNING);
        let at = self.frame.len();
        self.frame.resize(at + STANDARD.encoded_length(self.bytes.len()), 0);
        let _ = STANDARD.encode(&self.bytes, Out::from_slice(&mut self.frame[at..]));
        self.frame.extend_from_slice(END);
        Ok(&mut self.frame)
    }
}

/// Message with linear 24 kHz → PCMU at 8 kHz.
pub(crate) struct Downlink {
    fft: Fft<f32>,
    pending: Vec<f32>,
    converted: Vec<f32>,
    bytes: Vec<u8>,
}

impl Downlink {
    pub(crate) fn new() -> Result<Self> {
        let fft = Fft::new(24000, 8000, 3 * CHUNK, 1, FixedSync::Both)?;
        Ok(Self { fft, pending: Vec::with_capacity(3 * CHUNK), converted: vec![0.0; CHUNK], bytes: vec![0; 64 * 1024] })
    }

    /// Appends the audio of `message` to `queue`, if it holds any.
    pub(crate) fn take(&mut self, encoder: &Encoder, message: &[u8], queue: &mut Vec<u8>) -> Result<()> {
        let Message { kind: "response.output_audio.delta", delta: Some(delta) } =
            serde_json::from_slice(message).context("agent message")?
        else {
            return Ok(());
        };
        let bytes = STANDARD.decode(delta.as_bytes(), Out::from_slice(&mut self.bytes)).map_err(|_| anyhow::anyhow!("not base64"))?;
        for pair in bytes.chunks_exact(2) {
            self.pending.push(f32::from(i16::from_le_bytes([pair[0], pair[1]])));
            if self.pending.len() == 3 * CHUNK {
                convert(&mut self.fft, &self.pending, &mut self.converted)?;
                queue.extend(self.converted.iter().map(|&sample| encoder.encode(to_i16(sample))));
                self.pending.clear();
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    delta: Option<&'a str>,
}

fn convert(fft: &mut Fft<f32>, samples: &[f32], converted: &mut [f32]) -> Result<()> {
    let frames = converted.len();
    let input = InterleavedSlice::new(samples, 1, samples.len())?;
    let mut output = InterleavedSlice::new_mut(converted, 1, frames)?;
    fft.process_into_buffer(&input, &mut output, None)?;
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates, as audio should")]
fn to_i16(sample: f32) -> i16 {
    sample as i16
}

/// 10 ms at 8 kHz: the resampler's 5 ms of delay come from it.
const CHUNK: usize = 80;
const BEGINNING: &[u8] = br#"{"type":"input_audio_buffer.append","audio":""#;
const END: &[u8] = br#""}"#;
