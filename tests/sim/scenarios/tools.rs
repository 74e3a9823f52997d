//! What the agent wants done beside speaking.

use auricle::agent::tools::{BuiltIn, OwnTool, ToolsConfig};
use auricle::domain::audit_event::{AuditAction, Outcome as Audited};
use auricle::domain::termination::{AgentReason, SipReason, Termination};
use auricle::domain::timeline::{Moment, ToolOutcome};
use serde_json::json;

use crate::agent::{AgentAct, Tongue, Welcome};
use crate::clock::{Random, for_seeds, ms};
use crate::scenario::{Act, Outcome, Scenario};

/// All of the gateway's own, and one of the operator's.
fn tools() -> ToolsConfig {
    let free_times = OwnTool {
        name: "free_times".to_owned(),
        description: "Free times of a day.".to_owned(),
        url: "https://practice.example/free_times".to_owned(),
        parameters: json!({"type": "object", "required": ["day"], "properties": {"day": {"type": "string", "maxLength": 10}}}),
        ..OwnTool::default()
    };
    let built_in = vec![BuiltIn::EndCall, BuiltIn::SendDtmf, BuiltIn::Hold];
    ToolsConfig { built_in, own: vec![free_times], ..ToolsConfig::default() }
}

fn scenario(seed: u64) -> Scenario {
    Scenario { tools: tools(), ..Scenario::inbound(seed) }
}

fn moments(outcome: &Outcome, wanted: impl Fn(&Moment) -> bool) -> usize {
    outcome.book().closed().record.timeline.iter().filter(|entry| wanted(&entry.moment)).count()
}

/// How many entries of the audit log end so, each with this reason.
fn audited(outcome: &Outcome, how: Audited, reason: &str) -> usize {
    let of_tools = outcome.book().audited.iter().filter(|event| event.action == AuditAction::UseTool);
    of_tools.filter(|event| event.outcome == how && event.reason.as_deref() == Some(reason)).count()
}

const ASK: AgentAct = AgentAct::UseTool("free_times", r#"{"day":"Monday"}"#);

#[test]
fn an_agent_that_ends_the_call_is_heard_to_its_last_word_and_the_call_ends_then() {
    for_seeds(40, |seed| {
        let length = 1_000 + 10 * Random::new(seed, 40).below(200);
        let outcome = scenario(seed).says_at(1_000, length).agent_at(1_100, AgentAct::UseTool("end_call", "{}")).run();
        assert_eq!(outcome.termination(), Termination::upstream(AgentReason::Hangup));
        assert_eq!(outcome.heard_ms(0), length, "all that was said");
        let ended = outcome.ended_after();
        assert!((ms(1_600 + length)..ms(1_900 + length)).contains(&ended), "ended after {ended:?}, {length} ms said from 1 s on");
        assert_eq!(audited(&outcome, Audited::Success, "end_call"), 1);
    });
}

#[test]
fn an_agent_that_hangs_up_is_heard_to_its_last_word() {
    for tongue in [Tongue::Auricle, Tongue::Carrier] {
        for_seeds(10, |seed| {
            let length = 1_000 + 10 * Random::new(seed, 41).below(200);
            let mut scenario = Scenario::inbound(seed).says_at(1_000, length).agent_at(1_100, AgentAct::Close(1_000));
            scenario.tongues = vec![tongue, Tongue::OpenAi];
            let outcome = scenario.run();
            assert_eq!(outcome.termination(), Termination::upstream(AgentReason::Hangup));
            // An utterance without an end runs dry, and fades.
            assert!((length..=length + 5).contains(&outcome.heard_ms(0)), "{} of {length} ms", outcome.heard_ms(0));
            let ended = outcome.ended_after();
            assert!((ms(1_000 + length)..ms(1_300 + length)).contains(&ended), "ended after {ended:?}, {length} ms said from 1 s on");
            assert_eq!(outcome.book().connections, 1);
        });
    }
}

#[test]
fn a_caller_who_speaks_again_keeps_the_call_going_and_the_agent_is_told() {
    for_seeds(20, |seed| {
        let outcome = scenario(seed)
            .says_at(1_000, 2_000)
            .agent_at(1_100, AgentAct::UseTool("end_call", "{}"))
            .agent_at(1_800, AgentAct::HearStart)
            .at(6_000, Act::CallerHangsUp)
            .run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(moments(&outcome, |moment| *moment == Moment::Stayed), 1);
        assert!(outcome.agent.told.iter().any(|text| text.contains("spoke again")), "{:?}", outcome.agent.told);
    });
}

#[test]
fn words_of_a_turn_that_is_over_are_not_the_caller_who_speaks_again() {
    for_seeds(20, |seed| {
        let outcome = scenario(seed)
            .agent_at(600, AgentAct::HearStart)
            .agent_at(900, AgentAct::HearStop)
            .says_at(1_000, 1_000)
            .agent_at(1_100, AgentAct::UseTool("end_call", "{}"))
            .agent_at(1_300 + 100 * (seed % 8), AgentAct::WriteDown(&[7, 8]))
            .run();
        assert_eq!(outcome.termination(), Termination::upstream(AgentReason::Hangup));
        assert_eq!(moments(&outcome, |moment| *moment == Moment::Stayed), 0);
        assert_eq!(outcome.heard_ms(0), 1_000);
    });
}

#[test]
fn words_that_come_after_their_answer_do_not_wait_for_another() {
    for_seeds(10, |seed| {
        let mut scenario = scenario(seed)
            .agent_at(600, AgentAct::HearStart)
            .agent_at(900, AgentAct::HearStop)
            .says_at(1_000, 500)
            .agent_at(2_000, AgentAct::WriteDown(&[7, 8]))
            .at(9_000, Act::CallerHangsUp);
        scenario.settings.answer_timeout_ms = 2_000;
        let outcome = scenario.run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(moments(&outcome, |moment| matches!(moment, Moment::AgentLost { .. })), 0);
    });
}

#[test]
fn a_tool_that_runs_when_the_call_ends_is_in_the_books_before_and_after() {
    let mut scenario = scenario(3).agent_at(1_000, ASK).at(2_000, Act::CallerHangsUp);
    scenario.tool_runs.0 = ms(10_000);
    let outcome = scenario.run();
    assert_eq!(moments(&outcome, |moment| matches!(moment, Moment::ToolEnded { outcome: ToolOutcome::Cancelled, .. })), 1);
    assert_eq!(audited(&outcome, Audited::Intended, "free_times"), 1);
    assert_eq!(audited(&outcome, Audited::Failure, "free_times call_over"), 1);
}

#[test]
fn a_caller_whom_an_agent_put_on_hold_is_taken_off_it_when_that_agent_is_gone() {
    let held = |by_whom: AgentAct| scenario(4).agent_at(1_000, by_whom).agent_at(3_000, AgentAct::Cut).welcomes(&[Welcome::USUAL; 2]);
    let resumed = |outcome: &Outcome| moments(outcome, |moment| *moment == Moment::Resumed);
    let outcome = held(AgentAct::UseTool("hold", r#"{"held":true}"#)).at(6_000, Act::CallerHangsUp).run();
    assert_eq!(resumed(&outcome), 1);
    let operator = held(AgentAct::Babble).at(2_000, Act::OperatorHolds(true)).at(6_000, Act::CallerHangsUp).run();
    assert_eq!(resumed(&operator), 0, "who holds the line from outside takes it up again");
}

#[test]
fn keys_that_are_pressed_while_there_is_no_agent_are_told_to_the_next() {
    let outcome = scenario(6)
        .agent_at(1_000, AgentAct::Cut)
        .at(1_020, Act::CallerPresses('7'))
        .at(4_000, Act::CallerHangsUp)
        .welcomes(&[Welcome::USUAL, Welcome { connect: (ms(900), Ok(())), ..Welcome::USUAL }])
        .run();
    assert_eq!(outcome.agent.told.iter().filter(|text| text.contains('7')).count(), 1, "{:?}", outcome.agent.told);
}

#[test]
fn what_a_tool_answers_reaches_the_agent_once_who_speaks_on() {
    for_seeds(20, |seed| {
        let outcome = scenario(seed).agent_at(1_000, ASK).agent_at(1_200, AgentAct::RepeatTool).at(4_000, Act::CallerHangsUp).run();
        let answers: Vec<_> = outcome.agent.answers.iter().map(|answer| (&*answer.call_id, &*answer.output, answer.speaks)).collect();
        assert_eq!(answers, [("call_1", "nine o'clock", true)]);
        assert_eq!(moments(&outcome, |moment| matches!(moment, Moment::ToolEnded { outcome: ToolOutcome::Succeeded, .. })), 1);
        assert_eq!(audited(&outcome, Audited::Success, "free_times"), 1);
    });
}

#[test]
fn an_agent_is_told_of_a_tool_whose_turn_was_interrupted_and_not_made_to_speak_of_it() {
    for_seeds(20, |seed| {
        let mut scenario = scenario(seed).agent_at(1_000, ASK).agent_at(1_500, AgentAct::HearStart).at(4_000, Act::CallerHangsUp);
        scenario.tool_runs.0 = ms(1_000);
        let outcome = scenario.run();
        let answers: Vec<_> = outcome.agent.answers.iter().map(|answer| (&*answer.output, answer.speaks)).collect();
        assert_eq!(answers, [("nine o'clock", false)]);
        assert_eq!(moments(&outcome, |moment| matches!(moment, Moment::ToolEnded { outcome: ToolOutcome::HeldBack, .. })), 1);
    });
}

#[test]
fn a_tool_that_outlives_the_connection_that_asked_is_related_to_the_next_whenever_it_answers() {
    // While there is no agent, while the next takes our settings, and long after.
    for takes in (210..400).step_by(10).chain([1_500]) {
        let mut scenario = scenario(takes).agent_at(1_000, ASK).agent_at(1_200, AgentAct::Cut).at(5_000, Act::CallerHangsUp);
        scenario = scenario.welcomes(&[Welcome::USUAL, Welcome::USUAL]);
        scenario.tool_runs.0 = ms(takes);
        let outcome = scenario.run();
        assert!(outcome.agent.answers.is_empty(), "{:?}", outcome.agent.answers);
        let related = |text: &&String| text.ends_with("free_times that you had asked for answered: nine o'clock");
        assert_eq!(outcome.agent.told.iter().filter(related).count(), 1, "{takes} ms: {:?}", outcome.agent.told);
    }
}

#[test]
fn a_tool_that_fails_says_so_and_the_call_goes_on() {
    let mut scenario = scenario(5).agent_at(1_000, ASK).at(3_000, Act::CallerHangsUp);
    scenario.tool_runs.1 = Err("timed_out");
    let outcome = scenario.run();
    let answer = &outcome.agent.answers[0];
    assert!(answer.speaks && answer.output.contains("The tool failed: timed_out."), "{answer:?}");
    assert_eq!(audited(&outcome, Audited::Failure, "free_times timed_out"), 1);
}

#[test]
fn keys_and_hold_are_done_where_they_are_allowed_and_written_down_where_they_are_not() {
    let wishes = |scenario: Scenario| {
        scenario
            .agent_at(1_000, AgentAct::UseTool("send_dtmf", r#"{"digits":"12#"}"#))
            .agent_at(3_000, AgentAct::UseTool("hold", r#"{"held":true}"#))
            .agent_at(5_000, AgentAct::UseTool("hold", r#"{"held":false}"#))
            .at(7_000, Act::CallerHangsUp)
            .run()
    };
    let allowed = wishes(scenario(1));
    assert_eq!(moments(&allowed, |moment| *moment == Moment::KeysSent { keys: 3 }), 1);
    assert_eq!(moments(&allowed, |moment| matches!(moment, Moment::Held | Moment::Resumed)), 2);
    let refused = wishes(Scenario::inbound(1));
    assert_eq!(moments(&refused, |moment| matches!(moment, Moment::KeysSent { .. } | Moment::Held)), 0);
    assert_eq!(audited(&refused, Audited::Denied, "send_dtmf unknown_tool") + audited(&refused, Audited::Denied, "hold unknown_tool"), 3);
    assert_eq!(refused.agent.answers.len(), 3, "each is told why");
}

#[test]
fn a_storm_of_tool_calls_is_refused_and_counted_and_the_call_lives() {
    let mut scenario = scenario(9).says_at(1_000, 500);
    for index in 0..500 {
        scenario = scenario.agent_at(2_000 + 4 * index, AgentAct::UseTool("format_disk", r#"{"really":true}"#));
    }
    let outcome = scenario.says_at(5_000, 500).at(7_000, Act::CallerHangsUp).run();
    assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
    assert_eq!((outcome.heard_ms(0), outcome.heard_ms(1)), (500, 500));
    let denied = outcome.book().audited.iter().filter(|event| event.outcome == Audited::Denied).count();
    assert_eq!(denied, 65, "one for each up to a bound, and one for all others");
    assert_eq!(audited(&outcome, Audited::Denied, "ignored 436"), 1);
    assert_eq!(outcome.agent.answers.len(), 64);
    assert!(outcome.book().closed().record.timeline.len() < 100);
}
