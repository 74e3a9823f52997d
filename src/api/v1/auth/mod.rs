//! `/v1/auth`: signing in step by step, staying signed in, and looking after one's own account.
//!
//! What is wrong with an attempt is told to the audit log alone: an address that nobody has, a wrong password, a locked
//! account and a suspended organisation get the same answer after the same work. A program gets its refresh token in the
//! body. A page of a browser asks for it as a cookie ([`handover`]), which no script can read.

mod codes;
mod factor;
mod handover;
mod input;
mod login;
mod me;
mod password;
mod refresh;
mod tried;
mod view;

pub(in crate::api) use handover::REFRESH_COOKIE;

use crate::api::contract::{Access, RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = signing_in();
    routes.extend(by_mail());
    routes.extend(account());
    routes
}

/// A step toward a sign-in: open to anybody, and answered alike to everybody who should not have come.
fn step(route: Route) -> Route {
    route.access(Access::Public).fails(&[Code::Unauthorized])
}

fn signing_in() -> Vec<Route> {
    const DONE: &str = "How far the sign-in has come: done with `signed_in`, or the next step and its token.";
    vec![
        step(Route::new(Verb::Post, "/v1/auth/login", "signIn", "Sign in with address and password", login::login))
            .body::<input::Login>()
            .answers::<view::SignIn>(200, DONE),
        step(Route::new(Verb::Post, "/v1/auth/second_factor", "proveSecondFactor", "The second factor of a sign-in", login::second_factor))
            .body::<input::SecondFactor>()
            .answers::<view::SignIn>(200, DONE),
        step(Route::new(
            Verb::Post,
            "/v1/auth/enrolment",
            "beginEnrolment",
            "Begin to set up a second factor while signing in",
            login::enrol,
        ))
        .body::<input::Step>()
        .answers::<view::Enrolment>(200, "What the authenticator is given; shown once."),
        step(Route::new(
            Verb::Post,
            "/v1/auth/enrolment/confirm",
            "confirmEnrolment",
            "End it with a first code",
            login::confirm_enrolment,
        ))
        .body::<input::SecondFactor>()
        .answers::<view::Enrolled>(200, "The sign-in, and the backup codes; shown once.")
        .fails(&[Code::Conflict]),
        step(Route::new(
            Verb::Post,
            "/v1/auth/password/replace",
            "replacePassword",
            "Choose the password that a sign-in asks for",
            login::replace,
        ))
        .body::<input::ReplacePassword>()
        .answers::<view::SignIn>(200, DONE),
        step(Route::new(Verb::Post, "/v1/auth/refresh", "refreshTokens", "Exchange a refresh token for the next pair", refresh::refresh))
            .reads(RequestHeader::RefreshCookie)
            .body::<input::Refresh>()
            .answers::<view::Tokens>(200, "The next pair. The token that was exchanged is used up.")
            .fails(&[Code::Forbidden]),
    ]
}

fn by_mail() -> Vec<Route> {
    const UNDER_WAY: &str = "If the address is somebody's who may have it, the e-mail is under way.";
    let open = |route: Route| route.access(Access::Public);
    vec![
        open(Route::new(
            Verb::Post,
            "/v1/auth/password/reset_request",
            "requestPasswordReset",
            "Ask for another password",
            codes::request_reset,
        ))
        .body::<input::Address>()
        .answers_empty(202, UNDER_WAY),
        open(Route::new(Verb::Post, "/v1/auth/password/reset", "resetPassword", "Choose it with the code of the e-mail", codes::reset))
            .body::<input::CodeAndPassword>()
            .answers_empty(204, "The password is changed; all sign-ins have ended."),
        open(Route::new(
            Verb::Post,
            "/v1/auth/verify_email/request",
            "requestVerification",
            "Ask to prove an address",
            codes::request_verification,
        ))
        .body::<input::Address>()
        .answers_empty(202, UNDER_WAY),
        open(Route::new(Verb::Post, "/v1/auth/verify_email", "verifyEmail", "Prove it with the code of the e-mail", codes::verify))
            .body::<input::MailedCode>()
            .answers_empty(204, "The address is proved."),
        open(Route::new(
            Verb::Post,
            "/v1/auth/accept_invitation",
            "acceptInvitation",
            "Accept an invitation with a first password",
            codes::accept,
        ))
        .body::<input::CodeAndPassword>()
        .answers_empty(204, "The invitation is accepted; signing in is next."),
        open(Route::new(Verb::Post, "/v1/auth/one_time_code", "requestOneTimeCode", "Ask for a code to sign in with", codes::request_code))
            .body::<input::Address>()
            .answers_empty(202, UNDER_WAY),
        step(Route::new(Verb::Post, "/v1/auth/one_time_code/login", "signInByCode", "Sign in with the code of the e-mail", login::by_code))
            .body::<input::CodeLogin>()
            .answers::<view::SignIn>(200, "How far the sign-in has come."),
    ]
}

fn account() -> Vec<Route> {
    // A key and the admin secret have no account.
    let own = |route: Route| route.fails(&[Code::Forbidden]);
    vec![
        Route::new(Verb::Get, "/v1/auth/me", "getMe", "Who asks, and what they may do", me::me)
            .answers::<view::Me>(200, "User, organisation and permissions of the credentials."),
        own(Route::new(Verb::Post, "/v1/auth/logout", "logOut", "End this sign-in", me::log_out)).answers_empty(204, "It has ended."),
        own(Route::new(Verb::Post, "/v1/auth/logout_all", "logOutEverywhere", "End all one's sign-ins", me::log_out_everywhere))
            .answers_empty(204, "They have ended."),
        own(Route::new(Verb::Get, "/v1/auth/sessions", "listSessions", "One's own sign-ins, newest first", me::sessions))
            .query::<input::SessionQuery>()
            .answers::<view::Sessions>(200, "A page of sign-ins, ended ones too."),
        own(Route::new(Verb::Delete, "/v1/auth/sessions/{id}", "endSession", "End one of them", me::end_session))
            .answers_empty(204, "It has ended."),
        own(Route::new(Verb::Post, "/v1/auth/password", "changePassword", "Change one's password", password::change))
            .body::<input::ChangePassword>()
            .answers_empty(204, "It is changed; one's other sign-ins have ended."),
        own(Route::new(Verb::Post, "/v1/auth/prove", "proveAgain", "Prove the second factor again", factor::prove))
            .body::<input::Code>()
            .answers_empty(204, "For ten minutes what asks for it may be done."),
        own(Route::new(Verb::Post, "/v1/auth/totp", "beginSecondFactor", "Begin to set up a second factor", factor::begin))
            .body::<input::Password>()
            .answers::<view::Enrolment>(200, "What the authenticator is given; shown once.")
            .fails(&[Code::Conflict]),
        own(Route::new(Verb::Post, "/v1/auth/totp/confirm", "confirmSecondFactor", "End it with a first code", factor::confirm))
            .body::<input::Code>()
            .answers::<view::BackupCodes>(200, "Backup codes, shown once; one's other sign-ins have ended.")
            .fails(&[Code::Conflict]),
        own(Route::new(Verb::Delete, "/v1/auth/totp", "removeSecondFactor", "Take one's second factor away", factor::remove))
            .proved()
            .answers_empty(204, "It is gone, and all sign-ins have ended; a role that requires one sets up another at the next."),
        own(Route::new(
            Verb::Post,
            "/v1/auth/backup_codes",
            "renewBackupCodes",
            "New backup codes in the place of all others",
            factor::renew,
        ))
        .proved()
        .answers::<view::BackupCodes>(200, "Ten codes, shown once."),
    ]
}

/// A code of an e-mail that is not good: the field that it came in.
fn code_fault(error: crate::identity::IdentityError) -> ApiError {
    match error {
        crate::identity::IdentityError::InvalidCode => ApiError::field("code", "is none that was sent, was used, or is too old"),
        error => error.into(),
    }
}
