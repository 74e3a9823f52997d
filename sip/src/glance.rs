//! What a message is about, at a glance: for whoever watches messages go by and must not pay for reading them whole.
//!
//! Nothing is checked here. What [`Message::parse`](crate::message::Message::parse) would refuse may well have an answer.

use crate::header::HeaderName;

/// A look at the head of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance<'a> {
    /// Call-ID; empty without one.
    pub call_id: &'a str,
    /// The method in CSeq; empty without one.
    pub method: &'a str,
}

impl<'a> Glance<'a> {
    /// Looks at a message as it came or goes.
    #[must_use]
    pub fn at(message: &'a [u8]) -> Self {
        let mut glance = Self::default();
        for line in message.split(|byte| *byte == b'\n').take_while(|line| !line.trim_ascii_end().is_empty()) {
            let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else { continue };
            match HeaderName::from_text(name.trim()) {
                HeaderName::CallId if glance.call_id.is_empty() => glance.call_id = value.trim(),
                HeaderName::CSeq if glance.method.is_empty() => glance.method = value.split_whitespace().nth(1).unwrap_or_default(),
                _ => continue,
            }
            if !glance.call_id.is_empty() && !glance.method.is_empty() {
                break;
            }
        }
        glance
    }

    /// Whether it belongs to the transaction of an INVITE, or to one that goes with it.
    #[must_use]
    pub fn is_of_invite(&self) -> bool {
        matches!(self.method, "INVITE" | "ACK" | "CANCEL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_and_method_are_seen_in_either_form_of_the_names() {
        let long = Glance::at(b"INVITE sip:a@b SIP/2.0\r\nCSeq: 1 INVITE\r\nCall-ID: x@y\r\n\r\n");
        assert_eq!((long.call_id, long.method, long.is_of_invite()), ("x@y", "INVITE", true));
        let compact = Glance::at(b"SIP/2.0 200 OK\r\ni:z\r\ncseq : 7  BYE\r\n\r\n");
        assert_eq!((compact.call_id, compact.method, compact.is_of_invite()), ("z", "BYE", false));
    }

    #[test]
    fn a_body_and_nonsense_say_nothing() {
        assert_eq!(Glance::at(b"INVITE sip:a@b SIP/2.0\r\n\r\nCall-ID: x\r\n"), Glance::default());
        assert_eq!(Glance::at(b"\xff\xfe:\0"), Glance::default());
        assert_eq!(Glance::at(b""), Glance::default());
    }
}
