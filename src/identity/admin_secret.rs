//! The admin secret: 256 random bits, kept as SHA-256 only.
//!
//! A plain hash is enough here: nothing can be tried against 256 random bits, which is what slow hashes are for.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::domain::redacted::Redacted;

/// What a presented secret is compared with.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminSecret {
    digest: [u8; 32],
}

/// Why there is no admin secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read or written.
    #[error("the file of the admin secret cannot be used")]
    File(#[from] io::Error),
    /// Its file holds something else.
    #[error("the file of the admin secret does not hold a hash; remove it and a new secret is made")]
    Malformed,
    /// The operating system has no randomness.
    #[error("no randomness for the admin secret")]
    Randomness,
}

impl AdminSecret {
    /// The secret that the configuration names, or the one whose hash lies in `directory`, or a new one. Only the new
    /// one is handed back in clear, to be shown once.
    ///
    /// # Errors
    /// When the file cannot be used or does not hold a hash.
    pub fn open(directory: &Path, configured: Option<&Redacted<String>>) -> Result<(Self, Option<Redacted<String>>), SecretError> {
        if let Some(configured) = configured {
            return Ok((Self::of(configured.expose()), None));
        }
        match fs::read_to_string(directory.join(FILE_NAME)) {
            Ok(text) => {
                let mut digest = [0; 32];
                hex::decode_to_slice(text.trim_end(), &mut digest).map_err(|_| SecretError::Malformed)?;
                Ok((Self { digest }, None))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut random = [0; 32];
                getrandom::fill(&mut random).map_err(|_| SecretError::Randomness)?;
                let clear = hex::encode(random);
                let secret = Self::of(&clear);
                secret.keep(directory)?;
                Ok((secret, Some(Redacted::new(clear))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The secret with this text.
    #[must_use]
    pub fn of(clear: &str) -> Self {
        Self { digest: Sha256::digest(clear).into() }
    }

    /// Whether it is this one, in a time that does not tell how much of it was right.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        let presented = Self::of(presented);
        let difference = self.digest.iter().zip(presented.digest).fold(0, |difference, (a, b)| difference | (a ^ b));
        std::hint::black_box(difference) == 0
    }

    /// Written beside and moved into place: a crash leaves the old file or the new one.
    fn keep(&self, directory: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let beside = directory.join(format!("{FILE_NAME}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        writeln!(file, "{}", hex::encode(self.digest))?;
        file.sync_all()?;
        fs::rename(beside, directory.join(FILE_NAME))?;
        File::open(directory)?.sync_all()
    }
}

impl fmt::Debug for AdminSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminSecret")
    }
}

const FILE_NAME: &str = "admin_secret.sha256";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_start_makes_a_secret_and_the_second_knows_it() {
        let directory = tempfile::tempdir().unwrap();
        let (first, made) = AdminSecret::open(directory.path(), None).unwrap();
        let clear = made.unwrap().into_inner();
        assert!(clear.len() == 64 && first.matches(&clear));
        let (second, made) = AdminSecret::open(directory.path(), None).unwrap();
        assert!(made.is_none() && second.matches(&clear) && !second.matches(&clear[1..]));
        let path = directory.path().join(FILE_NAME);
        assert!(!fs::read_to_string(&path).unwrap().contains(&clear));
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_configured_secret_is_used_and_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let configured = Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned());
        let (secret, made) = AdminSecret::open(directory.path(), Some(&configured)).unwrap();
        assert!(made.is_none() && secret.matches(configured.expose()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE_NAME), "not a hash").unwrap();
        assert!(matches!(AdminSecret::open(directory.path(), None), Err(SecretError::Malformed)));
    }
}
