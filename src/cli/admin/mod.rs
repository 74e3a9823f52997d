//! `auricle admin`: what runs without HTTP, on the store itself. The embedded store belongs to one process at a time: the
//! gateway has to be stopped for it, and so does the audit log, in which each command stands.

mod audited;
mod backups;
mod import;
mod keys;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use super::{EX_UNAVAILABLE, EX_USAGE, fail, say};
use crate::app::{self, AppError};
use crate::audit::{AuditError, AuditLog};
use crate::call::thread::control;
use crate::config::Config;
use crate::domain::ids::OrgId;
use crate::identity::{Identity, IdentityError};
use crate::store::StoreError;
use crate::store::backup::BackupError;
use crate::store::sealed::SealedDocuments;
use crate::telemetry;
use crate::telemetry::metrics::Metrics;

/// `auricle admin …`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A TOML file in place of the embedded defaults; the environment goes over either.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Add a user with a password that is good for one sign-in, and show it.
    CreateUser(users::CreateUser),
    /// Let somebody try again who failed too often or was locked.
    Unlock(users::Unlock),
    /// New keys: for tokens, for every organisation's records, and all wrapped under the current master secret.
    RotateKeys,
    /// Destroy an organisation's keys: nobody can read what was kept of it again, not from a backup either.
    Erase(keys::Erase),
    /// Write an organisation's patients to a file, in the clear.
    Export(backups::Export),
    /// Write the whole store to a file, sealed as it is.
    Backup(backups::File),
    /// Read a backup into an empty store.
    Restore(backups::File),
    /// Read users, patients and calls of another system into an organisation.
    Import(import::Import),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error("{0}")]
    App(#[from] AppError),
    #[error("the audit log: {0}")]
    Audit(#[from] AuditError),
    #[error("{0}")]
    Identity(#[from] IdentityError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Backup(#[from] BackupError),
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{path} cannot be read: {source}")]
    Form { path: String, source: serde_json::Error },
    #[error("there is no organisation {0}")]
    NoOrganisation(OrgId),
    #[error("there is no such user")]
    NoUser,
    #[error("that was another name: nothing was done")]
    NotConfirmed,
}

/// Does the task and ends.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(errors) => return fail(EX_USAGE, &errors),
    };
    if let Err(error) = telemetry::init(&config.log) {
        return fail(EX_UNAVAILABLE, &error);
    }
    let runtime = match control::runtime(1, false) {
        Ok(runtime) => runtime,
        Err(error) => return fail(EX_UNAVAILABLE, &error),
    };
    match runtime.block_on(perform(&config, arguments.task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(EX_UNAVAILABLE, &error),
    }
}

async fn perform(config: &Config, task: Task) -> Result<(), AdminError> {
    let audit = app::open_audit(config)?;
    audited::carry_out(&audit, task.deed(), accomplish(config, &task, &audit)).await
}

async fn accomplish(config: &Config, task: &Task, audit: &AuditLog) -> Result<audited::Object, AdminError> {
    if let Task::Restore(file) = task {
        // Into the database itself: a store that is opened whole is not empty any more.
        return backups::restore(&*app::open_documents(config).await?, file).await.map(|()| None);
    }
    let documents = app::open_store(config, &Metrics::new()).await?;
    match task {
        Task::CreateUser(user) => return users::create(&open_identity(config, documents, audit).await?, user).await.map(Some),
        Task::Unlock(user) => {
            return users::unlock(&open_identity(config, documents.clone(), audit).await?, documents, user).await.map(Some);
        }
        Task::RotateKeys => keys::rotate(&open_identity(config, documents.clone(), audit).await?, &documents).await,
        Task::Erase(erase) => keys::erase(documents, erase, std::io::stdin().lock()).await,
        Task::Export(export) => backups::export(documents, export).await,
        Task::Backup(file) => backups::back_up(documents.inner(), file).await,
        Task::Import(import) => import::run(documents, import).await,
        Task::Restore(_) => Ok(()),
    }
    .map(|()| None)
}

async fn open_identity(config: &Config, documents: Arc<SealedDocuments>, audit: &AuditLog) -> Result<Identity, AdminError> {
    let (identity, first) = app::open_identity(config, documents, audit).await?;
    if let Some(first) = first {
        let (email, password) = (first.email.expose().as_str(), first.password.expose());
        say(&format!("first administrator: {email}, one-time password, shown once: {password}"));
    }
    Ok(identity)
}
