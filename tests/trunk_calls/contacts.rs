//! Telephones that have registered under one name: whom of them a call rings, and who has it in the end.

use auricle::domain::termination::SipReason;

use super::referred::{is_silent, put, register, stopped};
use super::*;

/// Telephones under one name, each with how gladly it is called.
async fn telephones<const N: usize>(house: &House, preferences: [&str; N]) -> [Carrier; N] {
    put(house, directory_of_telephones(house, |_| {})).await;
    let mut found = Vec::new();
    for preference in preferences {
        let phone = Carrier::open().await;
        register(&phone, house.gateway, preference).await;
        found.push(phone);
    }
    found.try_into().unwrap()
}

/// The name takes one call at a time, however many telephones ring for it.
fn directory_of_telephones(house: &House, change: impl FnOnce(&mut DirectorySource)) -> Arc<Directory> {
    directory_with(&house.first, &house.second, |source| {
        let login = TrunkConfig {
            login: Some("phone".into()),
            login_password_env: Some("secret".into()),
            registers: true,
            max_calls: 1,
            ..TrunkConfig::default()
        };
        source.trunks.insert("phone".to_owned(), login);
        source.outbound.routes = vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["phone".to_owned(), "second".to_owned()] }];
        change(source);
    })
}

async fn ring(phone: &Carrier) -> (String, SocketAddr) {
    let invite = receive(phone, "INVITE sip:phone@").await;
    respond(phone, &invite, "180 Ringing", "").await;
    invite
}

/// Answers a CANCEL and refuses what it cancels; the CANCEL.
async fn cancelled(phone: &Carrier, invite: &(String, SocketAddr)) -> String {
    let cancel = receive(phone, "CANCEL").await;
    respond(phone, &cancel, "200 OK", "").await;
    respond(phone, invite, "487 Request Terminated", "").await;
    receive(phone, "ACK").await;
    cancel.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_telephones_of_a_name_ring_and_who_answers_first_has_the_call() {
    for answers in [0, 1] {
        let mut house = House::build(13_500 + 100 * answers).await;
        let phones = telephones(&house, ["", ""]).await;
        house.call("+4989123456").await.unwrap();
        let invites = [ring(&phones[0]).await, ring(&phones[1]).await];
        let (one, other) = (usize::from(answers), usize::from(1 - answers));
        respond(&phones[one], &invites[one], "200 OK", ANSWER).await;
        receive(&phones[one], "ACK").await;
        let cancel = cancelled(&phones[other], &invites[other]).await;
        assert!(cancel.contains("Reason: SIP;cause=200"), "it shows no missed call: {cancel}");
        house.directories.send(directory_of_telephones(&house, stopped)).unwrap();
        let bye = receive(&phones[one], "BYE").await;
        respond(&phones[one], &bye, "200 OK", "").await;
        assert_eq!(house.termination().await, Termination::policy(PolicyReason::OutboundStopped));
        assert!(is_silent(&phones[other], "BYE").await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_that_refuses_leaves_the_call_to_those_that_still_ring() {
    for refuses in [0, 1] {
        let house = House::build(13_700 + 100 * refuses).await;
        let phones = telephones(&house, ["", ""]).await;
        house.call("+4989123456").await.unwrap();
        let invites = [ring(&phones[0]).await, ring(&phones[1]).await];
        let (one, other) = (usize::from(refuses), usize::from(1 - refuses));
        respond(&phones[one], &invites[one], "486 Busy Here", "").await;
        receive(&phones[one], "ACK").await;
        assert!(is_silent(&phones[other], "CANCEL").await);
        respond(&phones[other], &invites[other], "200 OK", ANSWER).await;
        receive(&phones[other], "ACK").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_not_wanted_any_more_rings_nowhere() {
    let mut house = House::build(13_900).await;
    let phones = telephones(&house, ["", "", ""]).await;
    house.call("+4989123456").await.unwrap();
    let invites = [ring(&phones[0]).await, ring(&phones[1]).await, ring(&phones[2]).await];
    house.directories.send(directory_of_telephones(&house, stopped)).unwrap();
    for (phone, invite) in phones.iter().zip(&invites) {
        cancelled(phone, invite).await;
    }
    assert_eq!(house.termination().await, Termination::policy(PolicyReason::OutboundStopped));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telephones_are_rung_by_preference_until_one_speaks_for_all() {
    let mut house = House::build(14_000).await;
    let phones = telephones(&house, ["0.5", "", "0.1"]).await;
    house.call("+4989123456").await.unwrap();
    let invite = ring(&phones[1]).await;
    assert!(is_silent(&phones[0], "INVITE").await);
    respond(&phones[1], &invite, "480 Temporarily Unavailable", "").await;
    let invite = ring(&phones[0]).await;
    respond(&phones[0], &invite, "603 Decline", "").await;
    assert_eq!(house.termination().await, Termination::peer(SipReason::Rejected));
    assert!(is_silent(&phones[2], "INVITE").await && is_silent(&house.second, "INVITE").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_telephone_was_busy_no_other_trunk_is_tried_and_the_call_says_so() {
    let mut house = House::build(14_100).await;
    let phones = telephones(&house, ["", "0.5"]).await;
    house.call("+4989123456").await.unwrap();
    let invite = ring(&phones[0]).await;
    respond(&phones[0], &invite, "486 Busy Here", "").await;
    let invite = ring(&phones[1]).await;
    respond(&phones[1], &invite, "503 Service Unavailable", "").await;
    assert_eq!(house.termination().await, Termination::peer(SipReason::Busy));
    assert!(is_silent(&house.second, "INVITE").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_that_rings_without_end_makes_room_for_one_that_is_less_preferred() {
    let house = House::build(14_200).await;
    let phones = telephones(&house, ["", "0.5"]).await;
    house.call("+4989123456").await.unwrap();
    let (invite, rings) = (ring(&phones[0]).await, Instant::now());
    tokio::time::sleep(Duration::from_secs(12)).await;
    let next = ring(&phones[1]).await;
    assert!((18..23).contains(&rings.elapsed().as_secs()), "{:?}", rings.elapsed());
    cancelled(&phones[0], &invite).await;
    respond(&phones[1], &next, "200 OK", ANSWER).await;
    receive(&phones[1], "ACK").await;
}
