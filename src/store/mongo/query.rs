//! A query as a filter: declared fields and typed values, put together by the driver; no text of a caller becomes an
//! operator.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document as BsonDocument, deserialize_from_bson, doc};

use super::MongoDocuments;
use super::command::version_of;
use crate::store::documents::{Collection, Document, Head, Heads, OrgScope, Page};
use crate::store::error::StoreError;
use crate::store::query::{Condition, Cursor, Direction, Field, Query, Scalar};

impl MongoDocuments {
    pub(super) async fn select(&self, scope: &OrgScope, collection: &'static Collection, query: Query) -> Result<Page, StoreError> {
        let (filter, sort) = filter(scope, collection, &query)?;
        let documents = self.collection(collection.name);
        let find = || async {
            let found = documents.find(filter.clone()).sort(sort.clone()).limit(i64::from(query.limit) + 1).await?;
            Ok(found.try_collect::<Vec<_>>().await?)
        };
        let mut documents = Vec::new();
        for stored in self.retried(find).await? {
            documents.extend(document(collection, stored)?);
        }
        let more = documents.len() > query.limit as usize;
        documents.truncate(query.limit as usize);
        let next = documents.last().filter(|_| more).map(|last| Cursor::behind(&query, last));
        Ok(Page { documents, next })
    }

    pub(super) async fn add_up(&self, scope: &OrgScope, collection: &'static Collection, field: Field) -> Result<i64, StoreError> {
        let own = doc! { "org": scope.org().as_str(), "version": { "$gt": 0_i64 } };
        let all = doc! { "_id": Bson::Null, "sum": { "$sum": format!("${}", declared(collection, field)?) } };
        let documents = self.collection(collection.name);
        let sums = || async {
            let found = documents.aggregate([doc! { "$match": own.clone() }, doc! { "$group": all.clone() }]).await?;
            Ok(found.try_collect::<Vec<_>>().await?)
        };
        let found = self.retried(sums).await?;
        Ok(match found.first().and_then(|found| found.get("sum")) {
            Some(Bson::Int32(sum)) => (*sum).into(),
            Some(Bson::Int64(sum)) => *sum,
            _ => 0,
        })
    }
}

impl MongoDocuments {
    pub(super) async fn select_heads(&self, scope: &OrgScope, collection: &'static Collection, query: Query) -> Result<Heads, StoreError> {
        let (filter, sort) = filter(scope, collection, &query)?;
        let mut wanted = doc! { "_id": 0, "id": 1, "version": 1 };
        wanted.extend(query.sort.map(|(field, _)| (format!("body.{}", field.0), Bson::Int32(1))));
        let documents = self.collection(collection.name);
        let find = || async {
            let found = documents.find(filter.clone()).sort(sort.clone()).projection(wanted.clone()).limit(i64::from(query.limit) + 1);
            Ok(found.await?.try_collect::<Vec<_>>().await?)
        };
        let found = self.retried(find).await?;
        Ok(Heads::of_found(found.iter().map(|stored| head(stored, &query)).collect(), query.limit))
    }
}

fn head(stored: &BsonDocument, query: &Query) -> Head {
    let sort = query.sort.and_then(|(field, _)| {
        let body = stored.get("body");
        match field.0.split('.').try_fold(body?, |value, key| value.as_document()?.get(key))? {
            Bson::Int64(number) => Some(Scalar::Integer(*number)),
            Bson::Int32(number) => Some(Scalar::Integer(i64::from(*number))),
            Bson::String(text) => Some(Scalar::Text(text.clone())),
            _ => None,
        }
    });
    Head { id: stored.get_str("id").unwrap_or_default().to_owned(), version: version_of(stored), sort }
}

/// The document as it was written; none for a place that a batch holds.
pub(super) fn document(collection: &'static Collection, mut stored: BsonDocument) -> Result<Option<Document>, StoreError> {
    let version = version_of(&stored);
    if version == 0 {
        return Ok(None);
    }
    let id = stored.get_str("id").unwrap_or_default().to_owned();
    let body = stored.remove("body").unwrap_or(Bson::Null);
    match deserialize_from_bson(body) {
        Ok(body) => Ok(Some(Document { id, version, body })),
        Err(source) => Err(StoreError::Malformed { collection: collection.name, id, source: serde::de::Error::custom(source) }),
    }
}

fn filter(scope: &OrgScope, collection: &'static Collection, query: &Query) -> Result<(BsonDocument, BsonDocument), StoreError> {
    let mut all = vec![doc! { "org": scope.org().as_str() }, doc! { "version": { "$gt": 0_i64 } }];
    for (field, condition) in &query.filters {
        let (operator, value) = match condition {
            Condition::Equals(value) => ("$eq", value),
            Condition::AtLeast(value) => ("$gte", value),
            Condition::Below(value) => ("$lt", value),
        };
        let field = declared(collection, *field)?;
        all.push(doc! { field: { operator: bson(value) } });
    }
    let direction = query.sort.map_or(Direction::Ascending, |(_, direction)| direction);
    let (order, beyond) = match direction {
        Direction::Ascending => (1, "$gt"),
        Direction::Descending => (-1, "$lt"),
    };
    let sorted_by = query.sort.map(|(field, _)| declared(collection, field)).transpose()?;
    match (&query.after, &sorted_by) {
        (None, _) => {}
        (Some(Cursor { sort: Some(value), id }), Some(field)) => {
            let value = bson(value);
            let further = doc! { field: { beyond: value.clone() } };
            all.push(doc! { "$or": [further, { field: value, "id": { beyond: id } }] });
        }
        (Some(Cursor { sort: None, id }), None) => all.push(doc! { "id": { beyond: id } }),
        (Some(_), _) => return Err(StoreError::InvalidCursor),
    }
    let mut sort = BsonDocument::new();
    sort.extend(sorted_by.map(|field| (field, Bson::Int32(order))));
    sort.insert("id", order);
    Ok((doc! { "$and": all }, sort))
}

fn declared(collection: &'static Collection, field: Field) -> Result<String, StoreError> {
    if collection.fields.contains(&field) {
        Ok(format!("body.{}", field.0))
    } else {
        Err(StoreError::UndeclaredField { collection: collection.name, field: field.0 })
    }
}

fn bson(scalar: &Scalar) -> Bson {
    match scalar {
        Scalar::Integer(number) => Bson::Int64(*number),
        Scalar::Text(text) => Bson::String(text.clone()),
    }
}
