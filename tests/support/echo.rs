//! Whether a recording holds what was played: correlation after alignment.

/// A recording against what was played.
#[derive(Debug, PartialEq)]
pub(crate) struct Match {
    /// How many samples later it stands in the recording.
    pub(crate) delay: usize,
    /// 1 is the same, 0 unrelated.
    pub(crate) correlation: f64,
}

/// Finds `played` in `recorded`, at most two seconds later.
pub(crate) fn find(played: &[i16], recorded: &[i16]) -> Match {
    // The loudest second of what was played is looked for; the figure is then taken over all that both hold.
    let second = SECOND.min(played.len());
    let starts = (0..=played.len() - second).step_by(SECOND / 8);
    let loudest = starts.max_by_key(|&start| energy(&played[start..start + second])).unwrap_or(0);
    let part = &played[loudest..loudest + second];
    let correlation_at =
        |delay: usize| recorded.get(loudest + delay..loudest + delay + second).map_or(-1.0, |heard| correlation(part, heard));
    let delay = (0..2 * SECOND).max_by(|&one, &other| correlation_at(one).total_cmp(&correlation_at(other))).unwrap_or(0);
    let heard = recorded.get(delay..).unwrap_or_default();
    let both = played.len().min(heard.len());
    Match { delay, correlation: correlation(&played[..both], &heard[..both]) }
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
    assert!(found.delay == 1234 && found.correlation > 0.99, "{found:?}");
    let other: Vec<i16> = noise(7).map(|sample| sample - 8192).collect();
    assert!(find(&played, &other).correlation < 0.2);
}
