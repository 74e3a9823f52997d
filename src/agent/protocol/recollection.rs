//! What was said in a call before this connection, as an adapter tells it in its protocol's words.

use crate::agent::model::{Owed, Said};
use crate::domain::call_record::Speaker;

/// What was said, and what the caller waits for.
#[derive(Default)]
pub(in crate::agent) struct Recollection {
    pub(in crate::agent) history: Vec<Said>,
    pub(in crate::agent) owed: Owed,
}

impl Recollection {
    /// For protocols in which the agent answers to what it is told: the history, and apart from it what is to be told last, so that
    /// the caller gets what is owed.
    pub(super) fn parted(&self) -> (&[Said], Option<&str>) {
        match (self.owed, self.history.split_last()) {
            (Owed::Nothing, _) => (&self.history, None),
            (Owed::Answer, Some((last, before))) if last.speaker == Speaker::Caller => (before, Some(last.text.expose())),
            (Owed::Answer, _) => (&self.history, Some(ANSWER)),
            (Owed::Rest, _) => (&self.history, Some(REST)),
        }
    }

    /// What was said, for a reader: for protocols that have no other word for it than a text.
    pub(super) fn in_words(history: &[Said]) -> String {
        let mut text = String::from("The line broke; this was said before:");
        for said in history {
            text.push_str(match said.speaker {
                Speaker::Caller => "\nCaller: ",
                Speaker::Agent => "\nYou: ",
            });
            text.push_str(said.text.expose());
        }
        text
    }
}

/// What the agent is told that has to go on with what another began to say.
pub(super) const REST: &str = "The line broke while you said this. Go on where you stopped, and repeat nothing.";

/// What it is told that has to answer words which it only knows as sound.
pub(super) const ANSWER: &str = "The line broke before you answered. Answer now.";
