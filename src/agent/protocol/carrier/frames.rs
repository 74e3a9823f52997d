//! The caller's audio cut anew: carriers send frames of one length, whatever the telephone's packets hold.

use std::time::Duration;

use media::frame::AudioFormat;

/// Cuts audio into frames; less than one waits for the next audio.
pub(super) struct Frames {
    time: Duration,
    len_bytes: usize,
    rest: Vec<u8>,
}

impl Frames {
    pub(super) fn new(format: AudioFormat, time: Duration) -> Self {
        let samples = usize::try_from(format.rate().samples(time)).unwrap_or(usize::MAX);
        Self { time, len_bytes: samples.saturating_mul(format.sample_len_bytes()).max(1), rest: Vec::new() }
    }

    /// Hands each whole frame on; a frame is live where the audio that fills it is.
    pub(super) fn push(&mut self, mut audio: &[u8], live: Option<Duration>, mut each: impl FnMut(&[u8], Option<Duration>)) {
        let live = live.map(|_| self.time);
        if !self.rest.is_empty() {
            let missing = self.len_bytes.saturating_sub(self.rest.len());
            let (head, tail) = audio.split_at(missing.min(audio.len()));
            self.rest.extend_from_slice(head);
            audio = tail;
            if self.rest.len() < self.len_bytes {
                return;
            }
            each(&self.rest, live);
            self.rest.clear();
        }
        let mut frames = audio.chunks_exact(self.len_bytes);
        for frame in &mut frames {
            each(frame, live);
        }
        self.rest.extend_from_slice(frames.remainder());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_any_length_become_frames_of_one_without_a_byte_lost() {
        let said: Vec<u8> = (0..2_000u32).map(|n| (n % 251) as u8).collect();
        for length in [1, 80, 160, 240, 1_000] {
            let mut frames = Frames::new(AudioFormat::Ulaw8k, Duration::from_millis(20));
            let mut heard = Vec::new();
            for packet in said.chunks(length) {
                frames.push(packet, Some(Duration::from_millis(1)), |frame, live| {
                    assert_eq!((frame.len(), live), (160, Some(Duration::from_millis(20))));
                    heard.extend_from_slice(frame);
                });
            }
            assert_eq!(heard, said[..1_920], "in packets of {length}");
        }
    }
}
