//! Why a pipeline between the network and an agent cannot be made.

use crate::codec::{Codec, CodecError};

/// Why [`Ingress`](crate::ingress::Ingress) or [`Egress`](crate::egress::Egress) cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The codec cannot be decoded or encoded as asked.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The pipelines do not carry this codec.
    #[error("no pipeline for {}", codec.name())]
    Unsupported {
        /// Which codec.
        codec: Codec,
    },
}
