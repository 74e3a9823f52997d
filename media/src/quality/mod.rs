//! What a call sounds like, computed from what its packets suffered: the E-model.
//!
//! [`Quality::of`] rates one direction. Narrow-band codecs follow ITU-T G.107, wide-band ones G.107.1; each is rated for a
//! listener who expects that band (P.800.1: MOS-CQEN, MOS-CQEW), so a G.711 call and a G.722 call without loss are both
//! near their own best. The impairment of each codec stands in `g113`.
//!
//! Left out on purpose: everything about rooms, handsets and echo cancellers that a gateway cannot see (the default
//! values of G.107 table 2 stand for it), the full-band scale of G.107.2, and the fading memory of RFC 3611's extension.

mod g107;
mod g107_1;
mod g113;

use std::time::Duration;

pub use g113::{Band, Impairment};

/// How one direction of a call sounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The rating R with all that is known, 0 to 100; 93.2 is G.711 without fault. Wide-band ratings, 0 to 129, are
    /// brought to this scale as G.107.1 does for its MOS.
    pub r_factor: f64,
    /// Mean opinion score of listening only, 1 to 4.5: without the delay.
    pub mos_listening: f64,
    /// Mean opinion score of talking with each other, 1 to 4.5; `None` while the delay is not known.
    pub mos_conversational: Option<f64>,
}

/// What the packets of one direction suffered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// Part of the packets that was lost or came too late to be played, 0 to 1.
    pub loss: f64,
    /// How much longer the losses in a row are than those of independent losses; 1 where they are independent.
    pub burst_ratio: f64,
    /// From mouth to ear, one way.
    pub delay: Option<Duration>,
}

impl Quality {
    /// Rates one direction.
    #[must_use]
    pub fn of(codec: Impairment, conditions: &Conditions) -> Self {
        let impairment = codec.effective(conditions.loss, conditions.burst_ratio);
        let rate = |delay| match codec.band {
            Band::Narrow => g107::rating(delay, impairment),
            Band::Wide => g107_1::rating(delay, impairment) / g107_1::TO_NARROW,
        };
        let listening = rate(Duration::ZERO);
        let conversational = conditions.delay.map(rate);
        Self {
            r_factor: conversational.unwrap_or(listening).clamp(0.0, 100.0),
            mos_listening: g107::mos(listening),
            mos_conversational: conversational.map(g107::mos),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::Codec;

    const CLEAN: Conditions = Conditions { loss: 0.0, burst_ratio: 1.0, delay: None };

    fn listening(codec: Codec, loss: f64) -> f64 {
        Quality::of(Impairment::of(codec), &Conditions { loss, ..CLEAN }).mos_listening
    }

    #[test]
    fn g711_without_fault_is_93_2_and_4_41() {
        let quality = Quality::of(Impairment::of(Codec::Pcmu), &CLEAN);
        assert!((quality.r_factor - 93.2).abs() < 0.05, "{quality:?}");
        assert!((quality.mos_listening - 4.41).abs() < 0.005, "{quality:?}");
        assert_eq!(quality.mos_conversational, None);
    }

    #[test]
    fn every_codec_without_fault_is_good_and_five_percent_of_loss_are_heard() {
        let rate = crate::units::SampleRate::HZ_16000;
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::L16 { rate }, Codec::Opus] {
            assert!(listening(codec, 0.0) > 4.2, "{codec:?}");
            assert!(listening(codec, 0.05) < listening(codec, 0.0) - 0.2, "{codec:?}");
        }
    }

    #[test]
    fn delay_is_heard_in_conversation_and_not_in_listening() {
        let far = Conditions { delay: Some(Duration::from_millis(400)), ..CLEAN };
        let quality = Quality::of(Impairment::of(Codec::Pcmu), &far);
        assert!(quality.mos_listening > 4.4);
        assert!(quality.mos_conversational.unwrap() < 3.7, "{quality:?}");
        assert!(quality.r_factor < 72.0, "{quality:?}");
    }

    proptest! {
        #[test]
        fn any_conditions_give_a_rating_in_range_that_loss_and_delay_never_better(
            loss in -1.0f64..2.0, more in 0.0f64..1.0, burst_ratio in 0.0f64..1e6, delay_ms in 0u64..100_000, longer_ms in 0u64..100_000,
        ) {
            for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
                let of = |loss, delay_ms| {
                    let conditions = Conditions { loss, burst_ratio, delay: Some(Duration::from_millis(delay_ms)) };
                    Quality::of(Impairment::of(codec), &conditions)
                };
                let (quality, lossier, later) = (of(loss, delay_ms), of(loss + more, delay_ms), of(loss, delay_ms + longer_ms));
                prop_assert!((0.0..=100.0).contains(&quality.r_factor));
                prop_assert!((1.0..=4.5).contains(&quality.mos_listening));
                prop_assert!((1.0..=4.5).contains(&quality.mos_conversational.unwrap()));
                prop_assert!(lossier.r_factor <= quality.r_factor + 1e-9);
                prop_assert!(later.r_factor <= quality.r_factor + 1e-9);
            }
        }
    }
}
