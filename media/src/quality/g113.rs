//! What a codec costs, with and without loss: Ie and Bpl (ITU-T G.113, appendices I and IV), and both together (G.107 §7.5).

use crate::codec::Codec;
use crate::units::SampleRate;

/// The audio band that a listener expects and is rated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// 300 to 3400 Hz.
    Narrow,
    /// 50 to 7000 Hz.
    Wide,
}

/// A codec as the E-model sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// Which scale the rest stands on.
    pub band: Band,
    /// Ie: what the codec costs by itself.
    pub equipment: f64,
    /// Bpl: how well its concealment bears loss.
    pub robustness: f64,
}

impl Impairment {
    /// The planning values of a codec with the concealment that this crate has for it.
    ///
    /// - G.711: Ie 0; Bpl 25.1 with the concealment of its appendix I (G.113 appendix I).
    /// - G.722 at 64 kbit/s: Ie,WB 13 (G.113 appendix IV). Bpl is G.711's, since the concealment is the same.
    /// - L16: nothing but the loss; Bpl as above.
    /// - Opus: G.113 has no values. Those of Alahmadi, Počta and Melvin ("An adaptive bitrate switching algorithm for
    ///   speech applications in context of WebRTC", ACM TOMM 17(4), 2021) for wide band at 15 kbit/s, their highest rate
    ///   in that band, are taken: at ours, which is higher, the truth is somewhat better.
    #[must_use]
    pub fn of(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu | Codec::Pcma => Self::G711,
            Codec::G722 => Self { band: Band::Wide, equipment: 13.0, ..Self::G711 },
            Codec::L16 { rate } => Self { band: if rate > SampleRate::HZ_8000 { Band::Wide } else { Band::Narrow }, ..Self::G711 },
            Codec::Opus => Self { band: Band::Wide, equipment: 18.1, robustness: 18.7 },
        }
    }

    /// Ie,eff (equation 7-29): the codec with this part of its packets lost, of 0 to 1, in bursts of this ratio.
    ///
    /// A ratio below 1, where losses keep away from each other, is taken as 1; one beyond 8 has no published ground.
    #[must_use]
    pub fn effective(&self, loss: f64, burst_ratio: f64) -> f64 {
        let percent = 100.0 * loss.clamp(0.0, 1.0);
        let burst_ratio = burst_ratio.clamp(1.0, MAX_BURST_RATIO);
        self.equipment + (95.0 - self.equipment) * percent / (percent / burst_ratio + self.robustness)
    }

    const G711: Self = Self { band: Band::Narrow, equipment: 0.0, robustness: 25.1 };
}

const MAX_BURST_RATIO: f64 = 8.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// The effective impairment at so many per cent of independent loss.
    fn at(codec: Impairment, percent: f64) -> f64 {
        codec.effective(percent / 100.0, 1.0)
    }

    #[test]
    fn loss_costs_g729_with_silence_suppression_what_appendix_i_tells() {
        let g729 = Impairment { band: Band::Narrow, equipment: 11.0, robustness: 19.0 };
        for (percent, published) in
            [(0.0, 11.0), (0.5, 13.0), (1.0, 15.0), (1.5, 17.0), (2.0, 19.0), (3.0, 23.0), (4.0, 26.0), (8.0, 36.0), (16.0, 49.0)]
        {
            assert!((at(g729, percent) - published).abs() < 0.6, "{percent} %: {}", at(g729, percent));
        }
    }

    #[test]
    fn loss_costs_g711_with_concealment_what_appendix_i_tells_within_its_own_rounding() {
        // The older table was rounded to fives; the formula was fitted to it.
        for (percent, published) in
            [(0.0, 0.0), (1.0, 5.0), (2.0, 7.0), (3.0, 10.0), (5.0, 15.0), (7.0, 20.0), (10.0, 25.0), (15.0, 35.0), (20.0, 45.0)]
        {
            assert!((at(Impairment::of(Codec::Pcmu), percent) - published).abs() < 3.1, "{percent} %");
        }
    }

    #[test]
    fn losses_in_a_row_cost_more_than_the_same_losses_apart() {
        let codec = Impairment::of(Codec::Pcmu);
        let costs: Vec<f64> = [0.2, 1.0, 2.0, 4.0].map(|ratio| codec.effective(0.05, ratio)).to_vec();
        assert!(costs[0] == costs[1] && costs[1] < costs[2] && costs[2] < costs[3], "{costs:?}");
    }

    #[test]
    fn linear_audio_is_rated_in_the_band_of_its_rate() {
        let band = |rate| Impairment::of(Codec::L16 { rate }).band;
        assert_eq!((band(SampleRate::HZ_8000), band(SampleRate::HZ_16000)), (Band::Narrow, Band::Wide));
    }
}
