//! Every rule of wishes, one by one.

use serde_json::json;

use super::run::ToolFault;
use super::toolset::Sound;
use super::*;
use crate::agent::config::AgentConfig;
use crate::agent::tools::{OwnTool, ToolsConfig};

const TARGET: &str = "+4930901820";

fn toolbox(tools: ToolsConfig) -> Toolbox {
    let agent = AgentConfig { tools, transfer_targets: vec![TARGET.to_owned()], ..AgentConfig::at("ws://127.0.0.1/") };
    Toolbox::new(Arc::new(Toolset::new(&agent, |_| Some(Redacted::new("key".to_owned()))).unwrap()))
}

/// Without tools, but with a target.
fn bare() -> Toolbox {
    toolbox(ToolsConfig::default())
}

fn own() -> ToolsConfig {
    let parameters =
        json!({"type": "object", "required": ["day"], "properties": {"day": {"type": "string"}}, "additionalProperties": false});
    let (name, url) = ("free_times".to_owned(), "https://practice.example/".to_owned());
    let tool = OwnTool { name, url, description: "Free times.".to_owned(), parameters, ..OwnTool::default() };
    ToolsConfig { own: vec![tool], ..ToolsConfig::default() }
}

fn built_in() -> ToolsConfig {
    ToolsConfig { built_in: vec![BuiltIn::EndCall, BuiltIn::TransferCall, BuiltIn::SendDtmf, BuiltIn::Hold], ..ToolsConfig::default() }
}

fn call(toolbox: &mut Toolbox, id: &str, name: &str, arguments: &str) {
    toolbox.call(Instant::now(), id.to_owned(), name, Redacted::new(arguments.to_owned()));
}

fn steps(toolbox: &mut Toolbox) -> Vec<ToolStep> {
    std::iter::from_fn(|| toolbox.poll()).collect()
}

/// Why the only wish of late was not done, and what the agent was told.
fn refusal(toolbox: &mut Toolbox) -> (&'static str, Option<String>) {
    let mut why = None;
    let mut told = None;
    for step in steps(toolbox) {
        match step {
            ToolStep::Refused { reason, .. } => why = Some(reason),
            ToolStep::Answer { output, is_error: true, .. } => told = Some(output.into_inner()),
            ToolStep::Relate { .. } | ToolStep::Forbidden => {}
            step => panic!("{step:?} was done"),
        }
    }
    (why.expect("it was refused"), told)
}

fn report(id: &str) -> ToolReport {
    ToolReport { id: id.to_owned(), answer: Ok(Redacted::new("9:30".to_owned())) }
}

#[test]
fn what_is_not_the_agents_is_refused_with_a_reason() {
    let mut toolbox = toolbox(own());
    let day = r#"{"day":"Monday"}"#;
    for (id, name, arguments, code) in [
        ("1", "format_disk", day, "unknown_tool"),
        ("2", "end_call", "{}", "unknown_tool"),
        ("3", "free_times", "{", "arguments_refused"),
        ("4", "free_times", "[]", "arguments_refused"),
        ("5", "free_times", "", "arguments_refused"),
        ("6", "free_times", r#"{"day":7}"#, "arguments_refused"),
        ("7", "free_times", r#"{"day":"Monday","x":1}"#, "arguments_refused"),
    ] {
        call(&mut toolbox, id, name, arguments);
        let (reason, told) = refusal(&mut toolbox);
        assert_eq!((reason, told.is_some()), (code, true), "{id}");
        toolbox.caller_spoke();
    }
    toolbox.call_unfit();
    assert_eq!(refusal(&mut toolbox), ("tool_call_unfit", None));
    call(&mut toolbox, "8", "free_times", &format!("{}1{}", "[".repeat(200), "]".repeat(200)));
    assert_eq!(refusal(&mut toolbox).0, "arguments_refused");
}

#[test]
fn a_name_of_a_tool_call_is_good_once_in_the_whole_call() {
    let mut toolbox = toolbox(own());
    call(&mut toolbox, "1", "free_times", r#"{"day":"Monday"}"#);
    assert!(matches!(&*steps(&mut toolbox), [ToolStep::Run { .. }]));
    call(&mut toolbox, "1", "free_times", r#"{"day":"Tuesday"}"#);
    assert_eq!(refusal(&mut toolbox), ("tool_call_repeated", None), "an answer would be taken for that of the first");
    toolbox.pass_to(Instant::now(), Arc::clone(&toolbox.set));
    call(&mut toolbox, "1", "free_times", r#"{"day":"Monday"}"#);
    assert_eq!(refusal(&mut toolbox).0, "tool_call_repeated");
}

#[test]
fn what_is_heard_while_a_tool_runs_is_that_of_whoever_the_conversation_is_with() {
    let (now, sound) = (Instant::now(), |ms| Sound { samples: vec![0; 8_000], repeat: true, after: Duration::from_millis(ms) });
    let mut toolbox = toolbox(own());
    let set = |toolbox: &Toolbox, filler| {
        let Toolset { built_in: _, own, targets, limits, filler: _ } = &*toolbox.set;
        Arc::new(Toolset { built_in: Vec::new(), own: own.clone(), targets: targets.clone(), limits: *limits, filler })
    };
    toolbox.set = set(&toolbox, Some(sound(500)));
    toolbox.call(now, "1".to_owned(), "free_times", Redacted::new(r#"{"day":"Monday"}"#.to_owned()));
    assert_eq!(toolbox.filling.poll_timeout(), Some(now + Duration::from_millis(500)));
    let slower = set(&toolbox, Some(sound(900)));
    toolbox.pass_to(now, slower);
    assert_eq!(toolbox.filling.poll_timeout(), Some(now + Duration::from_millis(900)), "it runs on, and another's is heard");
    let silent = set(&toolbox, None);
    toolbox.pass_to(now, silent);
    assert_eq!(toolbox.filling.poll_timeout(), None, "nothing is due that nobody can play");
}

#[test]
fn what_runs_when_the_call_is_over_is_written_down_as_not_finished() {
    let mut toolbox = toolbox(own());
    call(&mut toolbox, "1", "free_times", r#"{"day":"Monday"}"#);
    steps(&mut toolbox);
    let left: Vec<_> = toolbox.close(Instant::now()).collect();
    assert!(
        matches!(&*left, [ToolStep::Ended { tool, outcome: ToolOutcome::Cancelled, reason: Some("call_over"), .. }] if tool == "free_times")
    );
    assert!(!toolbox.is_busy());
}

#[test]
fn there_are_only_so_many_in_a_turn_in_a_call_and_at_one_time() {
    let mut toolbox = toolbox(ToolsConfig { max_per_turn: 3, max_per_call: 5, max_at_once: 2, ..own() });
    let mut reasons = Vec::new();
    for id in 0..8 {
        if id == 4 {
            toolbox.caller_spoke();
        }
        call(&mut toolbox, &id.to_string(), "free_times", r#"{"day":"Monday"}"#);
        reasons.push(steps(&mut toolbox).into_iter().find_map(|step| match step {
            ToolStep::Refused { reason, .. } => Some(reason),
            _ => None,
        }));
        if id == 2 {
            toolbox.report(Instant::now(), report("0"));
        }
    }
    let (once, turn, whole) = (Some("too_many_at_once"), Some("too_many_in_turn"), Some("too_many_in_call"));
    assert_eq!(reasons, [None, None, once, turn, None, whole, whole, whole]);
}

#[test]
fn nobody_is_sent_but_where_the_list_says_and_no_key_is_pressed_unasked() {
    let mut toolbox = toolbox(built_in());
    call(&mut toolbox, "1", "transfer_call", r#"{"target":"+19005550100"}"#);
    assert_eq!(refusal(&mut toolbox).0, "target_not_allowed");
    toolbox.wish(Wish::Transfer(Redacted::new("+19005550100".to_owned())));
    assert_eq!(refusal(&mut toolbox).0, "target_not_allowed");
    for digits in [r#"{"digits":""}"#, r#"{"digits":"1x"}"#, r#"{"digits":"!"}"#, r#"{"digits":"111111111111111111111111111111111"}"#] {
        call(&mut toolbox, digits, "send_dtmf", digits);
        assert_eq!(refusal(&mut toolbox).0, "arguments_refused", "{digits}");
    }
    toolbox.caller_spoke();
    call(&mut toolbox, "2", "transfer_call", &json!({"target": TARGET}).to_string());
    let transfer = Deed::send_to(Redacted::new(TARGET.to_owned()));
    assert!(matches!(&*steps(&mut toolbox), [ToolStep::Do { deed, .. }, ToolStep::Answer { proceed: false, .. }] if *deed == transfer));
    let mut none = bare();
    none.wish(Wish::Keys("12#"));
    assert_eq!(refusal(&mut none).0, "not_allowed");
    none.wish(Wish::Transfer(Redacted::new(TARGET.to_owned())));
    assert!(matches!(&*steps(&mut none), [ToolStep::Do { .. }]), "the list alone allows it");
}

#[test]
fn what_is_cancelled_is_stopped_and_what_comes_of_it_is_nobodys() {
    let (mut toolbox, now) = (toolbox(own()), Instant::now());
    call(&mut toolbox, "1", "free_times", r#"{"day":"Monday"}"#);
    steps(&mut toolbox);
    toolbox.cancel(now, "another");
    toolbox.cancel(now, "1");
    assert!(!toolbox.is_busy());
    assert!(matches!(&*steps(&mut toolbox), [ToolStep::Stop { .. }, ToolStep::Ended { outcome: ToolOutcome::Cancelled, .. }]));
    toolbox.report(now, report("1"));
    assert!(steps(&mut toolbox).is_empty());
}

#[test]
fn a_tool_that_says_what_was_wrong_is_passed_on_in_its_words() {
    let (mut toolbox, now) = (toolbox(own()), Instant::now());
    call(&mut toolbox, "1", "free_times", r#"{"day":"Monday"}"#);
    steps(&mut toolbox);
    let said = Some(Redacted::new("no such day".to_owned()));
    toolbox.report(now, ToolReport { id: "1".to_owned(), answer: Err(ToolFault { reason: "status", said }) });
    let steps = steps(&mut toolbox);
    assert!(matches!(&steps[0], ToolStep::Answer { output, is_error: true, .. } if output.expose() == "no such day"), "{steps:?}");
}

#[test]
fn refusals_are_told_and_written_down_up_to_a_bound_and_counted_beyond() {
    let mut toolbox = toolbox(ToolsConfig::default());
    for id in 0..10_000 {
        call(&mut toolbox, &id.to_string(), "x", "{}");
        toolbox.call_unfit();
        toolbox.wish(Wish::Keys("1"));
    }
    let steps = steps(&mut toolbox);
    let refused = steps.iter().filter(|step| matches!(step, ToolStep::Refused { .. })).count();
    assert_eq!((refused as u32, steps.iter().filter(|step| matches!(step, ToolStep::Deaf)).count()), (MAX_REFUSED, 1));
    assert!(steps.len() < 200 && toolbox.seen.len() <= MAX_REFUSED as usize);
    assert_eq!(toolbox.ignored(), 30_000 - u64::from(MAX_REFUSED));
}

#[test]
fn a_caller_who_waits_for_somebody_who_does_not_come_is_told_so_whatever_was_said_meanwhile() {
    let (mut toolbox, now) = (toolbox(built_in()), Instant::now());
    call(&mut toolbox, "1", "transfer_call", &json!({"target": TARGET, "kind": "attended", "summary": "Asks about a bill."}).to_string());
    steps(&mut toolbox);
    toolbox.interrupted();
    toolbox.report(now, ToolReport { id: "1".to_owned(), answer: Err(ToolFault { reason: "timed_out", said: None }) });
    let told = steps(&mut toolbox);
    assert!(matches!(&told[0], ToolStep::Answer { is_error: true, proceed: true, .. }), "{told:?}");
}

#[test]
fn who_has_put_the_caller_on_hold_is_not_asked_to_speak() {
    let mut toolbox = toolbox(built_in());
    for (held, speaks) in [(true, false), (false, true)] {
        call(&mut toolbox, &held.to_string(), "hold", &json!({"held": held}).to_string());
        let told = steps(&mut toolbox);
        assert!(matches!(&told[1], ToolStep::Answer { proceed, .. } if *proceed == speaks), "{told:?}");
    }
}
