//! Plivo audio streaming, both ways: JSON, audio in base64.
//!
//! Facts this rests on: `start` is the first message; numbers are numbers; a bot sends `playAudio` with the format of each piece,
//! `checkpoint` for a mark, which comes back as `playedStream` where it was played and not at all where it was cleared,
//! `clearAudio`, which is answered, and `sendDTMF`. No message says that the call is over: the socket closes.

mod incoming;
mod outgoing;

use std::fmt::Write;
use std::time::Duration;

use self::incoming::BotSays;
use self::outgoing::{Cleared, Dtmf, Played, Start};
use super::carrier::{Carrier, Line, Said, write_base64};
use super::json::{Malformed, queue};
use crate::agent::config::AgentConfig;
use crate::agent::model::AgentMessage;
use crate::agent::session::Outbox;

/// The company's way.
pub(in crate::agent) struct Plivo;

impl Carrier for Plivo {
    const FRAME: Duration = Duration::from_millis(20);

    fn new(_config: &AgentConfig) -> Self {
        Self
    }

    fn open(&mut self, line: &mut Line, outbox: &mut Outbox) {
        let sequence = line.next_sequence();
        queue(outbox, &Start::new(line, sequence));
    }

    fn audio(&mut self, line: &mut Line, frame: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        let place = line.next_frame(frame);
        outbox.push_text(live, |text| {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                r#"{{"event":"media","sequenceNumber":{},"streamId":"{}","media":{{"track":"inbound","chunk":{},"timestamp":"{}","payload":""#,
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
        queue(outbox, &Dtmf::new(line, sequence, digit));
    }

    fn mark(&mut self, line: &mut Line, name: &str, cleared: bool, outbox: &mut Outbox) {
        if !cleared {
            let sequence = line.next_sequence();
            queue(outbox, &Played::new(line, sequence, name));
        }
    }

    fn cleared(&mut self, line: &mut Line, outbox: &mut Outbox) {
        let sequence = line.next_sequence();
        queue(outbox, &Cleared::new(line, sequence));
    }

    fn read<'a>(&mut self, line: &Line, message: AgentMessage<'a>) -> Result<Said<'a>, Malformed> {
        BotSays::read(line, message)
    }
}
