//! Which known key a misspelt one was meant to be.

/// The nearest of `known` to `written`, when it is near enough to be a slip.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (written.chars().count() / 3).max(2);
    known.into_iter().map(|key| (distance(written, key), key)).filter(|(distance, _)| *distance <= limit).min().map(|(_, key)| key)
}

/// Letters to insert, remove or replace (Levenshtein), one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let (first, rest) = row.split_at_mut(1);
        first.fill(left);
        for (cell, &y) in rest.iter_mut().zip(&b) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(left + 1);
            left = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_key_and_a_stranger_finds_none() {
        let known = ["listen", "advertised", "max_calls_per_second"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("max_call_per_seconds", known), Some("max_calls_per_second"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn the_distance_counts_single_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
