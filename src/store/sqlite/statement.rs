//! The statements: text is made of declared names only, every value is bound.

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::store::documents::{Collection, Document, Head, Heads, OrgScope, Page, Write};
use crate::store::error::StoreError;
use crate::store::query::{Condition, Cursor, Direction, Field, Query, Scalar};

/// The expression that reads a field; an index serves only the very same text.
pub(super) fn extract(field: Field) -> String {
    format!("json_extract(body, '$.{}')", field.0)
}

pub(super) fn get(
    connection: &Connection,
    scope: &OrgScope,
    collection: &'static Collection,
    id: &str,
) -> Result<Option<Document>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT id, version, body FROM {} WHERE org = ?1 AND id = ?2", collection.name))?;
    let row = statement.query_row(params![scope.org().as_str(), id], read_row).optional()?;
    row.map(|row| document(collection, row)).transpose()
}

pub(super) fn find(connection: &Connection, scope: &OrgScope, collection: &'static Collection, query: &Query) -> Result<Page, StoreError> {
    let (text, values) = select("body", scope, collection, query)?;
    #[cfg(test)]
    assert_indexed(connection, &text, &values);
    let mut statement = connection.prepare_cached(&text)?;
    let rows = statement.query_map(params_from_iter(values), read_row)?;
    let mut documents = rows.map(|row| document(collection, row?)).collect::<Result<Vec<_>, _>>()?;
    let limit = query.limit as usize;
    let more = documents.len() > limit;
    documents.truncate(limit);
    let next = documents.last().filter(|_| more).map(|last| Cursor::behind(query, last));
    Ok(Page { documents, next })
}

pub(super) fn heads(
    connection: &Connection,
    scope: &OrgScope,
    collection: &'static Collection,
    query: &Query,
) -> Result<Heads, StoreError> {
    let sort = query.sort.map(|(field, _)| declared(collection, field)).transpose()?;
    let (text, values) = select(sort.as_deref().unwrap_or("NULL"), scope, collection, query)?;
    #[cfg(test)]
    assert_indexed(connection, &text, &values);
    let mut statement = connection.prepare_cached(&text)?;
    let rows = statement.query_map(params_from_iter(values), read_head)?;
    Ok(Heads::of_found(rows.collect::<Result<_, _>>()?, query.limit))
}

pub(super) fn write(connection: &Connection, scope: &OrgScope, write: &Write) -> Result<u64, StoreError> {
    let org = scope.org().as_str();
    match write {
        Write::Insert { collection, id, body } => insert(connection, org, (collection, id), 1, body),
        Write::Restore { collection, id, version, body } => insert(connection, org, (collection, id), *version, body),
        Write::Replace { collection, id, version, body } => {
            let text =
                format!("UPDATE {} SET version = version + 1, body = ?4 WHERE org = ?1 AND id = ?2 AND version = ?3", collection.name);
            let replaced = connection.prepare_cached(&text)?.execute(params![org, id, integer(*version), body.to_string()])?;
            if replaced == 1 { Ok(version + 1) } else { Err(conflict(connection, org, collection, id, *version)?) }
        }
        Write::Put { collection, id, body } => {
            let text = format!(
                "INSERT INTO {} VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT DO UPDATE SET version = version + 1, body = excluded.body RETURNING version",
                collection.name
            );
            Ok(connection.prepare_cached(&text)?.query_row(params![org, id, body.to_string()], version_of)?)
        }
        Write::Delete { collection, id, version } => {
            let text = format!("DELETE FROM {} WHERE org = ?1 AND id = ?2 AND version = ?3", collection.name);
            let deleted = connection.prepare_cached(&text)?.execute(params![org, id, integer(*version)])?;
            if deleted == 1 { Ok(0) } else { Err(conflict(connection, org, collection, id, *version)?) }
        }
    }
}

fn insert(
    connection: &Connection,
    org: &str,
    (collection, id): (&'static Collection, &str),
    version: u64,
    body: &serde_json::Value,
) -> Result<u64, StoreError> {
    let text = format!("INSERT INTO {} VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING", collection.name);
    let inserted = connection.prepare_cached(&text)?.execute(params![org, id, integer(version), body.to_string()])?;
    if inserted == 1 { Ok(version) } else { Err(StoreError::Exists { collection: collection.name, id: id.to_owned() }) }
}

pub(super) fn scopes(connection: &Connection, collection: &'static Collection) -> Result<Vec<OrgScope>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT DISTINCT org FROM {}", collection.name))?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    names.iter().map(|name| OrgScope::of_name(name)).collect()
}

pub(super) fn sum(connection: &Connection, scope: &OrgScope, collection: &'static Collection, field: Field) -> Result<i64, StoreError> {
    let (name, added) = (collection.name, declared(collection, field)?);
    // The field's own index holds all that is wanted; the documents are not read.
    let index = super::schema::index_name(collection, &[field]);
    let text = format!("SELECT COALESCE(SUM({added}), 0) FROM {name} INDEXED BY {index} WHERE org = ?1");
    Ok(connection.prepare_cached(&text)?.query_row(params![scope.org().as_str()], |row| row.get(0))?)
}

/// The query as text, one document more than asked for: whether it comes tells whether there is a next page. `third` is read beside
/// identifier and version.
fn select(third: &str, scope: &OrgScope, collection: &'static Collection, query: &Query) -> Result<(String, Vec<SqlValue>), StoreError> {
    let mut text = format!("SELECT id, version, {third} FROM {} WHERE org = ?", collection.name);
    let mut values = vec![SqlValue::Text(scope.org().to_string())];
    for (field, condition) in &query.filters {
        let (operator, value) = match condition {
            Condition::Equals(value) => ("=", value),
            Condition::AtLeast(value) => (">=", value),
            Condition::Below(value) => ("<", value),
        };
        text += &format!(" AND {} {operator} ?", declared(collection, *field)?);
        values.push(sql_value(value));
    }
    let direction = query.sort.map_or(Direction::Ascending, |(_, direction)| direction);
    let (order, beyond) = match direction {
        Direction::Ascending => ("ASC", ">"),
        Direction::Descending => ("DESC", "<"),
    };
    let sort = query.sort.map(|(field, _)| declared(collection, field)).transpose()?;
    match (&query.after, &sort) {
        (None, _) => {}
        (Some(Cursor { sort: Some(value), id }), Some(sort)) => {
            text += &format!(" AND ({sort}, id) {beyond} (?, ?)");
            values.extend([sql_value(value), SqlValue::Text(id.clone())]);
        }
        (Some(Cursor { sort: None, id }), None) => {
            text += &format!(" AND id {beyond} ?");
            values.push(SqlValue::Text(id.clone()));
        }
        (Some(_), _) => return Err(StoreError::InvalidCursor),
    }
    let sort = sort.map(|sort| format!("{sort} {order}, ")).unwrap_or_default();
    text += &format!(" ORDER BY {sort}id {order} LIMIT ?");
    values.push(SqlValue::Integer(i64::from(query.limit) + 1));
    Ok((text, values))
}

/// In tests every query is looked at: one that no index serves whole fails whatever test asked it.
#[cfg(test)]
fn assert_indexed(connection: &Connection, text: &str, values: &[SqlValue]) {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
    let plan = explain.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
    let plan = plan.collect::<Result<Vec<_>, _>>().unwrap().join("; ");
    assert!(plan.starts_with("SEARCH ") && plan.contains("USING INDEX") && !plan.contains("TEMP B-TREE"), "{text}: {plan}");
}

fn declared(collection: &'static Collection, field: Field) -> Result<String, StoreError> {
    if collection.fields.contains(&field) {
        Ok(extract(field))
    } else {
        Err(StoreError::UndeclaredField { collection: collection.name, field: field.0 })
    }
}

fn sql_value(scalar: &Scalar) -> SqlValue {
    match scalar {
        Scalar::Integer(number) => SqlValue::Integer(*number),
        Scalar::Text(text) => SqlValue::Text(text.clone()),
    }
}

/// SQLite's integers are signed; a version never comes near the difference.
fn integer(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn conflict(
    connection: &Connection,
    org: &str,
    collection: &'static Collection,
    id: &str,
    expected: u64,
) -> Result<StoreError, StoreError> {
    let text = format!("SELECT version FROM {} WHERE org = ?1 AND id = ?2", collection.name);
    let found = connection.prepare_cached(&text)?.query_row(params![org, id], version_of).optional()?;
    Ok(StoreError::Conflict { collection: collection.name, id: id.to_owned(), expected, found })
}

fn version_of(row: &Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(0).map(i64::unsigned_abs)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<(String, u64, String)> {
    Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?))
}

fn read_head(row: &Row<'_>) -> rusqlite::Result<Head> {
    let sort = match row.get_ref(2)? {
        ValueRef::Integer(number) => Some(Scalar::Integer(number)),
        ValueRef::Text(_) => Some(Scalar::Text(row.get(2)?)),
        _ => None,
    };
    Ok(Head { id: row.get(0)?, version: row.get::<_, i64>(1)?.unsigned_abs(), sort })
}

fn document(collection: &'static Collection, (id, version, body): (String, u64, String)) -> Result<Document, StoreError> {
    match serde_json::from_str(&body) {
        Ok(body) => Ok(Document { id, version, body }),
        Err(source) => Err(StoreError::Malformed { collection: collection.name, id, source }),
    }
}
