//! `POST /config/validate`: what is wrong with a configuration, before anybody starts with it.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::contract::{Format, Input, Member, Object, Output, Shape};
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::domain::setting::SettingFault;

/// The text of a configuration.
#[derive(Debug, Deserialize)]
pub(super) struct ConfigText {
    toml: String,
}

impl Input for ConfigText {
    const SHAPE: &'static Object = &Object {
        name: "ConfigText",
        members: &[Member::required(
            "toml",
            Shape::Text { min: 0, max: 60_000, format: Format::Lines, example: "[calls]\nmax_concurrent = 400\n" },
            "The file as it would be given to `auricle serve --config`. Secrets do not belong into it.",
        )],
    };
}

/// What is wrong with it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Checked {
    valid: bool,
    faults: Vec<Fault>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Fault {
    key: String,
    value: String,
    bound: String,
    mend: String,
}

pub(super) async fn validate(State(state): State<AppState>, Body(text): Body<ConfigText>) -> Json<Checked> {
    let faults: Vec<_> = (state.gateway.check_config)(&text.toml).into_iter().map(Fault::from).collect();
    Json(Checked { valid: faults.is_empty(), faults })
}

impl From<SettingFault> for Fault {
    fn from(fault: SettingFault) -> Self {
        let SettingFault { key, value, bound, mend } = fault;
        Self { key, value, bound, mend }
    }
}

impl Output for Checked {
    fn example() -> Self {
        let fault = Fault {
            key: "calls.max_concurrent".to_owned(),
            value: "0".to_owned(),
            bound: "must be from 1 to 16000 calls".to_owned(),
            mend: "choose a value within that range".to_owned(),
        };
        Self { valid: false, faults: vec![fault] }
    }
}
