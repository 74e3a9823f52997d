//! Who follows events, and how many may.
//!
//! A stream holds a connection and a place in the memory for as long as its reader likes: nobody has more than a few, so that neither a
//! program that forgets to close them nor one organisation keeps the others out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::OrgId;
use crate::identity::{AuthContext, Principal};

/// The streams that are open. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    /// By organisation, and in it by whom.
    by: HashMap<OrgId, HashMap<Principal, usize>>,
}

/// One of them; its place is free when this is dropped.
#[derive(Debug)]
pub(super) struct StreamPlace {
    streams: Streams,
    org: OrgId,
    principal: Principal,
}

impl Streams {
    /// A place for one more; none when there are as many as may be: of all, of the organisation or of whoever asks.
    pub(super) fn enter(&self, auth: &AuthContext) -> Option<StreamPlace> {
        let (org, principal) = (auth.org.clone(), auth.principal.clone());
        let mut open = self.open();
        let of_org = open.by.get(&org);
        let in_org: usize = of_org.map_or(0, |of_org| of_org.values().sum());
        let own = of_org.and_then(|of_org| of_org.get(&principal)).copied().unwrap_or_default();
        if open.all >= MOST || in_org >= MOST_OF_ORGANISATION || own >= MOST_OF_PRINCIPAL {
            return None;
        }
        open.all += 1;
        *open.by.entry(org.clone()).or_default().entry(principal.clone()).or_default() += 1;
        Some(StreamPlace { streams: self.clone(), org, principal })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        open.all -= 1;
        if let Some(of_org) = open.by.get_mut(&self.org) {
            of_org.entry(self.principal.clone()).and_modify(|own| *own -= 1);
            of_org.retain(|_, own| *own > 0);
        }
        open.by.retain(|_, of_org| !of_org.is_empty());
    }
}

/// Streams that are open at one time.
const MOST: usize = 256;
/// Of one organisation.
const MOST_OF_ORGANISATION: usize = 128;
/// Of one user or key: a page has one a tab.
const MOST_OF_PRINCIPAL: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Role;
    use crate::domain::ids::UserId;

    fn somebody(org: &OrgId) -> AuthContext {
        AuthContext {
            org: org.clone(),
            principal: Principal::User(UserId::random()),
            role: Role::Staff,
            permissions: Role::Staff.permissions(),
            session: None,
            proved_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn neither_one_user_nor_one_organisation_keeps_the_others_out() {
        let (streams, org, other) = (Streams::default(), OrgId::random(), OrgId::random());
        let greedy = somebody(&org);
        let mut held: Vec<_> = (0..MOST_OF_PRINCIPAL).map(|_| streams.enter(&greedy).unwrap()).collect();
        assert!(streams.enter(&greedy).is_none());
        while let Some(place) = streams.enter(&somebody(&org)) {
            held.push(place);
        }
        assert_eq!(held.len(), MOST_OF_ORGANISATION);
        let elsewhere: Vec<_> = (0..MOST).map_while(|_| streams.enter(&somebody(&other))).collect();
        assert_eq!(elsewhere.len(), MOST_OF_ORGANISATION);
        held.truncate(1);
        assert!(streams.enter(&greedy).is_some(), "places come back");
        drop((held, elsewhere));
        assert!(streams.open().by.is_empty() && streams.open().all == 0, "and nothing is left of who had them");
    }
}
