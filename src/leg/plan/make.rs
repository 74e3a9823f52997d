//! A leg is made once both sides have agreed on it.

use std::time::Instant;

use media::pipeline::PipelineError;
use media::rtp::RtpSeed;
use media::sdp::Negotiated;
use media::transport::{PathConfig, Plain, Transport};
use media::units::SequenceNumber;

use super::LegPlan;
use crate::leg::{Leg, LegSetup};

impl LegPlan {
    pub(super) fn leg(&self, now: Instant, negotiated: Negotiated) -> Result<Leg, PipelineError> {
        let path = PathConfig { local_rtp: self.local_rtp, local_rtcp: self.local_rtcp, source: self.source };
        let mut transport = Transport::Plain(Plain::new(path));
        transport.set_keys(now, negotiated.srtp.as_ref());
        transport.set_remote(negotiated.remote_rtp, negotiated.remote_rtcp);
        self.leg_over(now, negotiated, transport)
    }

    pub(super) fn leg_over(&self, now: Instant, negotiated: Negotiated, transport: Transport) -> Result<Leg, PipelineError> {
        Leg::new(
            now,
            LegSetup {
                negotiated,
                transport,
                seed: RtpSeed { sequence: SequenceNumber(self.seed.sequence.0 & FIRST_SEQUENCE_MASK), ..self.seed },
                reporter: self.reporter.clone(),
                gap_wait_max: self.gap_wait_max,
                keys: self.keys,
                silence_suppression: self.codecs.comfort_noise,
                enhancement: self.enhancement,
                agent_hears: self.agent_format,
                agent_speaks: self.agent_format,
            },
        )
    }
}

/// A stream begins in the lower half of the sequence numbers: with SRTP, a receiver that misses the first packets may
/// not notice a roll-over among them (RFC 3711 §3.3.1).
const FIRST_SEQUENCE_MASK: u16 = 0x7fff;
