//! The end of what was heard, kept as it came.

use crate::codec::g711::Law;

/// The newest audio.
#[derive(Debug)]
pub(super) enum History {
    /// As payload bytes: a stream that passes undecoded is not decoded for their sake.
    Encoded(Law, Vec<u8>),
    /// As samples.
    Linear(Vec<i16>),
}

/// What went on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard<'a> {
    /// A payload of one byte a sample.
    Payload(&'a [u8]),
    /// Samples.
    Samples(&'a [i16]),
}

impl History {
    pub(super) fn new(law: Option<Law>, length: usize) -> Self {
        law.map_or_else(|| Self::Linear(vec![0; length]), |law| Self::Encoded(law, vec![law.silence(); length]))
    }

    pub(super) fn remember(&mut self, heard: Heard<'_>) {
        match (self, heard) {
            (Self::Encoded(_, kept), Heard::Payload(payload)) => push(kept, payload.iter().copied()),
            (Self::Encoded(law, kept), Heard::Samples(samples)) => push(kept, samples.iter().map(|&sample| law.encode(sample))),
            (Self::Linear(kept), Heard::Samples(samples)) => push(kept, samples.iter().copied()),
            (Self::Linear(_), Heard::Payload(_)) => debug_assert!(false, "without a law there is nothing to read payloads by"),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Encoded(law, kept) => kept.fill(law.silence()),
            Self::Linear(kept) => kept.fill(0),
        }
    }

    /// Writes all of it to `out`, the newest first.
    pub(super) fn newest_first(&self, out: &mut Vec<f32>) {
        out.clear();
        match self {
            Self::Encoded(law, kept) => out.extend(kept.iter().rev().map(|&byte| f32::from(law.decode(byte)))),
            Self::Linear(kept) => out.extend(kept.iter().rev().map(|&sample| f32::from(sample))),
        }
    }
}

/// Moves `newest` into the end of `kept`.
fn push<T>(kept: &mut [T], newest: impl DoubleEndedIterator<Item = T> + ExactSizeIterator) {
    kept.rotate_left(newest.len().min(kept.len()));
    for (place, value) in kept.iter_mut().rev().zip(newest.rev()) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest_first(history: &History) -> Vec<f32> {
        let mut out = Vec::new();
        history.newest_first(&mut out);
        out
    }

    #[test]
    fn it_spans_short_pieces_and_takes_the_end_of_long_ones() {
        let mut history = History::new(None, 4);
        history.remember(Heard::Samples(&[1, 2, 3]));
        history.remember(Heard::Samples(&[4, 5]));
        assert_eq!(newest_first(&history), [5.0, 4.0, 3.0, 2.0]);
        history.remember(Heard::Samples(&[6, 7, 8, 9, 10]));
        assert_eq!(newest_first(&history), [10.0, 9.0, 8.0, 7.0]);
    }

    #[test]
    fn payloads_and_what_was_made_up_between_them_stand_side_by_side() {
        let mut history = History::new(Some(Law::Mu), 3);
        history.remember(Heard::Payload(&[0x80, 0x00]));
        history.remember(Heard::Samples(&[8_031 * 4]));
        assert_eq!(newest_first(&history), [32_124.0, -32_124.0, 32_124.0]);
        history.clear();
        assert_eq!(newest_first(&history), [0.0; 3]);
    }
}
