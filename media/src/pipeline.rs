//! Why a pipeline between the network and an agent cannot be made.

use crate::codec::{Codec, CodecError};
use crate::resample::ResampleError;

/// Why [`Ingress`](crate::ingress::Ingress), [`Egress`](crate::egress::Egress) or [`Playout`](crate::playout::Playout) cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The codec cannot be decoded or encoded as asked.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// No resampler that follows a clock between the rates.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The pipelines do not carry this codec.
    #[error("no pipeline for {}", codec.name())]
    Unsupported {
        /// Which codec.
        codec: Codec,
    },
    /// The codec has changed too often within one item of the agent.
    #[error("the codec changes too often")]
    Unsteady,
}
