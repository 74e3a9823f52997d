//! What is there when nobody speaks: the least power of late.
//!
//! A pause shows the background, a word never does, so the floor falls at once and rises slowly, by so many decibels a second;
//! out of digital silence, which has none to multiply, it rises by a little at a time. For powers that are means over a packet or
//! more. What follows powers of single bands over 8 ms ([`crate::echo`]) must not fall at once, since one hop of noise in one band
//! is often 10 dB below its mean: that is another rule, and stands there.

/// Follows the background of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoiseFloor {
    rise_db: f64,
    power: Option<f64>,
}

impl NoiseFloor {
    /// A floor that rises by so many decibels a second.
    pub(crate) const fn rising(rise_db: f64) -> Self {
        Self { rise_db, power: None }
    }

    /// The mean square of the next `seconds`.
    pub(crate) fn update(&mut self, power: f64, seconds: f64) {
        let risen = |floor: f64| floor * 10_f64.powf(self.rise_db * seconds / 10.0) + TRICKLE * seconds;
        self.power = Some(self.power.map_or(power, |floor| risen(floor).min(power)));
    }

    /// Its mean square, in squares of the least step of 16 bits; `None` before anything was heard.
    pub(crate) const fn power(&self) -> Option<f64> {
        self.power
    }
}

/// A second's rise out of digital silence: −93 dB of full scale.
const TRICKLE: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_at_once_and_rises_as_fast_as_it_was_told() {
        let mut floor = NoiseFloor::rising(2.0);
        assert_eq!(floor.power(), None);
        for power in [10_000.0, 1_000.0, 1_000_000.0] {
            floor.update(power, 0.02);
        }
        let decibels = |floor: &NoiseFloor| 10.0 * floor.power().unwrap().log10();
        assert!((decibels(&floor) - 30.04).abs() < 0.001);
        (0..250).for_each(|_| floor.update(1_000_000.0, 0.02));
        assert!((decibels(&floor) - 40.04).abs() < 0.02, "{}", decibels(&floor));
    }

    #[test]
    fn it_rises_from_digital_silence_to_no_more_than_is_there() {
        let mut floor = NoiseFloor::rising(1.0);
        (0..500).for_each(|_| floor.update(0.0, 0.02));
        (0..50).for_each(|_| floor.update(25.0, 0.02));
        assert!((0.4..0.7).contains(&floor.power().unwrap()));
        (0..2_000).for_each(|_| floor.update(25.0, 0.02));
        assert_eq!(floor.power(), Some(25.0));
    }
}
