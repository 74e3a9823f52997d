//! Those who ask: a sign-in of each role, made as people make theirs.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::http;

/// A role, and an access token of somebody who has it, those first who can do the least: nobody finds that those above have removed them.
/// Administrators have just proved a second factor.
pub(crate) fn of_each_role(gateway: &Gateway) -> Vec<(&'static str, String)> {
    let first = first_password(gateway);
    let email = "admin@localhost.localdomain";
    let begun = post(gateway, "/v1/auth/login", &json!({ "email": email, "password": first }));
    let replaced = json!({ "step_token": begun["step_token"], "password": PASSWORD });
    let super_admin = enrolled(gateway, &post(gateway, "/v1/auth/password/replace", &replaced));
    let staff = |role: &str| {
        let email = format!("{}@clinic.example", role.to_lowercase());
        invited(gateway, &email, role);
        post(gateway, "/v1/auth/login", &json!({ "email": email, "password": PASSWORD }))
    };
    let org_admin = enrolled(gateway, &staff("orgAdmin"));
    vec![("staff", text(&staff("staff")["access_token"])), ("orgAdmin", org_admin), ("superAdmin", super_admin)]
}

/// What the first start has printed.
fn first_password(gateway: &Gateway) -> String {
    let limit = Instant::now() + Duration::from_secs(5);
    loop {
        let log = gateway.log();
        if let Some((_, password)) = log.split_once("one-time password, shown once: ") {
            return password.lines().next().unwrap_or_default().trim().to_owned();
        }
        assert!(Instant::now() < limit, "no one-time password in\n{log}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sets up a second factor, which ends the sign-in; the access token.
fn enrolled(gateway: &Gateway, step: &Value) -> String {
    assert_eq!(step["status"], "enrolment", "{step}");
    let begun = post(gateway, "/v1/auth/enrolment", &json!({ "step_token": step["step_token"] }));
    let secret = totp_rs::Secret::try_from_base32(text(&begun["secret"])).expect("a secret");
    let totp = totp_rs::Builder::new().with_secret(secret).build().expect("an authenticator");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    let confirm = json!({ "step_token": step["step_token"], "code": totp.generate(now).to_string() });
    text(&post(gateway, "/v1/auth/enrolment/confirm", &confirm)["sign_in"]["access_token"])
}

/// Somebody of this role, who has chosen a password.
fn invited(gateway: &Gateway, email: &str, role: &str) {
    let made = gateway.post("/v1/users", &json!({ "email": email, "role": role }).to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    let accepted = json!({ "code": mailed_code(gateway, email), "password": PASSWORD }).to_string();
    let answer = http::request(gateway.http(), "POST", "/v1/auth/accept_invitation", "", &accepted).expect("an answer");
    assert_eq!(answer.status, 204, "{}", answer.body);
}

/// The code in the e-mail to somebody, which is a file.
fn mailed_code(gateway: &Gateway, email: &str) -> String {
    let outbox = gateway.folder().join("store/outbox");
    let limit = Instant::now() + Duration::from_secs(5);
    loop {
        let mails = std::fs::read_dir(&outbox).into_iter().flatten().flatten().filter_map(|mail| std::fs::read_to_string(mail.path()).ok());
        // Long lines are broken by `=` where the text is quoted-printable.
        let mails = mails.map(|mail| mail.replace("=\r\n", "").replace("=3D", "="));
        if let Some(mail) = mails.into_iter().find(|mail| mail.contains(&format!("To: {email}"))) {
            let (_, code) = mail.split_once("?code=").expect("a code");
            return code.lines().next().unwrap_or_default().trim().to_owned();
        }
        assert!(Instant::now() < limit, "no e-mail to {email} in {}", outbox.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn post(gateway: &Gateway, path: &str, body: &Value) -> Value {
    let answer = http::request(gateway.http(), "POST", path, "", &body.to_string()).expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

const PASSWORD: &str = "gravel tin orbit lamp";
