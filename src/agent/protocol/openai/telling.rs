//! What we put into the conversation ourselves: texts, what was said before this connection, and wishes for an answer.

use super::outgoing::{ClientEvent, Item, Role};
use super::{OpenAi, Purpose, send};
use crate::agent::config::Protocol;
use crate::agent::model::Owed;
use crate::agent::protocol::Outputs;
use crate::agent::protocol::recollection::REST;
use crate::domain::call_record::Speaker;

impl OpenAi {
    /// Tells what was said in the call before this connection.
    pub(super) fn tell_history(&mut self, out: &mut Outputs<'_>) {
        for said in std::mem::take(&mut self.said.history) {
            let role = match said.speaker {
                Speaker::Caller => Role::User,
                Speaker::Agent => Role::Assistant,
            };
            self.say(role, said.text.expose(), out);
        }
    }

    /// Asks for the answer that the caller has waited for since before this connection; false where there is none.
    pub(super) fn ask_for_what_is_owed(&mut self, out: &mut Outputs<'_>) -> bool {
        let owed = std::mem::take(&mut self.said.owed);
        if owed == Owed::Rest {
            self.say(Role::System, REST, out);
        }
        if owed != Owed::Nothing {
            self.ask_for_response(out);
        }
        owed != Owed::Nothing
    }

    /// Puts a text into the conversation.
    pub(super) fn say(&mut self, role: Role, text: &str, out: &mut Outputs<'_>) {
        let event_id = self.event_id(Purpose::Item);
        let beta = self.config.protocol == Protocol::VoiceLive;
        send(out, &ClientEvent::ItemCreate { event_id: &event_id, item: Item::text(role, text, beta) });
    }

    /// Wants an answer, as soon as none is being given.
    pub(super) fn ask_for_response(&mut self, out: &mut Outputs<'_>) {
        if self.responses.want() {
            self.send_response_create(out);
        }
    }

    /// Asks for one.
    pub(super) fn send_response_create(&mut self, out: &mut Outputs<'_>) {
        let event_id = self.event_id(Purpose::Response);
        send(out, &ClientEvent::ResponseCreate { event_id: &event_id, response: None });
    }
}
