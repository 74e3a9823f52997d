//! All that signalling knows of trunks, numbers and tenants at one time.

mod contacts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use sip::auth::{Account, Algorithm, Algorithms};
use sip::endpoint::Admission;

use super::config::{Quirk, TrunkConfig};
use super::digest::DigestAlgorithms;
use super::kept::{Kept, KeptNumber, KeptTrunk, TrunkSecrets};
use super::routing::Routes;
use crate::call::config::{DEFAULT_NUMBER, NumberConfig};
use crate::domain::ids::OrgId;
use crate::domain::network::Network;
use crate::domain::redacted::Redacted;
use crate::signalling::config::{OutboundConfig, UnknownCallers};
use crate::signalling::dialling::Number;
use crate::signalling::toll::{DiallingRules, TollPolicy};

/// A trunk's name: a key of `[trunks]`, or organisation and name with a slash between for one that an interface made.
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
    /// What its organisation calls it.
    pub short_name: Box<str>,
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
    /// By which digest algorithms names are proven, where their trunk does not say.
    pub digest_algorithms: DigestAlgorithms,
    /// What interfaces added.
    pub kept: Kept,
    /// Whether calls out of everybody are stopped.
    pub stopped: bool,
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
    /// Numbers that interfaces added, by organisation.
    kept_numbers: BTreeMap<OrgId, BTreeMap<String, NumberConfig>>,
    outbound: OutboundConfig,
    routes: Routes,
    /// Routes that interfaces added, by organisation.
    own_routes: BTreeMap<OrgId, Routes>,
    tenants: BTreeMap<OrgId, TollPolicy>,
    nothing_allowed: TollPolicy,
    unknown_callers: UnknownCallers,
    digest_algorithms: DigestAlgorithms,
    stopped: bool,
    stopped_orgs: BTreeSet<OrgId>,
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
#[derive(Clone, Copy)]
pub struct Peer<'a> {
    /// The address that the call comes from.
    pub address: IpAddr,
    /// Whether the certificate of its connection, found good, is for a name.
    pub is_named: &'a dyn Fn(&str) -> bool,
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
            digest_algorithms: source.digest_algorithms,
            stopped: source.stopped,
            ..Self::default()
        };
        directory.tenants = source.tenants.into_iter().filter_map(|(org, policy)| Some((org.parse().ok()?, policy))).collect();
        for (name, config) in source.trunks {
            let find = |key: Option<&String>| match key {
                None => Ok(None),
                Some(key) => variable(key)
                    .filter(|password| !password.is_empty())
                    .map(|password| Some(Redacted::new(password)))
                    .ok_or_else(|| DirectoryError::MissingPassword { trunk: name.clone(), variable: key.clone() }),
            };
            let secrets =
                TrunkSecrets { password: find(config.password_env.as_ref())?, login_password: find(config.login_password_env.as_ref())? };
            directory.add_trunk(TrunkName::from(name.as_str()), &name, config, &secrets);
        }
        directory.add_kept(source.kept);
        Ok(directory)
    }

    /// Adds what interfaces made; what the configuration has, too, is the configuration's.
    fn add_kept(&mut self, kept: Kept) {
        for KeptTrunk { org_id, name, settings, secrets, .. } in kept.trunks {
            let is_configured = |trunk: &Arc<Trunk>| trunk.config.org == org_id && *trunk.short_name == *name;
            let login_taken = settings.login.as_deref().is_some_and(|login| self.logins.contains_key(login));
            if login_taken || self.trunks.values().any(is_configured) {
                tracing::warn!(org = %org_id, trunk = %name, "trunk_hidden_by_configuration");
                continue;
            }
            self.add_trunk(TrunkName::from(format!("{org_id}/{name}").as_str()), &name, settings, &secrets);
        }
        for KeptNumber { org_id, number, mut settings, .. } in kept.numbers {
            // By its organisation's name for it, from here on by ours.
            settings.trunk = settings.trunk.map(|name| self.full_name(&org_id, &name).to_string());
            self.kept_numbers.entry(org_id).or_default().insert(number, settings);
        }
        for DiallingRules { org_id, policy, routes, stop, .. } in kept.dialling {
            if stop.is_some() {
                self.stopped_orgs.insert(org_id.clone());
            }
            if !routes.is_empty() {
                let routes = Routes::named(&routes, |name| self.full_name(&org_id, name));
                self.own_routes.insert(org_id.clone(), routes);
            }
            if let Some(policy) = policy {
                self.tenants.entry(org_id).or_insert(policy);
            }
        }
    }

    /// One that is switched off is as good as none.
    fn add_trunk(&mut self, name: TrunkName, short_name: &str, config: TrunkConfig, secrets: &TrunkSecrets) {
        if !config.enabled {
            return;
        }
        if let Some(login) = &config.login {
            self.logins.insert(login.as_str().into(), name.clone());
        }
        let account = secrets.password.as_ref().and_then(|password| config.account(password.expose()));
        let trunk = Trunk { name: name.clone(), short_name: short_name.into(), config, account, password: secrets.login_password.clone() };
        self.trunks.insert(name, Arc::new(trunk));
    }

    /// The trunk that an organisation calls so; of two the configuration's.
    fn full_name(&self, org: &OrgId, short_name: &str) -> TrunkName {
        let known = self.trunks.values().find(|trunk| trunk.config.org == *org && *trunk.short_name == *short_name);
        known.map_or_else(|| TrunkName::from(format!("{org}/{short_name}").as_str()), |trunk| trunk.name.clone())
    }

    /// The trunks that a caller may be: those of its proven name, else those of its certificate's name, else those of the most
    /// specific network that its address is in. Several may share one; the number that is called tells them apart.
    #[must_use]
    pub fn candidates(&self, peer: Peer<'_>) -> Vec<&Arc<Trunk>> {
        if let Some(trunk) = peer.login.and_then(|login| self.logins.get(login)).and_then(|name| self.trunks.get(name)) {
            return vec![trunk];
        }
        let named = |trunk: &&Arc<Trunk>| trunk.config.tls_names.iter().any(|name| (peer.is_named)(name));
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

    /// Of [`Self::candidates`] those that the caller has proven to be, as far as there is anything to prove: a trunk that has a login is nobody's
    /// by its address alone.
    #[must_use]
    pub fn proven(&self, peer: Peer<'_>) -> Vec<&Arc<Trunk>> {
        let mut trunks = self.candidates(peer);
        trunks.retain(|trunk| trunk.config.login.is_none() || trunk.config.login.as_deref() == peer.login);
        trunks
    }

    /// Whether a call is one of a trunk that has yet to prove its login, though another one at its address has none.
    #[must_use]
    pub fn must_prove(&self, peer: Peer<'_>, dialled: Dialled<'_>) -> bool {
        let by = self.answering(&self.candidates(peer), dialled).and_then(|(_, trunk)| trunk);
        by.is_some_and(|trunk| trunk.config.login.is_some() && trunk.config.login.as_deref() != peer.login)
    }

    /// Who answers a number that came by one of these trunks, and by which of them. A number that names a
    /// trunk is none by another; a trunk of one tenant leads to no number of another, unless the number names it. Who is
    /// known by no trunk reaches the numbers of the configuration, and those of the organisation that exists before any other.
    #[must_use]
    pub fn answering<'a>(
        &'a self,
        candidates: &[&'a Arc<Trunk>],
        dialled: Dialled<'_>,
    ) -> Option<(&'a NumberConfig, Option<&'a Arc<Trunk>>)> {
        if candidates.is_empty() {
            let default_org = OrgId::default_org();
            let entries = [self.numbers.get(dialled.request), self.kept_number(&default_org, dialled.request)];
            let defaults = [self.numbers.get(DEFAULT_NUMBER), self.kept_number(&default_org, DEFAULT_NUMBER)];
            let entry = entries.into_iter().flatten().next().or_else(|| defaults.into_iter().flatten().next());
            return entry.filter(|number| number.trunk.is_none()).map(|number| (number, None));
        }
        let reached = |number: &NumberConfig, trunk: &Trunk| match &number.trunk {
            Some(named) => *named == *trunk.name.0,
            None => number.org == trunk.config.org,
        };
        let mut is_listed = false;
        // In its international form first, which is one organisation's; as it was written it may be an extension of several.
        for form in
            [|trunk: &TrunkConfig, written: &str| trunk.numbering.tidy(written), |_: &TrunkConfig, written: &str| written.to_owned()]
        {
            for trunk in candidates.iter().copied() {
                let number = form(&trunk.config, dialled.on(&trunk.config));
                let configured = self.numbers.get(&number);
                is_listed |= configured.is_some();
                let entries = [configured, self.kept_number(&trunk.config.org, &number)];
                if let Some(number) = entries.into_iter().flatten().find(|number| reached(number, trunk)) {
                    return Some((number, Some(trunk)));
                }
            }
        }
        // A number that the configuration lists for others is nobody else's by default.
        let by_default = |trunk: &&'a Arc<Trunk>| {
            let defaults = [self.numbers.get(DEFAULT_NUMBER), self.kept_number(&trunk.config.org, DEFAULT_NUMBER)];
            defaults.into_iter().flatten().find(|number| reached(number, trunk)).map(|number| (number, Some(*trunk)))
        };
        candidates.iter().filter(|_| !is_listed).find_map(by_default)
    }

    fn kept_number(&self, org: &OrgId, number: &str) -> Option<&NumberConfig> {
        self.kept_numbers.get(org)?.get(number)
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

    /// Who answers an organisation's numbers that are not listed; its calls out are made as that number's.
    #[must_use]
    pub fn default_number(&self, org: &OrgId) -> Option<&NumberConfig> {
        let configured = self.numbers.get(DEFAULT_NUMBER);
        let own = configured.filter(|number| number.org == *org).or_else(|| self.kept_number(org, DEFAULT_NUMBER));
        own.or(configured)
    }

    /// An organisation's number of that name, `default` included.
    #[must_use]
    pub fn number_of(&self, org: &OrgId, name: &str) -> Option<&NumberConfig> {
        self.numbers.get(name).filter(|number| number.org == *org).or_else(|| self.kept_number(org, name))
    }

    /// Outbound calls of all tenants.
    #[must_use]
    pub const fn outbound(&self) -> &OutboundConfig {
        &self.outbound
    }

    /// The trunks of an organisation that a number goes by, in their order: by the organisation's own rules, else by the
    /// configuration's.
    pub fn routed<'a>(&'a self, org: &'a OrgId, number: &Number) -> impl Iterator<Item = &'a Arc<Trunk>> {
        let own = self.own_routes.get(org).map(|routes| routes.trunks(number)).filter(|trunks| !trunks.is_empty());
        let named = own.unwrap_or_else(|| self.routes.trunks(number));
        named.iter().filter_map(|name| self.trunks.get(name)).filter(move |trunk| trunk.config.org == *org)
    }

    /// Whether an organisation's calls out are stopped, which ends those that are up.
    #[must_use]
    pub fn is_stopped(&self, org: &OrgId) -> bool {
        self.stopped || self.stopped_orgs.contains(org)
    }

    /// What a tenant may dial; one that is not listed nothing.
    #[must_use]
    pub fn tenant(&self, org: &OrgId) -> &TollPolicy {
        self.tenants.get(org).unwrap_or(&self.nothing_allowed)
    }

    /// Whether a call may come from this peer, before it is known what it calls.
    #[must_use]
    pub fn admit(&self, peer: Peer<'_>) -> Admission {
        // A trunk that has a name to prove proves it, whatever its address.
        let known = self.candidates(peer).iter().any(|trunk| trunk.config.login.is_none());
        if known || self.takes_unknown(peer.address) {
            return Admission::Welcome;
        }
        if self.logins.is_empty() { Admission::Refuse(sip::header::StatusCode::FORBIDDEN) } else { Admission::Challenge }
    }

    /// By which digest algorithms somebody who is challenged may prove a name, in the order of the challenges: as the trunk says that
    /// the peer can be, before it has proven which one it is.
    #[must_use]
    pub fn algorithms(&self, peer: Peer<'_>) -> Algorithms {
        let trunks = self.candidates(peer);
        let own = trunks.iter().filter(|trunk| trunk.config.login.is_some()).find_map(|trunk| trunk.config.digest_algorithms.as_ref());
        own.unwrap_or(&self.digest_algorithms).algorithms()
    }

    /// The password of a name that a trunk proves by this algorithm.
    #[must_use]
    pub fn password(&self, login: &str, algorithm: Algorithm) -> Option<&Redacted<String>> {
        let trunk = self.trunks.get(self.logins.get(login)?)?;
        let algorithms = trunk.config.digest_algorithms.as_ref().unwrap_or(&self.digest_algorithms).algorithms();
        trunk.password.as_ref().filter(|_| algorithms.contain(algorithm))
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
        Peer { address: address.parse().unwrap(), is_named: &|_| false, login: None }
    }

    fn names(trunks: &[&Arc<Trunk>]) -> Vec<String> {
        trunks.iter().map(|trunk| trunk.name.to_string()).collect()
    }

    #[test]
    fn a_trunks_own_digest_algorithms_are_asked_for_where_it_is_known_and_prove_its_name_alone() {
        let (md5, both) = (serde_json::from_str(r#"["MD5"]"#).unwrap(), DigestAlgorithms::default());
        let pbx = |addresses: &[&str], name: &str, digest_algorithms| TrunkConfig {
            login: Some(name.into()),
            login_password_env: Some("P".into()),
            digest_algorithms,
            ..trunk(addresses)
        };
        let trunks = vec![("old", pbx(&["192.0.2.7"], "old", Some(md5))), ("new", pbx(&[], "new", None))];
        let directory = directory(trunks, vec![]);
        assert_eq!(directory.algorithms(from("192.0.2.7")).iter().collect::<Vec<_>>(), [Algorithm::Md5]);
        assert_eq!(directory.algorithms(from("198.51.100.1")), both.algorithms());
        let proves = |name, algorithm| directory.password(name, algorithm).is_some();
        assert!(proves("old", Algorithm::Md5) && !proves("old", Algorithm::Sha256));
        assert!(proves("new", Algorithm::Md5) && proves("new", Algorithm::Sha256) && !proves("nobody", Algorithm::Md5));
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
        let certified = Peer { is_named: &|name| name == "sip.example.com", ..from("192.0.2.1") };
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
    fn a_trunk_with_a_login_proves_it_though_another_at_its_address_has_none() {
        let of = |org: &str, login: Option<&str>| TrunkConfig {
            org: org.parse().unwrap(),
            login: login.map(str::to_owned),
            login_password_env: login.map(|_| "P".to_owned()),
            ..trunk(&["192.0.2.1"])
        };
        let numbers = vec![("+4930901820", number(None, "org_a")), ("+4930901821", number(None, "org_b"))];
        let directory = directory(vec![("a", of("org_a", None)), ("b", of("org_b", Some("pbx")))], numbers);
        let (stranger, pbx) = (from("192.0.2.1"), Peer { login: Some("pbx"), ..from("192.0.2.1") });
        assert_eq!((names(&directory.proven(stranger)), names(&directory.proven(pbx))), (vec!["a".to_owned()], vec!["b".to_owned()]));
        assert!(directory.must_prove(stranger, as_is("+4930901821")) && !directory.must_prove(stranger, as_is("+4930901820")));
        assert!(!directory.must_prove(pbx, as_is("+4930901821")));
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
