//! The SIP ladders of calls: a document beside the record of each, under the same id, with every message sealed. They are kept for
//! some time and as far as there is room, the newest last to go.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::documents::{Collection, Document, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Direction, Field, Query};
use super::sealed::SealedDocuments;
use super::versioned;
use crate::domain::ids::CallId;
use crate::domain::ladder::Ladder;

/// How much is kept of each organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LadderKeep {
    /// For how long.
    pub time: TimeDelta,
    /// How many bytes of messages.
    pub bytes: i64,
}

/// The ladders, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct Ladders {
    documents: Arc<SealedDocuments>,
}

impl Ladders {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Adds or replaces the ladder of a call.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put(&self, ladder: &Ladder) -> Result<(), StoreError> {
        let bytes: usize = ladder.messages.iter().map(|message| message.octets.expose().len()).sum();
        let beside = [(STARTED_AT, ladder.started_at.timestamp_micros().into()), (BYTES, bytes.into())];
        let body = versioned::body(&LADDERS, ladder.id.as_str(), ladder, &beside)?;
        let put = Write::Put { collection: &LADDERS, id: ladder.id.to_string(), body };
        self.documents.write_one(&OrgScope::new(ladder.org_id.clone()), put).await.map(drop)
    }

    /// The ladder of a call, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, id: &CallId) -> Result<Option<Ladder>, StoreError> {
        let found = self.documents.get(scope, &LADDERS, id.as_str()).await?;
        Ok(found.map(|document| versioned::read(&LADDERS, document)).transpose()?.map(|found| found.record))
    }

    /// Removes what is too old, and the oldest of what is too much, of every organisation; answers with their number. A hundred
    /// thousand of one organisation at most.
    ///
    /// # Errors
    /// When the store fails; what was removed stays removed.
    pub async fn sweep(&self, now: DateTime<Utc>, keep: LadderKeep) -> Result<u64, StoreError> {
        let mut removed = 0;
        for scope in self.documents.scopes(&LADDERS).await? {
            let mut too_much = self.documents.sum(&scope, &LADDERS, BYTES).await? - keep.bytes;
            let oldest = (now - keep.time).timestamp_micros();
            for _ in 0..SWEPT_PAGES {
                // As they are stored: nothing has to be opened to be thrown away.
                let query = Query::first(PAGE).sort(STARTED_AT, Direction::Ascending);
                let page = self.documents.inner().find(&scope, &LADDERS, query).await?.documents;
                let found = page.len();
                let mut goes = |one: &Document| {
                    let goes = number(one, STARTED_AT) < oldest || too_much > 0;
                    too_much -= number(one, BYTES);
                    goes
                };
                let going: Vec<_> = page.into_iter().take_while(&mut goes).collect();
                let gone = going.len();
                removed += self.remove(&scope, going).await?;
                if gone < found || found < PAGE as usize {
                    break;
                }
            }
        }
        Ok(removed)
    }

    async fn remove(&self, scope: &OrgScope, ladders: Vec<Document>) -> Result<u64, StoreError> {
        let mut removed = 0;
        for Document { id, version, .. } in ladders {
            match self.documents.write_one(scope, Write::Delete { collection: &LADDERS, id, version }).await {
                Ok(_) => removed += 1,
                // Another node sweeps, too, or has written it anew.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }
}

fn number(document: &Document, field: Field) -> i64 {
    document.body.get(field.0).and_then(Value::as_i64).unwrap_or_default()
}

const STARTED_AT: Field = Field("started_at_us");
const BYTES: Field = Field("bytes");
const PAGE: u32 = 50;
const SWEPT_PAGES: usize = 2_000;

/// The collection, the order in which ladders grow old, and what they take.
pub static LADDERS: Collection = Collection {
    name: "sip_ladders",
    fields: &[STARTED_AT, BYTES],
    indexes: &[&[STARTED_AT], &[BYTES]],
    sealed: &[Field("record.messages")],
    lookups: &[],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OrgId;
    use crate::domain::ladder::{LadderMessage, LadderTransport, Way};
    use crate::domain::redacted::Redacted;
    use crate::store::COLLECTIONS;
    use crate::store::sealed::MasterKeys;
    use crate::store::sqlite::SqliteDocuments;

    fn opened() -> (Ladders, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let documents = SqliteDocuments::open(folder.path(), COLLECTIONS).unwrap();
        let secret = Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned());
        (Ladders::new(SealedDocuments::new(documents, MasterKeys::new(&secret, &[]).unwrap())), folder)
    }

    /// Of `org`, begun so many hours ago, with one message of 1,000 bytes.
    async fn put(ladders: &Ladders, org: &str, hours: i64) -> CallId {
        let started_at = Utc::now() - TimeDelta::hours(hours);
        let end = Redacted::new("192.0.2.1:5060".parse().unwrap());
        let octets = Redacted::new(vec![b'x'; 1_000]);
        let message =
            LadderMessage { at: started_at, way: Way::Sent, transport: LadderTransport::Udp, local: end.clone(), remote: end, octets };
        let ladder = Ladder { org_id: org.parse().unwrap(), messages: vec![message], ..Ladder::empty(CallId::random(), started_at) };
        ladders.put(&ladder).await.unwrap();
        ladder.id
    }

    #[tokio::test]
    async fn what_is_too_old_goes_and_of_what_is_too_much_the_oldest_of_its_own_organisation() {
        let (ladders, _folder) = opened();
        let mut ids = Vec::new();
        for hours in 0..120 {
            ids.push(put(&ladders, "org_default", hours).await);
        }
        let other = put(&ladders, "org_other", 3).await;
        let here = async |id: &CallId| ladders.get(&OrgScope::new(OrgId::default_org()), id).await.unwrap().is_some();
        let keep = |hours: i64, bytes: i64| LadderKeep { time: TimeDelta::minutes(hours * 60 - 30), bytes };
        assert_eq!(ladders.sweep(Utc::now(), keep(1_000, 1_000_000)).await.unwrap(), 0);
        assert_eq!(ladders.sweep(Utc::now(), keep(100, 1_000_000)).await.unwrap(), 20);
        assert!(here(&ids[99]).await && !here(&ids[100]).await);
        // Of a hundred kilobytes ten and a half are to be kept: the oldest ninety go.
        assert_eq!(ladders.sweep(Utc::now(), keep(1_000, 10_500)).await.unwrap(), 90);
        assert!(here(&ids[9]).await && !here(&ids[10]).await);
        assert_eq!(ladders.sweep(Utc::now(), keep(1_000, 10_500)).await.unwrap(), 0);
        assert!(ladders.get(&OrgScope::new("org_other".parse().unwrap()), &other).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_ladder_comes_back_as_it_was_and_the_file_shows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let documents = SqliteDocuments::open(folder.path(), COLLECTIONS).unwrap();
        let secret = Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned());
        let ladders = Ladders::new(SealedDocuments::new(documents, MasterKeys::new(&secret, &[]).unwrap()));
        let at = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
        let message = LadderMessage {
            at,
            way: Way::Received,
            transport: LadderTransport::Udp,
            local: Redacted::new("192.0.2.1:5060".parse().unwrap()),
            remote: Redacted::new("[2001:db8::7]:5060".parse().unwrap()),
            octets: Redacted::new(b"INVITE sip:+15550100@x SIP/2.0\r\n\xff\0".to_vec()),
        };
        let (id, org_id) = (CallId::random(), OrgId::default_org());
        let ladder = Ladder { id: id.clone(), org_id: org_id.clone(), started_at: at, messages: vec![message], left_out: 3 };
        ladders.put(&ladder).await.unwrap();
        ladders.put(&ladder).await.unwrap();
        assert_eq!(ladders.get(&OrgScope::new(org_id), &id).await.unwrap(), Some(ladder));
        assert_eq!(ladders.get(&OrgScope::new("org_other".parse().unwrap()), &id).await.unwrap(), None);
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        for file in files {
            for planted in [&b"15550100"[..], b"2001:db8", b"SU5WSVRF"] {
                assert!(!file.windows(planted.len()).any(|window| window == planted), "{planted:?}");
            }
        }
    }
}
