use chrono::{TimeDelta, TimeZone};

use super::*;
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::store::sealed::tests::sealed_store;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap()
}

fn scope(name: &str) -> OrgScope {
    OrgScope::new(format!("org_{name}").parse().unwrap())
}

fn user(scope: &OrgScope, email: &str) -> User {
    User {
        id: UserId::random(),
        org_id: scope.org().clone(),
        email: Redacted::new(email.parse().unwrap()),
        name: Some(Redacted::new("Ada Park".to_owned())),
        role: Role::Staff,
        role_after_verification: None,
        status: UserStatus::Active,
        email_verified_at: None,
        last_login_at: None,
        created_at: now(),
        updated_at: now(),
    }
}

#[tokio::test]
async fn a_user_is_found_by_id_by_address_and_for_sign_in() {
    let (documents, _directory) = sealed_store();
    let (users, logins, a) = (Users::new(documents.clone()), Logins::new(documents), scope("a"));
    let ada = user(&a, "Ada@Example.org");
    users.insert(&a, &ada, now()).await.unwrap();
    assert_eq!(users.get(&a, &ada.id).await.unwrap().unwrap(), Versioned { record: ada.clone(), version: 1 });
    assert_eq!(users.find_by_email(&a, &"ada@example.ORG".parse().unwrap()).await.unwrap().unwrap().record, ada);
    let login = Login { org: a.org().clone(), user: ada.id.clone() };
    assert_eq!(logins.find(&"ada@example.org".parse().unwrap(), None).await.unwrap(), Some(login));
    assert_eq!(logins.find(&"bob@example.org".parse().unwrap(), None).await.unwrap(), None);
    assert_eq!(users.get(&scope("b"), &ada.id).await.unwrap(), None);
}

#[tokio::test]
async fn an_address_belongs_to_one_user_of_an_organisation_and_may_be_used_in_another() {
    let (documents, _directory) = sealed_store();
    let (users, logins, a, b) = (Users::new(documents.clone()), Logins::new(documents), scope("a"), scope("b"));
    let email = "ada@example.org".parse().unwrap();
    users.insert(&a, &user(&a, "ada@example.org"), now()).await.unwrap();
    // Long after, too: the user is there and has the address still.
    for later in [TimeDelta::zero(), TimeDelta::days(1)] {
        let again = users.insert(&a, &user(&a, "ADA@example.org"), now() + later).await;
        assert!(matches!(again, Err(StoreError::Taken { field: "email", .. })), "{again:?}");
    }
    let other = user(&b, "ada@example.org");
    users.insert(&b, &other, now()).await.unwrap();
    // Two organisations fit: neither is told unless it is named.
    assert_eq!(logins.find(&email, None).await.unwrap(), None);
    let named = logins.find(&email, Some(b.org())).await.unwrap();
    assert_eq!(named, Some(Login { org: b.org().clone(), user: other.id }));
    assert_eq!(logins.find(&email, Some(&OrgId::default_org())).await.unwrap(), None);
}

#[tokio::test]
async fn an_address_that_is_given_up_is_free_and_the_new_one_is_not() {
    let (documents, _directory) = sealed_store();
    let (users, a) = (Users::new(documents), scope("a"));
    let ada = user(&a, "ada@example.org");
    users.insert(&a, &ada, now()).await.unwrap();
    let moved = User { email: Redacted::new("park@example.org".parse().unwrap()), ..ada.clone() };
    assert_eq!(users.update(&a, &moved, 1, now()).await.unwrap(), 2);
    users.insert(&a, &user(&a, "ada@example.org"), now()).await.unwrap();
    assert!(matches!(users.insert(&a, &user(&a, "park@example.org"), now()).await, Err(StoreError::Taken { .. })));
    // Refused for its version, a change of address leaves both as they were.
    let stale = User { email: Redacted::new("third@example.org".parse().unwrap()), ..moved };
    assert!(matches!(users.update(&a, &stale, 1, now()).await, Err(StoreError::Conflict { .. })));
    users.insert(&a, &user(&a, "third@example.org"), now()).await.unwrap();
}

#[tokio::test]
async fn a_claim_whose_user_never_came_is_free_after_a_minute() {
    let (documents, _directory) = sealed_store();
    let (users, a) = (Users::new(documents.clone()), scope("a"));
    // What a crash between claim and user leaves.
    let login = Login { org: a.org().clone(), user: UserId::random() };
    let email = "ada@example.org".parse().unwrap();
    assert_eq!(Logins::new(documents).claim(&email, &login, None, now()).await.unwrap(), Claimed::Made);
    let ada = user(&a, "ada@example.org");
    assert!(matches!(users.insert(&a, &ada, now()).await, Err(StoreError::Taken { .. })));
    users.insert(&a, &ada, now() + TimeDelta::seconds(61)).await.unwrap();
}

#[tokio::test]
async fn of_many_users_of_one_address_at_one_time_exactly_one_is_added() {
    let (documents, _directory) = sealed_store();
    let (users, a) = (Users::new(documents), scope("a"));
    let attempts = (0..16).map(|_| {
        let (users, a) = (users.clone(), a.clone());
        async move { users.insert(&a, &user(&a, "ada@example.org"), now()).await }
    });
    let outcomes = futures_util::future::join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(users.list(&a, UserFilter::All, None, 50).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn users_are_listed_by_role_and_by_status() {
    let (documents, _directory) = sealed_store();
    let (users, a) = (Users::new(documents), scope("a"));
    let staff = user(&a, "a@example.org");
    let admin = User { role: Role::OrgAdmin, status: UserStatus::Locked, ..user(&a, "b@example.org") };
    for one in [&staff, &admin] {
        users.insert(&a, one, now()).await.unwrap();
    }
    for filter in [UserFilter::Role(Role::OrgAdmin), UserFilter::Status(UserStatus::Locked)] {
        let found = users.list(&a, filter, None, 10).await.unwrap().records;
        assert!(matches!(found.as_slice(), [found] if found.record == admin), "{found:?}");
    }
}
