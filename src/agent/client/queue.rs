//! What waits while the agent's socket takes nothing.

use std::collections::VecDeque;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::error::SendError;

/// Messages in order, at most [`MAX_LIVE_AUDIO`] of live audio and [`MAX_LASTING_LEN_BYTES`] of all else.
#[derive(Default)]
pub(super) struct SendQueue {
    entries: VecDeque<(Message, Option<Duration>)>,
    live_audio: Duration,
    lasting_len_bytes: usize,
    dropped: Duration,
}

impl SendQueue {
    /// Queues a message; live audio beyond the bound makes the oldest of it give way.
    pub(super) fn push(&mut self, message: Message, live_audio: Option<Duration>) -> Result<(), SendError> {
        match live_audio {
            Some(length) => {
                self.live_audio += length;
                while self.live_audio > MAX_LIVE_AUDIO && self.drop_oldest_audio() {}
            }
            None if self.lasting_len_bytes + message.len() > MAX_LASTING_LEN_BYTES => return Err(SendError::Stalled),
            None => self.lasting_len_bytes += message.len(),
        }
        self.entries.push_back((message, live_audio));
        Ok(())
    }

    /// The next message.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let (message, live_audio) = self.entries.pop_front()?;
        match live_audio {
            Some(length) => self.live_audio = self.live_audio.saturating_sub(length),
            None => self.lasting_len_bytes = self.lasting_len_bytes.saturating_sub(message.len()),
        }
        Some(message)
    }

    /// Live audio that gave way since the beginning.
    pub(super) const fn dropped(&self) -> Duration {
        self.dropped
    }

    /// Live audio that waits.
    pub(super) const fn live_audio(&self) -> Duration {
        self.live_audio
    }

    fn drop_oldest_audio(&mut self) -> bool {
        let oldest = self.entries.iter().position(|(_, live_audio)| live_audio.is_some());
        let Some((_, Some(length))) = oldest.and_then(|place| self.entries.remove(place)) else { return false };
        self.live_audio = self.live_audio.saturating_sub(length);
        self.dropped += length;
        true
    }
}

/// Older speech than this is not worth hearing: the conversation has moved on.
const MAX_LIVE_AUDIO: Duration = Duration::from_secs(1);
/// Five seconds of 24 kHz in base64 and the messages beside them.
const MAX_LASTING_LEN_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(number: u8) -> (Message, Option<Duration>) {
        (Message::text(number.to_string()), Some(Duration::from_millis(20)))
    }

    #[test]
    fn beyond_a_second_the_oldest_audio_gives_way_and_all_else_stays_in_its_place() {
        let mut queue = SendQueue::default();
        queue.push(Message::text("first"), None).unwrap();
        for number in 0..60 {
            let (message, length) = audio(number);
            queue.push(message, length).unwrap();
        }
        queue.push(Message::text("last"), None).unwrap();
        assert_eq!(queue.dropped(), Duration::from_millis(200));
        assert_eq!(queue.live_audio(), Duration::from_secs(1));
        let kept: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|message| message.into_text().unwrap().to_string()).collect();
        let expected: Vec<_> =
            ["first".to_owned()].into_iter().chain((10..60).map(|n: u8| n.to_string())).chain(["last".to_owned()]).collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn what_must_arrive_is_bounded_too() {
        let mut queue = SendQueue::default();
        queue.push(Message::text("x".repeat(900 * 1024)), None).unwrap();
        assert_eq!(queue.push(Message::text("x".repeat(200 * 1024)), None), Err(SendError::Stalled));
    }
}
