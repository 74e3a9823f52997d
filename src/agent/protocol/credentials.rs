//! What a socket is opened with: who we are, and what is spoken.

use base64_simd::STANDARD;
use ring::hmac;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderName, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};

use super::{auricle, jambonz};
use crate::agent::config::Protocol;

/// The headers that show who we are at `url`; `None` when the key holds characters no header may hold.
pub(in crate::agent) fn credentials(protocol: Protocol, url: &str, key: &str) -> Option<HeaderMap> {
    let (name, value) = match protocol {
        Protocol::OpenAi
        | Protocol::GptLive
        | Protocol::Auricle
        | Protocol::Telnyx
        | Protocol::Plivo
        | Protocol::Vonage
        | Protocol::Pipecat
        | Protocol::Daily => (AUTHORIZATION, format!("Bearer {key}")),
        Protocol::Deepgram => (AUTHORIZATION, format!("Token {key}")),
        // RFC 7617: the key is `user:password`.
        Protocol::Exotel | Protocol::Jambonz => (AUTHORIZATION, format!("Basic {}", STANDARD.encode_to_string(key))),
        Protocol::Azure | Protocol::VoiceLive => (HeaderName::from_static("api-key"), key.to_owned()),
        Protocol::ElevenLabs => (HeaderName::from_static("xi-api-key"), key.to_owned()),
        Protocol::Gemini => (HeaderName::from_static("x-goog-api-key"), key.to_owned()),
        Protocol::Ultravox => (HeaderName::from_static("x-api-key"), key.to_owned()),
        Protocol::Twilio => (HeaderName::from_static("x-twilio-signature"), twilio_signature(url, key)),
    };
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some(HeaderMap::from_iter([(name, value)]))
}

/// The headers that say what is spoken.
pub(in crate::agent) fn upgrade_headers(protocol: Protocol) -> HeaderMap {
    let offered = match protocol {
        Protocol::Auricle => auricle::SUBPROTOCOL,
        Protocol::Jambonz => jambonz::SUBPROTOCOLS,
        _ => return HeaderMap::new(),
    };
    HeaderMap::from_iter([(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offered))])
}

/// Twilio signs the URL that it was given, character by character, with the account's token (HMAC-SHA1); a WebSocket has no
/// parameters beside it.
fn twilio_signature(url: &str, token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    STANDARD.encode_to_string(hmac::sign(&key, url.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_let_in_by_its_own_header() {
        let header = |protocol, name: &str| {
            let headers = credentials(protocol, "wss://bot.example/twilio?x=1", "user:pass").unwrap();
            assert!(!format!("{headers:?}").contains("pass"));
            headers[name].to_str().unwrap().to_owned()
        };
        assert_eq!(header(Protocol::Jambonz, "authorization"), "Basic dXNlcjpwYXNz");
        assert_eq!(header(Protocol::Azure, "api-key"), "user:pass");
        assert_eq!(header(Protocol::Pipecat, "authorization"), "Bearer user:pass");
        // By `RequestValidator("user:pass").compute_signature("wss://bot.example/twilio?x=1", {})` of PyPI twilio 9.13.0.
        assert_eq!(header(Protocol::Twilio, "x-twilio-signature"), "J3EZxGx5DPFku6HKcOorSI+W/fU=");
        assert!(credentials(Protocol::OpenAi, "wss://a.example/", "line\nbreak").is_none());
    }
}
