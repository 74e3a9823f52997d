//! `/v1/whip` and `/v1/whip_tokens`: calls that web pages make (RFC 9725), and the tokens by which they may. `/v1/whep`:
//! browsers that listen.
//!
//! A page's own resource is its call, by the call's identifier. Whoever has the permission in the call's organisation may
//! steer it; a token may steer the call that it made and no other.

mod call;
mod input;
mod listen;
mod sdp;
mod steer;
mod tokens;
mod view;

use axum::http::{HeaderName, HeaderValue, header};

use crate::api::audited::Deed;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::CallId;
use crate::signalling::whip::WhipError;

pub(super) fn routes() -> Vec<Route> {
    let may = Permission::CallsBrowser;
    vec![
        Route::new(Verb::Post, "/v1/whip_tokens", "createWhipToken", "Make a token by which a page may make one call", tokens::create)
            .needs(may)
            .body::<input::NewToken>()
            .answers::<view::TokenMade>(201, "The token; it is shown this once, and is good for one call.")
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::new(Verb::Post, "/v1/whip/{agent}", "callFromPage", "Call an agent from a web page (WHIP)", call::call)
            .needs(may)
            .waits_for_agent()
            .takes(sdp::OFFER)
            .answers_as(
                201,
                sdp::OFFER,
                "The answer. `Location` is the call to the page, `ETag` the version of its ICE, `Link` names servers that help.",
            )
            .fails(&[Code::Conflict]),
        Route::new(Verb::Patch, "/v1/whip/calls/{id}", "patchPageCall", "Tell candidates, or start ICE anew", steer::patch)
            .needs(may)
            .takes(sdp::FRAGMENT)
            .reads(RequestHeader::IfMatch)
            .answers_as(200, sdp::FRAGMENT, "ICE starts anew: the gateway's side of it. `ETag` is its version.")
            .answers_empty(204, "Note was taken."),
        Route::new(Verb::Delete, "/v1/whip/calls/{id}", "endPageCall", "Hang up", steer::end)
            .needs(may)
            .answers_empty(200, "The call is being ended."),
        Route::new(Verb::Post, "/v1/calls/{id}/whep", "listenFromPage", "Listen to a running call by a browser (WHEP)", listen::start)
            .needs(Permission::CallsListen)
            .takes(sdp::OFFER)
            .answers_as(
                201,
                sdp::OFFER,
                "The answer. `Location` is the listener, `ETag` the version of its ICE, `Link` names servers that help.",
            )
            .fails(&[Code::Conflict]),
        Route::new(Verb::Patch, "/v1/whep/{id}", "patchListener", "Tell candidates, or start ICE anew", listen::patch)
            .needs(Permission::CallsListen)
            .takes(sdp::FRAGMENT)
            .reads(RequestHeader::IfMatch)
            .answers_as(200, sdp::FRAGMENT, "ICE starts anew: the gateway's side of it. `ETag` is its version.")
            .answers_empty(204, "Note was taken."),
        Route::new(Verb::Delete, "/v1/whep/{id}", "endListener", "Listen no more", listen::end)
            .needs(Permission::CallsListen)
            .answers_empty(200, "Nobody listens any more."),
    ]
}

fn of_call(action: AuditAction, id: Option<&CallId>) -> Deed {
    Deed { action, resource: AuditResource::Call, object: id.map(ToString::to_string) }
}

/// Why a page's wish is not fulfilled, in the interface's terms.
pub(super) fn refusal(error: WhipError) -> ApiError {
    use crate::call::event::RejectCause;
    use crate::call::launch::{BrowserLaunchError as Launch, LaunchError};
    match error {
        WhipError::Rate | WhipError::Busy => ApiError::Busy,
        WhipError::Launch(Launch::Off) => OFF,
        WhipError::Launch(Launch::Sdp(fault)) => ApiError::NotSdp(fault.to_string()),
        WhipError::Launch(Launch::Answer(fault)) => ApiError::field_said("offer", fault.to_string()),
        WhipError::Launch(Launch::Launch(LaunchError::UnknownAgent)) => ApiError::NoSuch("agent"),
        WhipError::Launch(Launch::Launch(LaunchError::NoAgreement)) | WhipError::Rejected(RejectCause::NoAgreement) => {
            ApiError::Unfit("no_agreement")
        }
        WhipError::Launch(Launch::Launch(LaunchError::Media(fault))) => ApiError::field_said("offer", fault.to_string()),
        WhipError::Launch(Launch::Launch(_)) => ApiError::NoCapacity,
        WhipError::Launch(Launch::Dtls(fault)) => {
            tracing::error!(%fault, "browser_call_without_dtls");
            ApiError::Internal
        }
        WhipError::Rejected(RejectCause::Internal) => ApiError::Internal,
        WhipError::Rejected(_) => ApiError::AgentAway,
        WhipError::NotFound | WhipError::Listener(_) => NO_CALL,
        WhipError::Changed => ApiError::Changed,
    }
}

/// The version of a call's ICE, as an `ETag`.
fn etag(generation: u64) -> (HeaderName, HeaderValue) {
    (header::ETAG, HeaderValue::from_str(&format!("\"{generation}\"")).unwrap_or(HeaderValue::from_static("\"0\"")))
}

const NO_CALL: ApiError = ApiError::NoSuch("call");
/// Pages may not call.
const OFF: ApiError = ApiError::Unfit("webrtc_off");
