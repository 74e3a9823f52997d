//! Whether a recording holds what was played: correlation after alignment.

use std::iter::repeat;
use std::ops::Range;

use realfft::RealFftPlanner;

/// A recording against what was played.
#[derive(Debug, PartialEq)]
pub(crate) struct Match {
    /// How many samples later it stands in the recording.
    pub(crate) delay: usize,
    /// 1 is the same, 0 unrelated; one packet too many or too few in the middle spoils it.
    pub(crate) correlation: f64,
    /// Audible half seconds of what was played.
    pub(crate) audible: usize,
    /// Those of them that were not found near the place that the one before had.
    pub(crate) lost: usize,
}

/// Finds `played` in `recorded`, at most two seconds later.
pub(crate) fn find(played: &[i16], recorded: &[i16]) -> Match {
    // The loudest second of what was played is looked for; the figure is then taken over all that both hold.
    let second = SECOND.min(played.len());
    let starts = (0..=played.len() - second).step_by(SECOND / 8);
    let loudest = starts.max_by_key(|&start| energy(&played[start..start + second])).unwrap_or(0);
    let delay = best_delay(played, recorded, loudest, second, 0..2 * SECOND).0;
    let heard = recorded.get(delay..).unwrap_or_default();
    let both = played.len().min(heard.len());
    let (audible, lost) = half_seconds(played, recorded, delay);
    Match { delay, correlation: correlation(&played[..both], &heard[..both]), audible, lost }
}

/// Audible half seconds of `played`, and those that are not in `recorded` within 60 ms of where the one before was. A peer
/// without real-time priority on a machine that stands still for a moment conceals or drops packets; what comes after
/// is whole again.
fn half_seconds(played: &[i16], recorded: &[i16], delay: usize) -> (usize, usize) {
    let is_audible = |start: &usize| energy(&played[*start..*start + WINDOW]) > AUDIBLE * WINDOW as i64;
    let (mut audible, mut lost, mut place) = (0, 0, delay);
    for start in (0..played.len().saturating_sub(WINDOW)).step_by(WINDOW).filter(is_audible) {
        audible += 1;
        let (found, likeness) = best_delay(played, recorded, start, WINDOW, place.saturating_sub(SHIFT)..place + SHIFT);
        if likeness < 0.9 {
            lost += 1;
        } else {
            place = found;
        }
    }
    (audible, lost)
}

/// The delay at which the part of `played` from `start` on is most like what was recorded, and how like that is.
fn best_delay(played: &[i16], recorded: &[i16], start: usize, length: usize, delays: Range<usize>) -> (usize, f64) {
    let end = recorded.len().min(start + delays.end + length - 1);
    let heard = recorded.get(start + delays.start..end).unwrap_or_default();
    let found = likenesses(&played[start..start + length], heard).into_iter().enumerate();
    found.max_by(|one, other| one.1.total_cmp(&other.1)).map_or((0, -1.0), |(place, likeness)| (delays.start + place, likeness))
}

/// How like `part` is to what stands at each place of `heard` at which it fits in: 1 is the same, 0 unrelated. The products come by one
/// transform for all places; one after the other they take seconds.
#[expect(clippy::cast_precision_loss, reason = "samples and sums of their squares are far below 2^52")]
pub(crate) fn likenesses(part: &[i16], heard: &[i16]) -> Vec<f64> {
    let Some(last) = heard.len().checked_sub(part.len()) else { return Vec::new() };
    let length = heard.len().next_power_of_two().max(2);
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let spectrum = |samples: &[i16]| {
        let mut padded: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).chain(repeat(0.0)).take(length).collect();
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut padded, &mut spectrum).expect("lengths of the plan");
        spectrum
    };
    let mut crossed: Vec<_> = spectrum(heard).iter().zip(spectrum(part)).map(|(heard, part)| heard * part.conj()).collect();
    // Both ends of it are real but for the rounding, and have to be.
    crossed.iter_mut().step_by(length / 2).for_each(|end| end.im = 0.0);
    let mut products = inverse.make_output_vec();
    inverse.process(&mut crossed, &mut products).expect("lengths of the plan");
    let own = energy(part) as f64;
    let mut passing = energy(&heard[..part.len()]);
    let likeness = |place: usize| {
        let scale = (own * passing as f64).sqrt();
        let square = |at: usize| heard.get(at).map_or(0, |&sample| i64::from(sample).pow(2));
        passing += square(place + part.len()) - square(place);
        if scale > 0.0 { products[place] / length as f64 / scale } else { 0.0 }
    };
    (0..=last).map(likeness).collect()
}

fn energy(samples: &[i16]) -> i64 {
    samples.iter().map(|&sample| i64::from(sample).pow(2)).sum()
}

#[expect(clippy::cast_precision_loss, reason = "a figure of three digits")]
fn correlation(one: &[i16], other: &[i16]) -> f64 {
    let product: i64 = one.iter().zip(other).map(|(&one, &other)| i64::from(one) * i64::from(other)).sum();
    let scale = (energy(one) as f64).sqrt() * (energy(other) as f64).sqrt();
    if scale > 0.0 { product as f64 / scale } else { 0.0 }
}

const SECOND: usize = 8000;
const WINDOW: usize = SECOND / 2;
/// 60 ms.
const SHIFT: usize = 480;
/// Mean square of a sample in a window that counts: about -50 dBov.
const AUDIBLE: i64 = 10_000;

#[test]
fn an_echo_is_found_and_another_sound_is_not() {
    let noise = |mut seed: u32| {
        (0..24_000).map(move |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 18).cast_signed() as i16
        })
    };
    let played: Vec<i16> = noise(1).map(|sample| sample - 8192).collect();
    let late: Vec<i16> = std::iter::repeat_n(0, 1234).chain(played.iter().map(|sample| sample / 2)).collect();
    let found = find(&played, &late);
    assert!(found.delay == 1234 && found.correlation > 0.99 && found.lost == 0, "{found:?}");
    // A packet too many in the third half second: it is lost, the rest is found.
    let stretched: Vec<i16> = late[..11_234].iter().chain(&[0; 160]).chain(&late[11_234..]).copied().collect();
    let found = find(&played, &stretched);
    assert!(found.correlation < 0.9 && found.lost == 1, "{found:?}");
    let other: Vec<i16> = noise(7).map(|sample| sample - 8192).collect();
    let found = find(&played, &other);
    assert!(found.correlation < 0.2 && found.lost == 5, "{found:?}");
}
