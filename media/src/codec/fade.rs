//! Linear fades: the shortest that no ear takes for a click.

use std::time::Duration;

/// How long a cut is faded.
pub(crate) const FADE: Duration = Duration::from_millis(5);

/// `sample` at place `index` of a fade to silence over `length` samples; no place of it is wholly silent or wholly loud.
pub(crate) fn fade_out(sample: i16, index: usize, length: usize) -> i16 {
    let (index, length) = (index.min(length) as i32, length as i32);
    (i32::from(sample) * (length - index) / (length + 1)) as i16
}

/// The reverse of [`fade_out`].
pub(crate) fn fade_in(sample: i16, index: usize, length: usize) -> i16 {
    fade_out(sample, length.saturating_sub(index + 1), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fade_falls_steadily_from_just_below_the_sample_to_just_above_silence() {
        let faded: Vec<i16> = (0..40).map(|n| fade_out(4_100, n, 40)).collect();
        assert_eq!((faded[0], faded[39]), (4_000, 100));
        assert!(faded.windows(2).all(|pair| pair[1] < pair[0]));
    }

    #[test]
    fn a_fade_in_is_a_fade_out_backwards() {
        for n in 0..40 {
            assert_eq!(fade_in(-9_000, n, 40), fade_out(-9_000, 39 - n, 40));
        }
    }
}
