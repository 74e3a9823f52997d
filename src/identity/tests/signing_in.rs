use super::*;
use crate::identity::error::Refusal;
use crate::identity::token::TokenKind;

fn refusal(outcome: Result<SignedIn, IdentityError>) -> Refusal {
    match outcome {
        Err(IdentityError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn step(outcome: Result<SignedIn, IdentityError>) -> (TokenKind, String) {
    match outcome.unwrap() {
        SignedIn::Step { kind, token } => (kind, token.expose().clone()),
        SignedIn::Session(tokens) => panic!("{tokens:?}"),
    }
}

#[tokio::test]
async fn staff_sign_in_with_a_password_and_ask_with_the_token() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ADA@example.org", start()).await;
    let context = world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(1)).await.unwrap();
    assert_eq!((context.org, context.principal, context.role), (OrgId::default_org(), Principal::User(ada.id.clone()), Role::Staff));
    assert_eq!(context.permissions, Role::Staff.permissions());
    assert_eq!(world.identity.parts.users.get(&scope(), &ada.id).await.unwrap().unwrap().record.last_login_at, Some(start()));
    // Another node takes it as well.
    assert!(world.other_node.authenticate(tokens.access.expose(), Occasion::Request, after(1)).await.is_ok());
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_log_and_sounds_the_same_to_the_caller() {
    let world = World::new().await;
    let left = world.user("left@example.org", Role::Staff).await;
    world.user("ada@example.org", Role::Staff).await;
    world.user("new@example.org", Role::Unverified).await;
    world.identity.parts.users.update(&scope(), &User { status: UserStatus::Inactive, ..left }, 1, start()).await.unwrap();
    let outcomes = [
        (world.try_sign_in("nobody@example.org", PASSWORD, start()).await, Refusal::UnknownUser),
        (world.try_sign_in("ada@example.org", "wrong", start()).await, Refusal::WrongPassword),
        (world.try_sign_in("left@example.org", PASSWORD, start()).await, Refusal::NotActive),
        (world.try_sign_in("new@example.org", PASSWORD, start()).await, Refusal::NotActive),
    ];
    for (outcome, expected) in outcomes {
        assert_eq!(outcome.as_ref().map(|_| ()).unwrap_err().to_string(), "the credentials are wrong");
        assert_eq!(refusal(outcome), expected);
    }
}

#[tokio::test]
async fn of_a_hundred_guesses_at_one_time_hardly_any_is_looked_at_and_none_after_ten_for_a_quarter_of_an_hour() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let at_once = |now| {
        let world = &world;
        async move {
            let mut looked_at = 0;
            for _ in 0..15 {
                let outcomes = futures_util::future::join_all((0..7).map(|_| world.try_sign_in("ada@example.org", "wrong", now))).await;
                looked_at +=
                    outcomes.iter().filter(|outcome| matches!(outcome, Err(IdentityError::Refused(Refusal::WrongPassword)))).count();
            }
            looked_at
        }
    };
    // Two at once, then one each time a pause is over.
    assert_eq!(at_once(start()).await, 2);
    let mut looked_at = 2;
    for second in 1..=200 {
        looked_at += usize::from(refusal(world.try_sign_in("ada@example.org", "wrong", after(second)).await) == Refusal::WrongPassword);
    }
    assert_eq!(looked_at, 10);
    // The right one is not looked at either, and sounds like a wrong one.
    assert_eq!(refusal(world.try_sign_in("ada@example.org", PASSWORD, after(201)).await), Refusal::TooManyAttempts);
    world.sign_in("ada@example.org", after(200 + 901)).await;
}

#[tokio::test]
async fn an_administrator_unlocks_before_the_time() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    for second in 0..200 {
        assert!(world.try_sign_in("ada@example.org", "wrong", after(second)).await.is_err());
    }
    world.identity.unlock(&scope(), &ada.id).await.unwrap();
    world.sign_in("ada@example.org", after(201)).await;
}

#[tokio::test]
async fn an_administrator_sets_up_a_second_factor_first_and_needs_it_from_then_on() {
    let world = World::new().await;
    world.user("ada@example.org", Role::OrgAdmin).await;
    let (kind, token) = step(world.try_sign_in("ada@example.org", PASSWORD, start()).await);
    assert_eq!(kind, TokenKind::Enrolment);
    // The step opens nothing else.
    assert!(matches!(world.identity.authenticate(&token, Occasion::Request, start()).await, Err(AuthError::Unknown)));
    assert!(matches!(
        world.identity.prove_second_factor(&token, &text("000000"), &client("browser"), start()).await,
        Err(IdentityError::InvalidCode)
    ));
    let enrolment = world.identity.begin_enrolment(&token, start()).await.unwrap();
    assert!(enrolment.uri.expose().contains(enrolment.secret.expose()));
    let code = totp_code(&enrolment.secret, start());
    let (signed_in, codes) = world.identity.confirm_enrolment(&token, &code, &client("browser"), start()).await.unwrap();
    assert!(matches!(signed_in, SignedIn::Session(_)) && codes.0.len() == 10);

    let (kind, token) = step(world.try_sign_in("ada@example.org", PASSWORD, after(60)).await);
    assert_eq!(kind, TokenKind::SecondFactor);
    let prove = |code: Redacted<String>, seconds| {
        let (world, token) = (&world, &token);
        async move { world.identity.prove_second_factor(token, &code, &client("browser"), after(seconds)).await }
    };
    // The code of the enrolment was used, and so was the password's first attempt.
    assert_eq!(refusal(prove(code, 60).await), Refusal::WrongCode);
    let SignedIn::Session(tokens) = prove(totp_code(&enrolment.secret, after(65)), 65).await.unwrap() else { panic!("no session") };
    assert!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(66)).await.unwrap().proved_at.is_some());
    // A step is over after five minutes.
    assert!(matches!(prove(codes.0[0].clone(), 60 + 301).await, Err(IdentityError::InvalidCode)));
}

#[tokio::test]
async fn one_code_used_many_times_at_one_time_opens_one_door() {
    let world = World::new().await;
    world.user("ada@example.org", Role::OrgAdmin).await;
    let (_, token) = step(world.try_sign_in("ada@example.org", PASSWORD, start()).await);
    let enrolment = world.identity.begin_enrolment(&token, start()).await.unwrap();
    world.identity.confirm_enrolment(&token, &totp_code(&enrolment.secret, start()), &client("browser"), start()).await.unwrap();
    let (_, token) = step(world.try_sign_in("ada@example.org", PASSWORD, after(60)).await);
    let code = totp_code(&enrolment.secret, after(60));
    let browser = client("browser");
    let proofs = (0..20).map(|_| world.identity.prove_second_factor(&token, &code, &browser, after(60))).collect::<Vec<_>>();
    let opened = futures_util::future::join_all(proofs).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(opened, 1);
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_whose_password_opens_the_way_to_another() {
    let world = World::new().await;
    let first = world.identity.bootstrap(start()).await.unwrap().unwrap();
    assert!(world.identity.bootstrap(start()).await.unwrap().is_none());
    assert!(!format!("{first:?}").contains(first.password.expose().as_str()));
    let email = first.email.expose().as_str();
    let (kind, token) = step(world.try_sign_in(email, first.password.expose(), start()).await);
    assert_eq!(kind, TokenKind::PasswordChange);
    let (password, browser) = (text(PASSWORD), client("browser"));
    let replace = || world.identity.replace_password(&token, &password, &browser, after(1));
    assert_eq!(step(replace().await).0, TokenKind::Enrolment);
    assert!(matches!(replace().await, Err(IdentityError::InvalidCode)));
    assert_eq!(refusal(world.try_sign_in(email, first.password.expose(), after(60)).await), Refusal::WrongPassword);
}

#[tokio::test]
async fn a_suspended_organisation_lets_nobody_in_and_whoever_is_in_out() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    let found = world.identity.parts.organisations.get(&scope()).await.unwrap().unwrap();
    let suspended = Organisation { status: crate::domain::organisation::OrganisationStatus::Suspended, ..found.record };
    world.identity.parts.organisations.update(&suspended, found.version).await.unwrap();
    assert_eq!(refusal(world.try_sign_in("ada@example.org", PASSWORD, after(1)).await), Refusal::OrganisationSuspended);
    assert!(matches!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(1)).await, Err(AuthError::Over)));
}

#[tokio::test]
async fn a_step_of_a_sign_in_ends_with_the_password_that_it_began_with() {
    for (email, with_factor) in [("thief@example.org", false), ("factor@example.org", true)] {
        let world = World::new().await;
        let admin = world.user(email, Role::OrgAdmin).await;
        if with_factor {
            let (_, enrolment) = step(world.try_sign_in(email, PASSWORD, start()).await);
            let secret = world.identity.begin_enrolment(&enrolment, start()).await.unwrap().secret;
            let code = totp_code(&secret, start());
            world.identity.confirm_enrolment(&enrolment, &code, &client("own"), start()).await.unwrap();
        }
        let (kind, stolen) = step(world.try_sign_in(email, PASSWORD, after(60)).await);
        assert_eq!(kind, if with_factor { TokenKind::SecondFactor } else { TokenKind::Enrolment });

        world.identity.request_reset(&admin.email, None, after(61)).await.unwrap();
        let code = world.mailed_code().await;
        world.identity.reset_password(&code, &text("marble socket thirteen owls"), after(62)).await.unwrap();
        let outcome = if with_factor {
            world.identity.prove_second_factor(&stolen, &text("000000"), &client("thief"), after(63)).await.map(drop)
        } else {
            world.identity.begin_enrolment(&stolen, after(63)).await.map(drop)
        };
        assert!(matches!(outcome, Err(IdentityError::InvalidCode)), "{outcome:?}");
    }
}
