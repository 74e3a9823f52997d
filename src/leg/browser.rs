//! A leg whose far end is a browser: what signalling and sockets tell its transport, and what that tells the call.

use std::time::Instant;

use media::ice::IceCredentials;
use media::transport::webrtc::WebRtcEvent;
use media::transport::{Flow, Transport, WebRtc};

use super::Leg;

impl Leg {
    /// What the browser's transport has to tell; nothing where the far end is none.
    pub fn poll_browser(&mut self) -> Option<WebRtcEvent> {
        self.browser_mut()?.poll_event()
    }

    /// Whether the far end is a browser.
    #[must_use]
    pub const fn is_browser(&self) -> bool {
        matches!(self.transport, Transport::WebRtc(_))
    }

    /// Whether whoever sends by this path has proved to be the far end.
    #[must_use]
    pub fn admits(&self, flow: Flow) -> bool {
        match &self.transport {
            Transport::WebRtc(browser) => browser.admits(flow),
            Transport::Plain(_) | Transport::Sdes(_) => false,
        }
    }

    /// The browser has changed networks and starts ICE anew.
    pub fn restart_ice(&mut self, local: IceCredentials, remote: IceCredentials) {
        if let Some(browser) = self.browser_mut() {
            browser.restart(local, remote);
        }
    }

    /// A connection is gone, by which the browser was reached.
    pub fn handle_closed(&mut self, now: Instant, flow: Flow) {
        if let Some(browser) = self.browser_mut() {
            browser.handle_closed(now, flow);
        }
    }

    /// Says something to the page; false where it has opened no channel, or does not take more.
    pub fn tell(&mut self, now: Instant, text: &str) -> bool {
        self.browser_mut().is_some_and(|browser| browser.say(now, text))
    }

    pub(super) const fn browser_mut(&mut self) -> Option<&mut WebRtc> {
        match &mut self.transport {
            Transport::WebRtc(browser) => Some(browser),
            Transport::Plain(_) | Transport::Sdes(_) => None,
        }
    }
}
