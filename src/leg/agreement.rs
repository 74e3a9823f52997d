//! A leg whose two sides agree anew, or one of which holds; and another agent at its near end.
//!
//! A codec of another clock begins another stream: one SSRC has timestamps of one clock (RFC 7160 §4.1). So does another key of ours. The far end's
//! old stream is heard until the first packet of its new payload type.

use std::time::Instant;

use media::egress::EgressCodec;
use media::frame::AudioFormat;
use media::pipeline::PipelineError;
use media::rtp::RtpSeed;
use media::sdp::Negotiated;
use media::transport::SourceRule;
use media::units::{RtpTimestamp, SequenceNumber, Ssrc};

use super::Leg;

impl Leg {
    /// Takes what was agreed anew: codec, packets, keys, addresses, directions and numbers. False, and nothing changed, when
    /// the codec cannot be had.
    pub fn renegotiate(&mut self, now: Instant, negotiated: Negotiated) -> bool {
        self.agree(now, negotiated, None)
    }

    /// The same with somebody else at the far end, whose packets are taken by this rule.
    pub fn change_far_end(&mut self, now: Instant, negotiated: Negotiated, source: SourceRule) -> bool {
        self.agree(now, negotiated, Some(source))
    }

    fn agree(&mut self, now: Instant, negotiated: Negotiated, another: Option<SourceRule>) -> bool {
        let old = (self.negotiated.codec, self.negotiated.receive_payload_types);
        let heard = (negotiated.codec, negotiated.receive_payload_types);
        if heard != old && self.ingress.set_codec(now, heard.0, heard.1).is_err() {
            return false;
        }
        let next = following(self.seed);
        let local_key = |negotiated: &Negotiated| negotiated.srtp.as_ref().map(|keys| keys.local.clone());
        let rekeyed = self.negotiated.srtp.is_some() && local_key(&negotiated) != local_key(&self.negotiated);
        match self.egress.set_codec(egress_codec(&negotiated), next) {
            Ok(false) if !rekeyed => {}
            Ok(renewed) => {
                // Under another key peers count roll-overs anew or go on, and of a new stream there are none.
                if !renewed {
                    self.egress.begin_stream(next);
                }
                self.seed = next;
                self.reporter.renew(now, next.ssrc);
                self.drain_reporter(now);
            }
            Err(_) => {
                // Back to what it was, which it can do.
                let _ = self.ingress.set_codec(now, old.0, old.1);
                return false;
            }
        }
        if let Some(source) = another {
            self.transport.part(now, source);
        }
        self.transport.set_keys(now, negotiated.srtp.as_ref());
        self.transport.set_remote(negotiated.remote_rtp, negotiated.remote_rtcp);
        self.ingress.hold(now, self.held || !negotiated.receive);
        // What the ingress makes of the old line is heard before anything of the new one.
        self.hear(now);
        if !self.keypad.will_want_tones(&negotiated) {
            self.close_tones(now);
        }
        self.keypad.renegotiate(now, &negotiated, &mut self.egress, &mut self.events);
        self.reporter.renegotiate(&negotiated);
        self.negotiated = negotiated;
        self.obey_keys();
        self.obey_silence(self.keypad.is_dialling(now));
        self.tell_listeners();
        self.obey_direction(now);
        true
    }

    /// Puts the far end on hold, or takes it off: what the agent says waits, comfort noise goes out, and what comes is
    /// nobody's to hear. False when that is so already. Signalling is not told.
    pub fn hold(&mut self, now: Instant, held: bool) -> bool {
        if self.held == held {
            return false;
        }
        self.held = held;
        self.ingress.hold(now, held || !self.negotiated.receive);
        self.hear(now);
        self.obey_direction(now);
        true
    }

    /// Another agent hears and speaks in `format`; it is another one than before where `changes`. What the former was saying is all
    /// that will come of it.
    ///
    /// # Errors
    /// When there is no way between the line's rate and the agent's; the old format stays.
    pub fn hear_and_speak(&mut self, now: Instant, format: AudioFormat, changes: bool) -> Result<(), PipelineError> {
        if changes {
            self.ingress.set_output(format)?;
        }
        self.egress.set_input(now, format);
        self.drain_egress(now);
        Ok(())
    }

    /// A far end that does not want to hear us is sent nothing, and what the agent says waits (RFC 3264 §8.4).
    pub(super) fn obey_direction(&mut self, now: Instant) {
        self.egress.set_sending(now, self.negotiated.send);
        if self.negotiated.send && !self.held && !self.is_in_doubt() {
            self.egress.resume(now);
        } else {
            self.egress.pause();
        }
    }
}

/// Where the stream after this one begins. As hard to guess as the first, whose every bit was drawn; in the lower half of the
/// sequence numbers for the sake of SRTP (RFC 3711 §3.3.1).
fn following(seed: RtpSeed) -> RtpSeed {
    let RtpSeed { ssrc, sequence, timestamp } = seed;
    let mut state = u64::from(ssrc.0) << 32 | u64::from(timestamp.0);
    // SplitMix64.
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as u32
    };
    let mut other = Ssrc(draw());
    if other == ssrc {
        other = Ssrc(draw());
    }
    RtpSeed { ssrc: other, sequence: SequenceNumber((sequence.0 ^ draw() as u16) & 0x7fff), timestamp: RtpTimestamp(draw()) }
}

/// What was agreed on for what we send.
pub(super) fn egress_codec(negotiated: &Negotiated) -> EgressCodec {
    let agreed = EgressCodec::new(negotiated.codec, negotiated.send_payload_types.audio, negotiated.ptime);
    let Some(far) = negotiated.opus else { return agreed };
    EgressCodec { opus: far.limit(agreed.opus), ..agreed }
}
