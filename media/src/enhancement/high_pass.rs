//! A high pass of second order (Butterworth), 3 dB down at 80 Hz: below it a telephone has hum and offset, and no speech.

/// Filters one stream at 16 kHz; transposed direct form II.
#[derive(Debug)]
pub(super) struct HighPass {
    forward: f64,
    feedback: [f64; 2],
    state: [f64; 2],
}

impl HighPass {
    pub(super) fn new() -> Self {
        let warped = (std::f64::consts::PI * CORNER_HZ / RATE_HZ).tan();
        let norm = 1.0 / (1.0 + std::f64::consts::SQRT_2 * warped + warped * warped);
        let feedback = [2.0 * (warped * warped - 1.0) * norm, (1.0 - std::f64::consts::SQRT_2 * warped + warped * warped) * norm];
        Self { forward: norm, feedback, state: [0.0; 2] }
    }

    pub(super) fn filter(&mut self, sample: f32) -> f32 {
        let (sample, [first, second]) = (f64::from(sample) * self.forward, self.state);
        let filtered = sample + first;
        self.state = [-2.0 * sample - self.feedback[0] * filtered + second, sample - self.feedback[1] * filtered];
        filtered as f32
    }
}

const RATE_HZ: f64 = 16_000.0;
const CORNER_HZ: f64 = 80.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_db(hz: f64) -> f64 {
        let mut filter = HighPass::new();
        let (mut sent, mut came) = (0.0, 0.0);
        for n in 0..32_000 {
            let sample = 10_000.0 * (f64::from(n) * hz / RATE_HZ * std::f64::consts::TAU).cos();
            let filtered = f64::from(filter.filter(sample as f32));
            if n >= 16_000 {
                (sent, came) = (sent + sample * sample, came + filtered * filtered);
            }
        }
        10.0 * (came / sent).log10()
    }

    #[test]
    fn speech_passes_and_hum_and_offset_do_not() {
        assert!(gain_db(0.0) < -100.0, "{}", gain_db(0.0));
        assert!(gain_db(25.0) < -19.0, "{}", gain_db(25.0));
        assert!((gain_db(80.0) + 3.01).abs() < 0.05, "{}", gain_db(80.0));
        assert!(gain_db(200.0) > -0.2 && gain_db(3_400.0).abs() < 0.01);
    }
}
