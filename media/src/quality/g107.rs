//! The narrow-band E-model (ITU-T G.107, 06/2015): R = Ro − Is − Id − Ie,eff + A, and R as a mean opinion score (annex B).
//!
//! What no gateway knows has the default value of table 2: loudness SLR 8 and RLR 2 dB, STMR 15, TELR 65, WEPL 110 dB,
//! D factors 3, rooms of 35 dB(A), circuit noise −70 dBm0p, noise floor −64 dBmp, one quantising distortion unit, A 0.

use std::time::Duration;

/// The rating R of a connection with this one-way delay and this effective equipment impairment.
pub(super) fn rating(delay: Duration, impairment: f64) -> f64 {
    let no = noise();
    let ro = 15.0 - 1.5 * (SLR + no);
    let delay_ms = delay.as_secs_f64() * 1_000.0;
    ro - simultaneous(ro, no, delay_ms) - echo(ro, no, delay_ms) - absolute_delay(delay) - impairment
}

/// Annex B: the mean opinion score that a rating stands for.
///
/// Below 6.5 the polynomial would fall under 1, and the rating says "bad" whatever it is.
pub(super) fn mos(rating: f64) -> f64 {
    if rating >= 100.0 {
        4.5
    } else if rating <= 6.5 {
        1.0
    } else {
        (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).max(1.0)
    }
}

/// Idd (equation 7-27): what a delay costs that nobody's echo tells of; nothing up to 100 ms.
pub(super) fn absolute_delay(delay: Duration) -> f64 {
    let ratio = delay.as_secs_f64() / 0.1;
    if ratio <= 1.0 {
        return 0.0;
    }
    let x = ratio.log2();
    25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0) + 2.0)
}

/// No (equations 7-3 to 7-7): all noise, in dBm0p at the 0 dBr point.
fn noise() -> f64 {
    let send_room = ROOM - SLR - D_FACTOR - 100.0 + 0.004 * (ROOM - SLR - RLR - D_FACTOR - 14.0).powi(2);
    let receive_room = ROOM + 10.0 * (1.0 + power((10.0 - (STMR + D_FACTOR)) / 10.0)).log10();
    let receive_room = RLR - 121.0 + receive_room + 0.008 * (receive_room - 35.0).powi(2);
    let floor = NOISE_FLOOR + RLR;
    10.0 * [CIRCUIT_NOISE, send_room, receive_room, floor].map(|level| power(level / 10.0)).iter().sum::<f64>().log10()
}

/// Is (equations 7-8 to 7-17): what is heard together with the voice: loudness, side tone, quantising.
fn simultaneous(ro: f64, no: f64, delay_ms: f64) -> f64 {
    let loud = (SLR + RLR + 0.2 * (64.0 + no - RLR)) / 8.0;
    let loudness = 20.0 * ((1.0 + loud.powi(8)).powf(1.0 / 8.0) - loud);
    let side_tone = -10.0 * (power(-STMR / 10.0) + (-delay_ms / 4.0).exp() * power(-TELR / 10.0)).log10();
    let bend = |offset: f64, width: f64, order: i32| (1.0 + ((side_tone + offset) / width).powi(order)).powf(1.0 / f64::from(order));
    let side_tone = 12.0 * bend(-13.0, 6.0, 8) - 28.0 * bend(1.0, 19.4, 35) - 13.0 * bend(-3.0, 33.0, 13) + 29.0;
    // With one unit of distortion Q is 37 dB.
    let q = 37.0;
    let g = 1.07 + 0.258 * q + 0.0602 * q * q;
    let (y, z) = ((ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0, 46.0 / 30.0 - g / 40.0);
    let quantising = 15.0 * (1.0 + power(y) + power(z)).log10();
    loudness + side_tone + quantising
}

/// Idte and Idle (equations 7-19 to 7-26): what talker and listener hear of their echo.
fn echo(ro: f64, no: f64, delay_ms: f64) -> f64 {
    let talker = TELR - 40.0 * ((1.0 + delay_ms / 10.0) / (1.0 + delay_ms / 150.0)).log10() + 6.0 * (-0.3 * delay_ms * delay_ms).exp();
    let excess = (-1.5 * (no - RLR) - (80.0 + 2.5 * (talker - 14.0))) / 2.0;
    let talker = (excess + (excess * excess + 100.0).sqrt() - 1.0) * (1.0 - (-delay_ms).exp());
    let round_trip_ms = 2.0 * delay_ms;
    let excess = (ro - 10.5 * (WEPL + 7.0) * (round_trip_ms + 1.0).powf(-0.25)) / 2.0;
    let listener = excess + (excess * excess + 169.0).sqrt();
    talker + listener
}

fn power(exponent: f64) -> f64 {
    10f64.powf(exponent)
}

const SLR: f64 = 8.0;
const RLR: f64 = 2.0;
const STMR: f64 = 15.0;
const TELR: f64 = 65.0;
const WEPL: f64 = 110.0;
/// Both at the sending and at the receiving side.
const D_FACTOR: f64 = 3.0;
/// Noise of the rooms, dB(A).
const ROOM: f64 = 35.0;
/// dBm0p.
const CIRCUIT_NOISE: f64 = -70.0;
/// dBmp.
const NOISE_FLOOR: f64 = -64.0;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_default_values_give_the_93_2_of_the_recommendation() {
        assert!((rating(Duration::ZERO, 0.0) - 93.2).abs() < 0.05, "{}", rating(Duration::ZERO, 0.0));
    }

    #[test]
    fn ratings_are_the_opinion_scores_of_table_b_1() {
        for (rating, score) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58), (100.0, 4.5), (0.0, 1.0)] {
            assert!((mos(rating) - score).abs() < 0.007, "R {rating}: {}", mos(rating));
        }
        assert!((4.40..4.42).contains(&mos(93.2)));
    }

    #[test]
    fn a_score_never_falls_as_the_rating_rises() {
        let scores: Vec<f64> = (-50..150).map(|rating| mos(f64::from(rating))).collect();
        assert!(scores.is_sorted() && scores[0] == 1.0 && scores[199] == 4.5);
    }

    #[test]
    fn a_delay_up_to_100_ms_costs_nothing_by_itself_and_400_ms_cost_24() {
        assert_eq!(absolute_delay(ms(100)), 0.0);
        assert!((absolute_delay(ms(400)) - 24.1).abs() < 0.1, "{}", absolute_delay(ms(400)));
    }

    #[test]
    fn the_whole_cost_of_delay_is_near_the_line_that_cole_and_rosenbluth_fitted_to_the_model() {
        // "Voice over IP performance monitoring" (2001): Id = 0.024 d + 0.11 (d − 177.3) H(d − 177.3), for 0 to 400 ms.
        for delay_ms in (0..=400).step_by(20) {
            let d = f64::from(delay_ms);
            let fitted = 0.024 * d + 0.11 * (d - 177.3).max(0.0);
            let cost = rating(Duration::ZERO, 0.0) - rating(ms(u64::from(delay_ms as u32)), 0.0);
            assert!((cost - fitted).abs() < 3.5, "{delay_ms} ms: {cost}, fitted {fitted}");
        }
    }
}
