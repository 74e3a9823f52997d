use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Utc;

use super::*;
use crate::agent::config::{AgentConfig, Agreement, Everybody};
use crate::agent::kept::AgentSecrets;
use crate::call::config::NumberConfig;
use crate::call::egress_policy::{Covered, EgressConfig};
use crate::domain::redacted::Redacted;
use crate::signalling::toll::StoppedBy;
use crate::signalling::trunks::{Dialled, KeptNumber, KeptTrunk, Peer, TrunkConfig, TrunkName, TrunkSecrets};
use crate::store::failing::FailingDocuments;
use crate::store::sealed::{MasterKeys, SealedDocuments};
use crate::store::sqlite::SqliteDocuments;
use crate::store::{COLLECTIONS, Documents};

struct House {
    folder: tempfile::TempDir,
    documents: Arc<SealedDocuments>,
    database: Arc<FailingDocuments>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKeys::new(&Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned()), &[]).unwrap();
        let database = FailingDocuments::new(SqliteDocuments::open(folder.path(), COLLECTIONS).unwrap());
        let documents = SealedDocuments::new(Arc::clone(&database) as Arc<dyn Documents>, master);
        Self { folder, documents, database }
    }

    /// A gateway on this store.
    fn switchboard(&self) -> Switchboard {
        let configured = TrunkConfig { login: Some("pbx".to_owned()), ..TrunkConfig::default() };
        let number = NumberConfig { agent: "desk".to_owned(), ..NumberConfig::default() };
        let source = DirectorySource {
            trunks: BTreeMap::from([("configured".to_owned(), configured)]),
            numbers: BTreeMap::from([("+4930901820".to_owned(), number)]),
            ..DirectorySource::default()
        };
        let telephony = Telephony::new(Arc::clone(&self.documents));
        Switchboard::new(source, vec!["desk".to_owned()], telephony, Box::new(|_| None)).unwrap().0
    }
}

fn org(name: &str) -> OrgId {
    name.parse().unwrap()
}

fn trunk(org: &OrgId, name: &str, settings: TrunkConfig) -> KeptTrunk {
    let now = Utc::now();
    let secrets = TrunkSecrets { login_password: settings.login.as_ref().map(|_| "planted".to_owned().into()), ..TrunkSecrets::default() };
    KeptTrunk {
        id: KeptTrunk::id_of(org, name),
        org_id: org.clone(),
        name: name.to_owned(),
        settings: TrunkConfig { org: org.clone(), ..settings },
        secrets,
        created_at: now,
        updated_at: now,
    }
}

fn number(org: &OrgId, number: &str, trunk: Option<&str>) -> KeptNumber {
    let settings = NumberConfig { org: org.clone(), agent: "desk".to_owned(), trunk: trunk.map(str::to_owned), ..NumberConfig::default() };
    let (now, id) = (Utc::now(), KeptNumber::id_of(org, number));
    KeptNumber { id, org_id: org.clone(), number: number.to_owned(), settings, created_at: now, updated_at: now }
}

fn from_carrier() -> Peer<'static> {
    Peer { address: "192.0.2.1".parse().unwrap(), is_named: &|_| false, login: None }
}

/// Whose calls to a number become that come from the carrier's address.
fn answering(switchboard: &Switchboard, dialled: &str) -> Option<String> {
    let directory = switchboard.directory();
    let candidates = directory.candidates(from_carrier());
    directory.answering(&candidates, Dialled { request: dialled, to: dialled }).map(|(number, _)| number.org.to_string())
}

fn at_carrier() -> TrunkConfig {
    TrunkConfig { addresses: vec!["192.0.2.1".parse().unwrap()], ..TrunkConfig::default() }
}

#[tokio::test]
async fn a_change_is_in_force_when_it_is_answered_after_a_restart_and_on_another_gateway() {
    let house = House::new();
    let (switchboard, other) = (house.switchboard(), house.switchboard());
    let a = org("org_a");
    switchboard.add_trunk(&trunk(&a, "carrier", at_carrier())).await.unwrap();
    switchboard.add_number(&number(&a, "+4930901821", Some("carrier"))).await.unwrap();
    assert_eq!(answering(&switchboard, "+4930901821").as_deref(), Some("org_a"));
    assert_eq!(answering(&other, "+4930901821"), None);
    let watching = tokio::spawn(other.clone().watch(Metrics::new()));
    let seen = tokio::time::timeout(Duration::from_secs(5), async {
        while answering(&other, "+4930901821").is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(seen.await.is_ok(), "the other gateway follows within 5 s");
    watching.abort();
    let restarted = house.switchboard();
    restarted.refresh().await.unwrap();
    assert_eq!(answering(&restarted, "+4930901821").as_deref(), Some("org_a"));
    let database = std::fs::read_dir(house.folder.path()).unwrap().flatten();
    let planted = database
        .filter(|file| file.path().is_file())
        .any(|file| std::fs::read(file.path()).unwrap().windows(7).any(|bytes| bytes == b"planted"));
    assert!(!planted, "passwords are sealed");
}

#[tokio::test]
async fn what_is_switched_off_or_taken_away_is_as_good_as_none() {
    let house = House::new();
    let switchboard = house.switchboard();
    let a = org("org_a");
    let on = trunk(&a, "carrier", at_carrier());
    switchboard.add_trunk(&on).await.unwrap();
    let name = TrunkName::from("org_a/carrier");
    assert!(switchboard.directory().trunk(&name).is_some());
    let off = KeptTrunk { settings: TrunkConfig { enabled: false, ..on.settings.clone() }, ..on.clone() };
    let before = Versioned { record: on.clone(), version: 1 };
    switchboard.change_trunk(&before, &off).await.unwrap();
    assert!(switchboard.directory().trunk(&name).is_none());
    let stale = switchboard.change_trunk(&before, &on).await;
    assert!(matches!(stale, Err(SwitchboardError::Store(StoreError::Conflict { .. }))), "{stale:?}");
    switchboard.remove_trunk(&Versioned { record: off, version: 2 }).await.unwrap();
    assert_eq!(switchboard.trunks(&a), []);
}

#[tokio::test]
async fn names_that_all_share_belong_to_one_and_the_configurations_are_its_own() {
    let house = House::new();
    let switchboard = house.switchboard();
    let (own, other) = (OrgId::default_org(), org("org_other"));
    let taken = |result: Result<u64, SwitchboardError>| match result {
        Err(SwitchboardError::Taken { field }) => field,
        other => panic!("{other:?}"),
    };
    let pbx = |login: &str| TrunkConfig { login: Some(login.to_owned()), ..TrunkConfig::default() };
    assert_eq!(taken(switchboard.add_trunk(&trunk(&own, "configured", TrunkConfig::default())).await), "name");
    assert_eq!(taken(switchboard.add_trunk(&trunk(&other, "pbx", pbx("pbx"))).await), "login");
    assert_eq!(taken(switchboard.add_number(&number(&own, "+4930901820", None)).await), "number");
    assert_eq!(taken(switchboard.add_number(&number(&other, "+4930901820", None)).await), "number");
    switchboard.add_number(&number(&own, "+4930901821", None)).await.unwrap();
    assert_eq!(taken(switchboard.add_number(&number(&other, "+4930901821", None)).await), "number");
    switchboard.add_number(&number(&own, "1000", None)).await.unwrap();
    switchboard.add_number(&number(&other, "1000", None)).await.unwrap();
    switchboard.add_trunk(&trunk(&own, "phones", pbx("phones"))).await.unwrap();
    assert_eq!(taken(switchboard.add_trunk(&trunk(&own, "phones", TrunkConfig::default())).await), "name");
    assert_eq!(taken(switchboard.add_trunk(&trunk(&other, "theirs", pbx("phones"))).await), "login");
    let free = Versioned { record: number(&own, "+4930901821", None), version: 1 };
    switchboard.remove_number(&free).await.unwrap();
    switchboard.add_number(&number(&other, "+4930901821", None)).await.unwrap();
}

#[tokio::test]
async fn what_was_written_keeps_its_claim_when_the_word_of_it_fails() {
    let house = House::new();
    let switchboard = house.switchboard();
    let (own, other) = (OrgId::default_org(), org("org_other"));
    let (own_number, other_number) = (number(&own, "+4930901821", None), number(&other, "+4930901821", None));
    let login = TrunkConfig { login: Some("phones".to_owned()), ..TrunkConfig::default() };
    house.database.refuse(|writes| writes.iter().any(|write| write.document().0.name == "telephony_state"));
    assert!(matches!(switchboard.add_number(&own_number).await, Err(SwitchboardError::Store(_))));
    assert!(matches!(switchboard.add_trunk(&trunk(&own, "phones", login.clone())).await, Err(SwitchboardError::Store(_))));
    house.database.refuse(|_| false);
    for theirs in [switchboard.add_number(&other_number).await, switchboard.add_trunk(&trunk(&other, "theirs", login)).await] {
        assert!(matches!(theirs, Err(SwitchboardError::Taken { .. })), "{theirs:?}");
    }
    // What was refused itself claims nothing.
    let refused = number(&own, "+4930901822", None);
    house.database.refuse(|writes| writes.iter().any(|write| write.document().0.name == "numbers"));
    assert!(switchboard.add_number(&refused).await.is_err());
    house.database.refuse(|_| false);
    switchboard.add_number(&refused).await.unwrap();
}

#[tokio::test]
async fn a_claim_that_was_made_again_is_not_given_up_with_the_former_one() {
    let house = House::new();
    let (telephony, own, other) = (Telephony::new(Arc::clone(&house.documents)), OrgId::default_org(), org("org_other"));
    assert_eq!(telephony.claim("number:+49", &own).await.unwrap(), 1);
    let before_it_goes = telephony.claim_version("number:+49", &own).await.unwrap().unwrap();
    assert_eq!(telephony.claim("number:+49", &own).await.unwrap(), 2);
    telephony.release("number:+49", &own, before_it_goes).await.unwrap();
    assert!(matches!(telephony.claim("number:+49", &other).await, Err(StoreError::Exists { .. })));
    assert_eq!(telephony.claim_version("number:+49", &other).await.unwrap(), None);
    telephony.release("number:+49", &own, 2).await.unwrap();
    assert_eq!(telephony.claim("number:+49", &other).await.unwrap(), 1);
}

#[tokio::test]
async fn organisations_that_share_a_carrier_have_each_their_own_numbers() {
    let house = House::new();
    let switchboard = house.switchboard();
    let (a, b) = (org("org_a"), org("org_b"));
    for of in [&a, &b] {
        switchboard.add_trunk(&trunk(of, "carrier", at_carrier())).await.unwrap();
    }
    // An extension that looks like the other's number takes no call of it.
    switchboard.add_number(&number(&a, "+4930901821", None)).await.unwrap();
    switchboard.add_number(&number(&b, "+4930901822", None)).await.unwrap();
    switchboard.add_number(&number(&a, "4930901822", None)).await.unwrap();
    assert_eq!(answering(&switchboard, "+4930901821").as_deref(), Some("org_a"));
    assert_eq!(answering(&switchboard, "+4930901822").as_deref(), Some("org_b"));
    assert_eq!(answering(&switchboard, "+4930901820"), None, "the configuration's is of another organisation");
}

#[tokio::test]
async fn a_stop_is_in_force_at_once_holds_after_a_restart_and_ends_by_resuming() {
    let house = House::new();
    let switchboard = house.switchboard();
    let (a, b) = (org("org_a"), org("org_b"));
    let stop = Stop { by: StoppedBy::Organisation, at: Utc::now() };
    switchboard.stop_now(Whose::Organisation(a.clone()), stop).unwrap();
    assert!(switchboard.directory().is_stopped(&a) && !switchboard.directory().is_stopped(&b));
    switchboard.keep_stop(Whose::Organisation(a.clone()), stop).await.unwrap();
    let restarted = house.switchboard();
    restarted.refresh().await.unwrap();
    assert!(restarted.directory().is_stopped(&a));
    assert_eq!(restarted.own_stop_of(&a).map(|stop| stop.by), Some(StoppedBy::Organisation));
    switchboard.stop_now(Whose::Everybody, stop).unwrap();
    switchboard.keep_stop(Whose::Everybody, stop).await.unwrap();
    switchboard.resume(Whose::Organisation(a.clone())).await.unwrap();
    assert!(switchboard.directory().is_stopped(&a) && switchboard.directory().is_stopped(&b));
    switchboard.resume(Whose::Everybody).await.unwrap();
    assert!(!switchboard.directory().is_stopped(&a) && !switchboard.directory().is_stopped(&b));
}

#[tokio::test]
async fn places_of_agents_that_are_no_more_are_bounded_and_the_one_longest_empty_makes_room() {
    let house = House::new();
    let (switchboard, org, now) = (house.switchboard(), org("org_practice"), Utc::now());
    let agent = |name: String| KeptAgent::new(org.clone(), name, AgentConfig::at("wss://a.example/"), AgentSecrets::default(), now);
    let scope = OrgScope::new(org.clone());
    for place in 0..105 {
        let agent = agent(format!("agent-{place}"));
        let version = switchboard.add_agent(&agent).await.unwrap();
        let made = Versioned { record: agent, version };
        switchboard.remove_agent(&made, now + chrono::TimeDelta::seconds(place)).await.unwrap();
    }
    assert_eq!(switchboard.telephony().all::<KeptAgent>(1_000).await.unwrap().len(), 100);
    assert!(!switchboard.has_agent(&org, "agent-104"));
    for (name, expected) in [("agent-0", 1), ("agent-104", 3)] {
        assert_eq!(switchboard.add_agent(&agent(name.to_owned())).await.unwrap(), expected, "{name}");
        assert!(switchboard.has_agent(&org, name));
    }
    assert!(switchboard.telephony().get::<KeptAgent>(&scope, KeptAgent::id_of(&org, "agent-4").as_str()).await.unwrap().is_none());
}

#[test]
fn a_number_of_a_covered_organisation_without_an_agent_that_its_audio_may_go_to_is_warned_of() {
    let house = House::new();
    let (clinic, other) = (org("org_clinic"), org("org_other"));
    let of_clinic = Agreement::With([clinic.clone()].into());
    let agent = |agreement| AgentConfig { agreement, ..AgentConfig::at("wss://agent.example/") };
    let configured = [("bare", None), ("clinics", Some(of_clinic)), ("everybodys", Some(Agreement::All(Everybody::All)))];
    let supply = AgentSupply {
        configured: configured.map(|(name, agreement)| (name.to_owned(), agent(agreement))).into(),
        egress: EgressConfig { covered: Covered::Of([clinic.clone()].into()) },
        ..AgentSupply::default()
    };
    let telephony = Telephony::new(Arc::clone(&house.documents));
    let switchboard = Switchboard::new(DirectorySource::default(), supply, telephony, Box::new(|_| None)).unwrap().0;
    let warned = |org: &OrgId, agent: &str, fallbacks: &[&str]| {
        let fallback_agents = fallbacks.iter().map(ToString::to_string).collect();
        let settings = NumberConfig { agent: agent.to_owned(), fallback_agents, ..NumberConfig::default() };
        switchboard.number_warnings(org, &settings)
    };
    assert_eq!(warned(&clinic, "bare", &[]), [NumberWarning::NoAgreement]);
    assert_eq!(warned(&clinic, "bare", &["bare"]), [NumberWarning::NoAgreement]);
    for (org, agent, fallbacks) in [
        (&clinic, "clinics", &[][..]),
        (&clinic, "everybodys", &[]),
        (&clinic, "bare", &["clinics"]),
        (&other, "bare", &[]),
        // That there is no such agent is a fault, and another one.
        (&clinic, "nobody", &[]),
    ] {
        assert_eq!(warned(org, agent, fallbacks), [], "{org} {agent} {fallbacks:?}");
    }
}
