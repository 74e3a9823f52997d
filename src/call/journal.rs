//! What is written down of a call while it runs: its record, its timeline, its turns.
//!
//! Pure: wall-clock times are reckoned from the one pair given at the start. Bounded: a timeline or transcript that is
//! full keeps its beginning and notes once that more came.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use media::frame::ItemId;

use super::command::Recognised;
use super::speech::{Speech, Stretch};
use super::timed_words::TimedWords;
use crate::domain::arrival::Arrival;
use crate::domain::call_record::{CallRecord, CallStatus, Direction, MediaStatistics, SessionStatus, Speaker, Utterance};
use crate::domain::caller_verification::CallerVerification;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::termination::Termination;
use crate::domain::timeline::{Moment, TimelineEntry};
use crate::domain::transfer::TransferOutcome;

/// The record in the making.
#[derive(Debug)]
pub struct Journal {
    record: CallRecord,
    began: Instant,
    answered: Option<Instant>,
    turn: Option<Turn>,
    speech: Speech,
    heard: VecDeque<Heard>,
    /// Of all texts in the transcript.
    words_len_bytes: usize,
    events: VecDeque<Event>,
}

/// Who calls whom, for whom.
#[derive(Clone, Debug)]
pub struct CallIdentity {
    /// The call.
    pub id: CallId,
    /// Whose it is.
    pub org: OrgId,
    /// Who dialled.
    pub direction: Direction,
    /// The caller.
    pub from: Redacted<String>,
    /// The called.
    pub to: Redacted<String>,
    /// Whether somebody answers for the caller's number, where that was asked.
    pub verification: Option<CallerVerification>,
    /// What the networks between say of it.
    pub arrival: Option<Arrival>,
    /// Name of the agent.
    pub agent: String,
    /// Which version of it; none for one of the configuration.
    pub agent_version: Option<u64>,
}

/// A turn whose answer has not reached the caller yet.
#[derive(Clone, Copy, Debug)]
struct Turn {
    caller_stopped: Instant,
    agent_knew: Instant,
    agent_spoke: Option<Instant>,
}

/// How much of an item the caller heard; kept for a transcript that comes late.
#[derive(Clone, Debug)]
struct Heard {
    item: ItemId,
    utterance: Option<usize>,
    began_ms: Option<u64>,
    played_ms: Option<u64>,
    interrupted: bool,
    words: TimedWords,
}

impl Journal {
    /// Begins with the INVITE, at `now`, which is `wall` on the calendar.
    #[must_use]
    pub fn new(identity: CallIdentity, now: Instant, wall: DateTime<Utc>) -> Self {
        let CallIdentity { id, org, direction, from, to, verification, arrival, agent, agent_version } = identity;
        let record = CallRecord {
            id,
            org_id: org,
            patient_id: None,
            dial_in_call_id: None,
            direction,
            from,
            to,
            caller_verification: verification.clone(),
            arrival,
            agent,
            agent_version,
            session_status: SessionStatus::Starting,
            call_status: CallStatus::NotStarted,
            started_at: wall,
            answered_at: None,
            ended_at: None,
            termination: None,
            timeline: Vec::new(),
            media: MediaStatistics::default(),
            transcript: Vec::new(),
        };
        let mut journal = Self {
            record,
            began: now,
            answered: None,
            turn: None,
            speech: Speech::default(),
            heard: VecDeque::new(),
            words_len_bytes: 0,
            events: VecDeque::new(),
        };
        journal.mark(now, Moment::Invite);
        journal.emit(EventKind::CallStarted { direction });
        if let Some(verification) = verification {
            journal.emit(EventKind::CallerVerified { verification });
        }
        journal
    }

    /// Something happened.
    pub fn mark(&mut self, now: Instant, moment: Moment) {
        let entry = match self.record.timeline.len() {
            0..TIMELINE_LIMIT => TimelineEntry { at_ms: self.at_ms(now), moment },
            TIMELINE_LIMIT => TimelineEntry { at_ms: self.at_ms(now), moment: Moment::Warning { code: "timeline_full".to_owned() } },
            _ if moment == Moment::Ended => TimelineEntry { at_ms: self.at_ms(now), moment },
            _ => return,
        };
        self.record.timeline.push(entry);
    }

    /// Something happened of which only the first time counts.
    pub fn mark_once(&mut self, now: Instant, moment: Moment) {
        if !self.record.timeline.iter().any(|entry| entry.moment == moment) {
            self.mark(now, moment);
        }
    }

    /// It is known who is on the telephone, or which announcement it was.
    pub fn recognised(&mut self, caller: Recognised) {
        let Recognised { patient, dial_in, .. } = caller;
        if dial_in.is_some() {
            self.record.dial_in_call_id = dial_in;
        }
        if patient.is_some() {
            self.record.patient_id = patient;
            self.emit(EventKind::PatientRecognised { call_status: self.record.call_status });
        }
    }

    /// The two sides can hear each other.
    pub fn answered(&mut self, now: Instant) {
        self.answered = Some(now);
        self.record.answered_at = Some(self.wall(now));
        self.record.session_status = SessionStatus::Running;
        self.record.call_status = CallStatus::InProgress;
        self.emit(EventKind::CallAnswered);
    }

    /// The agent heard the caller stop, and says that it was at `stopped`.
    pub fn caller_stopped(&mut self, now: Instant, stopped: Instant) {
        self.turn = Some(Turn { caller_stopped: stopped.min(now), agent_knew: now, agent_spoke: None });
        self.speech.ended(self.at_ms(stopped.min(now)));
    }

    /// The agent heard the caller begin, at `began`: a turn still open will not be answered any more.
    pub fn caller_started(&mut self, began: Instant) {
        self.turn = None;
        self.speech.began(self.at_ms(began));
    }

    /// Audio of the agent came.
    pub fn agent_spoke(&mut self, now: Instant) {
        if let Some(turn) = &mut self.turn {
            turn.agent_spoke.get_or_insert(now);
        }
    }

    /// The first sample of an item became RTP.
    pub fn item_started(&mut self, now: Instant, item: ItemId) {
        let began = self.at_ms(now);
        self.note_heard(item, |heard| heard.began_ms = heard.began_ms.or(Some(began)));
        let Some(Turn { caller_stopped, agent_knew, agent_spoke: Some(agent_spoke) }) = self.turn else { return };
        self.turn = None;
        let latency_ms = millis(now.saturating_duration_since(caller_stopped));
        let moment = Moment::Turn {
            latency_ms,
            endpointing_ms: millis(agent_knew.saturating_duration_since(caller_stopped)),
            agent_ms: millis(agent_spoke.saturating_duration_since(agent_knew)),
            egress_ms: millis(now.saturating_duration_since(agent_spoke)),
        };
        self.mark(now, moment);
        self.emit(EventKind::TurnAnswered { latency_ms });
    }

    /// An item was played to its end, or cut.
    pub fn item_ended(&mut self, item: ItemId, played_ms: u64, interrupted: bool) {
        self.note_heard(item, |heard| (heard.played_ms, heard.interrupted) = (Some(played_ms), interrupted));
    }

    /// The caller spoke over the agent.
    pub fn barged_in(&mut self, now: Instant, discarded: Duration) {
        self.mark(now, Moment::BargeIn { discarded_ms: millis(discarded) });
        self.emit(EventKind::BargedIn);
    }

    /// A connection to an agent was lost, or could not be had.
    pub fn agent_lost(&mut self, now: Instant, attempt: u32, reason: &str) {
        self.mark(now, Moment::AgentLost { attempt, reason: reason.to_owned() });
        self.emit(EventKind::AgentLost);
    }

    /// The conversation passes to another connection, of this agent.
    pub fn agent_passed(&mut self, now: Instant, agent: &str, agent_version: Option<u64>, reason: &str) {
        self.mark(now, Moment::AgentPassed { agent: agent.to_owned(), agent_version, reason: reason.to_owned() });
    }

    /// The far end is asked to go elsewhere.
    pub fn transfer_asked(&mut self, now: Instant, attended: bool) {
        self.mark(now, Moment::TransferAsked { attended });
        self.emit(EventKind::TransferStarted);
    }

    /// What became of that.
    pub fn transfer_ended(&mut self, now: Instant, outcome: TransferOutcome) {
        self.mark(now, Moment::TransferEnded { outcome });
        self.emit(EventKind::TransferEnded { outcome });
    }

    /// Somebody said something.
    pub fn said(&mut self, now: Instant, speaker: Speaker, text: Redacted<String>, item: Option<ItemId>) {
        if self.record.transcript.len() >= TRANSCRIPT_LIMIT || !self.has_room_for(&text) {
            self.mark_once(now, Moment::Warning { code: "transcript_full".to_owned() });
            return;
        }
        let Stretch { began_ms, ended_ms } = if speaker == Speaker::Caller { self.speech.spoken() } else { Stretch::default() };
        let at_ms = self.at_ms(now);
        let utterance =
            Utterance { at_ms, speaker, text: text.clone(), heard_ms: None, interrupted: false, began_ms, ended_ms, heard: None };
        self.record.transcript.push(utterance);
        self.words_len_bytes += text.expose().len();
        self.emit(EventKind::TranscriptAdded { speaker, text });
        if let Some(item) = item {
            let place = self.record.transcript.len() - 1;
            self.note_heard(item, |heard| heard.utterance = Some(place));
        }
    }

    /// When characters of an item are said.
    pub fn timed(&mut self, item: ItemId, text: &str, ends_ms: &[u64]) {
        self.note_heard(item, |heard| heard.words.add(text, ends_ms));
    }

    /// The service says what of its latest words was heard.
    pub fn corrected(&mut self, text: Redacted<String>) {
        if !self.has_room_for(&text) {
            return;
        }
        let latest = self.record.transcript.iter_mut().rev().find(|utterance| utterance.speaker == Speaker::Agent);
        // What was counted is better than what somebody estimates.
        if let Some(utterance) = latest.filter(|utterance| utterance.heard.is_none()) {
            self.words_len_bytes += text.expose().len();
            utterance.heard = Some(text);
        }
    }

    /// The call is over.
    pub fn ended(&mut self, now: Instant, termination: Termination) {
        let session_status = termination.status(self.answered.is_some());
        let talk_ms = self.answered.map_or(0, |answered| millis(now.saturating_duration_since(answered)));
        self.mark(now, Moment::Ended);
        self.record.ended_at = Some(self.wall(now));
        self.record.termination = Some(termination);
        self.record.session_status = session_status;
        self.record.call_status = CallStatus::Completed;
        self.emit(EventKind::CallEnded { session_status, termination, talk_ms });
    }

    /// How the audio has fared so far.
    pub fn set_media(&mut self, media: MediaStatistics) {
        self.record.media = media;
    }

    /// The record as it stands.
    #[must_use]
    pub const fn record(&self) -> &CallRecord {
        &self.record
    }

    /// What to tell the world.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Notes something about an item, and tells its utterance what is known by now.
    fn note_heard(&mut self, item: ItemId, note: impl FnOnce(&mut Heard)) {
        if !self.heard.iter().any(|heard| heard.item == item) {
            if self.heard.len() == HEARD_LIMIT {
                self.heard.pop_front();
            }
            let words = TimedWords::default();
            self.heard.push_back(Heard { item, utterance: None, began_ms: None, played_ms: None, interrupted: false, words });
        }
        let Some(heard) = self.heard.iter_mut().find(|heard| heard.item == item) else { return };
        note(heard);
        let utterance = heard.utterance.and_then(|place| self.record.transcript.get_mut(place));
        if let Some(utterance) = utterance {
            utterance.heard_ms = heard.played_ms;
            utterance.interrupted = heard.interrupted;
            utterance.began_ms = heard.began_ms;
            utterance.ended_ms = heard.began_ms.zip(heard.played_ms).map(|(began, played)| began + played);
            let cut = heard.played_ms.filter(|_| heard.interrupted).and_then(|played_ms| heard.words.until(played_ms));
            utterance.heard = cut.map(Redacted::new).or(utterance.heard.take());
        }
    }

    fn has_room_for(&self, text: &Redacted<String>) -> bool {
        self.words_len_bytes + text.expose().len() <= WORDS_LIMIT_BYTES
    }

    fn emit(&mut self, kind: EventKind) {
        let CallRecord { org_id, id, patient_id, .. } = &self.record;
        let event = Event { org_id: org_id.clone(), call_id: Some(id.clone()), patient_id: patient_id.clone(), kind };
        self.events.push_back(event);
    }

    /// Milliseconds since the INVITE.
    pub(super) fn at_ms(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.began))
    }

    fn wall(&self, now: Instant) -> DateTime<Utc> {
        self.record.started_at + now.saturating_duration_since(self.began)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Entries of a timeline; past them only the end is added.
const TIMELINE_LIMIT: usize = 4_000;

/// Utterances of a transcript.
const TRANSCRIPT_LIMIT: usize = 4_000;

/// Their texts: a day of talking.
const WORDS_LIMIT_BYTES: usize = 1024 * 1024;

/// Items whose transcript may still come.
const HEARD_LIMIT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::termination::SipReason;

    fn journal(now: Instant) -> Journal {
        let identity = CallIdentity {
            id: CallId::random(),
            org: OrgId::default_org(),
            direction: Direction::Inbound,
            from: Redacted::new("alice".to_owned()),
            to: Redacted::new("1000".to_owned()),
            verification: None,
            arrival: None,
            agent: "simulator".to_owned(),
            agent_version: None,
        };
        Journal::new(identity, now, Utc::now())
    }

    #[test]
    fn a_turn_is_measured_from_the_callers_last_word_to_the_first_packet_of_the_answer() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut journal = journal(start);
        journal.caller_stopped(at(1_500), at(1_000));
        journal.agent_spoke(at(1_700));
        journal.agent_spoke(at(1_900));
        journal.item_started(at(1_715), ItemId(1));
        let expected = Moment::Turn { latency_ms: 715, endpointing_ms: 500, agent_ms: 200, egress_ms: 15 };
        assert_eq!(journal.record().timeline.last().map(|entry| &entry.moment), Some(&expected));
    }

    #[test]
    fn what_was_heard_finds_its_utterance_whichever_comes_first() {
        let now = Instant::now();
        let mut journal = journal(now);
        journal.said(now, Speaker::Agent, Redacted::new("one".to_owned()), Some(ItemId(1)));
        journal.item_ended(ItemId(1), 700, true);
        journal.item_ended(ItemId(2), 900, false);
        journal.said(now, Speaker::Agent, Redacted::new("two".to_owned()), Some(ItemId(2)));
        let heard: Vec<_> = journal.record().transcript.iter().map(|said| (said.heard_ms, said.interrupted)).collect();
        assert_eq!(heard, [(Some(700), true), (Some(900), false)]);
    }

    #[test]
    fn an_utterance_knows_when_it_was_heard_on_either_side() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut journal = journal(start);
        journal.caller_started(at(1_000));
        journal.caller_stopped(at(2_300), at(1_800));
        journal.said(at(2_500), Speaker::Caller, Redacted::new("one".to_owned()), None);
        journal.item_started(at(2_700), ItemId(1));
        journal.said(at(2_900), Speaker::Agent, Redacted::new("two".to_owned()), Some(ItemId(1)));
        let heard = |journal: &Journal| journal.record().transcript.iter().map(|said| (said.began_ms, said.ended_ms)).collect::<Vec<_>>();
        assert_eq!(heard(&journal), [(Some(1_000), Some(1_800)), (Some(2_700), None)]);
        journal.item_ended(ItemId(1), 640, true);
        assert_eq!(heard(&journal)[1], (Some(2_700), Some(3_340)));
    }

    #[test]
    fn an_utterance_that_was_cut_is_written_down_to_the_last_whole_word_that_was_heard() {
        let now = Instant::now();
        let mut journal = journal(now);
        let ends: Vec<u64> = (1..=17).map(|place| place * 100).collect();
        journal.timed(ItemId(1), "Good morning, Ana", &ends);
        journal.said(now, Speaker::Agent, Redacted::new("Good morning, Ana".to_owned()), Some(ItemId(1)));
        journal.item_ended(ItemId(1), 1_499, true);
        journal.said(now, Speaker::Agent, Redacted::new("And goodbye".to_owned()), Some(ItemId(2)));
        journal.corrected(Redacted::new("And".to_owned()));
        let heard: Vec<_> = journal.record().transcript.iter().map(|said| said.heard.as_ref().map(|text| text.expose().as_str())).collect();
        assert_eq!(heard, [Some("Good morning,"), Some("And")]);
    }

    #[test]
    fn a_transcript_holds_a_mebibyte_of_words_and_says_once_that_more_were_said() {
        let now = Instant::now();
        let mut journal = journal(now);
        let words = || Redacted::new("x".repeat(16 * 1_024));
        for _ in 0..100 {
            journal.said(now, Speaker::Agent, words(), None);
            journal.corrected(words());
        }
        let lengths = |text: &Redacted<String>| text.expose().len();
        let kept: usize = journal.record().transcript.iter().map(|said| lengths(&said.text) + said.heard.as_ref().map_or(0, lengths)).sum();
        assert_eq!(kept, WORDS_LIMIT_BYTES);
        let full = Moment::Warning { code: "transcript_full".to_owned() };
        assert_eq!(journal.record().timeline.iter().filter(|entry| entry.moment == full).count(), 1);
    }

    #[test]
    fn a_full_timeline_keeps_its_beginning_and_its_end() {
        let now = Instant::now();
        let mut journal = journal(now);
        for _ in 0..TIMELINE_LIMIT + 10 {
            journal.mark(now, Moment::Ringing);
        }
        journal.ended(now, Termination::peer(SipReason::HungUp));
        let timeline = &journal.record().timeline;
        assert_eq!(timeline.len(), TIMELINE_LIMIT + 2);
        assert_eq!(timeline[0].moment, Moment::Invite);
        assert_eq!(timeline[TIMELINE_LIMIT + 1].moment, Moment::Ended);
    }
}
