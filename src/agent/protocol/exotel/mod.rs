//! Exotel Voicebot: JSON, linear audio in base64, in frames of 100 ms.
//!
//! Facts this rests on: keys are written with underscores; numbers of `media_format` are strings; a frame holds a multiple of
//! 320 bytes, as 100 ms do at every rate that there is; what else the bot is told is one text.

mod outgoing;

use std::fmt::Write;
use std::time::Duration;

use self::outgoing::{Connected, Dtmf, Message, Start, Stop};
use super::carrier::{Carrier, Line, LookAlike, MarkReached, Said, write_base64};
use super::json::{Malformed, queue};
use crate::agent::config::AgentConfig;
use crate::agent::model::AgentMessage;
use crate::agent::session::Outbox;

/// The company's way.
pub(in crate::agent) struct Exotel {
    parameters: String,
}

impl Carrier for Exotel {
    const FRAME: Duration = Duration::from_millis(100);

    fn new(_config: &AgentConfig) -> Self {
        Self { parameters: String::new() }
    }

    fn open(&mut self, line: &mut Line, outbox: &mut Outbox) {
        let pairs: Vec<_> = line.parameters().iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.parameters = pairs.join("&");
        queue(outbox, &Connected::default());
        let sequence = line.next_sequence();
        queue(outbox, &Message::new(line, sequence, Start::new(line, &self.parameters)));
    }

    fn audio(&mut self, line: &mut Line, frame: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        let place = line.next_frame(frame);
        outbox.push_text(live, |text| {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                r#"{{"event":"media","sequence_number":"{}","stream_sid":"{}","media":{{"chunk":"{}","timestamp":"{}","payload":""#,
                place.sequence,
                line.stream(),
                place.chunk,
                place.at_ms
            );
            write_base64(frame, text);
            text.push_str(r#""}}"#);
        });
    }

    fn key(&mut self, line: &mut Line, digit: char, held: Duration, outbox: &mut Outbox) {
        let sequence = line.next_sequence();
        queue(outbox, &Message::new(line, sequence, Dtmf::new(digit, held)));
    }

    fn mark(&mut self, line: &mut Line, name: &str, _cleared: bool, outbox: &mut Outbox) {
        let sequence = line.next_sequence();
        queue(outbox, &Message::new(line, sequence, MarkReached::new(name)));
    }

    fn stop(&mut self, line: &mut Line, outbox: &mut Outbox) {
        let sequence = line.next_sequence();
        queue(outbox, &Message::new(line, sequence, Stop::new(line)));
    }

    fn read<'a>(&mut self, line: &Line, message: AgentMessage<'a>) -> Result<Said<'a>, Malformed> {
        LookAlike::read(line, message)
    }
}
