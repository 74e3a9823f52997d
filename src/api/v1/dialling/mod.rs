//! `/v1/dialling`: what an organisation may dial, what it has dialled today, and the switch that stops its calls out.
//!
//! Who runs an organisation may allow less and never more; who runs the gateway may allow more. Whether calls go out by trunks at all is
//! for the configuration to say. A stop is in force before it is written down anywhere, and ends what is up.

mod input;
mod rules;
mod stop;
mod view;

use crate::api::audited::Deed;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::Code;
use crate::api::v1::tenant::TenantQuery;
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::OrgId;

pub(super) fn routes() -> Vec<Route> {
    const RULES: &str = "/v1/dialling";
    let (read, write) = (Permission::DiallingRead, Permission::DiallingWrite);
    vec![
        Route::new(Verb::Get, RULES, "getDialling", "What may be dialled, and what was today", rules::view)
            .needs(read)
            .query::<TenantQuery>()
            .answers::<view::DiallingView>(200, "The rules; `ETag` is their version.")
            .fails(&[Code::NotFound]),
        Route::new(Verb::Put, RULES, "setDialling", "Set what may be dialled", rules::set)
            .needs(write)
            .query::<TenantQuery>()
            .reads(RequestHeader::IfMatch)
            .body::<input::NewDialling>()
            .answers::<view::DiallingView>(200, "The rules as they stand now, in force. To allow more than before wants `dialling:widen`.")
            .fails(&[Code::Conflict, Code::NotFound]),
        Route::new(
            Verb::Post,
            "/v1/dialling/stop",
            "stopDialling",
            "Stop the organisation's calls out, and end those that are up",
            stop::stop,
        )
        .needs(write)
        .query::<TenantQuery>()
        .answers::<view::StopView>(200, "They are stopped.")
        .fails(&[Code::NotFound]),
        Route::new(Verb::Post, "/v1/dialling/resume", "resumeDialling", "Let the organisation's calls out go again", stop::resume)
            .needs(write)
            .query::<TenantQuery>()
            .answers::<view::StopView>(200, "They may go again. What whoever runs the gateway has stopped is for them to resume.")
            .fails(&[Code::NotFound]),
        Route::new(
            Verb::Post,
            "/v1/dialling/gateway/stop",
            "stopAllDialling",
            "Stop everybody's calls out, and end those that are up",
            stop::stop_all,
        )
        .needs(Permission::DiallingWiden)
        .answers::<view::StopView>(200, "They are stopped."),
        Route::new(Verb::Post, "/v1/dialling/gateway/resume", "resumeAllDialling", "Let everybody's calls out go again", stop::resume_all)
            .needs(Permission::DiallingWiden)
            .answers::<view::StopView>(200, "They may go again, but for organisations that are stopped themselves."),
    ]
}

fn of_dialling(action: AuditAction, org: Option<&OrgId>) -> Deed {
    Deed { action, resource: AuditResource::Dialling, object: org.map(ToString::to_string) }
}
