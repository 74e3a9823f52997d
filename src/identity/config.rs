//! Settings of identity: `[identity]` and `[mail]`.

use std::path::PathBuf;

use chrono::TimeDelta;
use serde::Deserialize;

use super::password::HashCost;
use crate::domain::redacted::Redacted;
use crate::domain::setting::{SettingFault, out_of_range};

/// `[identity]`: how people sign in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Where people reach the gateway: what links in e-mails begin with, and who tokens say they are from. Default
    /// `http://127.0.0.1:8080`.
    pub public_url: String,
    /// Minutes that an access token is good for, 1 to 60. Default 30.
    pub access_token_minutes: u16,
    /// Days that a sign-in lasts at most, 1 to 90. Default 30.
    pub refresh_token_days: u16,
    /// Hours that a sign-in lasts at most for who sees patient data, 1 to 24. Default 12.
    pub absolute_hours: u16,
    /// Minutes without a request after which a sign-in ends, 1 to 60. Default 15.
    pub idle_minutes: u16,
    /// Memory that hashing a password takes, in KiB, 19456 to 1048576. Default 47104.
    pub password_memory_kib: u32,
    /// Passes over that memory, 1 to 16. Default 2. Together they should take 100 ms and more.
    pub password_passes: u32,
    /// File of passwords that nobody may choose, one a line; what is built in is always refused.
    pub blocked_passwords_file: Option<PathBuf>,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            access_token_minutes: 30,
            refresh_token_days: 30,
            absolute_hours: 12,
            idle_minutes: 15,
            password_memory_kib: 47_104,
            password_passes: 2,
            blocked_passwords_file: None,
        }
    }
}

impl IdentityConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let numbers = [
            out_of_range("access_token_minutes", self.access_token_minutes, &(1..=60), "minutes"),
            out_of_range("refresh_token_days", self.refresh_token_days, &(1..=90), "days"),
            out_of_range("absolute_hours", self.absolute_hours, &(1..=24), "hours"),
            out_of_range("idle_minutes", self.idle_minutes, &(1..=60), "minutes"),
            out_of_range("password_memory_kib", self.password_memory_kib, &(19_456..=1_048_576), "KiB"),
            out_of_range("password_passes", self.password_passes, &(1..=16), "passes"),
        ];
        let mut faults: Vec<_> = numbers.into_iter().flatten().collect();
        if !(self.public_url.starts_with("https://") || self.public_url.starts_with("http://")) || self.public_url.ends_with('/') {
            let bound = "must begin with https:// (or http://) and not end with /";
            faults.push(SettingFault::new("public_url", &self.public_url, bound, "write it as people reach the gateway"));
        }
        faults
    }

    pub(super) fn hash_cost(&self) -> HashCost {
        HashCost { memory_kib: self.password_memory_kib, passes: self.password_passes }
    }

    pub(super) fn access_token(&self) -> TimeDelta {
        TimeDelta::minutes(self.access_token_minutes.into())
    }

    pub(super) fn idle(&self) -> TimeDelta {
        TimeDelta::minutes(self.idle_minutes.into())
    }

    /// How long a sign-in lasts at most.
    pub(super) fn lifetime(&self, sees_patients: bool) -> TimeDelta {
        let refresh = TimeDelta::days(self.refresh_token_days.into());
        if sees_patients { refresh.min(TimeDelta::hours(self.absolute_hours.into())) } else { refresh }
    }
}

/// `[mail]`: how e-mails leave.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server that takes them; when absent they are written into `outbox`.
    pub smtp_host: Option<String>,
    /// Its port. Default 587.
    pub smtp_port: u16,
    /// How it is spoken to: `starttls` (the default) or `tls`; never in the clear.
    pub smtp_security: SmtpSecurity,
    /// Who signs in to it.
    pub smtp_user: Option<String>,
    /// With what; only from the environment, `AURICLE__MAIL__SMTP_PASSWORD`.
    pub smtp_password: Option<Redacted<String>>,
    /// Whom the e-mails are from. Default `auricle@localhost.localdomain`.
    pub from: String,
    /// Directory that takes them where no server does: for development. Default `outbox` within `store.path`.
    pub outbox: Option<PathBuf>,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// RFC 3207: TLS before anything is said, or nothing is said.
    #[default]
    Starttls,
    /// RFC 8314: TLS from the first byte.
    Tls,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            smtp_host: None,
            smtp_port: 587,
            smtp_security: SmtpSecurity::default(),
            smtp_user: None,
            smtp_password: None,
            from: "auricle@localhost.localdomain".to_owned(),
            outbox: None,
        }
    }
}

impl MailConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if self.from.parse::<crate::domain::email::EmailAddress>().is_err() {
            faults.push(SettingFault::new("from", &self.from, "must be an e-mail address", "write it as in care@clinic.example"));
        }
        if self.smtp_user.is_some() != self.smtp_password.is_some() {
            let mend = "set both or neither";
            faults.push(SettingFault::new("smtp_user", "(set)", "user and password belong together", mend));
        }
        faults
    }
}
