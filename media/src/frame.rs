//! Audio as it crosses the border between the media core and an agent.
//!
//! A chunk is any number of samples in a named format, borrowed from whoever owns the buffer; its boundaries carry
//! no meaning. An item is one utterance of the agent: the unit in which a peer is told what was heard.

use crate::units::SampleRate;

/// How audio is written in bytes toward an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioFormat {
    /// G.711 μ-law, 8 kHz, one byte a sample.
    Ulaw8k,
    /// G.711 A-law, 8 kHz, one byte a sample.
    Alaw8k,
    /// Linear 16 bit, little endian, mono.
    S16 {
        /// Samples a second.
        rate: SampleRate,
    },
}

impl AudioFormat {
    /// Samples a second.
    #[must_use]
    pub const fn rate(self) -> SampleRate {
        match self {
            Self::Ulaw8k | Self::Alaw8k => SampleRate::HZ_8000,
            Self::S16 { rate } => rate,
        }
    }

    /// Bytes of one sample.
    #[must_use]
    pub const fn sample_len_bytes(self) -> usize {
        match self {
            Self::Ulaw8k | Self::Alaw8k => 1,
            Self::S16 { .. } => 2,
        }
    }
}

/// Some audio in a format; borrowed, cut anywhere between samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioChunk<'a> {
    /// How `bytes` are to be read.
    pub format: AudioFormat,
    /// Whole samples; an odd byte at the end of linear audio belongs to the next chunk of its item.
    pub bytes: &'a [u8],
}

impl AudioChunk<'_> {
    /// Whole samples in the chunk.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        (self.bytes.len() / self.format.sample_len_bytes()) as u64
    }
}

/// One utterance of the agent within a call; numbered from 1 in the order in which its first audio came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub u32);
