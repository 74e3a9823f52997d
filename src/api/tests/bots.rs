//! A bot that hangs up as it would at Twilio.

use axum::body::Body;
use axum::http::{Request, header};
use base64_simd::STANDARD;
use serde_json::Value;
use tokio::sync::mpsc;

use super::House;
use super::house::{Answer, BOT, BOT_TOKEN, send};
use crate::call::command::CallCommand;
use crate::call::transfer::{TransferRefusal, TransferTarget};
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;

async fn ask(house: &House, account: &str, token: &str, call: &str, form: &str) -> Answer {
    house.send(request(account, token, call, form)).await
}

fn request(account: &str, token: &str, call: &str, form: &str) -> Request<Body> {
    let credentials = STANDARD.encode_to_string(format!("{account}:{token}"));
    let request = Request::builder()
        .method("POST")
        .uri(format!("/2010-04-01/Accounts/{account}/Calls/{call}.json"))
        .header(header::AUTHORIZATION, format!("Basic {credentials}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Body::from(form.to_owned())).unwrap()
}

/// Asks, while the call says whether the bot's agent leads it and is told to hang up or send its caller on.
async fn asked_of(house: &House, inbox: &mut mpsc::Receiver<CallCommand>, request: Request<Body>, leads: bool) -> Answer {
    let router = house.router.clone();
    let asked = tokio::spawn(async move { send(&router, request).await });
    let command = led_by(inbox, "bot", leads).await;
    assert!(!leads || command == CallCommand::AgentHangup, "{command:?}");
    asked.await.unwrap()
}

/// What a call is asked for by the bot of an agent, which is told whether that agent leads it.
pub(super) async fn led_by(inbox: &mut mpsc::Receiver<CallCommand>, agent: &str, leads: bool) -> CallCommand {
    let Some(CallCommand::Led(led)) = inbox.recv().await else { panic!("the call is asked who leads it") };
    assert_eq!(led.agents, [agent]);
    led.reply.tell(leads);
    *led.command
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
        (BOT_TOKEN, &sid, "Twiml=%3CResponse%3E%3CHangup%2F%3E%3C%2FResponse%3E&Status=completed", (400, 21_100)),
        (BOT_TOKEN, &sid, "Twiml=%3CResponse%3E%3CDial%3E%2B15550100%3C%2FDial%3E%3C%2FResponse%3E", (403, 21_216)),
        (BOT_TOKEN, &sid, "Url=https%3A%2F%2Fa.example&Status=completed", (400, 21_100)),
        (BOT_TOKEN, &sid, "Status=in-progress", (400, 21_100)),
        (BOT_TOKEN, &sid, "", (400, 21_100)),
    ] {
        let answer = ask(&house, BOT, token, sid, form).await;
        assert_eq!(code(&answer), (expected.0, expected.1.into()), "{sid} {form}");
        assert!(inbox.try_recv().is_err());
    }

    let answer = asked_of(&house, &mut inbox, request(BOT, BOT_TOKEN, &sid, "Status=completed"), true).await;
    assert_eq!((answer.status.as_u16(), answer.json()["sid"].as_str()), (200, Some(&*sid)));
}

#[tokio::test]
async fn a_call_that_is_with_another_agent_is_none_to_a_bot_that_knows_its_name() {
    let house = House::new();
    let bot = house.state.bots.prove(BOT, BOT_TOKEN).unwrap();
    let (commands, mut inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    let dial = "Twiml=%3CResponse%3E%3CDial%3E%2B4930901820%3C%2FDial%3E%3C%2FResponse%3E";
    for form in ["Status=completed", dial] {
        let answer = asked_of(&house, &mut inbox, request(BOT, BOT_TOKEN, &bot.sid(&call), form), false).await;
        assert_eq!(code(&answer), (404, 20_404.into()), "{form}");
    }
    let log: Vec<String> = house.audited().iter().map(Value::to_string).collect();
    let failed = log.iter().filter(|entry| entry.contains(call.as_str()) && entry.contains("failure") && entry.contains(BOT)).count();
    assert_eq!(failed, 2, "{log:?}");
}

#[tokio::test]
async fn instructions_hang_up_or_send_the_caller_where_the_agent_may() {
    let house = House::new();
    let bot = house.state.bots.prove(BOT, BOT_TOKEN).unwrap();
    let (commands, mut inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    let sid = bot.sid(&call);
    let dial = "Twiml=%3CResponse%3E%3CDial%3E%2B4930901820%3C%2FDial%3E%3C%2FResponse%3E";
    for (answer, expected) in [
        (Ok(()), (200, Value::Null)),
        (Err(TransferRefusal::NotUp), (400, 21_220.into())),
        (Err(TransferRefusal::Target), (400, 21_211.into())),
        (Err(TransferRefusal::NotAllowed), (403, 21_216.into())),
    ] {
        let asked = tokio::spawn({
            let (router, sid) = (house.router.clone(), sid.clone());
            async move { send(&router, request(BOT, BOT_TOKEN, &sid, dial)).await }
        });
        let CallCommand::Transfer(order) = led_by(&mut inbox, "bot", true).await else { panic!("the call is told") };
        assert_eq!(order.target, TransferTarget::Blind(Redacted::new("+4930901820".to_owned())));
        order.answer(answer);
        let told = asked.await.unwrap();
        assert_eq!(code(&told), expected);
        assert_eq!(told.json()["status"].as_str() == Some("in-progress"), answer.is_ok());
    }
    let log: Vec<String> = house.audited().iter().map(Value::to_string).collect();
    assert!(!log.iter().any(|entry| entry.contains("30901820")));
    assert_eq!(
        log.iter().filter(|entry| entry.contains(call.as_str()) && entry.contains("transfer_call")).count(),
        8,
        "meant, and what came of it"
    );

    let hang_up = request(BOT, BOT_TOKEN, &sid, "Twiml=%3CResponse%3E%3CHangup%2F%3E%3C%2FResponse%3E");
    let answer = asked_of(&house, &mut inbox, hang_up, true).await;
    assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (200, Some("completed")));
}

#[tokio::test]
async fn a_bot_that_hangs_up_stands_in_the_audit_log_and_so_does_a_stranger() {
    let house = House::new();
    let bot = house.state.bots.prove(BOT, BOT_TOKEN).unwrap();
    let (commands, mut inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    ask(&house, BOT, "another", &bot.sid(&call), "Status=completed").await;
    asked_of(&house, &mut inbox, request(BOT, BOT_TOKEN, &bot.sid(&call), "Status=completed"), true).await;
    let log: Vec<String> = house.audited().iter().map(Value::to_string).collect();
    assert!(log.iter().any(|entry| entry.contains("wrong_credentials")) && !log.iter().any(|entry| entry.contains(BOT_TOKEN)));
    let entries: Vec<_> = log.iter().filter(|entry| entry.contains(call.as_str())).collect();
    assert_eq!(entries.len(), 2, "meant and done: {entries:?}");
    assert!(entries.iter().all(|entry| entry.contains(BOT) && entry.contains("end_call")));
}
