//! What a search has opened before: of each patient what is searched, as it stood at a version.
//!
//! Names are sealed in the database, and opening thousands of them for each search is what makes a search slow. Kept in memory alone, wiped
//! when forgotten, and taken for true only at the version that the database has: another node's change is seen at once.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::domain::ids::OrgId;
use crate::domain::patient::Patient;
use crate::store::documents::{Head, OrgScope};
use crate::store::versioned::Versioned;

/// Patients that were opened, [`REMEMBERED_MAX`] at most; those that no search has met for the longest are forgotten first.
#[derive(Default)]
pub(super) struct Remembered(Mutex<Generations>);

/// What was met lately, and what was met before that; when the young are many enough, the old are forgotten and the young become the old.
#[derive(Default)]
struct Generations {
    young: HashMap<OrgId, HashMap<String, Searched>>,
    young_count: usize,
    old: HashMap<OrgId, HashMap<String, Searched>>,
}

struct Searched {
    version: u64,
    /// Name in small letters, address and numbers, [`PART`] behind each.
    text: Zeroizing<String>,
}

impl Remembered {
    /// Those of `heads` that are not remembered at their version.
    pub(super) fn unknown<'a>(&self, scope: &OrgScope, heads: &'a [Head]) -> Vec<&'a str> {
        self.with(|generations| {
            let unknown = heads.iter().filter(|head| generations.meet(scope, head).is_none());
            unknown.map(|head| head.id.as_str()).collect()
        })
    }

    pub(super) fn remember(&self, scope: &OrgScope, patients: &[Versioned<Patient>]) {
        self.with(|generations| {
            for Versioned { record, version } in patients {
                generations.insert(scope, record.id.to_string(), Searched { version: *version, text: searched(record) });
            }
        });
    }

    /// The places in `heads` of those in whom `wanted`, which is in small letters, stands. Who is not remembered was removed meanwhile.
    pub(super) fn matching(&self, scope: &OrgScope, heads: &[Head], wanted: &str) -> Vec<usize> {
        let matches = |known: &Searched| known.text.split(PART).any(|part| part.contains(wanted));
        self.with(|generations| {
            let found = heads.iter().enumerate().filter(|(_, head)| generations.meet(scope, head).is_some_and(matches));
            found.map(|(n, _)| n).collect()
        })
    }

    /// Forgets an organisation.
    pub(super) fn forget(&self, scope: &OrgScope) {
        self.with(|generations| {
            let forgotten = generations.young.remove(scope.org());
            generations.young_count -= forgotten.map_or(0, |patients| patients.len());
            generations.old.remove(scope.org());
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Generations) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Generations {
    /// What is known at this version or a later one; it is young again.
    fn meet(&mut self, scope: &OrgScope, head: &Head) -> Option<&Searched> {
        let old = self.old.get_mut(scope.org()).and_then(|patients| patients.remove(&head.id));
        if let Some(old) = old {
            self.insert(scope, head.id.clone(), old);
        }
        self.young.get(scope.org())?.get(&head.id).filter(|known| known.version >= head.version)
    }

    fn insert(&mut self, scope: &OrgScope, id: String, patient: Searched) {
        if self.young_count >= REMEMBERED_MAX / 2 {
            self.old = mem::take(&mut self.young);
            self.young_count = 0;
        }
        let patients = self.young.entry(scope.org().clone()).or_default();
        // Of two searches that opened it at one time the one that saw less comes too late.
        if patients.get(&id).is_some_and(|known| known.version > patient.version) {
            return;
        }
        self.young_count += usize::from(patients.insert(id, patient).is_none());
    }
}

/// Says how many there are and not whom.
impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

/// Whether `wanted`, which is in small letters, stands in what is searched of a patient.
pub(super) fn matches(patient: &Patient, wanted: &str) -> bool {
    searched(patient).split(PART).any(|part| part.contains(wanted))
}

fn searched(patient: &Patient) -> Zeroizing<String> {
    let details = &patient.details;
    let name = Zeroizing::new(details.name.expose().to_lowercase());
    let email = details.email.as_ref().map(|email| email.expose().as_str());
    let phone = details.phone.as_ref().map(|phone| phone.expose().as_str());
    let e164 = details.phone_e164.as_ref().map(|phone| phone.expose().as_str());
    let parts = [Some(name.as_str()), email, phone, e164];
    // Made in one piece: a text that grows leaves copies behind that nobody wipes.
    let length = parts.iter().flatten().map(|part| part.len() + PART.len_utf8()).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for part in parts.into_iter().flatten() {
        text.push_str(part);
        text.push(PART);
    }
    text
}

/// Stands in no name, address or number: what is wanted is not found across two of them.
const PART: char = '\0';
/// About 250 bytes each.
const REMEMBERED_MAX: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::query::Scalar;

    fn scope(name: &str) -> OrgScope {
        OrgScope::new(format!("org_{name}").parse().unwrap())
    }

    fn head(id: usize, version: u64) -> Head {
        Head { id: format!("pat_{id}"), version, sort: Some(Scalar::Integer(0)) }
    }

    fn keep(remembered: &Remembered, scope: &OrgScope, id: usize, version: u64, text: &str) {
        let patient = Searched { version, text: Zeroizing::new(text.to_owned()) };
        remembered.with(|generations| generations.insert(scope, format!("pat_{id}"), patient));
    }

    fn finds(remembered: &Remembered, scope: &OrgScope, head: &Head, wanted: &str) -> bool {
        !remembered.matching(scope, std::slice::from_ref(head), wanted).is_empty()
    }

    #[test]
    fn only_the_version_that_the_database_has_is_taken_for_true() {
        let (remembered, a) = (Remembered::default(), scope("a"));
        keep(&remembered, &a, 1, 2, "ana");
        assert!(finds(&remembered, &a, &head(1, 2), "an"));
        assert!(!finds(&remembered, &a, &head(1, 3), "an") && remembered.unknown(&a, &[head(1, 3)]) == ["pat_1"]);
        // A search that was slower saw an older one.
        keep(&remembered, &a, 1, 1, "eva");
        assert!(finds(&remembered, &a, &head(1, 2), "ana"));
    }

    #[test]
    fn nothing_is_found_in_another_organisation_or_across_two_parts() {
        let (remembered, a) = (Remembered::default(), scope("a"));
        keep(&remembered, &a, 1, 1, "ana\0b@example.com");
        assert!(!finds(&remembered, &scope("b"), &head(1, 1), "ana"));
        assert!(!finds(&remembered, &a, &head(1, 1), "anab") && !finds(&remembered, &a, &head(1, 1), "a\0b"));
        remembered.forget(&a);
        assert!(!finds(&remembered, &a, &head(1, 1), "ana"));
    }

    #[test]
    fn memory_is_bounded_and_what_is_met_stays() {
        let (remembered, a) = (Remembered::default(), scope("a"));
        keep(&remembered, &a, 0, 1, "ana");
        for id in 1..3 * REMEMBERED_MAX {
            keep(&remembered, &a, id, 1, "eva");
            if id % 1_000 == 0 {
                assert!(finds(&remembered, &a, &head(0, 1), "ana"), "after {id}");
            }
        }
        let held = remembered.with(|generations| {
            let count = |patients: &HashMap<OrgId, HashMap<String, Searched>>| patients.values().map(HashMap::len).sum::<usize>();
            count(&generations.young) + count(&generations.old)
        });
        assert!(held <= REMEMBERED_MAX, "{held}");
        assert!(!finds(&remembered, &a, &head(1, 1), "eva"), "the one met the longest ago is forgotten");
    }
}
