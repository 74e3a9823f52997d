//! Linear prediction by Burg's method: the filter under which audio foretells itself best, forwards and backwards.
//!
//! It carries the fine structure of a sound on for some milliseconds, better than the repetition of a period does. Left
//! out on purpose: windows (Burg's method wants none) and quantisation.

/// A predictor, with room to find it.
#[derive(Debug, Default)]
pub(super) struct Predictor {
    /// From the sample before on.
    coefficients: Vec<f32>,
    forward: Vec<f32>,
    backward: Vec<f32>,
    line: Vec<f32>,
}

impl Predictor {
    /// Writes to `out` how the audio `near`, the nearest sample first, goes on for `count` samples.
    pub(super) fn extend(&mut self, near: &[f32], order: usize, count: usize, out: &mut Vec<f32>) {
        self.fit(near, order.min(near.len() / 3));
        let order = self.coefficients.len();
        self.line.clear();
        self.line.extend(near.iter().take(order).rev());
        // In the order of time, so that the sum below runs over two slices.
        self.coefficients.reverse();
        for start in 0..count {
            let before = self.line.get(start..).unwrap_or_default();
            let next = -product(before, &self.coefficients);
            // A loud voice may ring up; beyond full scale there is nothing.
            self.line.push(next.clamp(-FULL_SCALE, FULL_SCALE));
        }
        out.clear();
        out.extend_from_slice(self.line.get(order..).unwrap_or_default());
    }

    /// Finds the coefficients.
    fn fit(&mut self, audio: &[f32], order: usize) {
        self.coefficients.clear();
        self.forward.clear();
        self.forward.extend(audio.iter().skip(1));
        self.backward.clear();
        self.backward.extend(audio.iter().take(audio.len().saturating_sub(1)));
        for step in 0..order {
            let forward = self.forward.get_mut(step..).unwrap_or_default();
            let length = forward.len();
            let backward = self.backward.get_mut(..length).unwrap_or_default();
            let energy = product(forward, forward) + product(backward, backward);
            if energy < SILENT {
                return;
            }
            let reflection = -2.0 * product(forward, backward) / energy;
            for (forward, backward) in forward.iter_mut().zip(backward) {
                (*forward, *backward) = (*forward + reflection * *backward, *backward + reflection * *forward);
            }
            reflect(&mut self.coefficients, reflection);
        }
    }
}

/// Levinson's step: one coefficient more.
fn reflect(coefficients: &mut Vec<f32>, reflection: f32) {
    let half = coefficients.len().div_ceil(2);
    let (low, high) = coefficients.split_at_mut(half);
    // In an odd number the middle one stands for itself.
    if low.len() > high.len()
        && let Some(middle) = low.last_mut()
    {
        *middle += reflection * *middle;
    }
    for (one, other) in low.iter_mut().zip(high.iter_mut().rev()) {
        (*one, *other) = (*one + reflection * *other, *other + reflection * *one);
    }
    coefficients.push(reflection);
}

/// The sum of products, in eight sums at a time so that it can be vectorised.
pub(super) fn product(one: &[f32], other: &[f32]) -> f32 {
    let length = one.len().min(other.len());
    let (one, other) = (one.get(..length).unwrap_or_default(), other.get(..length).unwrap_or_default());
    let ((one, one_rest), (other, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut sums = [0.0_f32; 8];
    for (one, other) in one.iter().zip(other) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f32>() + rest
}

/// Below this energy a residue is nothing.
const SILENT: f32 = 1.0;
const FULL_SCALE: f32 = 32_767.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn extended(near: &[f32], order: usize, count: usize) -> Vec<f32> {
        let mut out = Vec::new();
        Predictor::default().extend(near, order, count, &mut out);
        out
    }

    #[test]
    fn two_tones_go_on_as_they_were() {
        let tones = |n: i32| 6_000.0 * (n as f32 * 0.31).sin() + 3_000.0 * (n as f32 * 1.17 + 0.4).sin();
        let near: Vec<f32> = (1..=240).map(|n| tones(-n)).collect();
        let ahead = extended(&near, 32, 80);
        let error: f32 = ahead.iter().enumerate().map(|(n, sample)| (sample - tones(n as i32)).abs()).fold(0.0, f32::max);
        assert!(error < 300.0, "{error}");
    }

    #[test]
    fn silence_and_too_little_audio_go_on_as_silence() {
        assert_eq!(extended(&[0.0; 240], 64, 10), [0.0; 10]);
        assert_eq!(extended(&[5_000.0, -5_000.0], 64, 4), [0.0; 4]);
        assert_eq!(extended(&[], 64, 2), [0.0; 2]);
    }

    #[test]
    fn the_loudest_noise_never_leaves_full_scale() {
        let mut state = 1_u32;
        let near: Vec<f32> = (0..480)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 31 == 0 { FULL_SCALE } else { -FULL_SCALE }
            })
            .collect();
        assert!(extended(&near, 128, 240).iter().all(|sample| sample.is_finite() && sample.abs() <= FULL_SCALE));
    }

    #[test]
    fn the_sum_of_products_has_every_term() {
        let one: Vec<f32> = (1..=19).map(|n| n as f32).collect();
        assert_eq!(product(&one, &[1.0; 30]), 190.0);
    }
}
