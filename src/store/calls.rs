//! The records of calls.

use std::sync::Arc;

use super::documents::{Collection, Document, Documents, OrgScope, Write};
use super::error::StoreError;
use super::parts::in_parts;
use super::query::{Condition, Cursor, Direction, Field, Query, Scalar};
use super::versioned::{self, Versioned};
use crate::domain::call_record::{CallRecord, CallStatus, SessionStatus};
use crate::domain::ids::{CallId, OrgId, PatientId};
use crate::domain::termination::{GatewayReason, Termination};
use crate::domain::timeline::{Moment, TimelineEntry};
use chrono::{DateTime, Utc};

/// The records of calls, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct CallRecords {
    documents: Arc<dyn Documents>,
}

/// Some records, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPage {
    /// At most as many as were asked for.
    pub records: Vec<CallRecord>,
    /// Where to go on; none when these were the last.
    pub next: Option<Cursor>,
}

/// Which records to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFilter {
    /// Only those of this status.
    pub session_status: Option<SessionStatus>,
    /// Only those with this patient.
    pub patient: Option<PatientId>,
    /// Only those that began then or later.
    pub from: Option<DateTime<Utc>>,
    /// Only those that began before.
    pub until: Option<DateTime<Utc>>,
}

impl CallRecords {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<dyn Documents>) -> Self {
        Self { documents }
    }

    /// Adds a record; answers with its version, 1.
    ///
    /// # Errors
    /// When it exists already or the store fails.
    pub async fn insert(&self, record: &CallRecord) -> Result<u64, StoreError> {
        let insert = Write::Insert { collection: &CALLS, id: record.id.to_string(), body: body(record)? };
        self.documents.write_one(&scope_of(record), insert).await
    }

    /// Replaces a record that stands at `version`; answers with its new version.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update(&self, record: &CallRecord, version: u64) -> Result<u64, StoreError> {
        let replace = Write::Replace { collection: &CALLS, id: record.id.to_string(), version, body: body(record)? };
        self.documents.write_one(&scope_of(record), replace).await
    }

    /// Adds or replaces records of one organisation, in as few writes as a store takes so much in: for the call itself, which is
    /// their only writer while it lives.
    ///
    /// # Errors
    /// When the store fails: of each write all or nothing is there.
    pub async fn put(&self, scope: &OrgScope, records: impl IntoIterator<Item = &CallRecord>) -> Result<(), StoreError> {
        let put = |record: &CallRecord| Ok(Write::Put { collection: &CALLS, id: record.id.to_string(), body: body(record)? });
        let writes = records.into_iter().map(put).collect::<Result<Vec<_>, StoreError>>()?;
        for part in in_parts(writes) {
            self.documents.write(scope, part).await?;
        }
        Ok(())
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.documents.get(&OrgScope::new(OrgId::default_org()), &CALLS, "probe").await.map(|_| ())
    }

    /// Operations of the store under way, for whatever reason.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.documents.under_way()
    }

    /// One record, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, id: &CallId) -> Result<Option<Versioned<CallRecord>>, StoreError> {
        self.documents.get(scope, &CALLS, id.as_str()).await?.map(read).transpose()
    }

    /// Records newest first, at most `limit` (1 to 200), behind `after`.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn list(&self, scope: &OrgScope, filter: &CallFilter, after: Option<Cursor>, limit: u32) -> Result<CallPage, StoreError> {
        let mut query = Query::first(limit).sort(STARTED_AT, Direction::Descending).after(after);
        if let Some(status) = filter.session_status {
            query = query.filter(SESSION_STATUS, equals(status)?);
        }
        if let Some(patient) = &filter.patient {
            query = query.filter(PATIENT, Condition::Equals(Scalar::Text(patient.to_string())));
        }
        let moment = |at: DateTime<Utc>| Scalar::Integer(at.timestamp_micros());
        if let Some(from) = filter.from {
            query = query.filter(STARTED_AT, Condition::AtLeast(moment(from)));
        }
        if let Some(until) = filter.until {
            query = query.filter(STARTED_AT, Condition::Below(moment(until)));
        }
        let page = self.documents.find(scope, &CALLS, query).await?;
        let records = page.documents.into_iter().map(|document| read(document).map(|found| found.record)).collect::<Result<_, _>>()?;
        Ok(CallPage { records, next: page.next })
    }

    /// At start: every call that an earlier process left `starting` or `running` becomes `failed`, interrupted.
    /// Answers with their number. Not to be called while calls run. `before` sees each as it will stand, before that is written:
    /// what it does is done again where this process dies, too.
    ///
    /// # Errors
    /// When the store fails; what was marked until then stays marked, and a second try goes on from there.
    pub async fn mark_interrupted(&self, now: DateTime<Utc>, mut before: impl AsyncFnMut(&CallRecord)) -> Result<u64, StoreError> {
        let mut marked = 0;
        for scope in self.documents.scopes(&CALLS).await? {
            for status in [SessionStatus::Starting, SessionStatus::Running] {
                match self.interrupt_all(&scope, status, now, &mut before).await {
                    // Nobody reads these records any more.
                    Err(StoreError::Erased) => {}
                    outcome => marked += outcome?,
                }
            }
        }
        Ok(marked)
    }

    async fn interrupt_all(
        &self,
        scope: &OrgScope,
        status: SessionStatus,
        now: DateTime<Utc>,
        before: &mut impl AsyncFnMut(&CallRecord),
    ) -> Result<u64, StoreError> {
        let mut marked = 0;
        loop {
            let query = Query::first(Query::MAX_LIMIT).filter(SESSION_STATUS, equals(status)?).sort(STARTED_AT, Direction::Descending);
            let left = self.documents.find(scope, &CALLS, query).await?.documents;
            if left.is_empty() {
                return Ok(marked);
            }
            let mut writes = Vec::with_capacity(left.len());
            for document in left {
                let Versioned { mut record, version } = read(document)?;
                interrupt(&mut record, now);
                before(&record).await;
                writes.push(Write::Replace { collection: &CALLS, id: record.id.to_string(), version, body: body(&record)? });
            }
            for part in in_parts(writes) {
                marked += self.documents.write(scope, part).await?.len() as u64;
            }
        }
    }
}

/// Ends a record whose process died.
fn interrupt(record: &mut CallRecord, now: DateTime<Utc>) {
    record.session_status = SessionStatus::Failed;
    record.call_status = CallStatus::Completed;
    record.termination = Some(Termination::gateway(GatewayReason::Interrupted));
    record.ended_at = Some(now);
    let at_ms = u64::try_from((now - record.started_at).num_milliseconds()).unwrap_or_default();
    record.timeline.push(TimelineEntry { at_ms, moment: Moment::Ended });
}

fn body(record: &CallRecord) -> Result<serde_json::Value, StoreError> {
    versioned::body(&CALLS, record.id.as_str(), record, &[(STARTED_AT, record.started_at.timestamp_micros().into())])
}

fn read(document: Document) -> Result<Versioned<CallRecord>, StoreError> {
    versioned::read(&CALLS, document)
}

fn equals(status: SessionStatus) -> Result<Condition, StoreError> {
    versioned::equals(&CALLS, SESSION_STATUS, &status)
}

fn scope_of(record: &CallRecord) -> OrgScope {
    OrgScope::new(record.org_id.clone())
}

const STARTED_AT: Field = Field("started_at_us");
const PATIENT: Field = Field("record.patient_id");
const SESSION_STATUS: Field = Field("record.session_status");

/// The collection and its queries: all newest first, those of one status, of one patient, and of both.
/// All numbers, every word, and the timeline, which repeats what agents call their faults, are sealed.
pub static CALLS: Collection = Collection {
    name: "calls",
    fields: &[STARTED_AT, SESSION_STATUS, PATIENT],
    indexes: &[&[STARTED_AT], &[SESSION_STATUS, STARTED_AT], &[PATIENT, STARTED_AT], &[PATIENT, SESSION_STATUS, STARTED_AT]],
    sealed: &[Field("record.from"), Field("record.to"), Field("record.arrival"), Field("record.transcript"), Field("record.timeline")],
    lookups: &[],
};

#[cfg(test)]
pub(super) mod tests;
