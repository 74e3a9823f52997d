//! The simulator's ear: finds where somebody begins and stops to speak.

use earshot::Detector;
use media::frame::AudioFormat;
use media::units::SampleRate;

use super::voice;

/// Voice activity detection over a stream of audio in one format.
pub(super) struct Ear {
    format: AudioFormat,
    detector: Box<Detector>,
    /// 16 kHz, less than a frame.
    rest: Vec<i16>,
    frames: u64,
    voiced_frames: u32,
    silent_frames: u32,
    speaking: bool,
    silence_frames: u32,
}

/// An edge of speech, in milliseconds of all audio heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Started { at_ms: u64 },
    Stopped { at_ms: u64 },
}

impl Ear {
    /// `silence_ms` of silence end an utterance.
    pub(super) fn new(format: AudioFormat, silence_ms: u32) -> Self {
        Self {
            format,
            detector: Box::default(),
            rest: Vec::new(),
            frames: 0,
            voiced_frames: 0,
            silent_frames: 0,
            speaking: false,
            silence_frames: silence_ms.div_ceil(FRAME_MS).max(1),
        }
    }

    /// Hears some audio; at most one edge is reported, the last.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Option<Edge> {
        let samples = voice::decode(self.format, bytes);
        self.rest.extend(voice::convert(&samples, self.format.rate(), SampleRate::HZ_16000));
        let mut edge = None;
        let rest = std::mem::take(&mut self.rest);
        let mut frames = rest.chunks_exact(FRAME_SAMPLES);
        for frame in &mut frames {
            let voiced = self.detector.predict_i16(frame) >= THRESHOLD;
            edge = self.count(voiced).or(edge);
        }
        self.rest = frames.remainder().to_vec();
        edge
    }

    fn count(&mut self, voiced: bool) -> Option<Edge> {
        self.frames += 1;
        if voiced {
            (self.voiced_frames, self.silent_frames) = (self.voiced_frames + 1, 0);
        } else {
            (self.voiced_frames, self.silent_frames) = (0, self.silent_frames + 1);
        }
        let at_ms = self.frames * u64::from(FRAME_MS);
        if !self.speaking && self.voiced_frames >= ONSET_FRAMES {
            self.speaking = true;
            return Some(Edge::Started { at_ms: at_ms - u64::from(ONSET_FRAMES * FRAME_MS) });
        }
        if self.speaking && self.silent_frames >= self.silence_frames {
            self.speaking = false;
            return Some(Edge::Stopped { at_ms });
        }
        None
    }
}

const FRAME_SAMPLES: usize = 256;
const FRAME_MS: u32 = 16;
const THRESHOLD: f32 = 0.5;
/// A click is shorter than this.
const ONSET_FRAMES: u32 = 4;
