//! The console: a page for operators, at `/`, made of files that are part of the program.
//!
//! They are built by `make console` into `console/dist`; a program that was built without them says so on a page. Each path
//! of the page answers with the page, which finds its place by itself; any other path is no route. Files bear a digest of
//! what is in them in their name and may be kept for ever; the page itself may not. Nothing is loaded from elsewhere, no
//! script or style stands in the page, and text never becomes markup. None of it is a part of the interface's contract.

mod files;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::error::ApiError;
use files::File;

/// Paths of the page, and its files.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let pages = PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(page)));
    pages.route("/assets/{file}", get(asset))
}

async fn page(headers: HeaderMap) -> Response {
    let Some(file) = File::find("index.html") else { return not_built() };
    (PAGE_HEADERS, served(file, &headers)).into_response()
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let file = Some(name).filter(|name| name.bytes().all(plain)).and_then(|name| File::find(&format!("assets/{name}")));
    let file = file.ok_or(ApiError::NoRoute)?;
    Ok(([(header::CACHE_CONTROL, FOR_EVER)], served(file, &headers)).into_response())
}

/// The file, packed where the browser takes it so.
fn served(file: File, headers: &HeaderMap) -> Response {
    let media_type = [(header::CONTENT_TYPE, file.media_type()), (header::VARY, "Accept-Encoding")];
    match file.packed().filter(|_| takes_gzip(headers)) {
        Some(packed) => (media_type, [(header::CONTENT_ENCODING, "gzip")], packed).into_response(),
        None => (media_type, file.octets()).into_response(),
    }
}

/// Whether gzip is among what is accepted, and not with a weight of nought (RFC 9110 §12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let refused = weight.trim().trim_start_matches("q=").bytes().all(|byte| b"0.".contains(&byte));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn not_built() -> Response {
    let text = Bytes::from_static(include_bytes!("not_built.html"));
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

/// Where the page can stand; `console/src/router.ts` knows the same.
const PAGES: [&str; 6] = ["/", "/calls", "/calls/{id}", "/phone", "/patients", "/patients/{id}"];

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What the page may do: run its own script, ask this gateway, and use the microphone for its phone.
const PAGE_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        ),
    ),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(), geolocation=(), microphone=(self)")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_file_goes_only_to_who_takes_it() {
        let takes = |accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            takes_gzip(&headers)
        };
        for accepted in ["gzip", "br, GZIP", "deflate, gzip;q=0.5", "gzip; q=1.0"] {
            assert!(takes(accepted), "{accepted}");
        }
        for accepted in ["", "br", "gzip;q=0", "gzip; q=0.000", "identity"] {
            assert!(!takes(accepted), "{accepted}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
