//! How much there may be of something at one time, in all and of one client: connections, and requests that are worked on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is taken, and by whom.
#[derive(Debug)]
pub(super) struct Places {
    by_client: Mutex<HashMap<IpAddr, usize>>,
    in_all: usize,
    of_one: usize,
}

/// One place, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

impl Places {
    /// So many in all, and so many of them for one client.
    pub(super) fn new(in_all: usize, of_one: usize) -> Arc<Self> {
        Arc::new(Self { by_client: Mutex::default(), in_all, of_one })
    }

    /// A place for one more, where there is one. For this host itself, where proxies stand, only the whole is bounded.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let client = client(address);
        let mut by_client = self.lock();
        let total: usize = by_client.values().sum();
        let of_this = by_client.get(&client).copied().unwrap_or_default();
        if total >= self.in_all || of_this >= self.of_one && !address.to_canonical().is_loopback() {
            return None;
        }
        by_client.insert(client, of_this + 1);
        drop(by_client);
        Some(Place { places: Arc::clone(self), client })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().values().sum()
    }

    /// How many there are.
    pub(super) const fn capacity(&self) -> usize {
        self.in_all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_client = self.places.lock();
        let left = by_client.get(&self.client).map_or(0, |count| count.saturating_sub(1));
        match left {
            0 => by_client.remove(&self.client),
            left => by_client.insert(self.client, left),
        };
    }
}

/// Whom an address belongs to: of IPv6 everybody has 64 bits of addresses.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_cannot_take_every_place_and_gives_back_what_it_had() {
        let places = Places::new(100, 10);
        let take = |address: &str| places.take(address.parse().unwrap());
        for address in ["203.0.113.1", "2001:db8::1"] {
            let held: Vec<_> = std::iter::from_fn(|| take(address)).collect();
            assert_eq!(held.len(), 10, "{address}");
            assert!(take("203.0.113.2").is_some() && take("2001:db8:0:1::1").is_some());
        }
        let held: Vec<_> = std::iter::from_fn(|| take("2001:db8::1")).collect();
        assert!(take("2001:db8::ffff:2").is_none(), "another address of the same client");
        assert!(take("::ffff:203.0.113.1").is_some());
        let rest: Vec<_> = std::iter::from_fn(|| take("127.0.0.1")).collect();
        assert_eq!((rest.len(), places.taken()), (90, places.capacity()), "of this host all that are left");
        assert!(take("203.0.113.3").is_none());
        drop((rest, held));
        assert_eq!(places.taken(), 0);
    }
}
