//! E-mails by SMTP (RFC 5321), always over TLS: from the first byte (RFC 8314), or before anything is said (RFC 3207).

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::outbox::message;
use super::{Mail, MailError, Mailer};
use crate::domain::email::EmailAddress;
use crate::identity::config::{MailConfig, SmtpSecurity};
use crate::store::BoxFuture;

/// A mail server.
#[derive(Debug)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: EmailAddress,
}

impl SmtpMailer {
    /// The server at `host`.
    ///
    /// # Errors
    /// When its name cannot be one that a certificate is for.
    pub fn new(config: &MailConfig, host: &str, from: EmailAddress) -> Result<Self, MailError> {
        let builder = match config.smtp_security {
            SmtpSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
            SmtpSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
        };
        let mut builder = builder.map_err(|error| MailError::Server(Box::new(error)))?.port(config.smtp_port).timeout(Some(TIMEOUT));
        if let (Some(user), Some(password)) = (&config.smtp_user, &config.smtp_password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        Ok(Self { transport: builder.build(), from })
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let message = message(&self.from, mail)?;
            let sent = self.transport.send(message).await.map(|_| ());
            sent.map_err(
                |error| if error.is_permanent() { MailError::Refused(Box::new(error)) } else { MailError::Server(Box::new(error)) },
            )
        })
    }
}

const TIMEOUT: Duration = Duration::from_secs(20);
