//! Files out of the store and into it.

use std::fs::{File as Opened, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::AdminError;
use crate::cli::say;
use crate::domain::ids::OrgId;
use crate::store::patients::{PatientFilter, Patients};
use crate::store::sealed::SealedDocuments;
use crate::store::{Documents, OrgScope, backup};

/// A backup.
#[derive(Debug, clap::Args)]
pub(super) struct File {
    /// The file.
    file: PathBuf,
}

/// What is to be exported.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// Organisation.
    #[arg(long, default_value = "org_default")]
    org: OrgId,
    /// The file, which must not exist: one JSON object a patient and line.
    file: PathBuf,
}

impl Export {
    pub(super) const fn org(&self) -> &OrgId {
        &self.org
    }
}

pub(super) async fn back_up(documents: &dyn Documents, to: &File) -> Result<(), AdminError> {
    let mut file = BufWriter::new(create(&to.file)?);
    let count = backup::back_up(documents, &mut file).await?;
    file.get_ref().sync_all().map_err(|source| named(&to.file, source))?;
    say(&format!("{count} documents; keep the master secret elsewhere: without it this file opens for nobody"));
    Ok(())
}

pub(super) async fn restore(documents: &dyn Documents, from: &File) -> Result<(), AdminError> {
    // Whole, before anything is written.
    let count = backup::check(BufReader::new(open(&from.file)?))?;
    let restored = backup::restore(documents, BufReader::new(open(&from.file)?)).await?;
    say(&format!("{restored} of {count} documents"));
    Ok(())
}

pub(super) async fn export(documents: Arc<SealedDocuments>, export: &Export) -> Result<(), AdminError> {
    let (scope, patients) = (OrgScope::new(export.org.clone()), Patients::new(documents));
    let mut file = BufWriter::new(create(&export.file)?);
    let (mut after, mut count) = (None, 0);
    loop {
        let page = patients.list(&scope, PatientFilter::Present, after, 200).await?;
        for found in page.records {
            let text = serde_json::to_string(&found.record).map_err(|source| AdminError::Form { path: shown(&export.file), source })?;
            writeln!(file, "{text}").map_err(|source| named(&export.file, source))?;
            count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    file.flush().map_err(|source| named(&export.file, source))?;
    say(&format!("{count} patients, in the clear"));
    Ok(())
}

/// A new file that only its owner reads.
fn create(path: &Path) -> Result<Opened, AdminError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|source| named(path, source))
}

fn open(path: &Path) -> Result<Opened, AdminError> {
    Opened::open(path).map_err(|source| named(path, source))
}

pub(super) fn named(path: &Path, source: std::io::Error) -> AdminError {
    AdminError::File { path: shown(path), source }
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
