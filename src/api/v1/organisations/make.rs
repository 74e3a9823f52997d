//! Making organisations.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::Utc;

use super::input::NewOrganisation;
use super::{of_organisation, shown};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::{address, finished};
use crate::domain::access::Role;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::OrgId;
use crate::domain::organisation::Organisation;
use crate::domain::user::User;
use crate::store::versioned::Versioned;

/// `POST /v1/organisations`.
pub(super) async fn create(
    State(state): State<AppState>,
    requester: Requester,
    Body(input): Body<NewOrganisation>,
) -> Result<Response, ApiError> {
    let now = Utc::now();
    let administrator = input.admin_email.as_ref().map(|email| address("admin_email", email)).transpose()?;
    let organisation = input.over(Organisation::new(OrgId::random(), String::new(), now), now)?;
    finished(async move {
        let invited = administrator.map(|email| User::invited(organisation.id.clone(), email, None, Role::OrgAdmin, now));
        let work = async {
            // Whoever cannot be added has no organisation made for them; only once there is one they are told.
            if let Some(user) = &invited {
                state.identity.add_invited(user, now).await?;
            }
            let version = state.organisations.insert(&organisation).await?;
            if let Some(user) = &invited {
                state.identity.invite_again(user, now).await?;
            }
            Ok(version)
        };
        let version = state.carry_out(&requester, of_organisation(AuditAction::Create, Some(&organisation.id)), work).await?;
        let location = HeaderValue::from_str(&format!("/v1/organisations/{}", organisation.id));
        let mut response = shown(StatusCode::CREATED, Versioned { record: organisation, version });
        location.into_iter().for_each(|location| drop(response.headers_mut().insert(header::LOCATION, location)));
        Ok(response)
    })
    .await
}
