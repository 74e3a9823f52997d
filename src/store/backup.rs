//! A store as a file and back: every document of every organisation, as the database has it, so that what is sealed stays
//! sealed. The master secret is not in it; without that a backup is worth nothing to anybody.
//!
//! One JSON object a line: a head, the documents, and a foot with their number and their SHA-256, without which a file is
//! not taken. It goes into either database, so it is also the way from one to the other. Versions begin anew.

use std::io::{self, BufRead, Write as IoWrite};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::COLLECTIONS;
use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::Query;

/// Why a backup was not made or not taken.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be read or written.
    #[error("the file cannot be used: {0}")]
    File(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is no backup, of a later release, cut off, or was changed.
    #[error("line {line}: not a whole backup of this form")]
    Malformed {
        /// Where, from 1.
        line: u64,
    },
    /// It holds what this release does not know.
    #[error("line {line}: there is no collection {name:?}")]
    UnknownCollection {
        /// Where, from 1.
        line: u64,
        /// Its name.
        name: String,
    },
    /// The store has documents already.
    #[error("the store is not empty")]
    NotEmpty,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Head { format: u32 },
    Document { collection: String, org: String, id: String, body: Value },
    Foot { documents: u64, sha256: String },
}

/// Writes a backup; answers with the number of documents.
///
/// # Errors
/// When the store or the file fails.
pub async fn back_up(documents: &dyn Documents, file: &mut impl IoWrite) -> Result<u64, BackupError> {
    let (mut hash, mut count) = (Sha256::new(), 0);
    put(file, &mut hash, &Line::Head { format: FORMAT })?;
    for collection in COLLECTIONS {
        for scope in documents.scopes(collection).await? {
            let mut after = None;
            loop {
                let page = documents.find(&scope, collection, Query::first(Query::MAX_LIMIT).after(after)).await?;
                for document in page.documents {
                    let (collection, org) = (collection.name.to_owned(), scope.org().to_string());
                    put(file, &mut hash, &Line::Document { collection, org, id: document.id, body: document.body })?;
                    count += 1;
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
    }
    let foot = Line::Foot { documents: count, sha256: hex::encode(hash.clone().finalize()) };
    put(file, &mut hash, &foot)?;
    file.flush()?;
    Ok(count)
}

/// Checks a backup from head to foot; answers with the number of documents.
///
/// # Errors
/// When it is not whole.
pub fn check(file: impl BufRead) -> Result<u64, BackupError> {
    let mut count = 0;
    each(file, |_, _, _| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// Puts a backup into an empty store. It is to be checked first: what is read until a fault is written.
///
/// # Errors
/// When the store is not empty or fails, or the backup is not whole.
pub async fn restore(documents: &dyn Documents, file: impl BufRead) -> Result<u64, BackupError> {
    for collection in COLLECTIONS {
        if !documents.scopes(collection).await?.is_empty() {
            return Err(BackupError::NotEmpty);
        }
    }
    let (mut lines, mut count) = (Vec::new(), 0);
    // Reading is cheap beside writing; the whole file is never in memory.
    let mut reader = Reader::new(file);
    while let Some((collection, scope, write)) = reader.next()? {
        let full = lines.len() >= AT_ONCE || lines.first().is_some_and(|(_, first, _): &(&Collection, OrgScope, Write)| *first != scope);
        if full {
            count += flush(documents, &mut lines).await?;
        }
        lines.push((collection, scope, write));
    }
    count += flush(documents, &mut lines).await?;
    Ok(count)
}

async fn flush(documents: &dyn Documents, lines: &mut Vec<(&'static Collection, OrgScope, Write)>) -> Result<u64, StoreError> {
    let Some((_, scope, _)) = lines.first() else { return Ok(0) };
    let scope = scope.clone();
    let writes: Vec<Write> = lines.drain(..).map(|(_, _, write)| write).collect();
    documents.write(&scope, writes).await.map(|versions| versions.len() as u64)
}

fn each(
    file: impl BufRead,
    mut then: impl FnMut(&'static Collection, &OrgScope, &Write) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut reader = Reader::new(file);
    while let Some((collection, scope, write)) = reader.next()? {
        then(collection, &scope, &write)?;
    }
    Ok(())
}

/// Reads a backup line by line.
struct Reader<R> {
    file: R,
    hash: Sha256,
    line: u64,
    count: u64,
}

impl<R: BufRead> Reader<R> {
    fn new(file: R) -> Self {
        Self { file, hash: Sha256::new(), line: 0, count: 0 }
    }

    /// The next document; none behind the foot, which has to fit.
    fn next(&mut self) -> Result<Option<(&'static Collection, OrgScope, Write)>, BackupError> {
        loop {
            let mut text = String::new();
            self.line += 1;
            let line = self.line;
            let malformed = BackupError::Malformed { line };
            if self.file.read_line(&mut text)? == 0 {
                return Err(malformed);
            }
            let before = hex::encode(self.hash.clone().finalize());
            self.hash.update(&text);
            let Ok(parsed) = serde_json::from_str::<Line>(&text) else { return Err(malformed) };
            match (parsed, line) {
                (Line::Head { format: FORMAT }, 1) => {}
                (Line::Document { collection, org, id, body }, 2..) => {
                    let Some(known) = COLLECTIONS.iter().copied().find(|known| known.name == collection) else {
                        return Err(BackupError::UnknownCollection { line, name: collection });
                    };
                    let Ok(scope) = OrgScope::of_name(&org) else { return Err(malformed) };
                    self.count += 1;
                    return Ok(Some((known, scope, Write::Insert { collection: known, id, body })));
                }
                (Line::Foot { documents, sha256 }, 2..) if documents == self.count && sha256 == before => {
                    return if self.file.read_line(&mut text)? == 0 { Ok(None) } else { Err(malformed) };
                }
                _ => return Err(malformed),
            }
        }
    }
}

fn put(file: &mut impl IoWrite, hash: &mut Sha256, line: &Line) -> Result<(), io::Error> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    hash.update(&text);
    file.write_all(text.as_bytes())
}

const FORMAT: u32 = 1;
/// Documents that are written together.
const AT_ONCE: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::OrgId;
    use crate::domain::organisation::Organisation;
    use crate::domain::patient::{Patient, PatientInput};
    use crate::store::organisations::Organisations;
    use crate::store::patients::Patients;
    use crate::store::sealed::SealedDocuments;
    use crate::store::sealed::tests::{master, sealed_store};
    use crate::store::sqlite::SqliteDocuments;

    fn patient(n: usize) -> Patient {
        let input: PatientInput =
            serde_json::from_value(json!({ "name": format!("Planted {n}"), "email": format!("planted{n}@example.org") })).unwrap();
        Patient::new(OrgId::default_org(), input.check(None, chrono::Utc::now().date_naive()).unwrap(), chrono::Utc::now())
    }

    async fn backup() -> (Vec<u8>, Vec<Patient>) {
        let (documents, _directory) = sealed_store();
        let scope = OrgScope::new(OrgId::default_org());
        Organisations::new(documents.clone())
            .insert(&Organisation::new(OrgId::default_org(), "A".to_owned(), chrono::Utc::now()))
            .await
            .unwrap();
        let patients: Vec<_> = (0..230).map(patient).collect();
        Patients::new(documents.clone()).insert_all(&scope, &patients).await.unwrap();
        let mut file = Vec::new();
        // Over the database itself, below what opens the seals.
        let count = back_up(documents.inner(), &mut file).await.unwrap();
        assert_eq!(count, 1 + 230 + 230 + 1);
        (file, patients)
    }

    #[tokio::test]
    async fn a_backup_shows_nobody_and_brings_everybody_back() {
        let (file, patients) = backup().await;
        assert!(!String::from_utf8_lossy(&file).contains("lanted"));
        assert_eq!(check(file.as_slice()).unwrap(), 462);
        let directory = tempfile::tempdir().unwrap();
        let inner = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
        assert_eq!(restore(&*inner, file.as_slice()).await.unwrap(), 462);
        assert!(matches!(restore(&*inner, file.as_slice()).await, Err(BackupError::NotEmpty)));
        let restored = Patients::new(SealedDocuments::new(inner, master('a', &[])));
        let scope = OrgScope::new(OrgId::default_org());
        for one in patients {
            assert_eq!(restored.get(&scope, &one.id).await.unwrap().unwrap().record, one);
        }
    }

    #[tokio::test]
    async fn a_backup_that_was_cut_off_or_changed_is_not_taken() {
        let (file, _) = backup().await;
        let text = String::from_utf8(file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let without = |left_out: usize| {
            lines.iter().enumerate().filter(|(n, _)| *n != left_out).map(|(_, line)| format!("{line}\n")).collect::<String>()
        };
        let damaged = [
            String::new(),
            without(0),
            without(5),
            without(lines.len() - 1),
            format!("{text}{}\n", lines[5]),
            text.replacen("present", "removed", 1),
        ];
        for text in damaged {
            assert!(matches!(check(text.as_bytes()), Err(BackupError::Malformed { .. })));
        }
    }
}
