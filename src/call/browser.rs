//! A call whose far end is a browser: what its transport tells, and what is told to the page.

use std::time::Instant;

use media::transport::Flow;
use media::transport::webrtc::{ChannelEvent, DtlsError, WebRtcError, WebRtcEvent};

use super::action::CallEvent;
use super::call::Call;
use super::event::SignallingEvent;
use super::page::{KEY_HELD, PageWish};
use crate::domain::termination::MediaReason;
use crate::domain::timeline::Moment;
use crate::leg::Leg;

impl Call {
    /// A connection is gone, by which the browser was reached.
    pub fn handle_closed(&mut self, now: Instant, flow: Flow) {
        if let Some(leg) = self.leg.agreed() {
            leg.handle_closed(now, flow);
        }
        self.drain(now);
    }

    /// Whether whoever sends by this path has proved to be the browser at the far end.
    #[must_use]
    pub fn admits(&self, flow: Flow) -> bool {
        self.leg.admits(flow)
    }

    /// Lets the call act on what the browser's transport tells.
    pub(super) fn drain_browser(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(event) = self.leg.agreed().and_then(Leg::poll_browser) {
            moved = true;
            match event {
                // What an ACK is to a telephone: the far end has our answer, and can hear.
                WebRtcEvent::Connected => {
                    self.journal.mark_once(now, Moment::Acknowledged);
                    self.session.handle(now, CallEvent::Signalling(SignallingEvent::Confirmed { sdp: bytes::Bytes::new() }));
                }
                WebRtcEvent::Moved => self.journal.mark(now, Moment::PathChanged),
                WebRtcEvent::Failed(error) => {
                    tracing::info!(call = %self.journal.record().id, %error, "browser_not_connected");
                    self.session.handle(now, CallEvent::BrowserLost(reason(&error)));
                }
                WebRtcEvent::Lost => self.session.handle(now, CallEvent::BrowserLost(MediaReason::ConsentLost)),
                WebRtcEvent::Closed => self.session.handle(now, CallEvent::Signalling(SignallingEvent::HungUp)),
                WebRtcEvent::Channel(event) => self.handle_channel(now, event),
            }
        }
        self.tell_page(now);
        moved
    }

    fn handle_channel(&mut self, now: Instant, event: ChannelEvent) {
        match event {
            ChannelEvent::Opened => self.page.open(&self.journal.record().id),
            ChannelEvent::Closed => self.page.close(),
            ChannelEvent::Said(text) => match self.page.take(&text) {
                Some(PageWish::HangUp) => self.session.handle(now, CallEvent::Signalling(SignallingEvent::HungUp)),
                Some(PageWish::Keys(keys)) => {
                    for digit in keys {
                        self.session.handle(now, CallEvent::Signalling(SignallingEvent::Key { digit, duration: KEY_HELD }));
                    }
                }
                None => {}
            },
        }
    }

    /// Says to the page what waits for it.
    fn tell_page(&mut self, now: Instant) {
        let Some(leg) = self.leg.agreed() else { return };
        while let Some(text) = self.page.poll() {
            // A page that takes no more is told the rest no more.
            leg.tell(now, &text);
        }
    }
}

const fn reason(error: &WebRtcError) -> MediaReason {
    match error {
        WebRtcError::Dtls(DtlsError::Fingerprint) => MediaReason::Fingerprint,
        WebRtcError::Dtls(_) | WebRtcError::NoPath | WebRtcError::HandshakeTime => MediaReason::NotConnected,
    }
}
