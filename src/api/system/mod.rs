//! The gateway itself: whether it lives, whether it is ready, how it stands, what it counted, what it would make of a
//! configuration, and what it can do.

mod config_check;
mod documentation;
mod health;
mod status;

use super::contract::{Access, Route, Verb};
use super::error::Code;
use super::limits::Row;
use crate::domain::access::Permission;

/// The routes that stand outside any version.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Verb::Get, "/health", "getHealth", "Whether the process lives", health::health)
            .access(Access::Public)
            .limit(None)
            .answers::<health::Health>(200, "It lives."),
        Route::new(Verb::Get, "/ready", "getReadiness", "Whether calls can be taken", health::ready)
            .access(Access::Public)
            .limit(None)
            .answers::<health::Readiness>(200, "They can."),
        Route::new(Verb::Get, "/status", "getStatus", "How everything stands", status::status)
            .needs(Permission::SystemRead)
            .answers::<status::Status>(200, "Every part, and how it fares."),
        Route::new(Verb::Get, "/metrics", "getMetrics", "What was counted and measured", health::metrics)
            .needs(Permission::SystemRead)
            .answers_as(200, "text/plain", "In Prometheus' text form."),
        Route::new(Verb::Post, "/config/validate", "validateConfig", "What is wrong with a configuration", config_check::validate)
            .needs(Permission::SystemRead)
            .unnamed()
            .bulk()
            .body::<config_check::ConfigText>()
            .answers::<config_check::Checked>(200, "Every fault, and how to mend it; none when it could be started with."),
        Route::new(Verb::Get, "/openapi.json", "getOpenApi", "This document", documentation::openapi)
            .access(Access::Public)
            .limit(Some(Row::Api))
            .answers_as(200, "application/json", "OpenAPI 3.1."),
        Route::new(Verb::Get, "/docs", "getDocs", "A page to read and try it", documentation::page).access(Access::Public).answers_as(
            200,
            "text/html",
            "The page.",
        ),
        Route::new(Verb::Get, "/docs/{file}", "getDocsFile", "What the page is made of", documentation::file)
            .access(Access::Public)
            .answers_as(200, "text/plain", "A script or a style sheet.")
            .fails(&[Code::NotFound]),
    ]
}
