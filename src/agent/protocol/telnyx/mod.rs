//! Telnyx media streaming, both ways: JSON, audio in base64.
//!
//! Facts this rests on: keys are written with underscores, and `stream_id` stands beside the event, not below `start`; numbers in
//! `media` are strings; linear audio is little-endian, as deployed bots take it; what a bot sends names no stream.
//!
//! Left out on purpose: G.722, Opus, AMR-WB and MP3, which the gateway does not send to agents.

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
pub(in crate::agent) struct Telnyx;

impl Carrier for Telnyx {
    const FRAME: Duration = Duration::from_millis(20);

    fn new(_config: &AgentConfig) -> Self {
        Self
    }

    fn open(&mut self, line: &mut Line, outbox: &mut Outbox) {
        queue(outbox, &Connected::default());
        let sequence = line.next_sequence();
        queue(outbox, &Message::new(line, sequence, Start::new(line)));
    }

    fn audio(&mut self, line: &mut Line, frame: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        let place = line.next_frame(frame);
        outbox.push_text(live, |text| {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                r#"{{"event":"media","sequence_number":"{}","stream_id":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{}","payload":""#,
                place.sequence,
                line.stream(),
                place.chunk,
                place.at_ms
            );
            write_base64(frame, text);
            text.push_str(r#""}}"#);
        });
    }

    fn key(&mut self, line: &mut Line, digit: char, _held: Duration, outbox: &mut Outbox) {
        let sequence = line.next_sequence();
        queue(outbox, &Message::new(line, sequence, Dtmf::new(digit, line.unix_time())));
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
