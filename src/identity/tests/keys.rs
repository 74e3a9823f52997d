use super::*;
use crate::domain::access::{Permission, Permissions};

async fn key(
    world: &World,
    maker: &User,
    scopes: &[Permission],
    end: Option<DateTime<Utc>>,
) -> (crate::domain::api_key::ApiKey, Redacted<String>) {
    let key = crate::domain::api_key::ApiKey {
        id: crate::domain::ids::ApiKeyId::random(),
        org_id: OrgId::default_org(),
        name: "import".to_owned(),
        scopes: scopes.to_vec(),
        created_by: maker.id.clone(),
        created_at: start(),
        expires_at: end,
        revoked_at: None,
    };
    let clear = world.identity.make_api_key(&key).await.unwrap();
    (key, clear)
}

#[tokio::test]
async fn a_key_may_what_its_maker_may_within_its_scopes() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    let (made, clear) = key(&world, &ada, &[Permission::PatientsRead, Permission::PatientsExport], None).await;
    let context = world.identity.authenticate(clear.expose(), Occasion::Request, after(1)).await.unwrap();
    assert_eq!(context.principal, Principal::ApiKey(made.id.clone()));
    let expected: Permissions = [Permission::PatientsRead].into_iter().collect();
    assert_eq!(context.permissions, expected);
    assert_eq!(world.identity.api_keys(&scope(), None, 10).await.unwrap().records[0].record, made);
}

#[tokio::test]
async fn a_key_ends_when_it_is_revoked_or_over_or_its_maker_leaves() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    let (revoked, revoked_text) = key(&world, &ada, &[], None).await;
    let (_, ending) = key(&world, &ada, &[], Some(after(10))).await;
    let (_, lasting) = key(&world, &ada, &[], None).await;
    world.identity.revoke_api_key(&scope(), &revoked.id, after(1)).await.unwrap();
    world.identity.revoke_api_key(&scope(), &revoked.id, after(2)).await.unwrap();
    assert!(matches!(world.identity.authenticate(revoked_text.expose(), Occasion::Request, after(2)).await, Err(AuthError::Over)));
    assert!(world.identity.authenticate(ending.expose(), Occasion::Request, after(9)).await.is_ok());
    assert!(matches!(world.identity.authenticate(ending.expose(), Occasion::Request, after(10)).await, Err(AuthError::Over)));
    assert!(world.identity.authenticate(lasting.expose(), Occasion::Request, after(10)).await.is_ok());
    world.identity.parts.users.update(&scope(), &User { status: UserStatus::Inactive, ..ada }, 1, after(11)).await.unwrap();
    assert!(matches!(world.identity.authenticate(lasting.expose(), Occasion::Request, after(11)).await, Err(AuthError::Over)));
}

#[tokio::test]
async fn what_is_no_key_is_nobodys_and_no_file_holds_one() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    let (made, clear) = key(&world, &ada, &[], None).await;
    let clear = clear.expose();
    let secret = clear.rsplit('.').next().unwrap();
    for text in [
        "ak.",
        "ak...",
        &format!("ak.org_default.{}.", made.id),
        &clear.replace("org_default", "org_other"),
        &clear[..clear.len() - 1],
        &format!("{clear}.x"),
    ] {
        assert!(matches!(world.identity.authenticate(text, Occasion::Request, after(1)).await, Err(AuthError::Unknown)), "{text}");
    }
    for entry in std::fs::read_dir(world._directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}
