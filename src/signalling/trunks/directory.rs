//! All that signalling knows of trunks, numbers and tenants at one time.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use sip::auth::Account;
use sip::endpoint::{Admission, Gate};
use sip::message::Request;
use sip::transport::Flow;

use super::config::{Quirk, TrunkConfig};
use super::routing::Routes;
use crate::call::config::{DEFAULT_NUMBER, NumberConfig};
use crate::domain::ids::OrgId;
use crate::domain::network::Network;
use crate::domain::redacted::Redacted;
use crate::signalling::config::{OutboundConfig, UnknownCallers};
use crate::signalling::toll::TollPolicy;

/// A trunk's name, a key of `[trunks]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkName(Arc<str>);

impl From<&str> for TrunkName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for TrunkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A trunk with its secrets.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Its name.
    pub name: TrunkName,
    /// Its settings.
    pub config: TrunkConfig,
    /// Who we are to it.
    pub account: Option<Account>,
    password: Option<Redacted<String>>,
}

/// What a directory is made of.
#[derive(Clone, Debug, Default)]
pub struct DirectorySource {
    /// Trunks by name.
    pub trunks: BTreeMap<String, TrunkConfig>,
    /// Who answers which number.
    pub numbers: BTreeMap<String, NumberConfig>,
    /// Outbound calls of all tenants.
    pub outbound: OutboundConfig,
    /// What each tenant may dial.
    pub tenants: BTreeMap<String, TollPolicy>,
    /// What becomes of callers that no trunk knows.
    pub unknown_callers: UnknownCallers,
}

/// Why a directory cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The variable with a trunk's password is not set.
    #[error("trunk {trunk}: the environment variable {variable} is not set")]
    MissingPassword {
        /// Which trunk.
        trunk: String,
        /// Which variable.
        variable: String,
    },
}

/// Trunks, numbers and tenants. Cheap to share, never changed: a new one takes its place.
#[derive(Debug, Default)]
pub struct Directory {
    trunks: BTreeMap<TrunkName, Arc<Trunk>>,
    logins: BTreeMap<Box<str>, TrunkName>,
    numbers: BTreeMap<String, NumberConfig>,
    outbound: OutboundConfig,
    routes: Routes,
    tenants: BTreeMap<OrgId, TollPolicy>,
    nothing_allowed: TollPolicy,
    unknown_callers: UnknownCallers,
}

/// What was dialled, as it stands in the request and in To.
#[derive(Clone, Copy, Debug)]
pub struct Dialled<'a> {
    /// The user of the Request-URI.
    pub request: &'a str,
    /// The user of To.
    pub to: &'a str,
}

impl<'a> Dialled<'a> {
    /// Where this trunk has it.
    #[must_use]
    pub fn on(self, trunk: &TrunkConfig) -> &'a str {
        if trunk.quirks.contains(&Quirk::CalledInTo) { self.to } else { self.request }
    }
}

/// Who somebody is that calls.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// The address that the call comes from.
    pub address: IpAddr,
    /// The name in the client certificate of its connection.
    pub tls_name: Option<&'a str>,
    /// The name proven by digest.
    pub login: Option<&'a str>,
}

impl Directory {
    /// A directory whose passwords `variable` finds.
    ///
    /// # Errors
    /// When a password is named and cannot be found.
    pub fn new(source: DirectorySource, variable: impl Fn(&str) -> Option<String>) -> Result<Self, DirectoryError> {
        let mut directory = Self {
            routes: Routes::new(&source.outbound.routes),
            numbers: source.numbers,
            outbound: source.outbound,
            unknown_callers: source.unknown_callers,
            ..Self::default()
        };
        directory.tenants = source.tenants.into_iter().filter_map(|(org, policy)| Some((org.parse().ok()?, policy))).collect();
        for (name, config) in source.trunks {
            let find = |key: Option<&String>| match key {
                None => Ok(None),
                Some(key) => variable(key)
                    .filter(|password| !password.is_empty())
                    .map(Some)
                    .ok_or_else(|| DirectoryError::MissingPassword { trunk: name.clone(), variable: key.clone() }),
            };
            find(config.password_env.as_ref())?;
            let password = find(config.login_password_env.as_ref())?.map(Redacted::new);
            let key = TrunkName::from(name.as_str());
            if let Some(login) = &config.login {
                directory.logins.insert(login.as_str().into(), key.clone());
            }
            let account = config.account(&variable);
            directory.trunks.insert(key.clone(), Arc::new(Trunk { name: key, config, account, password }));
        }
        Ok(directory)
    }

    /// The trunks that a caller may be: those of its proven name, else those of its certificate's name, else those of the most
    /// specific network that its address is in. Several may share one; the number that is called tells them apart.
    #[must_use]
    pub fn candidates(&self, peer: Peer<'_>) -> Vec<&Arc<Trunk>> {
        if let Some(trunk) = peer.login.and_then(|login| self.logins.get(login)).and_then(|name| self.trunks.get(name)) {
            return vec![trunk];
        }
        let named =
            |trunk: &&Arc<Trunk>| peer.tls_name.is_some_and(|name| trunk.config.tls_names.iter().any(|own| own.eq_ignore_ascii_case(name)));
        let by_name: Vec<_> = self.trunks.values().filter(named).collect();
        if !by_name.is_empty() {
            return by_name;
        }
        let width = |trunk: &Arc<Trunk>| {
            let holding = trunk.config.addresses.iter().filter(|network| network.contains(peer.address));
            holding.map(Network::prefix_len).max()
        };
        let widest = self.trunks.values().filter_map(width).max();
        self.trunks.values().filter(|trunk| widest.is_some() && width(trunk) == widest).collect()
    }

    /// Who answers a number that came by one of these trunks, and by which of them. A number that names a
    /// trunk is none by another; a trunk of one tenant leads to no number of another, unless the number names it.
    #[must_use]
    pub fn answering<'a>(
        &'a self,
        candidates: &[&'a Arc<Trunk>],
        dialled: Dialled<'_>,
    ) -> Option<(&'a NumberConfig, Option<&'a Arc<Trunk>>)> {
        let listed = |trunk: Option<&Arc<Trunk>>| {
            let written = trunk.map_or(dialled.request, |trunk| dialled.on(&trunk.config));
            let tidy = trunk.map(|trunk| trunk.config.numbering.tidy(written));
            tidy.and_then(|tidy| self.numbers.get(&tidy)).or_else(|| self.numbers.get(written)).or_else(|| self.numbers.get(DEFAULT_NUMBER))
        };
        if candidates.is_empty() {
            return listed(None).filter(|number| number.trunk.is_none()).map(|number| (number, None));
        }
        let fits = |trunk: &&'a Arc<Trunk>| {
            let number = listed(Some(trunk))?;
            let reached = match &number.trunk {
                Some(named) => *named == *trunk.name.0,
                None => number.org == trunk.config.org,
            };
            reached.then_some((number, Some(*trunk)))
        };
        candidates.iter().find_map(fits)
    }

    /// Whether somebody whom no trunk knows may call.
    #[must_use]
    pub fn takes_unknown(&self, address: IpAddr) -> bool {
        match self.unknown_callers {
            UnknownCallers::Accept => true,
            UnknownCallers::Local => address.to_canonical().is_loopback(),
            UnknownCallers::Refuse => false,
        }
    }

    /// A trunk by its name.
    #[must_use]
    pub fn trunk(&self, name: &TrunkName) -> Option<&Arc<Trunk>> {
        self.trunks.get(name)
    }

    /// All trunks.
    pub fn trunks(&self) -> impl Iterator<Item = &Arc<Trunk>> {
        self.trunks.values()
    }

    /// Who answers numbers that are not listed.
    #[must_use]
    pub fn default_number(&self) -> Option<&NumberConfig> {
        self.numbers.get(DEFAULT_NUMBER)
    }

    /// Outbound calls of all tenants.
    #[must_use]
    pub const fn outbound(&self) -> &OutboundConfig {
        &self.outbound
    }

    /// Which trunks a number goes by.
    #[must_use]
    pub const fn routes(&self) -> &Routes {
        &self.routes
    }

    /// What a tenant may dial; one that is not listed nothing.
    #[must_use]
    pub fn tenant(&self, org: &OrgId) -> &TollPolicy {
        self.tenants.get(org).unwrap_or(&self.nothing_allowed)
    }
}

impl Gate for Directory {
    fn admit(&self, flow: Flow, _: &Request) -> Admission {
        let peer = Peer { address: flow.remote.ip(), tls_name: None, login: None };
        // A trunk that has a name to prove proves it, whatever its address.
        let known = self.candidates(peer).iter().any(|trunk| trunk.config.login.is_none());
        if known || self.takes_unknown(flow.remote.ip()) {
            return Admission::Welcome;
        }
        if self.logins.is_empty() { Admission::Refuse(sip::header::StatusCode::FORBIDDEN) } else { Admission::Challenge }
    }

    fn password(&self, name: &str) -> Option<Box<str>> {
        let trunk = self.trunks.get(self.logins.get(name)?)?;
        trunk.password.as_ref().map(|password| password.expose().as_str().into())
    }

    fn may_register(&self, name: &str) -> bool {
        self.logins.get(name).and_then(|trunk| self.trunks.get(trunk)).is_some_and(|trunk| trunk.config.registers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(addresses: &[&str]) -> TrunkConfig {
        TrunkConfig { addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(), ..TrunkConfig::default() }
    }

    fn number(trunk: Option<&str>, org: &str) -> NumberConfig {
        NumberConfig { trunk: trunk.map(str::to_owned), org: org.parse().unwrap(), ..NumberConfig::default() }
    }

    fn directory(trunks: Vec<(&str, TrunkConfig)>, numbers: Vec<(&str, NumberConfig)>) -> Directory {
        let source = DirectorySource {
            trunks: trunks.into_iter().map(|(name, trunk)| (name.to_owned(), trunk)).collect(),
            numbers: numbers.into_iter().map(|(name, number)| (name.to_owned(), number)).collect(),
            ..DirectorySource::default()
        };
        Directory::new(source, |_| Some("secret".to_owned())).unwrap()
    }

    fn as_is(dialled: &str) -> Dialled<'_> {
        Dialled { request: dialled, to: dialled }
    }

    fn from(address: &str) -> Peer<'static> {
        Peer { address: address.parse().unwrap(), tls_name: None, login: None }
    }

    fn names(trunks: &[&Arc<Trunk>]) -> Vec<String> {
        trunks.iter().map(|trunk| trunk.name.to_string()).collect()
    }

    #[test]
    fn the_most_specific_network_names_the_trunk() {
        let directory = directory(vec![("wide", trunk(&["192.0.2.0/24"])), ("narrow", trunk(&["192.0.2.7"]))], vec![]);
        assert_eq!(names(&directory.candidates(from("192.0.2.7"))), ["narrow"]);
        assert_eq!(names(&directory.candidates(from("192.0.2.8"))), ["wide"]);
        assert_eq!(names(&directory.candidates(from("198.51.100.1"))), <[&str; 0]>::default());
    }

    #[test]
    fn a_proven_name_goes_before_a_certificate_and_that_before_an_address() {
        let pbx = TrunkConfig { login: Some("pbx".into()), login_password_env: Some("P".into()), ..TrunkConfig::default() };
        let tls = TrunkConfig { tls_names: vec!["sip.example.com".into()], ..TrunkConfig::default() };
        let directory = directory(vec![("pbx", pbx), ("tls", tls), ("net", trunk(&["192.0.2.0/24"]))], vec![]);
        let certified = Peer { tls_name: Some("SIP.example.com"), ..from("192.0.2.1") };
        assert_eq!(names(&directory.candidates(certified)), ["tls"]);
        assert_eq!(names(&directory.candidates(Peer { login: Some("pbx"), ..certified })), ["pbx"]);
    }

    #[test]
    fn carriers_that_serve_two_tenants_from_one_address_are_told_apart_by_the_number() {
        let of = |org: &str| TrunkConfig { org: org.parse().unwrap(), ..trunk(&["192.0.2.1"]) };
        let numbers = vec![("+4930901820", number(None, "org_a")), ("+4930901821", number(None, "org_b"))];
        let directory = directory(vec![("a", of("org_a")), ("b", of("org_b"))], numbers);
        let candidates = directory.candidates(from("192.0.2.1"));
        for (dialled, trunk, org) in [("+4930901820", "a", "org_a"), ("+49 30 901821", "b", "org_b")] {
            let (number, by) = directory.answering(&candidates, as_is(dialled)).unwrap();
            assert_eq!((by.unwrap().name.to_string().as_str(), number.org.as_str()), (trunk, org));
        }
        assert!(directory.answering(&candidates, as_is("+4930901829")).is_none());
    }

    #[test]
    fn a_number_that_names_its_trunk_is_none_by_another() {
        let directory =
            directory(vec![("a", trunk(&["192.0.2.1"])), ("b", trunk(&["192.0.2.2"]))], vec![("1000", number(Some("a"), "org_other"))]);
        assert!(directory.answering(&directory.candidates(from("192.0.2.1")), as_is("1000")).is_some());
        assert!(directory.answering(&directory.candidates(from("192.0.2.2")), as_is("1000")).is_none());
        assert!(directory.answering(&[], as_is("1000")).is_none());
    }

    #[test]
    fn a_password_that_is_named_must_be_there() {
        let config = TrunkConfig { login: Some("pbx".into()), login_password_env: Some("P".into()), ..TrunkConfig::default() };
        let source = DirectorySource { trunks: BTreeMap::from([("pbx".to_owned(), config)]), ..DirectorySource::default() };
        let error = Directory::new(source, |_| None).unwrap_err();
        assert_eq!(error, DirectoryError::MissingPassword { trunk: "pbx".into(), variable: "P".into() });
    }

    #[test]
    fn strangers_on_this_machine_may_call_and_others_may_not() {
        let directory = Directory::default();
        assert!(directory.takes_unknown("127.0.0.1".parse().unwrap()));
        assert!(directory.takes_unknown("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!directory.takes_unknown("192.0.2.1".parse().unwrap()));
    }
}
