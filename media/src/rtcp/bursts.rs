//! Bursts and gaps of loss (RFC 3611 §4.7.2), counted as they pass.
//!
//! A burst begins and ends with a loss, and fewer than [`GAP_MINIMUM`] packets in a row arrive within it; a loss that
//! stands alone belongs to the gap around it. The RFC's appendix A.2 estimates both from counted transitions; here they
//! are counted by that definition itself, which needs no more memory.

/// What has passed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bursts {
    /// Packets and losses of whole bursts, and how many bursts there were.
    burst: Period,
    /// The same of whole gaps.
    gap: Period,
    /// Whether the gap counted last may still grow.
    in_gap: bool,
    /// The losses near each other that may become a burst, from the first to the last of them.
    group: Period,
    /// Packets that arrived since the last loss.
    arrived: u64,
    /// Runs of losses with no arrival between them.
    runs: u64,
}

/// Packets of one kind of period, the losses among them, and the periods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Period {
    packets: u64,
    losses: u64,
    count: u64,
}

impl Bursts {
    /// The next packet by sequence number: whether it was played.
    pub(super) fn packet(&mut self, played: bool) {
        if played {
            self.arrived += 1;
            return;
        }
        if self.arrived > 0 || self.group.losses == 0 {
            self.runs += 1;
        }
        if self.arrived >= GAP_MINIMUM || self.group.losses == 0 {
            self.close();
        }
        self.group.packets += self.arrived + 1;
        self.group.losses += 1;
        self.arrived = 0;
    }

    /// Adds those of another stream.
    pub(super) fn add(&mut self, other: Self) {
        let other = other.closed();
        for (sum, part) in [(&mut self.burst, other.burst), (&mut self.gap, other.gap)] {
            sum.packets += part.packets;
            sum.losses += part.losses;
            sum.count += part.count;
        }
        self.runs += other.runs;
    }

    /// Part of the packets in bursts that was not played.
    pub(super) fn burst_density(&self) -> f64 {
        self.closed().burst.density()
    }

    /// Part of the packets in gaps that was not played.
    pub(super) fn gap_density(&self) -> f64 {
        self.closed().gap.density()
    }

    /// Packets of the mean burst.
    pub(super) fn burst_packets(&self) -> f64 {
        self.closed().burst.mean()
    }

    /// Packets of the mean gap.
    pub(super) fn gap_packets(&self) -> f64 {
        self.closed().gap.mean()
    }

    /// BurstR of the E-model (G.107 §7.5): the mean run of losses against that of as many independent ones.
    pub(super) fn burst_ratio(&self) -> f64 {
        let Self { burst, gap, runs, .. } = self.closed();
        let (losses, packets) = ((burst.losses + gap.losses) as f64, (burst.packets + gap.packets) as f64);
        if runs == 0 { 1.0 } else { losses / runs as f64 * (1.0 - losses / packets) }
    }

    /// As if nothing more came.
    fn closed(mut self) -> Self {
        self.close();
        self
    }

    /// Decides what the group was; what arrived behind it is a gap.
    fn close(&mut self) {
        let group = std::mem::take(&mut self.group);
        if group.losses > 1 {
            self.burst.packets += group.packets;
            self.burst.losses += group.losses;
            self.burst.count += 1;
            self.in_gap = false;
        }
        let alone = group.losses == 1;
        if (alone || self.arrived > 0) && !std::mem::replace(&mut self.in_gap, true) {
            self.gap.count += 1;
        }
        self.gap.packets += u64::from(alone) + std::mem::take(&mut self.arrived);
        self.gap.losses += u64::from(alone);
    }
}

impl Period {
    fn density(&self) -> f64 {
        if self.packets == 0 { 0.0 } else { self.losses as f64 / self.packets as f64 }
    }

    fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.packets as f64 / self.count as f64 }
    }
}

/// Gmin: the value that RFC 3611 §4.7.2 recommends.
pub(super) const GAP_MINIMUM: u64 = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One packet a character: `x` was lost; a number stands for so many that arrived.
    fn of(pattern: &str) -> Bursts {
        let mut bursts = Bursts::default();
        for word in pattern.split(' ') {
            match word.parse::<u32>() {
                Ok(arrived) => (0..arrived).for_each(|_| bursts.packet(true)),
                Err(_) => word.chars().for_each(|packet| bursts.packet(packet != 'x')),
            }
        }
        bursts
    }

    #[test]
    fn a_loss_alone_belongs_to_the_gap() {
        let bursts = of("100 x 99");
        assert_eq!((bursts.burst_packets(), bursts.gap_packets(), bursts.gap_density()), (0.0, 200.0, 0.005));
        assert_eq!(bursts.burst_density(), 0.0);
    }

    #[test]
    fn fewer_than_sixteen_arrivals_between_two_losses_are_in_the_burst_and_sixteen_end_it() {
        let joined = of("50 x 15 x 50");
        assert_eq!((joined.burst_packets(), joined.gap_packets()), (17.0, 50.0));
        assert_eq!(joined.burst_density(), 2.0 / 17.0);
        let apart = of("50 x 16 x 50");
        assert_eq!((apart.burst_packets(), apart.gap_packets()), (0.0, 118.0));
    }

    #[test]
    fn the_gaps_before_between_and_behind_bursts_are_counted() {
        let bursts = of("30 xx.x 20 x 40 xxx 10");
        assert_eq!((bursts.burst_packets(), bursts.burst_density()), (3.5, 6.0 / 7.0));
        assert_eq!((bursts.gap_packets(), bursts.gap_density()), (101.0 / 3.0, 1.0 / 101.0));
    }

    #[test]
    fn a_stream_that_begins_and_ends_in_a_burst_has_no_gap() {
        let bursts = of("xx..x");
        assert_eq!((bursts.burst_packets(), bursts.gap_packets(), bursts.gap_density()), (5.0, 0.0, 0.0));
    }

    #[test]
    fn independent_losses_have_a_burst_ratio_near_one_and_losses_in_threes_near_three() {
        let mut seed = 1u64;
        let mut random = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f64 / f64::from(1 << 24)
        };
        let (mut apart, mut together) = (Bursts::default(), Bursts::default());
        for _ in 0..100_000 {
            apart.packet(random() >= 0.1);
            let lost = random() < 0.035;
            (0..if lost { 3 } else { 1 }).for_each(|_| together.packet(!lost));
        }
        assert!((apart.burst_ratio() - 1.0).abs() < 0.03, "{}", apart.burst_ratio());
        assert!((together.burst_ratio() - 2.8).abs() < 0.2, "{}", together.burst_ratio());
    }

    /// The definition, over the whole history at once.
    fn naive(history: &[bool]) -> [f64; 4] {
        let losses: Vec<usize> = (0..history.len()).filter(|n| !history[*n]).collect();
        let mut bursts: Vec<(usize, usize)> = Vec::new();
        for &at in &losses {
            match bursts.last_mut() {
                Some((_, end)) if at - *end <= GAP_MINIMUM as usize => *end = at,
                _ => bursts.push((at, at)),
            }
        }
        bursts.retain(|(start, end)| start < end);
        let in_burst = |n: usize| bursts.iter().any(|(start, end)| (*start..=*end).contains(&n));
        let gap_packets = (0..history.len()).filter(|n| !in_burst(*n)).count();
        let gaps = (0..history.len()).filter(|n| !in_burst(*n) && (*n == 0 || in_burst(*n - 1))).count();
        let burst_packets = history.len() - gap_packets;
        let burst_losses = losses.iter().filter(|n| in_burst(**n)).count();
        let part = |of: usize, all: usize| if all == 0 { 0.0 } else { of as f64 / all as f64 };
        [
            part(burst_losses, burst_packets),
            part(losses.len() - burst_losses, gap_packets),
            part(burst_packets, bursts.len()),
            part(gap_packets, gaps),
        ]
    }

    proptest! {
        #[test]
        fn any_history_is_parted_as_the_definition_parts_it(lengths in proptest::collection::vec((0usize..40, 1usize..4), 0..40), tail in 0usize..40) {
            let mut history = Vec::new();
            for (arrived, lost) in lengths {
                history.resize(history.len() + arrived, true);
                history.resize(history.len() + lost, false);
            }
            history.resize(history.len() + tail, true);
            let mut bursts = Bursts::default();
            history.iter().for_each(|played| bursts.packet(*played));
            prop_assert_eq!([bursts.burst_density(), bursts.gap_density(), bursts.burst_packets(), bursts.gap_packets()], naive(&history));
        }
    }
}
