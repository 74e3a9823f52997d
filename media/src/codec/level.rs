//! How loud audio is.

/// The root mean square of `samples` in dB below full scale, where 0 dBFS is a square wave of full scale; a sine of
/// full scale stands at −3.01 dBFS. Silence and an empty slice are −∞.
#[must_use]
pub fn rms_dbfs(samples: &[i16]) -> f32 {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let mean = energy / (samples.len().max(1) as f64);
    (10.0 * (mean / FULL_SCALE.powi(2)).log10()) as f32
}

const FULL_SCALE: f64 = 32_768.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_wave_of_half_scale_stands_six_decibels_below_full_scale() {
        let square: Vec<i16> = (0..800).map(|n| if n % 8 < 4 { 16_384 } else { -16_384 }).collect();
        assert!((rms_dbfs(&square) + 6.02).abs() < 0.01);
    }

    #[test]
    fn silence_is_infinitely_quiet() {
        assert_eq!(rms_dbfs(&[0; 160]), f32::NEG_INFINITY);
        assert_eq!(rms_dbfs(&[]), f32::NEG_INFINITY);
    }
}
