//! How a refresh token is handed over: in the body to a program, as a cookie to a page that asks for it.
//!
//! The cookie (RFC 6265bis) is HttpOnly, so that no script reads it, Secure, SameSite=Strict, and goes to `/v1/auth` alone.
//! Against requests that another site makes a browser send (CSRF) stand three things: the browser sends no such cookie
//! along, a body must be `application/json`, which no form can send, and a request that lives by the cookie must say that
//! a page of this very host made it (`Sec-Fetch-Site`, or `Origin` in browsers that do not know that). All other routes
//! take a header that only a page's own script can set, and no cookie.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::input::Delivery;
use super::view::{Next, SignIn, Tokens};
use crate::api::error::ApiError;
use crate::domain::redacted::Redacted;
use crate::identity::sign_in::{self, SignedIn};
use crate::identity::token::TokenKind;

/// The cookie's name; the prefix makes browsers insist on Secure.
pub(in crate::api) const REFRESH_COOKIE: &str = "__Secure-auricle_refresh";

/// The refresh token that a browser sends along, when a page of ours made it do so.
#[derive(Debug)]
pub(super) enum Cookie {
    None,
    /// Another site may be behind it.
    Foreign,
    Ours(Redacted<String>),
}

impl<S: Sync> FromRequestParts<S> for Cookie {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(token) = cookie(&parts.headers) else { return Ok(Self::None) };
        let ours = is_from_our_page(&parts.headers, &parts.uri);
        Ok(if ours { Self::Ours(Redacted::new(token)) } else { Self::Foreign })
    }
}

/// How far a sign-in has come, as it is answered.
pub(super) fn answer(signed_in: SignedIn, delivery: Delivery) -> (SignIn, HeaderMap) {
    match signed_in {
        SignedIn::Session(tokens) => {
            let (view, headers) = hand_over(tokens, delivery);
            (SignIn::SignedIn(view), headers)
        }
        SignedIn::Step { kind, token } => {
            let next = Next { step_token: token };
            let view = match kind {
                TokenKind::Enrolment => SignIn::Enrolment(next),
                TokenKind::PasswordChange => SignIn::PasswordChange(next),
                TokenKind::SecondFactor | TokenKind::Access => SignIn::SecondFactor(next),
            };
            (view, HeaderMap::new())
        }
    }
}

/// A pair of tokens as it is answered.
pub(super) fn hand_over(tokens: sign_in::Tokens, delivery: Delivery) -> (Tokens, HeaderMap) {
    let mut headers = HeaderMap::new();
    if delivery == Delivery::Cookie {
        let seconds = (tokens.refresh_expires_at - Utc::now()).num_seconds().max(0);
        headers.extend(set_cookie(tokens.refresh.expose(), seconds));
    }
    (Tokens::new(tokens, delivery == Delivery::Body), headers)
}

/// An answer that also takes the cookie away.
pub(super) fn forgetting(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().extend(set_cookie("", 0));
    response
}

/// The answer with its headers.
pub(super) fn respond<T: serde::Serialize>((view, headers): (T, HeaderMap)) -> Response {
    (headers, Json(view)).into_response()
}

fn set_cookie(token: &str, seconds: i64) -> Option<(header::HeaderName, HeaderValue)> {
    let text = format!("{REFRESH_COOKIE}={token}; Max-Age={seconds}; Path=/v1/auth; HttpOnly; Secure; SameSite=Strict");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((header::SET_COOKIE, value))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == REFRESH_COOKIE);
    // Two of one name: somebody has planted one, and nobody can tell which.
    let (_, token) = named.next()?;
    (named.next().is_none() && !token.is_empty()).then(|| token.to_owned())
}

fn is_from_our_page(headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = uri.authority().map(axum::http::uri::Authority::as_str).or_else(|| headers.get(header::HOST)?.to_str().ok());
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let page = origin.and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    page.is_some() && page == host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_a_page_of_this_host_may_live_by_the_cookie() {
        let (relative, absolute) = (Uri::from_static("/v1/auth/refresh"), Uri::from_static("https://gw.example/v1/auth/refresh"));
        let ours = [
            (headers(&[("sec-fetch-site", "same-origin")]), &relative),
            (headers(&[("origin", "https://gw.example"), ("host", "gw.example")]), &relative),
            (headers(&[("origin", "https://gw.example")]), &absolute),
        ];
        for (headers, uri) in ours {
            assert!(is_from_our_page(&headers, uri), "{headers:?}");
        }
        let foreign = [
            headers(&[]),
            headers(&[("host", "gw.example")]),
            headers(&[("sec-fetch-site", "same-site")]),
            headers(&[("sec-fetch-site", "cross-site"), ("origin", "https://gw.example"), ("host", "gw.example")]),
            headers(&[("origin", "https://gw.example.evil"), ("host", "gw.example")]),
            headers(&[("origin", "null"), ("host", "gw.example")]),
        ];
        for headers in foreign {
            assert!(!is_from_our_page(&headers, &relative), "{headers:?}");
        }
    }

    #[test]
    fn the_cookie_is_read_by_its_name_and_never_when_there_are_two() {
        let name = "__Secure-auricle_refresh";
        assert_eq!(cookie(&headers(&[("cookie", "a=1; __Secure-auricle_refresh=rt.x; b=2")])).as_deref(), Some("rt.x"));
        assert_eq!(cookie(&headers(&[("cookie", "auricle_refresh=rt.x")])), None);
        let mut twice = headers(&[("cookie", "__Secure-auricle_refresh=rt.x")]);
        twice.append("cookie", format!("{name}=rt.y").parse().unwrap());
        assert_eq!(cookie(&twice), None);
    }
}
