//! What lies between two parties: a datagram link that loses, doubles, reorders and delays; a stream that only delays.

use std::time::{Duration, Instant};

use crate::clock::{Random, ms};

/// What a link does to datagrams; chances in parts of 1,000.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Damage {
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    pub(crate) reorder: u64,
    /// The most that a reordered datagram is late.
    pub(crate) late: Duration,
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
}

impl Damage {
    /// A link that only delays.
    pub(crate) const NONE: Self = Self { loss: 0, duplicate: 0, reorder: 0, late: Duration::ZERO, delay: ms(10), jitter: Duration::ZERO };

    pub(crate) const fn lossy(loss: u64) -> Self {
        Self { loss, ..Self::NONE }
    }

    /// Anything between good and bad.
    pub(crate) fn drawn(random: &mut Random) -> Self {
        Self {
            loss: random.below(250),
            duplicate: random.below(100),
            reorder: random.below(200),
            late: random.up_to(ms(300)),
            delay: random.up_to(ms(100)),
            jitter: random.up_to(ms(40)),
        }
    }

    pub(crate) const fn is_faithful(&self) -> bool {
        self.loss == 0 && self.duplicate == 0 && self.reorder == 0 && self.jitter.is_zero()
    }
}

/// One direction of a datagram link.
pub(crate) struct Link {
    damage: Damage,
    random: Random,
}

impl Link {
    pub(crate) const fn new(damage: Damage, random: Random) -> Self {
        Self { damage, random }
    }

    /// When the datagram sent now arrives: never, once or twice.
    pub(crate) fn carry(&mut self, now: Instant) -> [Option<Instant>; 2] {
        let Self { damage, random } = self;
        if random.chance(damage.loss) {
            return [None, None];
        }
        let mut arrival = || {
            let late = if random.chance(damage.reorder) { random.up_to(damage.late) } else { Duration::ZERO };
            now + damage.delay + random.up_to(damage.jitter) + late
        };
        let (first, second) = (arrival(), arrival());
        [Some(first), random.chance(damage.duplicate).then_some(second)]
    }
}

/// One direction of something that keeps all, in order: a TCP connection, a queue between tasks.
pub(crate) struct Stream {
    delay: Duration,
    jitter: Duration,
    random: Random,
    last: Option<Instant>,
}

impl Stream {
    pub(crate) const fn new(delay: Duration, jitter: Duration, random: Random) -> Self {
        Self { delay, jitter, random, last: None }
    }

    pub(crate) fn carry(&mut self, now: Instant) -> Instant {
        let arrival = now + self.delay + self.random.up_to(self.jitter);
        let arrival = self.last.map_or(arrival, |last| last.max(arrival));
        self.last = Some(arrival);
        arrival
    }
}
