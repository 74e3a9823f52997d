//! E-mails: put into a bounded queue and sent by one task, so that no answer waits for a mail server, nor tells by its time
//! whether there was anything to send.
//!
//! A full queue drops and counts; a server that fails is tried again, five times with growing pauses. The text of an e-mail
//! holds a code: it is nowhere in a log.

mod outbox;
mod smtp;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub use self::outbox::FileOutbox;
pub use self::smtp::SmtpMailer;
use super::config::MailConfig;
use crate::domain::email::EmailAddress;
use crate::domain::redacted::Redacted;
use crate::store::BoxFuture;

/// An e-mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// To whom.
    pub to: Redacted<EmailAddress>,
    /// About what; says nothing personal.
    pub subject: &'static str,
    /// The text.
    pub text: Redacted<String>,
}

/// Why an e-mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It cannot be written, or an address in it cannot.
    #[error("the e-mail cannot be written")]
    Malformed,
    /// The server cannot be reached, or does not take it.
    #[error("the mail server does not take it")]
    Server(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server does not take it, and will not take it later.
    #[error("the mail server refuses it")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The outbox cannot be used.
    #[error("the outbox cannot be used")]
    Outbox(#[from] std::io::Error),
}

/// What carries e-mails away.
pub trait Mailer: Send + Sync + fmt::Debug {
    /// Carries one away.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>>;
}

/// Takes e-mails; clones share one queue.
#[derive(Clone, Debug)]
pub struct MailQueue {
    queue: mpsc::Sender<Mail>,
}

impl Mail {
    /// To `to`.
    #[must_use]
    pub fn new(to: &Redacted<EmailAddress>, subject: &'static str, text: String) -> Self {
        Self { to: to.clone(), subject, text: Redacted::new(text) }
    }
}

impl MailQueue {
    /// A queue, and the task that empties it; it ends when the last queue is gone.
    pub fn new(mailer: Arc<dyn Mailer>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, mut mails) = mpsc::channel(QUEUE_LEN);
        let task = async move {
            while let Some(mail) = mails.recv().await {
                carry(&*mailer, &mail).await;
            }
        };
        (Self { queue }, task)
    }

    /// Puts an e-mail into the queue; never waits.
    pub fn send(&self, mail: Mail) {
        if self.queue.try_send(mail).is_err() {
            tracing::error!("mail_dropped");
        }
    }
}

/// What these settings say: a server, or a directory.
///
/// # Errors
/// When the sender is no address, or the server's name cannot be used.
pub fn mailer(config: &MailConfig, store: &Path) -> Result<Arc<dyn Mailer>, MailError> {
    let from: EmailAddress = config.from.parse().map_err(|_| MailError::Malformed)?;
    Ok(match &config.smtp_host {
        Some(host) => Arc::new(SmtpMailer::new(config, host, from)?),
        None => Arc::new(FileOutbox::new(config.outbox.clone().unwrap_or_else(|| store.join("outbox")), from)),
    })
}

async fn carry(mailer: &dyn Mailer, mail: &Mail) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        match mailer.send(mail).await {
            Ok(()) => return,
            Err(error @ MailError::Server(_)) if attempt < ATTEMPTS => tracing::warn!(attempt, %error, "mail_delayed"),
            Err(error) => {
                tracing::error!(attempt, %error, "mail_lost");
                return;
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

const QUEUE_LEN: usize = 256;
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
