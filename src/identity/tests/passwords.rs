use super::*;
use crate::identity::password::PasswordFault;

const OTHER: &str = "marble socket thirteen owls";

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_code_that_is_good_once() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    world.identity.request_reset(&ada.email, None, after(1)).await.unwrap();
    let code = world.mailed_code().await;
    // A password that does not do leaves the code good.
    let weak = world.identity.reset_password(&code, &text("too short"), after(2)).await;
    assert!(matches!(weak, Err(IdentityError::Password(PasswordFault::Length))));
    world.identity.reset_password(&code, &text(OTHER), after(2)).await.unwrap();
    assert!(matches!(world.identity.reset_password(&code, &text(OTHER), after(3)).await, Err(IdentityError::InvalidCode)));
    assert!(matches!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(3)).await, Err(AuthError::Over)));
    assert!(world.try_sign_in("ada@example.org", PASSWORD, after(4)).await.is_err());
    assert!(world.try_sign_in("ada@example.org", OTHER, after(4)).await.is_ok());
}

#[tokio::test]
async fn a_code_is_good_for_half_an_hour_and_a_newer_one_voids_it() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    world.identity.request_reset(&ada.email, None, start()).await.unwrap();
    let first = world.mailed_code().await;
    world.identity.request_reset(&ada.email, None, after(1)).await.unwrap();
    let second = world.mailed_code().await;
    assert!(matches!(world.identity.reset_password(&first, &text(OTHER), after(2)).await, Err(IdentityError::InvalidCode)));
    assert!(matches!(world.identity.reset_password(&second, &text(OTHER), after(1_801)).await, Err(IdentityError::InvalidCode)));
    assert!(world.identity.reset_password(&second, &text(OTHER), after(1_800)).await.is_ok());
}

#[tokio::test]
async fn a_reset_for_an_address_of_nobody_sends_nothing_and_says_nothing() {
    let world = World::new().await;
    world.identity.request_reset(&Redacted::new("nobody@example.org".parse().unwrap()), None, start()).await.unwrap();
    for code in ["", "a.b.c", "org_default.user_00000000000000000000000000.x"] {
        assert!(
            matches!(world.identity.reset_password(&text(code), &text(OTHER), start()).await, Err(IdentityError::InvalidCode)),
            "{code}"
        );
    }
    assert!(world.sent.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_last_five_passwords_are_not_chosen_again() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    let words = ["marble socket owls 1", "pepper window tram 2", "lemon granite boat 3", "silver monday fork 4", "cotton rocket pine 5"];
    let mut current = PASSWORD.to_owned();
    for (n, word) in words.iter().enumerate() {
        let change = |new: &str| {
            let (world, ada, session, old, new) = (&world, &ada, &tokens.session, text(&current), text(new));
            async move { world.identity.change_password(&scope(), ada, session, &old, &new, after(60 * i64::try_from(n).unwrap())).await }
        };
        for used in std::iter::once(PASSWORD).chain(words[..n].iter().copied()).collect::<Vec<_>>() {
            let again = change(used).await;
            assert!(matches!(again, Err(IdentityError::Password(PasswordFault::UsedBefore))), "{n}: {used}: {again:?}");
            world.identity.unlock(&scope(), &ada.id).await.unwrap();
        }
        change(word).await.unwrap();
        current = (*word).to_owned();
    }
    // The sixth back is free.
    world.identity.change_password(&scope(), &ada, &tokens.session, &text(&current), &text(PASSWORD), after(600)).await.unwrap();
    // Who changed it stays signed in.
    assert!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(601)).await.is_ok());
}

#[tokio::test]
async fn an_imported_hash_verifies_once_and_is_rehashed() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    world.set_password(&ada, &bcrypt::hash(PASSWORD, 4).unwrap()).await;
    assert!(world.try_sign_in("ada@example.org", "wrong", start()).await.is_err());
    world.sign_in("ada@example.org", start()).await;
    let kept = world.identity.parts.credentials.get(&scope(), &ada.id).await.unwrap().record.password.unwrap();
    assert!(kept.hash.expose().starts_with("$argon2id$"));
    world.sign_in("ada@example.org", after(1)).await;
}

#[tokio::test]
async fn an_invitation_is_accepted_once_and_gives_the_role_that_was_meant() {
    let world = World::new().await;
    let email = Redacted::new("ada@example.org".parse().unwrap());
    let invited = User::invited(OrgId::default_org(), email, None, Role::Staff, start());
    world.identity.invite(&invited, start()).await.unwrap();
    assert!(invited.role.permissions() == crate::domain::access::Permissions::NONE);
    let code = world.mailed_code().await;
    assert!(matches!(
        world.identity.accept_invitation(&code, &text("ada@example.org ok"), after(1)).await,
        Err(IdentityError::Password(_))
    ));
    let ada = world.identity.accept_invitation(&code, &text(PASSWORD), after(7 * 86_400 - 1)).await.unwrap();
    assert_eq!((ada.role, ada.email_verified_at.is_some()), (Role::Staff, true));
    assert!(matches!(world.identity.accept_invitation(&code, &text(OTHER), after(2)).await, Err(IdentityError::InvalidCode)));
    world.sign_in("ada@example.org", after(7 * 86_400)).await;
}

#[tokio::test]
async fn an_address_is_proved_by_a_code_that_was_sent_to_it() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Unverified).await;
    world.identity.request_verification(&ada.email, None, start()).await.unwrap();
    let code = world.mailed_code().await;
    assert_eq!(world.identity.verify_email(&code, after(1)).await.unwrap().role, Role::Staff);
    assert!(world.identity.verify_email(&code, after(2)).await.is_err());
    world.sign_in("ada@example.org", after(3)).await;
}

#[tokio::test]
async fn who_knows_the_old_password_is_not_locked_for_new_ones_that_do_not_do() {
    let world = World::new().await;
    let user = world.user("careless@example.org", Role::Staff).await;
    let tokens = world.sign_in("careless@example.org", start()).await;
    let change = |new: &'static str, at| {
        let (identity, user, session) = (&world.identity, &user, &tokens.session);
        async move { identity.change_password(&scope(), user, session, &text(PASSWORD), &text(new), after(at)).await }
    };
    for at in 0..12 {
        let outcome = change("password", at).await;
        assert!(matches!(outcome, Err(IdentityError::Password(_))), "{at}: {outcome:?}");
    }
    change(OTHER, 13).await.unwrap();
}
