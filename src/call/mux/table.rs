//! Whose a datagram is: by the route that a request names, or by the path that a call has proved.

use std::collections::HashMap;
use std::fmt;

use media::transport::Flow;

/// Eight characters with which every user fragment of one call begins, so that its datagrams find it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteName([u8; RouteName::LEN]);

impl RouteName {
    const LEN: usize = 8;

    /// A name that nobody can guess, of 48 random bits.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn random() -> Self {
        let mut random = [0; Self::LEN];
        getrandom::fill(&mut random).expect("the operating system provides randomness");
        Self(random.map(|octet| ALPHABET.get(usize::from(octet & 63)).copied().unwrap_or(b'A')))
    }

    /// As it stands in a user fragment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn of_user(user: &str) -> Option<Self> {
        user.as_bytes().first_chunk().copied().map(Self)
    }
}

impl fmt::Debug for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Routes and paths, each with what waits for its call.
#[derive(Debug)]
pub(super) struct Table<I> {
    routes: HashMap<RouteName, Place<I>>,
    flows: HashMap<Flow, RouteName>,
}

#[derive(Debug)]
struct Place<I> {
    inbox: I,
    /// The paths that it has proved.
    flows: Vec<Flow>,
}

impl<I> Default for Table<I> {
    fn default() -> Self {
        Self { routes: HashMap::new(), flows: HashMap::new() }
    }
}

impl<I: Clone> Table<I> {
    pub(super) fn enter(&mut self, route: RouteName, inbox: I) {
        self.routes.insert(route, Place { inbox, flows: Vec::new() });
    }

    /// Forgets a call and all that it has proved.
    pub(super) fn leave(&mut self, route: RouteName) {
        if let Some(place) = self.routes.remove(&route) {
            place.flows.iter().for_each(|flow| self.unlearn(*flow, route));
        }
    }

    /// Whom a request is for, and whether it comes by a path of that call.
    pub(super) fn by_user(&self, user: &str, flow: Flow) -> Option<(I, bool)> {
        let route = RouteName::of_user(user)?;
        let place = self.routes.get(&route)?;
        Some((place.inbox.clone(), self.flows.get(&flow) == Some(&route)))
    }

    /// Whose path it is.
    pub(super) fn by_flow(&self, flow: Flow) -> Option<(I, bool)> {
        let place = self.routes.get(self.flows.get(&flow)?)?;
        Some((place.inbox.clone(), true))
    }

    /// A call has proved a path. Who had it before has lost it: its peer's address has passed to somebody else.
    pub(super) fn learn(&mut self, route: RouteName, flow: Flow, admits: impl Fn(Flow) -> bool) {
        let Some(place) = self.routes.get_mut(&route) else { return };
        let mut dropped = Vec::new();
        if place.flows.len() >= MOST && !place.flows.contains(&flow) {
            let (kept, gone) = place.flows.iter().copied().partition(|flow| admits(*flow));
            (place.flows, dropped) = (kept, gone);
        }
        if place.flows.len() >= MOST {
            return;
        }
        if !place.flows.contains(&flow) {
            place.flows.push(flow);
        }
        dropped.into_iter().for_each(|flow| self.unlearn(flow, route));
        self.flows.insert(flow, route);
    }

    /// A path is no more: whose it was.
    pub(super) fn forget(&mut self, flow: Flow) -> Option<I> {
        let place = self.routes.get_mut(&self.flows.remove(&flow)?)?;
        place.flows.retain(|known| *known != flow);
        Some(place.inbox.clone())
    }

    fn unlearn(&mut self, flow: Flow, route: RouteName) {
        if self.flows.get(&flow) == Some(&route) {
            self.flows.remove(&flow);
        }
    }
}

/// Paths of one call; its transport keeps no more than eight.
const MOST: usize = 12;
/// What ICE writes user fragments with (RFC 8839 §5.4).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use media::transport::Protocol;

    use super::*;

    fn flow(port: u16) -> Flow {
        Flow { protocol: Protocol::Udp, local: ([192, 0, 2, 1], 8_443).into(), remote: ([198, 51, 100, 7], port).into() }
    }

    fn route(name: &str) -> RouteName {
        RouteName::of_user(name).unwrap()
    }

    #[test]
    fn a_request_finds_its_call_by_name_and_everything_else_by_the_path_that_was_proved() {
        let mut table = Table::default();
        table.enter(route("aaaaaaaa"), 'a');
        assert_eq!(table.by_user("aaaaaaaaGEN0", flow(1)), Some(('a', false)));
        assert_eq!(table.by_user("bbbbbbbbGEN0", flow(1)), None);
        assert_eq!((table.by_user("aaa", flow(1)), table.by_flow(flow(1))), (None, None));
        table.learn(route("aaaaaaaa"), flow(1), |_| true);
        assert_eq!(table.by_flow(flow(1)), Some(('a', true)));
        assert_eq!(table.by_user("aaaaaaaaGEN1", flow(1)), Some(('a', true)));
    }

    #[test]
    fn whoever_proves_a_path_later_has_it_and_who_had_it_takes_nothing_away_by_leaving() {
        let mut table = Table::default();
        table.enter(route("aaaaaaaa"), 'a');
        table.enter(route("bbbbbbbb"), 'b');
        table.learn(route("aaaaaaaa"), flow(1), |_| true);
        table.learn(route("bbbbbbbb"), flow(1), |_| true);
        table.leave(route("aaaaaaaa"));
        assert_eq!(table.by_flow(flow(1)), Some(('b', true)));
        table.leave(route("bbbbbbbb"));
        assert!(table.flows.is_empty() && table.routes.is_empty());
    }

    #[test]
    fn a_call_has_no_more_paths_than_it_may_and_forgets_those_that_it_does_not_admit() {
        let mut table = Table::default();
        table.enter(route("aaaaaaaa"), 'a');
        for port in 1..=200 {
            table.learn(route("aaaaaaaa"), flow(port), |known| known.remote.port() + 4 > port || known.remote.port() == 1);
        }
        assert!(table.flows.len() <= MOST, "{}", table.flows.len());
        assert!(table.by_flow(flow(1)).is_some() && table.by_flow(flow(200)).is_some() && table.by_flow(flow(100)).is_none());
    }

    #[test]
    fn names_differ_and_are_written_with_what_ice_allows() {
        let (one, other) = (RouteName::random(), RouteName::random());
        assert_ne!(one, other);
        assert!(one.as_str().bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
