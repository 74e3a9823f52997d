//! Every route, every id, every stranger: the table is made from the router, so a new route is in it or the test fails.
//!
//! Those who ask are real sign-ins and keys. What is another organisation's must look like what never was, and must cost
//! the same: reads and writes of the store and passwords that are hashed are counted.

use chrono::Utc;
use serde_json::Value;

use super::cast::{EXPIRED, FOREIGN_SUPER_ADMIN, FOREIGNER, ORG_ADMIN, POWERLESS, STAFF, STALE_ADMIN, SUPER_ADMIN};
use super::house::{Answer, House, SECRET};
use crate::agent::kept::KeptAgent;
use crate::api::contract::{Access, Operation, Proof, Route};
use crate::api::router::routes;
use crate::domain::access::{Permission, Role};
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::{ApiKeyId, CallId, CaregiverId, DeliveryId, DialInKeyId, OrgId, PatientId, SessionId, UserId, WebhookId};
use crate::signalling::trunks::{KeptNumber, KeptTrunk};
use crate::store::OrgScope;

/// One of each thing that has an id.
#[derive(Clone, Debug)]
struct Ids {
    call: String,
    patient: String,
    user: String,
    session: String,
    api_key: String,
    organisation: String,
    trunk: String,
    number: String,
    agent: String,
    webhook: String,
    dial_in_key: String,
}

impl Ids {
    /// Of things that never were.
    fn missing() -> Self {
        Self {
            call: CallId::random().to_string(),
            patient: PatientId::random().to_string(),
            user: UserId::random().to_string(),
            session: SessionId::random().to_string(),
            api_key: ApiKeyId::random().to_string(),
            organisation: OrgId::random().to_string(),
            trunk: KeptTrunk::id_of(&OrgId::default_org(), "nowhere").to_string(),
            number: KeptNumber::id_of(&OrgId::default_org(), "+4930999999").to_string(),
            agent: KeptAgent::id_of(&OrgId::default_org(), "nobody").to_string(),
            webhook: WebhookId::random().to_string(),
            dial_in_key: DialInKeyId::random().to_string(),
        }
    }

    /// Of things that are in the organisation that exists before any other.
    async fn present(house: &House) -> Self {
        let org = OrgId::default_org();
        let (user, session) = house.cast.member(&org, "member", Role::Staff).await;
        let key = house.cast.key_of(&user, vec![Permission::PatientsRead]).await;
        Self {
            call: house.recorded(&org, SessionStatus::Running, Utc::now()).await.id.to_string(),
            patient: house.patient(&org, false).await.id.to_string(),
            user: user.id.to_string(),
            session: session.to_string(),
            api_key: key.split('.').nth(2).unwrap().to_owned(),
            organisation: org.to_string(),
            trunk: house.trunk(&org, "planted").await.id.to_string(),
            number: house.number(&org, "+4930901821").await.id.to_string(),
            agent: house.agent(&org, "planted").await.id.to_string(),
            webhook: house.webhook(&org).await.id.to_string(),
            // Removing one that is not there is what can be tried without its secret.
            dial_in_key: DialInKeyId::random().to_string(),
        }
    }

    /// The path with ids in it. A route with another kind of id has to be given a place here.
    fn fill(&self, operation: &Operation) -> String {
        let path = operation.path;
        let id = match path.strip_prefix("/v1/").unwrap_or_default().split("/{").next().unwrap_or_default() {
            "calls" | "whip/calls" | "whep" => &self.call,
            "patients" => &self.patient,
            "users" => &self.user,
            "auth/sessions" => &self.session,
            "api_keys" => &self.api_key,
            "organisations" => &self.organisation,
            "trunks" => &self.trunk,
            "numbers" => &self.number,
            "agents" => &self.agent,
            "webhooks" => &self.webhook,
            "webhooks/dial-in/keys" => &self.dial_in_key,
            _ if path == "/v1/whip/{agent}" => return "/v1/whip/nobody".to_owned(),
            _ if path == "/docs/{file}" => return "/docs/page.js".to_owned(),
            _ => path,
        };
        let path = path.replace("{id}", id).replace("{caregiver_id}", CaregiverId::random().as_str());
        let path = path.replace("{delivery_id}", DeliveryId::random().as_str()).replace("{version}", "1");
        assert!(!path.contains('{'), "{path} has an id that the matrix does not know");
        path
    }
}

fn protected() -> impl Iterator<Item = Operation> {
    let operations = routes().into_iter().map(|Route { operation, .. }| operation);
    operations.filter(|operation| operation.access != Access::Public)
}

async fn ask(house: &House, bearer: Option<&str>, operation: &Operation, ids: &Ids) -> Answer {
    house.ask_as(bearer, operation.verb.method().as_str(), &ids.fill(operation), operation.body_example().as_ref()).await
}

/// What the store and the hasher were asked for an answer.
async fn costs(house: &House, bearer: &str, operation: &Operation, ids: &Ids) -> (Value, [u64; 3]) {
    let count = || {
        let (reads, writes) = house.counted.calls();
        [reads, writes, house.cast.identity.password_jobs()]
    };
    // Whoever asks is known by then.
    house.ask_as(Some(bearer), "GET", "/v1/auth/me", None).await;
    let before = count();
    let answer = ask(house, Some(bearer), operation, ids).await;
    let after = count();
    (answer.json()["error"].clone(), std::array::from_fn(|n| after[n] - before[n]))
}

#[tokio::test]
async fn nobody_gets_in_without_credentials_or_with_those_that_are_over() {
    let house = House::new();
    let (ids, locked) = (Ids::missing(), house.cast.ended().await);
    for operation in protected() {
        for bearer in [None, Some(EXPIRED), Some("forged"), Some(locked.as_str())] {
            let answer = ask(&house, bearer, &operation, &ids).await;
            assert_eq!(answer.error(), (401, "UNAUTHORIZED".to_owned()), "{} {bearer:?}", operation.name);
        }
    }
}

#[tokio::test]
async fn a_role_below_is_refused_before_anything_is_looked_for() {
    let house = House::new();
    let (present, missing) = (Ids::present(&house).await, Ids::missing());
    for operation in protected() {
        let Access::Needs(permission) = operation.access else { continue };
        // The highest role that may not, where there is one, and a key that opens nothing.
        let below = [STAFF, ORG_ADMIN].into_iter().zip([Role::Staff, Role::OrgAdmin]);
        let below = below.filter(|(_, role)| !role.permissions().contains(permission)).map(|(name, _)| name).next_back();
        for bearer in below.into_iter().chain([POWERLESS]) {
            for ids in [&present, &missing] {
                let answer = ask(&house, Some(bearer), &operation, ids).await;
                assert_eq!(answer.error(), (403, "FORBIDDEN".to_owned()), "{} {bearer}", operation.name);
            }
        }
    }
}

#[tokio::test]
async fn what_wants_a_fresh_second_factor_is_refused_to_whom_has_a_stale_one_and_to_every_key() {
    let house = House::new();
    let admin = house.cast.player(ORG_ADMIN).await;
    let key = house.cast.key_of(&admin.user, Permission::ALL.to_vec()).await;
    let (present, mut tried) = (Ids::present(&house).await, 0);
    for operation in protected().filter(|operation| operation.proof != Proof::None) {
        // A key with the scope has a test of its own.
        let keys = if operation.proof == Proof::Fresh { Some(key.as_str()) } else { None };
        for bearer in [STALE_ADMIN].into_iter().chain(keys) {
            let answer = ask(&house, Some(bearer), &operation, &present).await;
            assert_eq!(answer.error(), (403, "FORBIDDEN".to_owned()), "{} {bearer}", operation.name);
            assert_eq!(answer.json()["error"]["context"]["reason"], "second_factor_required", "{}", operation.name);
            tried += 1;
        }
    }
    assert!(tried >= 8, "{tried}");
}

#[tokio::test]
async fn what_is_another_organisations_or_somebody_elses_looks_like_what_never_was_and_costs_the_same() {
    let house = House::new();
    let present = Ids::present(&house).await;
    let _inbox = house.running(&present.call.parse().unwrap(), &OrgId::default_org());
    let patient = house.state.patients.get(&home(), &present.patient.parse().unwrap()).await.unwrap().unwrap();
    let before = house.cast.identity.user(&home(), &present.user.parse().unwrap()).await.unwrap().unwrap();
    for operation in protected().filter(|operation| operation.path.contains("{id}")) {
        let needs = match operation.access {
            Access::Needs(permission) => Some(permission),
            _ => None,
        };
        let gateway = needs.is_some_and(|needs| !Role::OrgAdmin.permissions().contains(needs));
        // Who runs the gateway sees every organisation: nothing of it is foreign to them.
        let strangers: &[&str] = match (operation.path.starts_with("/v1/organisations"), gateway) {
            (true, true) => &[],
            (true, false) => &[FOREIGNER],
            (false, true) => &[FOREIGN_SUPER_ADMIN],
            (false, false) => &[FOREIGNER, FOREIGN_SUPER_ADMIN],
        };
        for stranger in strangers {
            let mut same = false;
            let mut seen = Vec::new();
            // Now and then a stranger's sign-in is looked up anew, in the middle of one of the two.
            for _ in 0..3 {
                let theirs = costs(&house, stranger, &operation, &present).await;
                let missing = costs(&house, stranger, &operation, &Ids::missing()).await;
                assert_eq!(theirs.0["code"], "NOT_FOUND", "{} {stranger}", operation.name);
                assert_eq!(theirs.0, missing.0, "{} {stranger}", operation.name);
                same |= theirs.1 == missing.1;
                seen.push((theirs.1, missing.1));
            }
            assert!(same, "{} {stranger}: {seen:?}", operation.name);
        }
    }
    let still = house.state.patients.get(&home(), &present.patient.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((still.record, still.version), (patient.record, patient.version), "nobody changed anything");
    let user = house.cast.identity.user(&home(), &present.user.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(user, before);
}

#[tokio::test]
async fn what_was_removed_or_is_no_id_at_all_is_not_found() {
    let house = House::new();
    let (present, missing) = (Ids::present(&house).await, Ids::missing());
    let removed = Ids { patient: house.patient(&OrgId::default_org(), true).await.id.to_string(), ..missing.clone() };
    let garbled = Ids {
        call: "call_..%2f".to_owned(),
        patient: "pat_'--".to_owned(),
        user: "user_%00".to_owned(),
        session: "sess_$ne".to_owned(),
        api_key: "key_*".to_owned(),
        organisation: "org_%2e%2e".to_owned(),
        trunk: "trunk_;".to_owned(),
        number: "num_%27".to_owned(),
        agent: "agent_'".to_owned(),
        webhook: "whk_%00".to_owned(),
        dial_in_key: "dik_..".to_owned(),
    };
    for operation in protected().filter(|operation| operation.path.contains("{id}")) {
        let never = ask(&house, Some(SUPER_ADMIN), &operation, &missing).await;
        assert_eq!(never.error(), (404, "NOT_FOUND".to_owned()), "{}", operation.name);
        let garbled = ask(&house, Some(SUPER_ADMIN), &operation, &garbled).await;
        assert_eq!(garbled.error(), (404, "NOT_FOUND".to_owned()), "{}", operation.name);
        if operation.path.starts_with("/v1/patients") && operation.name != "restorePatient" {
            let gone = ask(&house, Some(SECRET), &operation, &removed).await;
            assert_eq!(gone.json()["error"], never.json()["error"], "{}", operation.name);
        }
        // Another's sign-in is not one's own, within one organisation either.
        if operation.path.starts_with("/v1/auth/sessions") {
            let others = ask(&house, Some(ORG_ADMIN), &operation, &present).await;
            assert_eq!(others.json()["error"], never.json()["error"], "{}", operation.name);
        }
    }
}

#[tokio::test]
async fn no_list_and_no_export_shows_another_organisations_records() {
    let house = House::new();
    Ids::present(&house).await;
    for operation in protected().filter(|operation| operation.verb.method() == "GET" && !operation.path.contains('{')) {
        if operation.name == "followEvents" || operation.name == "listOrganisations" {
            continue;
        }
        let answer = house.ask_as(Some(FOREIGN_SUPER_ADMIN), "GET", operation.path, None).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", operation.name);
        for planted in ["Ana Planted", "aspirin", "15550100", "org_default", "member@"] {
            assert!(!answer.text.contains(planted), "{} shows {planted}", operation.name);
        }
    }
}

fn home() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}
