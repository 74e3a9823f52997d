//! Where a conversation stands: what was said, what of the caller's audio no agent has dealt with, and what the caller waits for.
//!
//! A turn of the caller is dealt with when its words are in the history, or when its answer has begun: from there on an agent that
//! takes over hears the caller again, so that nothing is missing and nothing is said twice. What is dealt with is not kept.
//!
//! Pure, and told of everything on its way between call and agent. Left out on purpose: which agent it is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::units::SampleRate;

use super::history::History;
use super::ring::{Place, Ring, is_silent};
use crate::agent::model::{AgentCommand, AgentEvent, AgentState, Handover, Owed, PlaybackState, SpeechEdge, TranscriptKind};
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// Where a conversation stands.
#[derive(Debug)]
pub(super) struct Conversation {
    ring: Ring,
    history: History,
    /// Up to here the caller's audio is dealt with.
    done: Place,
    /// Turns that have ended, of which neither words nor an answer have come.
    turns: VecDeque<Turn>,
    /// Since when the caller speaks.
    speaking: Option<Place>,
    /// Turns that were answered before their words came, and by what.
    unworded: Option<(usize, ItemId)>,
    answer: Answer,
    /// The agent says of each utterance when all of it was sent.
    tells_ends: bool,
    /// Items of the agent that are being played.
    playing: u32,
    begun: bool,
    /// How often it has gone on, for whoever was told of it before.
    steps: u64,
}

/// A turn of the caller.
#[derive(Clone, Copy, Debug)]
struct Turn {
    began: Place,
    ended: Place,
}

/// What there is of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Nobody waits for one.
    Nothing,
    /// The caller's words have come, and no answer yet.
    Owed,
    /// It comes, the last of it then.
    Coming { item: ItemId, last: Instant },
    /// It broke off with the connection.
    Broken,
}

impl Conversation {
    /// Nobody has said anything. `tells_ends`: the agent says of each utterance when all of it was sent.
    pub(super) fn new(tells_ends: bool) -> Self {
        Self {
            ring: Ring::new(),
            history: History::default(),
            done: Place::default(),
            turns: VecDeque::new(),
            speaking: None,
            unworded: None,
            answer: Answer::Nothing,
            tells_ends,
            playing: 0,
            begun: false,
            steps: 0,
        }
    }

    /// The caller's audio, of a line of `line` samples a second.
    pub(super) fn push(&mut self, chunk: AudioChunk<'_>, line: SampleRate) {
        self.ring.push(chunk, line);
    }

    /// The agent says something. `heard_ms` is how much audio it was sent in this connection.
    pub(super) fn note_event(&mut self, now: Instant, event: &AgentEvent<'_>, heard_ms: u64) {
        let place = |input_ms: u64| self.ring.end().before(Duration::from_millis(heard_ms.saturating_sub(input_ms)));
        match event {
            AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms } => self.speech_began(place(*input_ms)),
            AgentEvent::UserSpeech { edge: SpeechEdge::Stopped, input_ms } => self.turn_ended(place(*input_ms)),
            AgentEvent::Transcript { speaker: Speaker::Caller, kind: TranscriptKind::Final, text, .. } => self.caller_said(text.expose()),
            AgentEvent::Transcript { speaker: Speaker::Agent, kind, text, item } => match kind {
                TranscriptKind::Partial => self.history.agent_said(*item, text.expose(), false),
                TranscriptKind::Final => self.history.agent_said(*item, text.expose(), true),
                TranscriptKind::Correction => self.history.corrected(text.expose()),
            },
            AgentEvent::Audio { item, chunk } => {
                self.history.received(*item, chunk.format.rate().duration(chunk.samples()));
                // Some agents never stop sending, and send silence between answers.
                if !is_silent(*chunk) {
                    self.answer_comes(now, *item);
                }
            }
            AgentEvent::AudioEnd { item } => {
                self.history.ended(*item);
                if matches!(self.answer, Answer::Coming { item: coming, .. } if coming == *item) {
                    self.answer = Answer::Nothing;
                }
            }
            AgentEvent::Timing { item, text, ends_ms } => self.history.timed(*item, text.expose(), ends_ms),
            AgentEvent::State(AgentState::Listening) if matches!(self.answer, Answer::Coming { .. }) => self.answer = Answer::Nothing,
            AgentEvent::Clear { .. } => self.answer = Answer::Nothing,
            // What the tool answers is lost with the connection; whoever takes over has to answer the caller.
            AgentEvent::ToolCall { .. } if self.answer == Answer::Nothing => self.answer = Answer::Owed,
            _ => {}
        }
    }

    /// The agent is told something. `prefix` is what is sent of the caller from before a turn that the gateway found.
    pub(super) fn note_command(&mut self, command: &AgentCommand, prefix: Duration) {
        match command {
            AgentCommand::TurnStarted { ago } => self.speech_began(self.ring.end().before(*ago + prefix)),
            // One that began before this connection is told of twice.
            AgentCommand::TurnEnded if self.speaking.is_some() => self.turn_ended(self.ring.end()),
            AgentCommand::BargeIn(_) => self.answer = Answer::Nothing,
            AgentCommand::Playback { item, played_ms, state } => match state {
                PlaybackState::Started => self.playing += 1,
                PlaybackState::Finished => self.playing = self.playing.saturating_sub(1),
                PlaybackState::Cleared => {
                    self.playing = self.playing.saturating_sub(1);
                    self.steps += 1;
                    self.history.cut(*item, *played_ms);
                }
            },
            _ => {}
        }
    }

    /// What an agent has to know that takes over now and hears audio in `format`. `by_gateway`: the gateway decides its turns.
    pub(super) fn handover(&self, now: Instant, format: AudioFormat, by_gateway: bool) -> Handover {
        let unheard = self.speaking.is_some() || !self.turns.is_empty();
        let history = self.history.told();
        let owed = match self.answer {
            // What is heard again brings its answer.
            _ if unheard => Owed::Nothing,
            Answer::Nothing => Owed::Nothing,
            Answer::Owed => Owed::Answer,
            Answer::Coming { .. } if self.has_ended(now) => Owed::Nothing,
            // Of which nothing was heard that could be gone on with.
            Answer::Coming { .. } | Answer::Broken if history.last().is_some_and(|said| said.speaker == Speaker::Caller) => Owed::Answer,
            Answer::Coming { .. } | Answer::Broken => Owed::Rest,
        };
        let from = match by_gateway {
            true => self.turns.front().map(|turn| turn.began).or(self.speaking).unwrap_or(self.ring.end()),
            false => self.done,
        };
        Handover {
            history,
            owed,
            audio: Redacted::new(self.ring.since(from, format)),
            in_turn: by_gateway && unheard,
            has_begun: self.begun,
        }
    }

    /// Whether the last turn ended, and its end is still to be told to an agent to whom the gateway tells turns.
    pub(super) fn owes_turn_end(&self) -> bool {
        self.speaking.is_none() && !self.turns.is_empty()
    }

    /// Whether a turn has ended whose words have not come.
    pub(super) fn owes_words(&self) -> bool {
        !self.turns.is_empty() || self.unworded.is_some()
    }

    /// Whether the caller waits for an answer.
    pub(super) fn awaits_answer(&self) -> bool {
        self.owes_turn_end() || self.answer == Answer::Owed
    }

    /// Whether the conversation may pass to another connection without anybody noticing.
    pub(super) fn is_quiet(&self, now: Instant) -> bool {
        let answered = self.answer == Answer::Nothing || self.answer.pauses(now);
        self.speaking.is_none() && self.turns.is_empty() && answered && self.playing == 0
    }

    /// Changes when somebody begins or ends saying something, and when words come.
    pub(super) const fn steps(&self) -> u64 {
        self.steps
    }

    /// The connection is lost, of which nothing came after `at`: what it was saying is no more than what came of it.
    pub(super) fn break_off(&mut self, at: Instant) {
        let coming = match self.answer {
            Answer::Coming { item, .. } if !self.has_ended(at) => Some(item),
            _ => None,
        };
        if matches!(self.answer, Answer::Coming { .. }) {
            self.answer = if coming.is_some() { Answer::Broken } else { Answer::Nothing };
        }
        self.history.break_off(coming);
    }

    /// The conversation passes to another connection. An agent that decides turns tells of those that it hears again.
    pub(super) fn pass(&mut self, now: Instant, by_gateway: bool, tells_ends: bool) {
        if !by_gateway {
            self.speaking = None;
            self.turns.clear();
        }
        self.unworded = None;
        self.break_off(now);
        self.tells_ends = tells_ends;
    }

    /// Whether the last of an answer has come, as far as that showed at this moment.
    fn has_ended(&self, at: Instant) -> bool {
        !self.tells_ends && self.answer.pauses(at)
    }

    fn speech_began(&mut self, at: Place) {
        self.steps += 1;
        self.speaking.get_or_insert(at);
        self.answer = Answer::Nothing;
    }

    fn turn_ended(&mut self, at: Place) {
        self.steps += 1;
        let began = self.speaking.take().unwrap_or(at).min(at);
        if self.turns.len() == MAX_TURNS
            && let Some(oldest) = self.turns.pop_front()
        {
            self.deal_with(oldest.ended);
        }
        self.turns.push_back(Turn { began, ended: at });
    }

    fn caller_said(&mut self, text: &str) {
        self.steps += 1;
        if let (true, Some((count, item))) = (self.turns.is_empty(), self.unworded) {
            self.unworded = (count > 1).then(|| (count - 1, item));
            return self.history.caller_said(text, Some(item));
        }
        self.history.caller_said(text, None);
        match self.turns.pop_front() {
            Some(turn) => self.deal_with(turn.ended),
            // A provider that tells no end of speech tells the words some time after it.
            None => {
                self.speaking = None;
                self.deal_with(self.ring.end().before(SILENCE));
            }
        }
        self.answer = Answer::Owed;
    }

    fn answer_comes(&mut self, now: Instant, item: ItemId) {
        self.begun = true;
        let goes_on = matches!(self.answer, Answer::Coming { item: coming, .. } if coming == item) && !self.has_ended(now);
        if !goes_on {
            self.steps += 1;
            match self.turns.back() {
                Some(last) => {
                    let ended = last.ended;
                    self.unworded = Some((self.turns.len(), item));
                    self.turns.clear();
                    self.deal_with(ended);
                }
                None if self.speaking.is_none() => self.deal_with(self.ring.end().before(SILENCE)),
                None => {}
            }
        }
        self.answer = Answer::Coming { item, last: now };
    }

    fn deal_with(&mut self, up_to: Place) {
        self.done = self.done.max(up_to);
        // Where the gateway decides turns, what comes right before one belongs to it.
        self.ring.forget(self.done.before(PREFIX));
    }
}

impl Answer {
    /// Whether nothing has come of it for a while. Some providers do not say what the last of one is.
    fn pauses(self, at: Instant) -> bool {
        matches!(self, Self::Coming { last, .. } if at.saturating_duration_since(last) >= PAUSE)
    }
}

/// The most that is sent of the caller from before a turn.
const PREFIX: Duration = Duration::from_secs(2);

/// Turns without words and without an answer; before a caller is asked so often to say it again, the call is over.
const MAX_TURNS: usize = 8;

/// Between the last word and a provider's word that it was the last: providers wait longer.
const SILENCE: Duration = Duration::from_millis(400);

/// Audio of an answer comes without such a pause in it.
const PAUSE: Duration = Duration::from_secs(1);
