//! The wide-band E-model (ITU-T G.107.1): the narrow-band one on a scale that goes to 129.
//!
//! With the default values Ro,WB − Is,WB is the 129 of the recommendation. Left out on purpose: its echo terms; echo is
//! taken to be cancelled, as it is where nothing on the way is analogue.

use std::time::Duration;

use super::g107;

/// The rating of a wide-band connection, at most 129.
pub(super) fn rating(delay: Duration, impairment: f64) -> f64 {
    BEST - g107::absolute_delay(delay) - impairment
}

/// What a wide-band rating is divided by before it is read as an opinion score.
pub(super) const TO_NARROW: f64 = 1.29;
const BEST: f64 = 129.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_wide_band_connection_is_129_and_has_the_best_score() {
        assert_eq!(rating(Duration::ZERO, 0.0), 129.0);
        assert_eq!(g107::mos(rating(Duration::ZERO, 0.0) / TO_NARROW), 4.5);
    }

    #[test]
    fn a_narrow_band_call_is_93_on_the_wide_band_scale() {
        // G.107.1: the step from narrow to wide band is worth 36 points, the gap between the two best ratings.
        let narrow = g107::rating(Duration::ZERO, 0.0);
        assert!((rating(Duration::ZERO, 36.0) - narrow).abs() < 0.5, "{narrow}");
    }
}
