//! A bot that hangs up as it would at Twilio.

use axum::body::Body;
use axum::http::{Request, header};
use base64_simd::STANDARD;
use serde_json::Value;
use tokio::sync::mpsc;

use super::House;
use super::house::{Answer, BOT, BOT_TOKEN};
use crate::call::command::CallCommand;
use crate::domain::ids::{CallId, OrgId};

async fn ask(house: &House, account: &str, token: &str, call: &str, form: &str) -> Answer {
    let credentials = STANDARD.encode_to_string(format!("{account}:{token}"));
    let request = Request::builder()
        .method("POST")
        .uri(format!("/2010-04-01/Accounts/{account}/Calls/{call}.json"))
        .header(header::AUTHORIZATION, format!("Basic {credentials}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    house.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

fn code(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json()["code"].clone())
}

#[tokio::test]
async fn a_bot_hangs_up_its_own_call_and_nothing_else() {
    let house = House::new();
    let bot = house.state.bots.prove(BOT, BOT_TOKEN).unwrap();
    let (commands, mut inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    let sid = bot.sid(&call);

    let unmasked = format!("CA{:032x}", call.to_bits());
    for (token, sid, form, expected) in [
        ("another", &*sid, "Status=completed", (401, 20_003)),
        (BOT_TOKEN, &unmasked, "Status=completed", (404, 20_404)),
        (BOT_TOKEN, "CA0", "Status=completed", (404, 20_404)),
        (BOT_TOKEN, &sid, "Twiml=%3CResponse%2F%3E", (400, 21_100)),
        (BOT_TOKEN, &sid, "Url=https%3A%2F%2Fa.example&Status=completed", (400, 21_100)),
        (BOT_TOKEN, &sid, "Status=in-progress", (400, 21_100)),
        (BOT_TOKEN, &sid, "", (400, 21_100)),
    ] {
        let answer = ask(&house, BOT, token, sid, form).await;
        assert_eq!(code(&answer), (expected.0, expected.1.into()), "{sid} {form}");
        assert!(inbox.try_recv().is_err());
    }

    let answer = ask(&house, BOT, BOT_TOKEN, &sid, "Status=completed").await;
    assert_eq!((answer.status.as_u16(), answer.json()["sid"].as_str()), (200, Some(&*sid)));
    assert_eq!(inbox.recv().await, Some(CallCommand::AgentHangup));
}

#[tokio::test]
async fn a_bot_that_hangs_up_stands_in_the_audit_log_and_so_does_a_stranger() {
    let house = House::new();
    let bot = house.state.bots.prove(BOT, BOT_TOKEN).unwrap();
    let (commands, _inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    ask(&house, BOT, "another", &bot.sid(&call), "Status=completed").await;
    ask(&house, BOT, BOT_TOKEN, &bot.sid(&call), "Status=completed").await;
    let log: Vec<String> = house.audited().iter().map(Value::to_string).collect();
    assert!(log.iter().any(|entry| entry.contains("wrong_credentials")) && !log.iter().any(|entry| entry.contains(BOT_TOKEN)));
    let entries: Vec<_> = log.iter().filter(|entry| entry.contains(call.as_str())).collect();
    assert_eq!(entries.len(), 2, "meant and done: {entries:?}");
    assert!(entries.iter().all(|entry| entry.contains(BOT) && entry.contains("end_call")));
}
