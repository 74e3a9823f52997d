//! Who takes part (RFC 3550 §6.2.1, §6.3.5): the sources heard of late, by RTP or by RTCP.
//!
//! A call has one far end with one source, a bridge behind it some more. The table is small: a source beyond it takes the
//! place of the one that was silent longest, so invented sources cost nothing.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::schedule::Group;
use crate::units::Ssrc;

/// The other members.
#[derive(Debug, Default)]
pub(super) struct Members {
    table: [Option<Member>; TABLE],
}

#[derive(Clone, Copy, Debug)]
struct Member {
    ssrc: Ssrc,
    /// When anything of it was heard last.
    heard: Instant,
    /// When it sent RTP last.
    sent: Option<Instant>,
}

impl Members {
    /// RTP of this source came.
    pub(super) fn sent(&mut self, now: Instant, ssrc: Ssrc) {
        self.entry(now, ssrc).sent = Some(now);
    }

    /// RTCP of this source came.
    pub(super) fn reported(&mut self, now: Instant, ssrc: Ssrc) {
        self.entry(now, ssrc);
    }

    /// The source said goodbye; false when nobody knew it.
    pub(super) fn left(&mut self, ssrc: Ssrc) -> bool {
        let place = self.table.iter_mut().find(|member| member.is_some_and(|member| member.ssrc == ssrc));
        place.is_some_and(|place| place.take().is_some())
    }

    /// Forgets who was silent for five of these intervals, and whose audio ended two of them ago.
    pub(super) fn expire(&mut self, now: Instant, interval: Duration) {
        for place in &mut self.table {
            let silent = |since: Instant, intervals| now.saturating_duration_since(since) > interval * intervals;
            *place = place.filter(|member| !silent(member.heard, 5)).map(|member| {
                let sent = member.sent.filter(|sent| !silent(*sent, 2));
                Member { sent, ..member }
            });
        }
    }

    /// All members, we among them.
    pub(super) fn group(&self, we_send: bool) -> Group {
        let others = self.table.iter().flatten();
        let senders = others.clone().filter(|member| member.sent.is_some()).count() as u32;
        Group { members: others.count() as u32 + 1, senders: senders + u32::from(we_send), we_send }
    }

    /// The place of this source: its own, a free one, or that of the one silent longest.
    fn entry(&mut self, now: Instant, ssrc: Ssrc) -> &mut Member {
        let fitness = |place: &Option<Member>| match place {
            Some(member) if member.ssrc == ssrc => (2, None),
            None => (1, None),
            Some(member) => (0, Some(Reverse(member.heard))),
        };
        let [first, rest @ ..] = &mut self.table;
        let place = rest.iter_mut().fold(first, |best, place| if fitness(place) > fitness(best) { place } else { best });
        *place = place.filter(|member| member.ssrc == ssrc);
        let member = place.get_or_insert(Member { ssrc, heard: now, sent: None });
        member.heard = now;
        member
    }
}

const TABLE: usize = 8;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn counts(members: &Members) -> (u32, u32) {
        let Group { members, senders, .. } = members.group(false);
        (members, senders)
    }

    #[test]
    fn a_source_is_a_member_once_whatever_it_sends() {
        let (mut members, now) = (Members::default(), Instant::now());
        for _ in 0..3 {
            members.sent(now, Ssrc(1));
            members.reported(now, Ssrc(1));
            members.reported(now, Ssrc(2));
        }
        assert_eq!(counts(&members), (3, 1));
        assert_eq!(members.group(true).senders, 2);
        assert!(members.left(Ssrc(1)) && !members.left(Ssrc(1)) && !members.left(Ssrc(9)));
        assert_eq!(counts(&members), (2, 0));
    }

    #[test]
    fn who_stops_sending_is_no_sender_after_two_intervals_and_no_member_after_five() {
        let (mut members, now) = (Members::default(), Instant::now());
        members.sent(now, Ssrc(1));
        for (seconds, expected) in [(10, (2, 1)), (11, (2, 0)), (25, (2, 0)), (26, (1, 0))] {
            members.expire(now + SECOND * seconds, 5 * SECOND);
            assert_eq!(counts(&members), expected, "after {seconds} s");
        }
    }

    #[test]
    fn invented_sources_push_each_other_out_and_not_the_one_that_speaks() {
        let (mut members, mut now) = (Members::default(), Instant::now());
        for invented in 100..10_000 {
            now += Duration::from_millis(1);
            members.sent(now, Ssrc(1));
            members.reported(now, Ssrc(invented));
        }
        assert_eq!(counts(&members), (9, 1));
    }
}
