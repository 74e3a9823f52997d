//! INFO (RFC 6086) within a call: keys pressed, in and out. An INFO without a body keeps a session alive for some, and is answered.

use std::time::Instant;

use super::Incoming;
use super::usage::Usage;
use crate::endpoint::{Event, Stack};
use crate::header::{HeaderName, Method, StatusCode};
use crate::key_press::{KeyPress, KeyStyle};

impl Usage {
    pub(super) fn handle_info(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let headers = incoming.request.headers();
        // An empty Recv-Info: we take no package (RFC 6086 §4.2.2).
        if headers.value(HeaderName::InfoPackage).is_some() {
            return incoming.reply(now, StatusCode::BAD_INFO_PACKAGE, stack, |response| response.header(HeaderName::RecvInfo, ""));
        }
        let body = incoming.request.body();
        if body.is_empty() {
            return incoming.reply(now, StatusCode::OK, stack, |response| response);
        }
        let style = headers
            .content_type()
            .and_then(|media_type| [KeyStyle::Relay, KeyStyle::Plain].into_iter().find(|style| media_type.is(style.media_type())));
        let Some(style) = style else {
            return incoming.reply(now, StatusCode::UNSUPPORTED_MEDIA_TYPE, stack, |response| response.header(HeaderName::Accept, KEYS));
        };
        let Some(press) = KeyPress::parse(style, &body) else {
            return incoming.reply(now, StatusCode::BAD_REQUEST, stack, |response| response);
        };
        incoming.reply(now, StatusCode::OK, stack, |response| response);
        self.event(Event::Key { id: self.id, press }, stack);
    }

    /// Whether the far end hears of it is not told: a key has no second try.
    pub(super) fn press_key(&mut self, now: Instant, press: KeyPress, style: KeyStyle, stack: &mut Stack) {
        self.send_body(now, Method::Info, stack, (style.media_type(), press.write(style).as_bytes()), |_| {});
    }
}

/// The bodies that INFO may have.
const KEYS: &str = "application/dtmf-relay, application/dtmf";
