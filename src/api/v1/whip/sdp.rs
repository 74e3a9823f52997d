//! Bodies of WHIP: session descriptions, and fragments of them.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::api::error::ApiError;

/// A description (RFC 8866 §8.1).
pub(super) const OFFER: &str = "application/sdp";
/// A fragment (RFC 8840 §9).
pub(super) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// A body of type `application/sdp`.
#[derive(Debug)]
pub(super) struct Sdp(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Sdp {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        read(request, state, OFFER).await.map(Self)
    }
}

/// The body of a request, which must be of this type.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S, wanted: &'static str) -> Result<Bytes, ApiError> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    if !media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(wanted)) {
        return Err(ApiError::NotOfType(wanted));
    }
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let too_large = rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
        if too_large { ApiError::TooLarge } else { ApiError::NotSdp("the body was cut off".to_owned()) }
    })
}
