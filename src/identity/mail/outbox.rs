//! E-mails as files in a directory, for development: one `.eml` each, readable by its owner only, since it holds a code.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use lettre::message::Mailbox;
use lettre::{Address, Message};

use super::{Mail, MailError, Mailer};
use crate::domain::email::EmailAddress;
use crate::domain::ids::RequestId;
use crate::store::BoxFuture;

/// A directory that takes e-mails.
#[derive(Debug)]
pub struct FileOutbox {
    directory: PathBuf,
    from: EmailAddress,
}

impl FileOutbox {
    /// Into `directory`, which is made when the first e-mail comes.
    #[must_use]
    pub const fn new(directory: PathBuf, from: EmailAddress) -> Self {
        Self { directory, from }
    }

    fn write(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message(&self.from, mail)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let name = RequestId::random().to_string().replacen("req_", "", 1);
        let path = self.directory.join(format!("{name}.eml"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&message.formatted())?;
        Ok(())
    }
}

impl Mailer for FileOutbox {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move { self.write(mail) })
    }
}

/// The e-mail in the form of RFC 5322.
pub(super) fn message(from: &EmailAddress, mail: &Mail) -> Result<Message, MailError> {
    let mailbox = |address: &EmailAddress| address.as_str().parse::<Address>().map(|address| Mailbox::new(None, address));
    let (Ok(from), Ok(to)) = (mailbox(from), mailbox(mail.to.expose())) else { return Err(MailError::Malformed) };
    let message = Message::builder().from(from).to(to).subject(mail.subject).body(mail.text.expose().clone());
    message.map_err(|_| MailError::Malformed)
}
