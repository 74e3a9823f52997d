//! `GET /v1/patients/export`: everybody who is cared for, a page of the store at a time, as CSV (RFC 4180) or JSON.
//!
//! A field that a spreadsheet would take for a formula gets an apostrophe before it, as OWASP advises: a name such as
//! `=HYPERLINK(…)` is somebody's attack on whoever opens the file. A telephone number that begins with `+` is none.

use std::fmt::Write;
use std::io;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::input::{ExportFormat, ExportQuery};
use super::of_patient;
use super::view::PatientView;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query as Parameters;
use crate::api::state::AppState;
use crate::domain::audit_event::AuditAction;
use crate::domain::patient::Patient;
use crate::store::patients::PatientFilter;
use crate::store::{Cursor, OrgScope, Query, StoreError};

pub(super) async fn export(
    State(state): State<AppState>,
    requester: Requester,
    Parameters(query): Parameters<ExportQuery>,
) -> Result<Response, ApiError> {
    state.record(&requester, of_patient(AuditAction::Export, None), &Ok(())).await?;
    let json = query.format == Some(ExportFormat::Json);
    let walk = Walk { state, scope: requester.scope(), json, place: Place::Start };
    let pages = stream::unfold(walk, |mut walk| async move {
        let page = walk.next().await.transpose()?;
        let page = page.map_err(|error| {
            // The status is long gone: the broken body says that it is not whole.
            tracing::error!(%error, "export_failed");
            io::Error::other("the store failed")
        });
        Some((page, walk))
    });
    let (media_type, name) = if json { ("application/json", "patients.json") } else { ("text/csv; charset=utf-8", "patients.csv") };
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)], Body::from_stream(pages))
        .into_response())
}

/// The way through all patients.
struct Walk {
    state: AppState,
    scope: OrgScope,
    json: bool,
    place: Place,
}

enum Place {
    Start,
    After(Cursor),
    End,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let (after, first) = match std::mem::replace(&mut self.place, Place::End) {
            Place::Start => (None, true),
            Place::After(cursor) => (Some(cursor), false),
            Place::End => return Ok(None),
        };
        let page = self.state.patients.list(&self.scope, PatientFilter::Present, after, Query::MAX_LIMIT).await?;
        self.place = page.next.map_or(Place::End, Place::After);
        let last = matches!(self.place, Place::End);
        let patients = page.records.into_iter().map(|found| found.record);
        let text = if self.json { as_json(patients, first, last) } else { as_csv(patients, first) };
        Ok(Some(text.into()))
    }
}

fn as_json(patients: impl Iterator<Item = Patient>, first: bool, last: bool) -> String {
    let rows: Vec<_> = patients.filter_map(|patient| serde_json::to_string(&PatientView::new(patient, true)).ok()).collect();
    let (open, close) = (if first { "[" } else { "" }, if last { "]" } else { "" });
    // Only the last page of a list that ended exactly there is empty.
    let comma = if first || rows.is_empty() { "" } else { "," };
    format!("{open}{comma}{}{close}", rows.join(","))
}

fn as_csv(patients: impl Iterator<Item = Patient>, first: bool) -> String {
    let mut text = if first { format!("{}\r\n", COLUMNS.join(",")) } else { String::new() };
    for patient in patients {
        let details = &patient.details;
        let row = [
            patient.id.to_string(),
            details.name.expose().clone(),
            details.email.as_ref().map(|email| email.expose().as_str().to_owned()).unwrap_or_default(),
            details.phone.as_ref().map(|phone| phone.expose().as_str().to_owned()).unwrap_or_default(),
            details.phone_e164.as_ref().map(|phone| phone.expose().as_str().to_owned()).unwrap_or_default(),
            details.date_of_birth.as_ref().map(|day| day.expose().to_string()).unwrap_or_default(),
            details.language.clone().unwrap_or_default(),
            details.time_zone.clone().unwrap_or_default(),
            details.notes.as_ref().map(|notes| notes.expose().clone()).unwrap_or_default(),
            patient.created_at.to_rfc3339(),
            patient.updated_at.to_rfc3339(),
        ];
        let cells: Vec<_> = row.iter().map(|cell| quoted(cell)).collect();
        // Writing to a string cannot fail.
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}

/// A cell, quoted whatever it holds, and no formula.
fn quoted(cell: &str) -> String {
    let number = cell.bytes().all(|byte| byte.is_ascii_digit() || b"+- ".contains(&byte));
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number;
    format!("\"{}{}\"", if formula { "'" } else { "" }, cell.replace('"', "\"\""))
}

const COLUMNS: [&str; 11] =
    ["id", "name", "email", "phone", "phone_e164", "date_of_birth", "language", "time_zone", "notes", "created_at", "updated_at"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_ends_where_it_ends() {
        for (cell, written) in [
            ("=1+1", "\"'=1+1\""),
            ("+1 555 010-0199", "\"+1 555 010-0199\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("say \"no\", twice\n", "\"say \"\"no\"\", twice\n\""),
        ] {
            assert_eq!(quoted(cell), written);
        }
    }
}
