//! What a call does when several things want it at once.

use bytes::Bytes;
use media::dtmf::Digit;

use super::*;
use crate::call::transfer::{TransferNews, TransferOrder, TransferRefusal, TransferReply, TransferTarget};
use crate::domain::redacted::Redacted;

struct Bench {
    session: CallSession,
    now: Instant,
}

impl Bench {
    fn inbound(answer: AnswerRule) -> Self {
        Self::new(Direction::Inbound, answer)
    }

    fn new(direction: Direction, answer: AnswerRule) -> Self {
        let policy = SessionPolicy {
            answer,
            agent_ready_limit: Duration::from_secs(3),
            no_answer_limit: Duration::from_secs(60),
            max_duration: Duration::from_secs(3_600),
            rtp_limit: Duration::from_secs(60),
        };
        let mut bench = Self { session: CallSession::new(direction, policy), now: Instant::now() };
        bench.feed(CallEvent::Started);
        bench
    }

    fn feed(&mut self, event: CallEvent) -> Vec<CallAction> {
        self.session.handle(self.now, event);
        std::iter::from_fn(|| self.session.poll_action()).collect()
    }

    fn signal(&mut self, event: SignallingEvent) -> Vec<CallAction> {
        self.feed(CallEvent::Signalling(event))
    }

    fn wait(&mut self, time: Duration) -> Vec<CallAction> {
        self.now += time;
        self.session.handle_timeout(self.now);
        std::iter::from_fn(|| self.session.poll_action()).collect()
    }

    fn up(&mut self) {
        self.feed(CallEvent::AgentReady);
        self.signal(SignallingEvent::Confirmed { sdp: Bytes::new() });
        assert!(self.session.is_up());
    }
}

fn ended_with(actions: &[CallAction]) -> Option<Termination> {
    actions.iter().find_map(|action| if let CallAction::Finish(termination) = action { Some(*termination) } else { None })
}

#[test]
fn a_call_is_answered_only_once_the_agent_is_ready() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    assert_eq!(bench.feed(CallEvent::AgentReady), [CallAction::Answer]);
    assert_eq!(
        bench.signal(SignallingEvent::Confirmed { sdp: Bytes::new() }),
        [CallAction::TakeAnswer { sdp: Bytes::new(), line: 0 }, CallAction::OpenLine]
    );
}

#[test]
fn a_caller_is_refused_when_the_agent_is_not_ready_in_time() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    let actions = bench.wait(Duration::from_secs(3));
    assert_eq!(actions[0], CallAction::Signal(SignallingCommand::Reject(RejectCause::TemporarilyUnavailable)));
    assert_eq!(ended_with(&actions), Some(Termination::upstream(AgentReason::NotReady)));
}

#[test]
fn an_answered_call_outlives_a_slow_agent() {
    let mut bench = Bench::inbound(AnswerRule::Immediately);
    bench.signal(SignallingEvent::Confirmed { sdp: Bytes::new() });
    assert_eq!(ended_with(&bench.wait(Duration::from_secs(10))), None);
    assert!(bench.session.is_up());
}

#[test]
fn a_cancel_that_comes_after_the_answer_changes_nothing() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    let actions = bench.signal(SignallingEvent::Cancelled);
    assert_eq!(ended_with(&actions), Some(Termination::peer(SipReason::Cancelled)));
    assert!(!actions.contains(&CallAction::Signal(SignallingCommand::Hangup)));
    assert_eq!(bench.feed(CallEvent::AgentReady), []);
}

#[test]
fn the_first_of_two_hang_ups_wins() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    bench.up();
    assert_eq!(ended_with(&bench.signal(SignallingEvent::HungUp)), Some(Termination::peer(SipReason::HungUp)));
    assert_eq!(bench.feed(CallEvent::Command(CallCommand::Hangup)), []);
}

#[test]
fn a_call_without_an_agent_ends_by_what_the_agents_did() {
    let ended = |answered: bool, refused| {
        let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
        if answered {
            bench.up();
            assert_eq!(bench.feed(CallEvent::AgentLost), []);
            assert!(!bench.session.agent_is_ready());
        }
        ended_with(&bench.feed(CallEvent::NoAgent { refused }))
    };
    assert_eq!(ended(true, false), Some(Termination::upstream(AgentReason::Lost)));
    assert_eq!(ended(false, false), Some(Termination::upstream(AgentReason::Unreachable)));
    assert_eq!((ended(true, true), ended(false, true)), (ended(false, true), Some(Termination::upstream(AgentReason::Refused))));
}

#[test]
fn silence_on_the_wire_ends_a_call_but_not_one_on_hold() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    bench.up();
    bench.feed(CallEvent::Quiet(true));
    assert_eq!(ended_with(&bench.wait(Duration::from_secs(120))), None);
    bench.feed(CallEvent::Quiet(false));
    bench.wait(Duration::from_secs(59));
    bench.session.note_rtp(bench.now);
    assert_eq!(ended_with(&bench.wait(Duration::from_secs(59))), None);
    let ended = ended_with(&bench.wait(Duration::from_secs(1)));
    assert_eq!(ended, Some(media(TerminationClass::Peer, MediaReason::RtpTimeout)));
}

#[test]
fn a_call_ends_at_its_longest_duration() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    bench.up();
    bench.feed(CallEvent::Quiet(true));
    let actions = bench.wait(Duration::from_secs(3_600));
    assert_eq!(ended_with(&actions), Some(Termination::policy(PolicyReason::MaxDuration)));
}

#[test]
fn a_far_end_that_does_not_answer_is_given_up() {
    let mut bench = Bench::new(Direction::Outbound, AnswerRule::WhenAgentReady);
    bench.feed(CallEvent::AgentReady);
    let actions = bench.wait(Duration::from_secs(60));
    assert_eq!(ended_with(&actions), Some(Termination::peer(SipReason::NoAnswer)));
    assert!(actions.contains(&CallAction::Signal(SignallingCommand::Hangup)));
}

#[test]
fn keys_and_hold_are_for_a_line_that_is_up() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    let digits = vec![Digit::FLASH];
    let dial = || CallEvent::Command(CallCommand::SendDtmf { digits: digits.clone() });
    for command in [dial(), CallEvent::Command(CallCommand::Hold), CallEvent::Command(CallCommand::Resume)] {
        assert_eq!(bench.feed(command), [CallAction::Untimely]);
    }
    bench.up();
    assert_eq!(bench.feed(dial()), [CallAction::SendDtmf { digits: digits.clone() }]);
    assert_eq!(bench.feed(CallEvent::Command(CallCommand::Hold)), [CallAction::Hold(true), CallAction::Offer { held: true }]);
    assert_eq!(bench.feed(CallEvent::Command(CallCommand::Resume)), [CallAction::Hold(false)], "the answer is awaited first");
    let answered = bench.signal(SignallingEvent::OfferAccepted { sdp: Bytes::new() });
    assert_eq!(answered, [CallAction::TakeReanswer { sdp: Bytes::new() }, CallAction::Offer { held: false }]);
}

fn order() -> (TransferOrder, tokio::sync::mpsc::Receiver<Result<(), TransferRefusal>>) {
    let (reply, answer) = TransferReply::new();
    let target = TransferTarget::Blind(Redacted::new("+4930901820".to_owned()));
    (TransferOrder { target, reply: Some(reply) }, answer)
}

#[test]
fn a_far_end_that_went_elsewhere_ends_the_call_as_transferred() {
    let told = |ended: &[CallAction]| ended.contains(&CallAction::Signal(SignallingCommand::Hangup));
    let transferred = Some(Termination::new(TerminationClass::Us, TerminationReason::Sip(SipReason::Transferred)));
    for (last, is_told) in [
        (SignallingEvent::Transfer(TransferNews::Ended(TransferOutcome::Succeeded)), true),
        (SignallingEvent::HungUp, false),
        (SignallingEvent::Transfer(TransferNews::TakenAlong), false),
    ] {
        let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
        bench.up();
        assert!(!bench.session.is_transferring());
        bench.feed(CallEvent::Command(CallCommand::Transfer(order().0)));
        bench.signal(SignallingEvent::Transfer(TransferNews::Progress));
        assert!(bench.session.is_transferring(), "silence is nobody's fault meanwhile");
        let ended = bench.signal(last);
        assert_eq!((ended_with(&ended), told(&ended)), (transferred, is_told));
    }
}

#[test]
fn a_far_end_that_hangs_up_before_it_goes_anywhere_has_hung_up() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    bench.up();
    bench.feed(CallEvent::Command(CallCommand::Transfer(order().0)));
    assert_eq!(ended_with(&bench.signal(SignallingEvent::HungUp)), Some(Termination::peer(SipReason::HungUp)));
}

#[test]
fn an_agent_that_leaves_while_the_far_end_is_transferred_ends_the_call_after_that() {
    let transferred = Termination::new(TerminationClass::Us, TerminationReason::Sip(SipReason::Transferred));
    for (event, outcome, ends) in [
        (CallEvent::AgentHangup, TransferOutcome::Succeeded, transferred),
        (CallEvent::AgentHangup, TransferOutcome::Failed, Termination::upstream(AgentReason::Hangup)),
        (CallEvent::Command(CallCommand::AgentHangup), TransferOutcome::Failed, Termination::upstream(AgentReason::Hangup)),
    ] {
        let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
        bench.up();
        bench.feed(CallEvent::Command(CallCommand::Transfer(order().0)));
        assert_eq!(bench.feed(event), [], "no BYE into the REFER");
        let actions = bench.signal(SignallingEvent::Transfer(TransferNews::Ended(outcome)));
        assert_eq!((&actions[0], ended_with(&actions)), (&CallAction::TransferEnded(outcome), Some(ends)));
    }
}

#[test]
fn a_transfer_that_cannot_begin_is_told_to_whoever_ordered_it() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    let (early, mut answer) = order();
    assert_eq!(bench.feed(CallEvent::Command(CallCommand::Transfer(early))), [CallAction::Untimely]);
    assert_eq!(answer.try_recv(), Ok(Err(TransferRefusal::NotUp)));
    bench.up();
    bench.feed(CallEvent::Command(CallCommand::Transfer(order().0)));
    let (second, mut answer) = order();
    assert_eq!(bench.feed(CallEvent::Command(CallCommand::Transfer(second))), [CallAction::Untimely]);
    assert_eq!(answer.try_recv(), Ok(Err(TransferRefusal::UnderWay)));
    let over = bench.signal(SignallingEvent::Transfer(TransferNews::Ended(TransferOutcome::Failed)));
    assert_eq!(over, [CallAction::TransferEnded(TransferOutcome::Failed)]);
}

#[test]
fn a_call_that_a_rule_ends_says_which() {
    let mut bench = Bench::inbound(AnswerRule::WhenAgentReady);
    bench.up();
    let ended = bench.feed(CallEvent::Command(CallCommand::End(PolicyReason::MinutesPerDay)));
    assert_eq!(ended_with(&ended), Some(Termination::policy(PolicyReason::MinutesPerDay)));
}
