//! A store as a file and back: every document of every organisation, as the database has it, so that what is sealed stays
//! sealed. The master secret is not in it; without that a backup is worth nothing to anybody.
//!
//! One JSON object a line: a head, the documents, and a foot with their number and their SHA-256, without which a file is
//! not taken. It goes into either database, so it is also the way from one to the other. Documents keep their versions: what
//! somebody read before is no key to what stands after. Files of format 1 have none, and begin anew.
//!
//! While a backup is read in, a mark stands in the store: one whose restore did not end is not taken for whole.

use std::io::{self, BufRead, Write as IoWrite};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::COLLECTIONS;
use super::documents::{Collection, Document, Documents, OrgScope, Write};
use super::error::StoreError;
use super::parts::{PART_LEN_BYTES, len_bytes};
use super::query::Query;
use super::versioned;

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
    Head {
        format: u32,
    },
    Document {
        collection: String,
        org: String,
        id: String,
        #[serde(default = "first_version")]
        version: u64,
        body: Value,
    },
    Foot {
        documents: u64,
        sha256: String,
    },
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
                    let Document { id, version, body } = document;
                    put(file, &mut hash, &Line::Document { collection, org, id, version, body })?;
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
    let (mut reader, mut count) = (Reader::new(file), 0);
    while reader.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Puts a backup into an empty store, or one in which an earlier restore did not end. It is to be checked first: what is read
/// until a fault is written, and the store is whole after a second try only.
///
/// # Errors
/// When the store is not empty or fails, or the backup is not whole.
pub async fn restore(documents: &dyn Documents, file: impl BufRead) -> Result<u64, BackupError> {
    let mark = begin(documents).await?;
    let (mut writes, mut filled, mut of, mut count) = (Vec::new(), 0, None, 0);
    // Reading is cheap beside writing; the whole file is never in memory.
    let mut reader = Reader::new(file);
    while let Some((scope, write)) = reader.next()? {
        let len_bytes = len_bytes(&write);
        let full = writes.len() >= AT_ONCE || filled + len_bytes > PART_LEN_BYTES || of.as_ref().is_some_and(|of| *of != scope);
        if full && let Some(of) = of.take() {
            count += flush(documents, &of, &mut writes).await?;
            filled = 0;
        }
        filled += len_bytes;
        of = Some(scope);
        writes.push(write);
    }
    if let Some(of) = of {
        count += flush(documents, &of, &mut writes).await?;
    }
    let end = Write::Delete { collection: &RESTORES, id: MARK.to_owned(), version: mark };
    documents.write_one(&OrgScope::gateway(), end).await?;
    Ok(count)
}

/// That no restore is under way or was given up in the middle.
///
/// # Errors
/// When one is ([`StoreError::Restoring`]), or the store fails.
pub async fn ensure_whole(documents: &dyn Documents) -> Result<(), StoreError> {
    match documents.get(&OrgScope::gateway(), &RESTORES, MARK).await? {
        Some(_) => Err(StoreError::Restoring),
        None => Ok(()),
    }
}

/// Marks the store and leaves it empty beside that; answers with the mark's version.
async fn begin(documents: &dyn Documents) -> Result<u64, BackupError> {
    let others = || COLLECTIONS.iter().copied().filter(|collection| **collection != RESTORES);
    if let Some(mark) = documents.get(&OrgScope::gateway(), &RESTORES, MARK).await? {
        for collection in others() {
            for scope in documents.scopes(collection).await? {
                versioned::sweep(documents, &scope, collection, &Query::first(Query::MAX_LIMIT)).await?;
            }
        }
        return Ok(mark.version);
    }
    for collection in others() {
        if !documents.scopes(collection).await?.is_empty() {
            return Err(BackupError::NotEmpty);
        }
    }
    let mark = Write::Insert { collection: &RESTORES, id: MARK.to_owned(), body: serde_json::json!({}) };
    Ok(documents.write_one(&OrgScope::gateway(), mark).await?)
}

async fn flush(documents: &dyn Documents, scope: &OrgScope, writes: &mut Vec<Write>) -> Result<u64, StoreError> {
    documents.write(scope, std::mem::take(writes)).await.map(|versions| versions.len() as u64)
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
    fn next(&mut self) -> Result<Option<(OrgScope, Write)>, BackupError> {
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
                (Line::Head { format: 1..=FORMAT }, 1) => {}
                (Line::Document { collection, org, id, version: version @ 1.., body }, 2..) => {
                    let Some(known) = COLLECTIONS.iter().copied().find(|known| known.name == collection) else {
                        return Err(BackupError::UnknownCollection { line, name: collection });
                    };
                    let Ok(scope) = OrgScope::of_name(&org) else { return Err(malformed) };
                    self.count += 1;
                    return Ok(Some((scope, Write::Restore { collection: known, id, version, body })));
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

/// Of a document in a file that says nothing of it.
const fn first_version() -> u64 {
    1
}

const FORMAT: u32 = 2;
/// The one document of its collection.
const MARK: &str = "restoring";

/// The mark that stands while a backup is read in, and after that ended in the middle.
pub static RESTORES: Collection = Collection { name: "restores", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

/// Documents that are written together.
const AT_ONCE: usize = 100;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::ids::OrgId;
    use crate::domain::organisation::Organisation;
    use crate::domain::patient::{Patient, PatientInput};
    use crate::store::failing::FailingDocuments;
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

    fn opened(directory: &tempfile::TempDir) -> Arc<FailingDocuments> {
        FailingDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap())
    }

    #[tokio::test]
    async fn a_store_whose_restore_died_is_not_taken_for_whole_and_can_be_restored_anew() {
        let (file, patients) = backup().await;
        let directory = tempfile::tempdir().unwrap();
        let inner = opened(&directory);
        let mut writes_left = 4;
        inner.refuse(move |_| {
            writes_left -= 1;
            writes_left < 0
        });
        assert!(matches!(restore(&*inner, file.as_slice()).await, Err(BackupError::Store(_))));
        inner.refuse(|_| false);
        assert!(!inner.scopes(&crate::store::patients::PATIENTS).await.unwrap().is_empty(), "a part of it is there");
        assert!(matches!(ensure_whole(&*inner).await, Err(StoreError::Restoring)));
        assert_eq!(restore(&*inner, file.as_slice()).await.unwrap(), 462);
        ensure_whole(&*inner).await.unwrap();
        assert!(matches!(restore(&*inner, file.as_slice()).await, Err(BackupError::NotEmpty)));
        let restored = Patients::new(SealedDocuments::new(inner, master('a', &[])));
        let scope = OrgScope::new(OrgId::default_org());
        assert_eq!(restored.get(&scope, &patients[229].id).await.unwrap().unwrap().record, patients[229]);
    }

    #[tokio::test]
    async fn what_is_restored_stands_at_the_version_that_it_had() {
        let (documents, _directory) = sealed_store();
        let scope = OrgScope::new(OrgId::default_org());
        let (patients, one) = (Patients::new(documents.clone()), patient(1));
        patients.insert(&scope, &one).await.unwrap();
        for version in 1..=2 {
            patients.update(&scope, &one, version).await.unwrap();
        }
        let mut file = Vec::new();
        back_up(documents.inner(), &mut file).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let inner = opened(&directory);
        restore(&*inner, file.as_slice()).await.unwrap();
        let restored = Patients::new(SealedDocuments::new(inner, master('a', &[])));
        assert_eq!(restored.get(&scope, &one.id).await.unwrap().unwrap().version, 3);
        // What was read when it stood at 1 changes nothing now.
        assert!(matches!(restored.update(&scope, &one, 1).await, Err(StoreError::Conflict { found: Some(3), .. })));
    }

    #[tokio::test]
    async fn a_file_of_the_first_format_is_taken_and_its_versions_begin_anew() {
        let document = r#"{"line":"document","collection":"numbers","org":"org_default","id":"n","body":{}}"#;
        let lines = format!("{{\"line\":\"head\",\"format\":1}}\n{document}\n");
        let sha256 = hex::encode(Sha256::digest(&lines));
        let file = format!("{lines}{{\"line\":\"foot\",\"documents\":1,\"sha256\":\"{sha256}\"}}\n");
        assert_eq!(check(file.as_bytes()).unwrap(), 1);
        let directory = tempfile::tempdir().unwrap();
        let inner = opened(&directory);
        assert_eq!(restore(&*inner, file.as_bytes()).await.unwrap(), 1);
        let scope = OrgScope::new(OrgId::default_org());
        assert_eq!(inner.get(&scope, &crate::store::telephony::NUMBERS, "n").await.unwrap().unwrap().version, 1);
        assert!(matches!(check(file.replace("\"format\":1", "\"format\":3").as_bytes()), Err(BackupError::Malformed { line: 1 })));
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
