//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections that are open.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// A place for one more, where there is one. From this host itself, where proxies stand, only the whole is bounded.
    pub(super) fn take(places: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut by_address = places.lock();
        let total: usize = by_address.values().sum();
        let of_this = by_address.get(&address).copied().unwrap_or_default();
        if total >= MAX_CONNECTIONS || of_this >= MAX_FROM_ONE && !address.is_loopback() {
            return None;
        }
        by_address.insert(address, of_this + 1);
        drop(by_address);
        Some(Place { places: Arc::clone(places), address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.places.lock();
        let left = by_address.get(&self.address).map_or(0, |count| count.saturating_sub(1));
        match left {
            0 => by_address.remove(&self.address),
            left => by_address.insert(self.address, left),
        };
    }
}

const MAX_CONNECTIONS: usize = 1_024;
const MAX_FROM_ONE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place_and_gives_back_what_it_had() {
        let places = Arc::new(Places::default());
        let greedy: IpAddr = "203.0.113.1".parse().unwrap();
        let held: Vec<_> = std::iter::from_fn(|| Places::take(&places, greedy)).collect();
        assert_eq!(held.len(), MAX_FROM_ONE);
        assert!(Places::take(&places, "203.0.113.2".parse().unwrap()).is_some());
        drop(held);
        assert!(places.lock().is_empty());
    }
}
