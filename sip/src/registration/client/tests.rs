use super::*;

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn registration(now: Instant) -> Registration {
    let (retry_min, retry_max) = (seconds(30), seconds(1_800));
    Registration::new(now, RegistrationConfig { expiry: seconds(600), retry_min, retry_max, seed: [3; 32] })
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn answer(status: u16) -> RegisterAnswer {
    RegisterAnswer { status: StatusCode::new(status).unwrap(), granted: None, at_least: None, retry_after: None }
}

/// The wait until the next REGISTER.
fn wait(registration: &mut Registration, now: Instant) -> Duration {
    match registration.poll_output(now) {
        RegistrationOutput::Timeout(Some(due)) => due - now,
        other => panic!("{other:?}"),
    }
}

fn sends(registration: &mut Registration, now: Instant, expected: u32) {
    assert_eq!(registration.poll_output(now), RegistrationOutput::Register { expires: expected });
    assert_eq!(registration.poll_output(now), RegistrationOutput::Timeout(None), "one at a time");
}

#[test]
fn it_is_refreshed_before_the_registrar_forgets() {
    let mut now = start();
    let mut registration = registration(now);
    for granted in [600, 60, 20, 3_600] {
        sends(&mut registration, now, 600);
        registration.handle_answer(now, RegisterAnswer { granted: Some(granted), ..answer(200) });
        assert_eq!(registration.status(now), RegistrationStatus::Registered { until: now + seconds(granted.into()) });
        let wait = wait(&mut registration, now);
        assert!(wait >= seconds(granted.into()) * 4 / 10 && wait <= seconds(granted.into()) * 4 / 5, "{granted} {wait:?}");
        now += wait;
    }
}

#[test]
fn a_registrar_that_wants_longer_gets_it_at_once_and_one_that_wants_the_same_again_waits() {
    let now = start();
    let mut registration = registration(now);
    sends(&mut registration, now, 600);
    registration.handle_answer(now, RegisterAnswer { at_least: Some(900), ..answer(423) });
    sends(&mut registration, now, 900);
    registration.handle_answer(now, RegisterAnswer { at_least: Some(900), ..answer(423) });
    assert!(wait(&mut registration, now) >= seconds(15));
}

#[test]
fn waits_double_up_to_the_longest_and_a_success_begins_anew() {
    let mut now = start();
    let mut registration = registration(now);
    let mut longest = Duration::ZERO;
    for round in 0..12 {
        sends(&mut registration, now, 600);
        registration.handle_silence(now);
        assert_eq!(registration.status(now), RegistrationStatus::Unreachable);
        let wait = wait(&mut registration, now);
        let full = (seconds(30) * 2_u32.pow(round)).min(seconds(1_800));
        assert!(wait >= full / 2 && wait <= full, "{round}: {wait:?}");
        longest = longest.max(wait);
        now += wait;
    }
    assert!(longest > seconds(900));
    sends(&mut registration, now, 600);
    registration.handle_answer(now, answer(200));
    now += wait(&mut registration, now);
    sends(&mut registration, now, 600);
    registration.handle_silence(now);
    assert!(wait(&mut registration, now) <= seconds(30));
}

#[test]
fn refused_credentials_are_not_tried_again_for_five_minutes() {
    let now = start();
    let mut registration = registration(now);
    sends(&mut registration, now, 600);
    registration.handle_answer(now, answer(403));
    assert_eq!(registration.status(now), RegistrationStatus::Refused { status: StatusCode::FORBIDDEN });
    assert!(wait(&mut registration, now) >= seconds(300));
}

#[test]
fn a_registrar_that_asks_for_patience_gets_it_within_bounds() {
    for (asked, least, most) in [(120, 120, 133), (1_000_000, 3_600, 3_961)] {
        let now = start();
        let mut registration = registration(now);
        sends(&mut registration, now, 600);
        registration.handle_answer(now, RegisterAnswer { retry_after: Some(asked), ..answer(503) });
        let wait = wait(&mut registration, now);
        assert!(wait >= seconds(least) && wait <= seconds(most), "{wait:?}");
    }
}

#[test]
fn closing_takes_back_what_was_granted_and_nothing_else() {
    let now = start();
    let mut granted = registration(now);
    sends(&mut granted, now, 600);
    granted.handle_answer(now, answer(200));
    granted.close(now);
    sends(&mut granted, now, 0);
    granted.handle_answer(now, answer(200));
    assert_eq!(granted.poll_output(now + seconds(9_999)), RegistrationOutput::Timeout(None));
    assert_eq!(granted.status(now), RegistrationStatus::Closed);

    let mut never = registration(now);
    never.close(now);
    assert_eq!(never.poll_output(now), RegistrationOutput::Timeout(None));
}

#[test]
fn an_answer_nobody_waits_for_changes_nothing() {
    let now = start();
    let mut registration = registration(now);
    registration.handle_answer(now, answer(200));
    assert_eq!(registration.status(now), RegistrationStatus::Registering);
}
