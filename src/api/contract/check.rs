//! Holds what a client sent against its shape: every fault is named at once, and what nobody asked for is refused.

use serde_json::{Map, Number, Value};

use super::format::Format;
use super::shape::{Member, Object, Presence, Shape};
use crate::api::error::FieldFault;

/// Every fault of `members`, each with the path of its field.
pub(in crate::api) fn check(object: &Object, members: &Map<String, Value>) -> Vec<FieldFault> {
    let mut faults = Faults { list: Vec::new() };
    faults.object("", object, members);
    faults.list
}

struct Faults {
    list: Vec<FieldFault>,
}

impl Faults {
    fn object(&mut self, path: &str, object: &Object, members: &Map<String, Value>) {
        for member in object.members {
            let at = join(path, member.name);
            match members.get(member.name) {
                None | Some(Value::Null) if member.presence == Presence::Required => self.add(at, "is required"),
                Some(Value::Null) if member.presence == Presence::Kept => self.add(at, "cannot be null"),
                None | Some(Value::Null) => {}
                Some(value) => self.value(&at, &member.shape, value),
            }
        }
        let known = |name: &str| object.members.iter().any(|member| member.name == name);
        for name in members.keys().filter(|name| !known(name)).take(MAX_UNKNOWN) {
            let echo: String = name.chars().take(MAX_ECHO_LEN).collect();
            self.add(join(path, &echo), "is not known");
        }
    }

    fn value(&mut self, path: &str, shape: &Shape, value: &Value) {
        match (shape, value) {
            (Shape::Text { min, max, format, .. }, Value::String(text)) => {
                let length = text.chars().take(max + 1).count();
                if !(*min..=*max).contains(&length) || !format.fits(text) {
                    self.add(path.to_owned(), format.must());
                }
            }
            (Shape::Text { format, .. }, _) => self.add(path.to_owned(), format.must()),
            (Shape::Choice(words), Value::String(text)) if words.contains(&text.as_str()) => {}
            (Shape::Choice(_), _) => self.add(path.to_owned(), "must be one of the words that the documentation lists"),
            (Shape::Integer { min, max }, Value::Number(number)) if number.as_i64().is_some_and(|n| (*min..=*max).contains(&n)) => {}
            (Shape::Integer { .. }, _) => self.add(path.to_owned(), "must be a whole number within its bounds"),
            (Shape::Amount { min, max }, Value::Number(number)) if number.as_f64().is_some_and(|n| (*min..=*max).contains(&n)) => {}
            (Shape::Amount { .. }, _) => self.add(path.to_owned(), "must be a number within its bounds"),
            (Shape::Flag, Value::Bool(_)) => {}
            (Shape::Flag, _) => self.add(path.to_owned(), "must be true or false"),
            (Shape::List { of, min, max }, Value::Array(items)) => self.list(path, of, (*min, *max), items),
            (Shape::List { .. }, _) => self.add(path.to_owned(), "must be a list"),
            (Shape::Map { key, of, max }, Value::Object(members)) => self.map(path, (*key, of), *max, members),
            (Shape::Map { .. }, _) => self.add(path.to_owned(), "must be an object"),
            (Shape::Object(object), Value::Object(members)) => self.object(path, object, members),
            (Shape::Json, Value::Object(_)) => {}
            (Shape::Json | Shape::Object(_), _) => self.add(path.to_owned(), "must be an object"),
        }
    }

    fn list(&mut self, path: &str, of: &Shape, (min, max): (usize, usize), items: &[Value]) {
        if !(min..=max).contains(&items.len()) {
            self.add(path.to_owned(), "has too few or too many items");
            return;
        }
        for (index, item) in items.iter().enumerate() {
            self.value(&format!("{path}[{index}]"), of, item);
        }
    }

    fn map(&mut self, path: &str, (key, of): (Format, &Shape), max: usize, members: &Map<String, Value>) {
        if members.len() > max {
            self.add(path.to_owned(), "has too many members");
            return;
        }
        for (name, value) in members {
            let at = join(path, &name.chars().take(MAX_ECHO_LEN).collect::<String>());
            let (shortest, longest) = key.length();
            if !(shortest..=longest).contains(&name.chars().count()) || !key.fits(name) {
                self.add(at.clone(), key.must());
            }
            self.value(&at, of, value);
        }
    }

    fn add(&mut self, field: String, message: &'static str) {
        if self.list.len() < MAX_FAULTS {
            self.list.push(FieldFault { field, message: message.into() });
        }
    }
}

/// Parameters of a query as what their shapes say: numbers and flags are written as text there.
pub(in crate::api) fn from_query(object: &Object, pairs: Vec<(String, String)>) -> Result<Map<String, Value>, Vec<FieldFault>> {
    let mut members = Map::new();
    let mut faults = Vec::new();
    for (name, text) in pairs {
        let shape = object.members.iter().find(|member| member.name == name).map(|member| &member.shape);
        let value = read(shape, text);
        if members.insert(name.clone(), value).is_some() && faults.len() < MAX_UNKNOWN {
            faults.push(FieldFault { field: name.chars().take(MAX_ECHO_LEN).collect(), message: "is given twice".into() });
        }
    }
    if faults.is_empty() { Ok(members) } else { Err(faults) }
}

fn read(shape: Option<&Shape>, text: String) -> Value {
    match shape {
        Some(Shape::Integer { .. }) => text.parse::<i64>().map(|number| Value::Number(Number::from(number))).unwrap_or(Value::String(text)),
        Some(Shape::Flag) if text == "true" => Value::Bool(true),
        Some(Shape::Flag) if text == "false" => Value::Bool(false),
        _ => Value::String(text),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl Member {
    /// Whether the member can be left out.
    pub(super) fn may_be_absent(&self) -> bool {
        self.presence != Presence::Required
    }
}

/// Characters of an unknown field's name that are repeated to the client.
const MAX_ECHO_LEN: usize = 64;
/// Unknown fields of an object that are named.
const MAX_UNKNOWN: usize = 16;
/// Faults that are named: a bulk of a thousand wrong rows tells enough with these.
const MAX_FAULTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    static CARER: Object = Object {
        name: "Carer",
        members: &[Member::required("name", Shape::line(1, 3, "Ana"), ""), Member::optional("phone", Shape::of(Format::Phone), "")],
    };
    static PERSON: Object = Object {
        name: "Person",
        members: &[
            Member::kept("age", Shape::Integer { min: 0, max: 150 }, ""),
            Member::optional("active", Shape::Flag, ""),
            Member::required("carers", Shape::List { of: &Shape::Object(&CARER), min: 1, max: 2 }, ""),
        ],
    };

    fn faults(json: &str) -> Vec<String> {
        let members = serde_json::from_str(json).unwrap();
        check(&PERSON, &members).into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_path() {
        let json = r#"{"age":200,"active":"yes","carers":[{"name":"Anna","phone":"x"},{"phone":null,"x":1}],"$where":1}"#;
        assert_eq!(faults(json), ["age", "active", "carers[0].name", "carers[0].phone", "carers[1].name", "carers[1].x", "$where"]);
        assert_eq!(faults(r#"{"age":null,"carers":[]}"#), ["age", "carers"]);
        assert_eq!(faults(r#"{"carers":[{"name":"Ana"}]}"#), <[&str; 0]>::default());
        assert_eq!(faults(r#"{"carers":{"$gt":""}}"#), ["carers"]);
    }

    #[test]
    fn numbers_and_flags_of_a_query_are_read_from_their_text() {
        let pairs = [("age", "7"), ("active", "true")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let members = from_query(&PERSON, pairs.to_vec()).unwrap();
        assert_eq!((members["age"].as_i64(), members["active"].as_bool()), (Some(7), Some(true)));
        let twice = [("age", "7"), ("age", "8")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(from_query(&PERSON, twice.to_vec()).unwrap_err().len(), 1);
    }
}
