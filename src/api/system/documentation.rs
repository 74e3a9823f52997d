//! The OpenAPI document, and a page that shows it and tries it out. Nothing is loaded from elsewhere.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::api::error::ApiError;

/// `GET /openapi.json`.
pub(super) async fn openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| crate::api::openapi_text().into());
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}

/// `GET /docs`.
pub(super) async fn page() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, include_str!("page/index.html"))
}

/// `GET /docs/{file}`.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, ApiError> {
    let (media_type, text) = match name.as_str() {
        "page.js" => ("text/javascript; charset=utf-8", include_str!("page/page.js")),
        "page.css" => ("text/css; charset=utf-8", include_str!("page/page.css")),
        _ => return Err(ApiError::NoRoute),
    };
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}

/// The page runs its own script and speaks to this gateway, and nothing else; text never becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";
