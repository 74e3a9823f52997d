//! `/v1/calls`: list, look at, start, steer and listen to calls.

mod commands;
mod input;
mod ladder;
mod listen;
mod look;
mod start;
mod view;

pub(super) use commands::refusal as command_refusal;

use crate::api::audited::Deed;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::CallId;

pub(super) fn routes() -> Vec<Route> {
    const ONE: &str = "/v1/calls/{id}";
    let (read, control) = (Permission::CallsRead, Permission::CallsControl);
    vec![
        Route::new(Verb::Get, "/v1/calls", "listCalls", "Calls, newest first", look::list)
            .needs(read)
            .query::<input::CallQuery>()
            .answers::<view::Listed>(200, "A page of calls: nothing of what was said, and nobody's number."),
        Route::new(Verb::Post, "/v1/calls", "startCall", "Call somebody", start::start)
            .needs(Permission::CallsStart)
            .body::<input::StartCall>()
            .answers::<view::Started>(201, "The call is on its way; `Location` says where it can be looked at.")
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::new(Verb::Get, ONE, "getCall", "One call", look::view)
            .needs(read)
            .reads(RequestHeader::IfNoneMatch)
            .answers::<view::CallView>(200, "The whole record; `transcript` only for who may read it. `ETag` is its version.")
            .answers_empty(304, "It is the one that the client has."),
        Route::new(Verb::Delete, ONE, "deleteCall", "End a call", commands::end)
            .needs(control)
            .answers_empty(202, "It is being ended.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Get, "/v1/calls/{id}/status", "getCallStatus", "Where a call stands", look::status)
            .needs(read)
            .reads(RequestHeader::IfNoneMatch)
            .answers::<view::StatusView>(200, "Its two statuses, and why it ended. `ETag` is its version.")
            .answers_empty(304, "It is the one that the client has."),
        Route::new(Verb::Get, "/v1/calls/{id}/transcript", "getCallTranscript", "What both sides said", look::transcript)
            .needs(Permission::TranscriptsRead)
            .answers::<view::Transcript>(200, "Every utterance so far."),
        Route::new(Verb::Get, "/v1/calls/{id}/ladder", "getCallLadder", "The signalling of a call", ladder::ladder)
            .needs(Permission::LaddersRead)
            .query::<ladder::LadderQuery>()
            .answers::<ladder::LadderView>(
                200,
                "Every message of SIP so far, secrets masked; as text, or as a capture whose packets are all UDP.",
            )
            .answers_as(200, "text/plain", "")
            .answers_as(200, "application/vnd.tcpdump.pcap", ""),
        Route::new(Verb::Post, "/v1/calls/{id}/end", "endCall", "End a call", commands::end)
            .needs(control)
            .answers_empty(202, "It is being ended.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Post, "/v1/calls/{id}/hold", "holdCall", "Put the caller on hold", commands::hold)
            .needs(control)
            .answers_empty(202, "The caller is being put on hold.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Post, "/v1/calls/{id}/resume", "resumeCall", "Take the caller off hold", commands::resume)
            .needs(control)
            .answers_empty(202, "The caller is being taken off hold.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Post, "/v1/calls/{id}/transfer", "transferCall", "Send the far end elsewhere", commands::transfer)
            .needs(control)
            .body::<input::Transfer>()
            .answers_empty(202, "The far end is asked to go there; what comes of it stands in the record and the events.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Post, "/v1/calls/{id}/dtmf", "sendDtmf", "Press keys on a call", commands::dial)
            .needs(control)
            .body::<input::Keys>()
            .answers_empty(202, "They are being pressed.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Get, "/v1/calls/{id}/listen", "listenToCall", "Listen to a running call", listen::listen)
            .needs(Permission::CallsListen)
            .query::<input::ListenQuery>()
            .answers_as(200, "audio/wav", "16-bit linear audio until the call ends; the header names no length.")
            .fails(&[Code::Conflict]),
    ]
}

fn of_call(action: AuditAction, id: Option<&CallId>) -> Deed {
    Deed { action, resource: AuditResource::Call, object: id.map(ToString::to_string) }
}

/// What is no identifier names no call.
fn call_id(text: &str) -> Result<CallId, ApiError> {
    text.parse().map_err(|_| NO_CALL)
}

const NO_CALL: ApiError = ApiError::NoSuch("call");
