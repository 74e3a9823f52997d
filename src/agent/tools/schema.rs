//! JSON Schema as far as arguments of tools are held against it: a subset of draft 2020-12, whole within its bounds.
//!
//! Known: `type`, `enum`, `const`, `anyOf`; of objects `properties`, `required`, `additionalProperties`, `maxProperties`; of arrays
//! `items`, `minItems`, `maxItems`, `uniqueItems`; of texts `minLength`, `maxLength` (in characters); of numbers `minimum`, `maximum`,
//! `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf` (of integers). `title`, `description`, `default`, `examples`, `format`, `deprecated` and `$schema`
//! are for the model and judge nothing. Any other keyword is refused when the tool is set up: nobody believes in a rule that does not hold.
//! Left out on purpose: patterns, whose cost an agent would choose, and references, which could lead in circles.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

/// A schema that was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    types: Vec<Type>,
    values: Option<Vec<Value>>,
    any_of: Vec<Schema>,
    properties: BTreeMap<String, Schema>,
    required: Vec<String>,
    additional: Additional,
    max_properties: Option<u64>,
    items: Option<Box<Schema>>,
    min_items: u64,
    max_items: Option<u64>,
    unique_items: bool,
    min_length: u64,
    max_length: Option<u64>,
    minimum: Option<Bound>,
    maximum: Option<Bound>,
    multiple_of: Option<u64>,
}

/// What else than its properties an object may have.
#[derive(Clone, Debug, Default, PartialEq)]
enum Additional {
    #[default]
    Anything,
    Nothing,
    Of(Box<Schema>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bound {
    at: f64,
    excluded: bool,
}

/// Why a schema cannot be held against anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A keyword that is not known here.
    #[error("the keyword {keyword} is not known")]
    Unknown {
        /// Which.
        keyword: String,
    },
    /// A keyword whose value is not of its kind.
    #[error("the value of {keyword} cannot be")]
    Value {
        /// Which.
        keyword: &'static str,
    },
    /// Deeper than [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
}

/// The first rule that a value does not keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} {rule}")]
pub struct Violation {
    /// Where, as a path of keys: `$`, `$.day`, `$.days[2]`. Keys are those of the schema, never the agent's own.
    pub place: String,
    /// What is wrong.
    pub rule: &'static str,
}

impl Schema {
    /// Understands a schema.
    ///
    /// # Errors
    /// When a keyword is unknown, or its value none that it can have.
    pub fn parse(schema: &Value) -> Result<Self, SchemaError> {
        Self::within(schema, MAX_DEPTH)
    }

    /// Holds a value against it.
    ///
    /// # Errors
    /// The first rule that is not kept.
    pub fn check(&self, value: &Value) -> Result<(), Violation> {
        self.check_at(value, "$")
    }

    fn within(schema: &Value, depth: usize) -> Result<Self, SchemaError> {
        let left = depth.checked_sub(1).ok_or(SchemaError::TooDeep)?;
        let members = match schema {
            Value::Bool(true) => return Ok(Self::default()),
            Value::Object(members) => members,
            _ => return Err(SchemaError::Value { keyword: "a schema" }),
        };
        let mut read = Self::default();
        for (keyword, value) in members {
            read.take(keyword, value, left)?;
        }
        Ok(read)
    }

    fn take(&mut self, keyword: &str, value: &Value, depth: usize) -> Result<(), SchemaError> {
        let one = |value: &Value| Self::within(value, depth);
        match keyword {
            "type" => self.types = types(value)?,
            "enum" => self.values = Some(value.as_array().filter(|values| !values.is_empty()).ok_or(wrong("enum"))?.clone()),
            "const" => self.values = Some(vec![value.clone()]),
            "anyOf" => self.any_of = value.as_array().ok_or(wrong("anyOf"))?.iter().map(one).collect::<Result<_, _>>()?,
            "properties" => {
                let members = value.as_object().ok_or(wrong("properties"))?;
                self.properties =
                    members.iter().map(|(name, value)| Ok((name.clone(), one(value)?))).collect::<Result<_, SchemaError>>()?;
            }
            "required" => {
                let names = value.as_array().ok_or(wrong("required"))?.iter();
                self.required = names.map(|name| name.as_str().map(str::to_owned).ok_or(wrong("required"))).collect::<Result<_, _>>()?;
            }
            "additionalProperties" => {
                self.additional = match value {
                    Value::Bool(true) => Additional::Anything,
                    Value::Bool(false) => Additional::Nothing,
                    schema => Additional::Of(Box::new(one(schema)?)),
                }
            }
            "items" => self.items = Some(Box::new(one(value)?)),
            "maxProperties" => self.max_properties = Some(count(value, "maxProperties")?),
            "minItems" => self.min_items = count(value, "minItems")?,
            "maxItems" => self.max_items = Some(count(value, "maxItems")?),
            "uniqueItems" => self.unique_items = value.as_bool().ok_or(wrong("uniqueItems"))?,
            "minLength" => self.min_length = count(value, "minLength")?,
            "maxLength" => self.max_length = Some(count(value, "maxLength")?),
            "multipleOf" => self.multiple_of = Some(count(value, "multipleOf").ok().filter(|of| *of > 0).ok_or(wrong("multipleOf"))?),
            "minimum" => self.minimum = Some(bound(value, false, "minimum")?),
            "maximum" => self.maximum = Some(bound(value, false, "maximum")?),
            "exclusiveMinimum" => self.minimum = Some(bound(value, true, "exclusiveMinimum")?),
            "exclusiveMaximum" => self.maximum = Some(bound(value, true, "exclusiveMaximum")?),
            "title" | "description" | "default" | "examples" | "format" | "deprecated" | "$schema" => {}
            unknown => return Err(SchemaError::Unknown { keyword: unknown.chars().take(64).collect() }),
        }
        Ok(())
    }

    fn check_at(&self, value: &Value, place: &str) -> Result<(), Violation> {
        let broken = |rule| Violation { place: place.to_owned(), rule };
        if !self.types.is_empty() && !self.types.iter().any(|kind| kind.is(value)) {
            return Err(broken("is of another type"));
        }
        if self.values.as_ref().is_some_and(|values| !values.iter().any(|known| same(known, value))) {
            return Err(broken("is none of the values that it may have"));
        }
        if !self.any_of.is_empty() && !self.any_of.iter().any(|schema| schema.check_at(value, place).is_ok()) {
            return Err(broken("fits none of the forms that it may have"));
        }
        match value {
            Value::Object(members) => self.check_object(members, place),
            Value::Array(items) => self.check_array(items, place),
            Value::String(text) => self.check_text(text).map_err(broken),
            Value::Number(number) => self.check_number(number).map_err(broken),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    fn check_object(&self, members: &Map<String, Value>, place: &str) -> Result<(), Violation> {
        let broken = |rule| Violation { place: place.to_owned(), rule };
        if self.max_properties.is_some_and(|most| members.len() as u64 > most) {
            return Err(broken("has too many members"));
        }
        if let Some(missing) = self.required.iter().find(|name| !members.contains_key(*name)) {
            return Err(Violation { place: format!("{place}.{missing}"), rule: "is missing" });
        }
        for (name, value) in members {
            match (self.properties.get(name), &self.additional) {
                (Some(schema), _) => schema.check_at(value, &format!("{place}.{name}"))?,
                (None, Additional::Anything) => {}
                (None, Additional::Nothing) => return Err(broken("has a member that is not known")),
                (None, Additional::Of(schema)) => schema.check_at(value, &format!("{place}.*"))?,
            }
        }
        Ok(())
    }

    fn check_array(&self, items: &[Value], place: &str) -> Result<(), Violation> {
        let broken = |rule| Err(Violation { place: place.to_owned(), rule });
        let length = items.len() as u64;
        if length < self.min_items {
            return broken("has too few items");
        }
        if self.max_items.is_some_and(|most| length > most) {
            return broken("has too many items");
        }
        if self.unique_items && items.len() > MAX_COMPARED {
            return broken("has too many items");
        }
        if self.unique_items && items.iter().enumerate().any(|(place, item)| items.iter().take(place).any(|other| same(other, item))) {
            return broken("has an item twice");
        }
        let Some(schema) = &self.items else { return Ok(()) };
        items.iter().enumerate().try_for_each(|(index, item)| schema.check_at(item, &format!("{place}[{index}]")))
    }

    fn check_text(&self, text: &str) -> Result<(), &'static str> {
        let length = text.chars().count() as u64;
        if length < self.min_length {
            return Err("is too short");
        }
        if self.max_length.is_some_and(|most| length > most) {
            return Err("is too long");
        }
        Ok(())
    }

    fn check_number(&self, number: &Number) -> Result<(), &'static str> {
        let value = number.as_f64().unwrap_or(f64::NAN);
        let below = |bound: Bound| value < bound.at || bound.excluded && value <= bound.at;
        let above = |bound: Bound| value > bound.at || bound.excluded && value >= bound.at;
        if self.minimum.is_some_and(below) {
            return Err("is too small");
        }
        if self.maximum.is_some_and(above) {
            return Err("is too large");
        }
        if self.multiple_of.is_some_and(|of| value % of as f64 != 0.0) {
            return Err("is no multiple of what it must be");
        }
        Ok(())
    }
}

impl Type {
    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null)
            | (Self::Boolean, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::String, Value::String(_))
            | (Self::Array, Value::Array(_))
            | (Self::Object, Value::Object(_)) => true,
            // A number without a fraction is an integer, however it is written (section 6.1.1 of the validation draft).
            (Self::Integer, Value::Number(number)) => number.as_f64().is_some_and(|value| value.fract() == 0.0),
            _ => false,
        }
    }
}

fn types(value: &Value) -> Result<Vec<Type>, SchemaError> {
    let one = |value: &Value| {
        Ok(match value.as_str().ok_or(wrong("type"))? {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "string" => Type::String,
            "array" => Type::Array,
            "object" => Type::Object,
            _ => return Err(wrong("type")),
        })
    };
    match value {
        Value::Array(types) if !types.is_empty() => types.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// Equal as JSON Schema has it: numbers by their value.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}

fn count(value: &Value, keyword: &'static str) -> Result<u64, SchemaError> {
    value.as_u64().ok_or(wrong(keyword))
}

fn bound(value: &Value, excluded: bool, keyword: &'static str) -> Result<Bound, SchemaError> {
    Ok(Bound { at: value.as_f64().ok_or(wrong(keyword))?, excluded })
}

const fn wrong(keyword: &'static str) -> SchemaError {
    SchemaError::Value { keyword }
}

/// Items of an array that are compared with each other: an agent must not choose how long that takes.
const MAX_COMPARED: usize = 128;

/// Schemas in each other.
pub const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(schema: &Value, value: &Value) -> Option<String> {
        Schema::parse(schema).unwrap().check(value).err().map(|violation| violation.to_string())
    }

    #[test]
    fn arguments_keep_the_rules_of_their_schema() {
        let schema = json!({"type": "object", "required": ["day"], "additionalProperties": false, "properties": {
            "day": {"type": "string", "minLength": 10, "maxLength": 10, "description": "as 2027-01-31"},
            "persons": {"type": "integer", "minimum": 1, "exclusiveMaximum": 5},
            "kind": {"enum": ["visit", "call"]},
            "times": {"type": "array", "items": {"type": ["string", "null"]}, "maxItems": 2, "uniqueItems": true},
            "either": {"anyOf": [{"type": "boolean"}, {"const": "unknown"}]}}});
        let kept = [
            json!({"day": "2027-01-31"}),
            json!({"day": "2027-01-31", "persons": 4, "kind": "call", "times": ["9:30", null], "either": true}),
            json!({"day": "2027-01-31", "persons": 2.0, "either": "unknown"}),
        ];
        for value in kept {
            assert_eq!(rule(&schema, &value), None, "{value}");
        }
        let broken = [
            (json!([]), "$ is of another type"),
            (json!({}), "$.day is missing"),
            (json!({"day": "today"}), "$.day is too short"),
            (json!({"day": 7}), "$.day is of another type"),
            (json!({"day": "2027-01-31", "persons": 0}), "$.persons is too small"),
            (json!({"day": "2027-01-31", "persons": 5}), "$.persons is too large"),
            (json!({"day": "2027-01-31", "persons": 1.5}), "$.persons is of another type"),
            (json!({"day": "2027-01-31", "kind": "fax"}), "$.kind is none of the values that it may have"),
            (json!({"day": "2027-01-31", "times": ["a", "b", "c"]}), "$.times has too many items"),
            (json!({"day": "2027-01-31", "times": ["a", "a"]}), "$.times has an item twice"),
            (json!({"day": "2027-01-31", "times": ["a", 7]}), "$.times[1] is of another type"),
            (json!({"day": "2027-01-31", "either": "maybe"}), "$.either fits none of the forms that it may have"),
            (json!({"day": "2027-01-31", "secret": 1}), "$ has a member that is not known"),
        ];
        for (value, rule_broken) in broken {
            assert_eq!(rule(&schema, &value).as_deref(), Some(rule_broken), "{value}");
        }
    }

    #[test]
    fn a_rule_that_would_not_hold_is_refused_when_the_tool_is_set_up() {
        let refused = |schema: Value| Schema::parse(&schema).unwrap_err();
        assert_eq!(refused(json!({"pattern": "a*"})), SchemaError::Unknown { keyword: "pattern".to_owned() });
        assert_eq!(refused(json!({"properties": {"a": {"$ref": "#"}}})), SchemaError::Unknown { keyword: "$ref".to_owned() });
        assert_eq!(refused(json!({"type": "text"})), SchemaError::Value { keyword: "type" });
        assert_eq!(refused(json!({"minItems": -1})), SchemaError::Value { keyword: "minItems" });
        assert_eq!(refused(json!({"multipleOf": 0})), SchemaError::Value { keyword: "multipleOf" });
        assert_eq!(refused(json!(7)), SchemaError::Value { keyword: "a schema" });
        let nested = |levels: usize| (0..levels).fold(json!({}), |inner, _| json!({"items": inner}));
        assert!(Schema::parse(&nested(MAX_DEPTH - 1)).is_ok());
        assert_eq!(refused(nested(MAX_DEPTH)), SchemaError::TooDeep);
    }

    #[test]
    fn what_an_agent_calls_something_is_in_no_word_of_ours() {
        let schema = json!({"additionalProperties": {"type": "string"}});
        assert_eq!(rule(&schema, &json!({"Ana Planted": 7})).as_deref(), Some("$.* is of another type"));
    }
}
