//! The SIP ladders of calls: a document beside the record of each, under the same id, with every message sealed.

use std::sync::Arc;

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::Field;
use super::sealed::SealedDocuments;
use super::versioned;
use crate::domain::ids::CallId;
use crate::domain::ladder::Ladder;

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
        let beside = [(STARTED_AT, ladder.started_at.timestamp_micros().into())];
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
}

const STARTED_AT: Field = Field("started_at_us");

/// The collection, and the order in which ladders grow old.
pub static LADDERS: Collection =
    Collection { name: "sip_ladders", fields: &[STARTED_AT], indexes: &[&[STARTED_AT]], sealed: &[Field("record.messages")], lookups: &[] };

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::domain::ids::OrgId;
    use crate::domain::ladder::{LadderMessage, LadderTransport, Way};
    use crate::domain::redacted::Redacted;
    use crate::store::COLLECTIONS;
    use crate::store::sealed::MasterKeys;
    use crate::store::sqlite::SqliteDocuments;

    #[tokio::test]
    async fn a_ladder_comes_back_as_it_was_and_the_file_shows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let documents = SqliteDocuments::open(folder.path(), COLLECTIONS).unwrap();
        let secret = Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned());
        let ladders = Ladders::new(SealedDocuments::new(documents, MasterKeys::new(&secret, &[]).unwrap()));
        let at = chrono::DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
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
