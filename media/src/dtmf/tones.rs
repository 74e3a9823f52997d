//! The two tones of a key (ITU-T Q.23), and what a level on the line is in samples (ITU-T G.711).

use crate::dtmf::Digit;

/// The frequencies of the rows, in Hz.
pub(super) const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// The frequencies of the columns, in Hz.
pub(super) const HIGH: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The keys as they lie on the telephone, row by row.
const PAD: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The low and the high tone of a key, in Hz; a flash has none.
pub(super) fn tones(digit: Digit) -> Option<(f64, f64)> {
    let key = digit.key();
    PAD.iter().zip(LOW).find_map(|(row, low)| row.iter().zip(HIGH).find_map(|(&on, high)| (on == key).then_some((low, high))))
}

/// The key in a row and a column, each 0 to 3.
pub(super) fn digit(row: usize, column: usize) -> Option<Digit> {
    Digit::new(*PAD.get(row)?.get(column)?)
}

/// The peak of a sine at `level_dbm0`, in units of a sample.
pub(super) fn amplitude(level_dbm0: f64) -> f64 {
    f64::from(1 << 15) * 10_f64.powf((level_dbm0 - FULL_SCALE_DBM0) / 20.0)
}

/// The level of a sine of full scale (G.711, μ-law).
const FULL_SCALE_DBM0: f64 = 3.17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_but_the_flash_has_two_tones_and_is_found_by_them() {
        for digit in (0..16).filter_map(Digit::from_event) {
            let (low, high) = tones(digit).unwrap();
            let row = LOW.iter().position(|&tone| tone == low).unwrap();
            let column = HIGH.iter().position(|&tone| tone == high).unwrap();
            assert_eq!(super::digit(row, column), Some(digit));
        }
        assert_eq!(tones(Digit::FLASH), None);
    }

    #[test]
    fn the_pad_is_that_of_a_telephone() {
        let tones_of = |key| tones(Digit::new(key).unwrap()).unwrap();
        assert_eq!(tones_of('1'), (697.0, 1_209.0));
        assert_eq!(tones_of('0'), (941.0, 1_336.0));
        assert_eq!(tones_of('#'), (941.0, 1_477.0));
        assert_eq!(tones_of('D'), (941.0, 1_633.0));
    }
}
