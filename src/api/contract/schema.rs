//! Shapes as JSON Schema (2020-12), which is what OpenAPI 3.1 speaks.

use serde_json::{Map, Value, json};

use super::shape::{Member, Object, Presence, Shape};

impl Object {
    /// The schema of the whole object; nothing else is allowed in it.
    pub(super) fn schema(&self) -> Value {
        let properties: Map<_, _> = self.members.iter().map(|member| (member.name.to_owned(), member.schema())).collect();
        let required: Vec<_> = self.members.iter().filter(|member| !member.may_be_absent()).map(|member| member.name).collect();
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if !required.is_empty() {
            insert(&mut schema, "required", json!(required));
        }
        schema
    }

    /// An example of it: every member filled in but those that stand in the place of others.
    pub(in crate::api) fn example(&self) -> Value {
        let shown = self.members.iter().filter(|member| member.presence != Presence::Instead);
        Value::Object(shown.map(|member| (member.name.to_owned(), member.shape.example())).collect())
    }
}

impl Member {
    fn schema(&self) -> Value {
        let mut schema = self.shape.schema();
        if matches!(self.presence, Presence::Optional | Presence::Instead) {
            schema = nullable(schema);
        }
        if !self.text.is_empty() {
            insert(&mut schema, "description", json!(self.text));
        }
        schema
    }

    /// As a parameter of a query, where there is no null.
    pub(super) fn parameter(&self) -> Value {
        json!({
            "name": self.name,
            "in": "query",
            "required": !self.may_be_absent(),
            "description": self.text,
            "schema": self.shape.schema(),
        })
    }
}

impl Shape {
    pub(super) fn schema(&self) -> Value {
        match self {
            Self::Text { min, max, format, example } => {
                let mut schema = json!({ "type": "string", "minLength": min, "maxLength": max });
                let (format, pattern) = format.in_schema();
                format.into_iter().for_each(|format| insert(&mut schema, "format", json!(format)));
                pattern.into_iter().for_each(|pattern| insert(&mut schema, "pattern", json!(pattern)));
                if !example.is_empty() {
                    insert(&mut schema, "examples", json!([example]));
                }
                schema
            }
            Self::Choice(words) => json!({ "type": "string", "enum": words }),
            Self::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Self::Amount { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Map { key, of, max } => {
                let mut names = json!({});
                key.in_schema().1.into_iter().for_each(|pattern| insert(&mut names, "pattern", json!(pattern)));
                json!({ "type": "object", "propertyNames": names, "additionalProperties": of.schema(), "maxProperties": max })
            }
            Self::List { of, min, max } => json!({ "type": "array", "items": of.schema(), "minItems": min, "maxItems": max }),
            Self::Object(object) => object.schema(),
            Self::Json => json!({ "type": "object" }),
        }
    }

    fn example(&self) -> Value {
        match self {
            Self::Text { format: super::Format::Id(prefix), .. } => json!(format!("{prefix}_{}", "0".repeat(26))),
            Self::Text { example, .. } => json!(example),
            Self::Choice(words) => json!(words.first()),
            Self::Integer { min, .. } => json!(min),
            Self::Amount { min, .. } => json!(min),
            Self::Map { key, of, .. } => json!({ key.example(): of.example() }),
            Self::Flag => json!(true),
            Self::List { of, .. } => json!([of.example()]),
            Self::Object(object) => object.example(),
            Self::Json => json!({ "type": "object", "properties": {} }),
        }
    }
}

/// The same, or null.
fn nullable(mut schema: Value) -> Value {
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    if let Some(kind) = schema.get("type").cloned() {
        insert(&mut schema, "type", json!([kind, "null"]));
    }
    schema
}

fn insert(schema: &mut Value, key: &str, value: Value) {
    if let Some(members) = schema.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}
