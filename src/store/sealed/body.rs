//! A document's body, sealed: `{ …open fields…, "sealed": "<key>.<text>", "blind": { "<field>": "<hash>" } }`.

use serde_json::{Map, Value};

use super::fingerprint;
use super::keyring::OrgKeys;
use super::master;
use crate::store::documents::{Collection, OrgScope};
use crate::store::error::StoreError;
use crate::store::query::Field;

/// Cuts the collection's sealed fields out of `body` and puts them back sealed, with the hashes that they are found by.
pub(super) fn seal(
    keys: &OrgKeys,
    scope: &OrgScope,
    collection: &'static Collection,
    id: &str,
    body: &mut Value,
) -> Result<(), StoreError> {
    let unsealable = || StoreError::Unopened { collection: collection.name, id: id.to_owned() };
    let mut cut = Map::new();
    for field in collection.sealed {
        match remove(body, *field) {
            Some(Value::Null) => place(body, *field, Value::Null),
            Some(value) => {
                cut.insert(field.0.to_owned(), value);
            }
            None => {}
        }
    }
    for (field, hash) in collection.lookups {
        let hashed = cut.get(field.0).and_then(Value::as_str).map(|text| fingerprint(&keys.lookup, field.0, text));
        place(body, *hash, hashed.map_or(Value::Null, Value::String));
    }
    let key = keys.keys.get(&keys.current).ok_or_else(unsealable)?;
    let text = master::seal(key, &bound(scope, collection, id), Value::Object(cut).to_string().as_bytes()).map_err(|_| unsealable())?;
    place(body, SEALED, Value::String(format!("{}.{text}", keys.current)));
    Ok(())
}

/// The way back.
pub(super) fn open(
    keys: &OrgKeys,
    scope: &OrgScope,
    collection: &'static Collection,
    id: &str,
    body: &mut Value,
) -> Result<(), StoreError> {
    let unopened = || StoreError::Unopened { collection: collection.name, id: id.to_owned() };
    let Some(Value::String(sealed)) = remove(body, SEALED) else { return Err(unopened()) };
    let (name, text) = sealed.split_once('.').ok_or_else(unopened)?;
    let key = keys.keys.get(name).ok_or_else(unopened)?;
    let plain = master::open(key, &bound(scope, collection, id), text).map_err(|_| unopened())?;
    let cut: Map<String, Value> = serde_json::from_slice(&plain).map_err(|_| unopened())?;
    for (path, value) in cut {
        if let Some(field) = collection.sealed.iter().find(|field| field.0 == path) {
            place(body, *field, value);
        }
    }
    remove(body, BLIND);
    Ok(())
}

pub(super) fn is_sealed(body: &Value) -> bool {
    body.get(SEALED.0).is_some()
}

/// Whether a document is not sealed, or under another key than `current`.
pub(super) fn is_stale(collection: &'static Collection, body: &Value, current: &str) -> bool {
    let key = body.get(SEALED.0).and_then(Value::as_str).and_then(|sealed| sealed.split_once('.')).map(|(key, _)| key);
    // What is nothing has nothing to seal, and stands so.
    let open = |field: &Field| field.0.split('.').try_fold(body, |value, key| value.get(key)).is_some_and(|value| !value.is_null());
    !collection.sealed.is_empty() && (key != Some(current) || collection.sealed.iter().any(open))
}

/// What a sealed text is bound to: moved to another place it does not open.
fn bound(scope: &OrgScope, collection: &Collection, id: &str) -> Vec<u8> {
    format!("{}\0{}\0{id}", collection.name, scope.org()).into_bytes()
}

fn remove(body: &mut Value, field: Field) -> Option<Value> {
    let (parents, key) = parted(field);
    let parent = parents.into_iter().try_fold(body, |value, key| value.get_mut(key))?;
    parent.as_object_mut()?.shift_remove(key)
}

fn place(body: &mut Value, field: Field, value: Value) {
    let (parents, key) = parted(field);
    let mut parent = body;
    for name in parents {
        let Some(object) = parent.as_object_mut() else { return };
        parent = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Some(object) = parent.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn parted(field: Field) -> (Vec<&'static str>, &'static str) {
    let mut keys: Vec<_> = field.0.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    (keys, last)
}

const SEALED: Field = Field("sealed");
const BLIND: Field = Field("blind");
