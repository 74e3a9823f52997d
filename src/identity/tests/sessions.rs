use super::*;
use crate::domain::session::SessionEndReason;

async fn ended(world: &World, tokens: &Tokens) -> Option<SessionEndReason> {
    world.identity.parts.sessions.get(&scope(), &tokens.session).await.unwrap().unwrap().record.ended.map(|end| end.reason)
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_second_use_ends_the_family() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let first = world.sign_in("ada@example.org", start()).await;
    let second = world.identity.refresh(&first.refresh, &client("browser"), after(60)).await.unwrap();
    assert_ne!(first.refresh, second.refresh);
    assert!(world.identity.authenticate(second.access.expose(), Occasion::Request, after(61)).await.is_ok());
    let third = world.identity.refresh(&second.refresh, &client("browser"), after(120)).await.unwrap();
    // The thief comes with the first one, long after.
    let reused = world.other_node.refresh(&first.refresh, &client("browser"), after(121)).await;
    assert!(matches!(reused, Err(IdentityError::TokenReused { .. })), "{reused:?}");
    assert_eq!(ended(&world, &third).await, Some(SessionEndReason::TokenReused));
    assert!(matches!(world.identity.refresh(&third.refresh, &client("browser"), after(122)).await, Err(IdentityError::InvalidCode)));
    assert!(matches!(world.other_node.authenticate(third.access.expose(), Occasion::Request, after(122)).await, Err(AuthError::Over)));
}

#[tokio::test]
async fn within_ten_seconds_the_same_client_gets_the_same_answer_and_no_other_does() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let first = world.sign_in("ada@example.org", start()).await;
    let second = world.identity.refresh(&first.refresh, &client("browser"), after(60)).await.unwrap();
    let again = world.other_node.refresh(&first.refresh, &client("browser"), after(70)).await.unwrap();
    assert_eq!(again.refresh, second.refresh);
    let other = world.identity.refresh(&first.refresh, &client("thief"), after(70)).await;
    assert!(matches!(other, Err(IdentityError::TokenReused { .. })));
    assert_eq!(ended(&world, &first).await, Some(SessionEndReason::TokenReused));
}

#[tokio::test]
async fn a_hundred_refreshes_of_one_token_at_one_time_leave_one_chain_or_none() {
    for same_client in [true, false] {
        let world = World::new().await;
        world.user("ada@example.org", Role::Staff).await;
        let first = world.sign_in("ada@example.org", start()).await;
        let attempts = (0..100).map(|n| {
            let node = if n % 2 == 0 { &world.identity } else { &world.other_node };
            let client = client(&if same_client { "browser".to_owned() } else { format!("client {n}") });
            let refresh = &first.refresh;
            async move { node.refresh(refresh, &client, after(1)).await }
        });
        let outcomes = futures_util::future::join_all(attempts).await;
        let chains: std::collections::BTreeSet<String> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).map(|tokens| tokens.refresh.expose().clone()).collect();
        let session = world.identity.parts.sessions.get(&scope(), &first.session).await.unwrap().unwrap().record;
        if same_client {
            assert_eq!((chains.len(), session.generation, session.ended), (1, 1, None), "{outcomes:?}");
            let next = Redacted::new(chains.into_iter().next().unwrap());
            assert!(world.identity.refresh(&next, &client("browser"), after(60)).await.is_ok());
        } else {
            assert!(chains.len() <= 1 && session.ended.is_some(), "{chains:?}");
        }
    }
}

#[tokio::test]
async fn a_made_up_token_ends_nobodys_sign_in() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    let genuine = tokens.refresh.expose();
    let session = tokens.session.as_str();
    let forged = [
        String::new(),
        "rt.....".to_owned(),
        format!("rt.org_default.{session}.0.secret.mac"),
        format!("rt.org_nowhere.{session}.0.secret.mac"),
        genuine.replace(".0.", ".1."),
        genuine[..genuine.len() - 1].to_owned(),
        "x".repeat(10_000),
    ];
    for token in forged {
        let outcome = world.identity.refresh(&Redacted::new(token.clone()), &client("browser"), after(1)).await;
        assert!(matches!(outcome, Err(IdentityError::InvalidCode)), "{token}: {outcome:?}");
    }
    assert_eq!(ended(&world, &tokens).await, None);
}

#[tokio::test]
async fn signing_out_holds_here_at_once_on_other_nodes_within_seconds_and_after_a_restart() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    for node in [&world.identity, &world.other_node] {
        assert!(node.authenticate(tokens.access.expose(), Occasion::Request, after(1)).await.is_ok());
    }
    world.identity.sign_out(&OrgId::default_org(), &tokens.session, after(2)).await.unwrap();
    assert!(matches!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(2)).await, Err(AuthError::Over)));
    let told = std::time::Instant::now();
    while world.other_node.authenticate(tokens.access.expose(), Occasion::Request, after(2)).await.is_ok() {
        assert!(told.elapsed() < Duration::from_secs(5), "the other node still takes it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(matches!(world.identity.refresh(&tokens.refresh, &client("browser"), after(3)).await, Err(IdentityError::InvalidCode)));
}

#[tokio::test]
async fn a_sign_in_ends_after_a_quarter_of_an_hour_without_a_request_and_after_twelve_hours_whatever_happens() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let idle = world.sign_in("ada@example.org", start()).await;
    assert!(matches!(world.identity.authenticate(idle.access.expose(), Occasion::Request, after(901)).await, Err(AuthError::Over)));
    assert_eq!(ended(&world, &idle).await, Some(SessionEndReason::Idle));

    let mut busy = world.sign_in("ada@example.org", start()).await;
    let minutes = |n: i64| after(n * 60);
    for ten in 1..72 {
        assert!(world.identity.authenticate(busy.access.expose(), Occasion::Request, minutes(ten * 10)).await.is_ok(), "{ten}");
        if ten % 2 == 0 {
            busy = world.identity.refresh(&busy.refresh, &client("browser"), minutes(ten * 10)).await.unwrap();
        }
    }
    assert_eq!(busy.refresh_expires_at, minutes(720));
    assert!(matches!(world.identity.authenticate(busy.access.expose(), Occasion::Request, minutes(720)).await, Err(AuthError::Over)));
    assert!(matches!(world.identity.refresh(&busy.refresh, &client("browser"), minutes(720)).await, Err(IdentityError::InvalidCode)));
}

#[tokio::test]
async fn an_access_token_ends_after_half_an_hour() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    for (seconds, good) in [(600, true), (1_200, true), (1_799, true), (1_800, false)] {
        assert_eq!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(seconds)).await.is_ok(), good, "{seconds}");
    }
}

#[tokio::test]
async fn a_sign_in_that_is_long_over_is_removed() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    let week_after_its_end = after(7 * 86_400 + 12 * 3_600);
    assert_eq!(world.identity.sweep(week_after_its_end).await.unwrap(), 0);
    assert_eq!(world.identity.sweep(week_after_its_end + TimeDelta::seconds(1)).await.unwrap(), 1);
    assert!(world.identity.parts.sessions.get(&scope(), &tokens.session).await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_user_may_do_follows_from_the_role_they_have_now() {
    let world = World::new().await;
    let ada = world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    let found = world.identity.parts.users.get(&scope(), &ada.id).await.unwrap().unwrap();
    let demoted = User { role: Role::Unverified, ..found.record };
    world.identity.parts.users.update(&scope(), &demoted, found.version, after(1)).await.unwrap();
    assert!(matches!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(1)).await, Err(AuthError::Over)));
}

#[tokio::test]
async fn a_key_that_is_rotated_logs_nobody_out() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let before = world.sign_in("ada@example.org", start()).await;
    world.other_node.rotate_signing_key(after(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let after_it = world.other_node.refresh(&before.refresh, &client("browser"), after(2)).await.unwrap();
    for access in [before.access, after_it.access] {
        for node in [&world.identity, &world.other_node] {
            assert!(node.authenticate(access.expose(), Occasion::Request, after(3)).await.is_ok());
        }
    }
    let kids = world.identity.parts.tokens.kids().await;
    assert_eq!(kids.len(), 2);
    // An hour on, the first one is forgotten by the next rotation.
    world.identity.rotate_signing_key(after(2 * 3_600)).await.unwrap();
    let later = world.identity.parts.tokens.kids().await;
    assert!(later.len() == 2 && !later.contains(&kids[1]), "{later:?} after {kids:?}");
}

#[tokio::test]
async fn a_sign_in_that_is_used_lasts_however_short_the_idle_time_is() {
    let config = IdentityConfig { password_memory_kib: 64, password_passes: 1, idle_minutes: 1, ..IdentityConfig::default() };
    let world = World::with(config).await;
    world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    let ask = async |at| world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(at)).await;
    for at in (5..300).step_by(5) {
        assert!(ask(at).await.is_ok(), "after {at} s");
    }
    assert!(matches!(ask(295 + 61).await, Err(AuthError::Over)), "and ends when it is not");
}

#[tokio::test]
async fn what_goes_on_outlives_the_token_that_it_began_with_and_not_the_sign_in() {
    let world = World::new().await;
    world.user("ada@example.org", Role::Staff).await;
    let tokens = world.sign_in("ada@example.org", start()).await;
    let over = (tokens.access_expires_at - start()).num_seconds();
    for at in (600..over).step_by(600) {
        assert!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(at)).await.is_ok());
    }
    let next = world.identity.refresh(&tokens.refresh, &client("browser"), after(over - 60)).await.unwrap();
    assert!(world.identity.authenticate(next.access.expose(), Occasion::Request, after(over - 30)).await.is_ok());
    let going_on = async |at| world.identity.authenticate(tokens.access.expose(), Occasion::GoingOn, after(at)).await;
    assert!(going_on(over + 1).await.is_ok());
    assert!(matches!(world.identity.authenticate(tokens.access.expose(), Occasion::Request, after(over + 1)).await, Err(AuthError::Over)));
    world.identity.sign_out(&OrgId::default_org(), &tokens.session, after(over + 2)).await.unwrap();
    assert!(matches!(going_on(over + 3).await, Err(AuthError::Over)));
}
