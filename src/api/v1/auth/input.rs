//! What the routes of signing in take.

use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;

/// How a refresh token is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Delivery {
    #[default]
    Body,
    Cookie,
}

/// Address and password.
#[derive(Debug, Deserialize)]
pub(super) struct Login {
    pub(super) email: Redacted<String>,
    pub(super) password: Redacted<String>,
    pub(super) org_id: Option<OrgId>,
    #[serde(default)]
    pub(super) refresh: Option<Delivery>,
}

/// Address and the code of an e-mail.
#[derive(Debug, Deserialize)]
pub(super) struct CodeLogin {
    pub(super) email: Redacted<String>,
    pub(super) code: Redacted<String>,
    pub(super) org_id: Option<OrgId>,
    #[serde(default)]
    pub(super) refresh: Option<Delivery>,
}

/// The token of a step, and nothing else.
#[derive(Debug, Deserialize)]
pub(super) struct Step {
    pub(super) step_token: Redacted<String>,
}

/// The token of a step, and a code.
#[derive(Debug, Deserialize)]
pub(super) struct SecondFactor {
    pub(super) step_token: Redacted<String>,
    pub(super) code: Redacted<String>,
    #[serde(default)]
    pub(super) refresh: Option<Delivery>,
}

/// The token of a step, and a password.
#[derive(Debug, Deserialize)]
pub(super) struct ReplacePassword {
    pub(super) step_token: Redacted<String>,
    pub(super) password: Redacted<String>,
    #[serde(default)]
    pub(super) refresh: Option<Delivery>,
}

/// A refresh token, where it does not come as a cookie.
#[derive(Debug, Deserialize)]
pub(super) struct Refresh {
    pub(super) refresh_token: Option<Redacted<String>>,
}

/// An address to write to.
#[derive(Debug, Deserialize)]
pub(super) struct Address {
    pub(super) email: Redacted<String>,
    pub(super) org_id: Option<OrgId>,
}

/// A code of an e-mail.
#[derive(Debug, Deserialize)]
pub(super) struct MailedCode {
    pub(super) code: Redacted<String>,
}

/// A code of an e-mail, and a password.
#[derive(Debug, Deserialize)]
pub(super) struct CodeAndPassword {
    pub(super) code: Redacted<String>,
    pub(super) password: Redacted<String>,
}

/// The old password and the new one.
#[derive(Debug, Deserialize)]
pub(super) struct ChangePassword {
    pub(super) old_password: Redacted<String>,
    pub(super) password: Redacted<String>,
}

/// The password, again.
#[derive(Debug, Deserialize)]
pub(super) struct Password {
    pub(super) password: Redacted<String>,
}

/// A code of the authenticator, or a backup code.
#[derive(Debug, Deserialize)]
pub(super) struct Code {
    pub(super) code: Redacted<String>,
}

/// Which sign-ins to list.
#[derive(Debug, Deserialize)]
pub(super) struct SessionQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

const EMAIL: Member = Member::required("email", Shape::of(Format::Email), "");
const ORG: Member = Member::optional("org_id", Shape::of(Format::Id("org")), "The organisation, where the address signs in to several.");
const KNOWN_PASSWORD: Shape = Shape::line(1, 256, "gravel tin orbit lamp");
const NEW_PASSWORD: Shape = Shape::line(15, 256, "marble socket thirteen owls");
const CODE: Shape = Shape::line(6, 32, "287082");
const MAILED_CODE: Shape = Shape::line(1, 256, "org_default.user_00000000000000000000000000.c2VjcmV0");
const STEP: Member = Member::required("step_token", Shape::line(1, 4_096, "eyJ0eXAiOiJKV1QifQ.e30.c2ln"), "The token of the step before.");
const DELIVERY: Member = Member::optional(
    "refresh",
    Shape::Choice(&["body", "cookie"]),
    "Where the refresh token goes: into the body, as when absent, or into a cookie that no script can read, for browsers.",
);

impl Input for Login {
    const SHAPE: &'static Object =
        &Object { name: "Login", members: &[EMAIL, Member::required("password", KNOWN_PASSWORD, ""), ORG, DELIVERY] };
}

impl Input for CodeLogin {
    const SHAPE: &'static Object =
        &Object { name: "CodeLogin", members: &[EMAIL, Member::required("code", Shape::line(8, 8, "04815162"), ""), ORG, DELIVERY] };
}

impl Input for Step {
    const SHAPE: &'static Object = &Object { name: "Step", members: &[STEP] };
}

impl Input for SecondFactor {
    const SHAPE: &'static Object = &Object {
        name: "SecondFactorStep",
        members: &[STEP, Member::required("code", CODE, "Of the authenticator, or where one is set up already a backup code."), DELIVERY],
    };
}

impl Input for ReplacePassword {
    const SHAPE: &'static Object =
        &Object { name: "ReplacePassword", members: &[STEP, Member::required("password", NEW_PASSWORD, "The new one."), DELIVERY] };
}

impl Input for Refresh {
    const SHAPE: &'static Object = &Object {
        name: "Refresh",
        members: &[Member::optional("refresh_token", Shape::line(1, 512, "rt.org_default"), "Absent where it comes as a cookie.")],
    };
}

impl Input for Address {
    const SHAPE: &'static Object = &Object { name: "Address", members: &[EMAIL, ORG] };
}

impl Input for MailedCode {
    const SHAPE: &'static Object = &Object { name: "MailedCode", members: &[Member::required("code", MAILED_CODE, "")] };
}

impl Input for CodeAndPassword {
    const SHAPE: &'static Object = &Object {
        name: "CodeAndPassword",
        members: &[Member::required("code", MAILED_CODE, ""), Member::required("password", NEW_PASSWORD, "")],
    };
}

impl Input for ChangePassword {
    const SHAPE: &'static Object = &Object {
        name: "ChangePassword",
        members: &[Member::required("old_password", KNOWN_PASSWORD, ""), Member::required("password", NEW_PASSWORD, "The new one.")],
    };
}

impl Input for Password {
    const SHAPE: &'static Object = &Object { name: "Password", members: &[Member::required("password", KNOWN_PASSWORD, "")] };
}

impl Input for Code {
    const SHAPE: &'static Object = &Object { name: "Code", members: &[Member::required("code", CODE, "")] };
}

impl Input for SessionQuery {
    const SHAPE: &'static Object = &Object {
        name: "SessionQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
        ],
    };
}
