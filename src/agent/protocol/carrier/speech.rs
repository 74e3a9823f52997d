//! What a bot says into a media stream: audio without names and without an end, and marks in it.

use media::egress::MarkId;
use media::frame::{AudioFormat, ItemId};

use super::super::Outputs;
use super::super::json::{push_base64, warn};
use super::super::utterances::Utterances;
use super::marks::{Marks, Setting};
use crate::agent::model::{AgentEvent, ClearCause, ClearScope};

/// A bot's speech. An utterance lasts until the bot clears it, or until a mark behind its last audio was reached.
pub(super) struct Speech {
    format: AudioFormat,
    utterances: Utterances,
    marks: Marks,
    /// Something was said since the last mark.
    unmarked: bool,
}

impl Speech {
    pub(super) fn new(format: AudioFormat, first: ItemId) -> Self {
        Self { format, utterances: Utterances::new(first), marks: Marks::default(), unmarked: false }
    }

    /// Takes audio; false when it is no base64.
    pub(super) fn hear_base64(&mut self, audio: &str, out: &mut Outputs<'_>) -> bool {
        self.unmarked = true;
        self.utterances.current().is_some_and(|item| push_base64(item, self.format, audio.as_bytes(), out).is_some())
    }

    /// Takes audio; false when it is not of whole samples.
    pub(super) fn hear_bytes(&mut self, audio: &[u8], out: &mut Outputs<'_>) -> bool {
        if !audio.len().is_multiple_of(self.format.sample_len_bytes()) {
            return false;
        }
        self.unmarked = true;
        let Some(item) = self.utterances.current() else { return false };
        let copied = out.events.push_audio(item, self.format, |buffer| {
            buffer.extend_from_slice(audio);
            Ok::<(), std::convert::Infallible>(())
        });
        copied.is_ok()
    }

    /// The bot wants to hear when this place is reached.
    pub(super) fn mark(&mut self, name: &str, out: &mut Outputs<'_>) -> bool {
        self.unmarked = false;
        // Numbered with the utterances: of all the connections of a call no two have the same.
        let number = MarkId(self.utterances.draw().0);
        match self.marks.set(name, number) {
            Setting::Now(mark) => out.events.push(AgentEvent::MarkRequest { mark }),
            Setting::Later => {}
            Setting::Refused => warn("too_many_marks", out),
        }
        true
    }

    /// What was not played yet is void; the marks in it come back by themselves.
    pub(super) fn clear(&mut self, out: &mut Outputs<'_>) {
        self.unmarked = false;
        let _ = self.utterances.end();
        out.events.push(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::Bot });
    }

    /// A mark was reached: its name.
    pub(super) fn reached(&mut self, mark: MarkId, cleared: bool, out: &mut Outputs<'_>) -> Option<Box<str>> {
        let name = self.marks.reached(mark)?;
        if let Some(late) = self.marks.take_late() {
            let unmarked = self.unmarked;
            self.mark(&late, out);
            self.unmarked = unmarked;
        }
        if self.marks.is_empty()
            && !self.unmarked
            && !cleared
            && let Some(item) = self.utterances.end()
        {
            out.events.push(AgentEvent::AudioEnd { item });
        }
        Some(name)
    }

    /// What the next item will be called.
    pub(super) const fn next(&self) -> ItemId {
        self.utterances.next()
    }
}
