//! Reads settings key by key, so that one bad key hides no other.
//!
//! Each key is tried alone; those that fail are reported, those that pass are read together. A structure may have keys
//! that it requires: their absence is reported once the others are read.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{field_names, suggest};
use crate::domain::setting::SettingFault;

/// Takes sections out of the file and the environment, and collects what is wrong with them.
pub(super) struct Reader {
    file: Table,
    environment: Table,
    known: Vec<&'static str>,
    faults: Vec<SettingFault>,
}

impl Reader {
    pub(super) fn new(file: Table, environment: Table) -> Self {
        Self { file, environment, known: Vec::new(), faults: Vec::new() }
    }

    /// `[name]`.
    pub(super) fn section<T: DeserializeOwned + Default>(&mut self, name: &'static str) -> T {
        let (file, environment) = self.take(name);
        self.refuse_secrets(name, &file);
        self.read(name, file, environment).unwrap_or_default()
    }

    /// `[name.<entry>]`, any number of them; one that cannot be read is left out.
    pub(super) fn named_sections<T: DeserializeOwned>(&mut self, name: &'static str) -> BTreeMap<String, T> {
        let (mut file, mut environment) = self.take(name);
        let entries: BTreeSet<String> = file.keys().chain(environment.keys()).cloned().collect();
        let mut sections = BTreeMap::new();
        for entry in entries {
            let path = format!("{name}.{entry}");
            let written = self.table(&path, file.remove(&entry));
            let overriding = self.table(&path, environment.remove(&entry));
            sections.extend(self.read(&path, written, overriding).map(|section| (entry, section)));
        }
        sections
    }

    /// What was wrong; a section that nobody asked for is wrong too.
    pub(super) fn finish(mut self) -> Vec<SettingFault> {
        let left = self.file.keys().chain(self.environment.keys());
        let unknown: Vec<_> = left.map(|name| unknown_key(name.clone(), name, &self.known)).collect();
        self.faults.extend(unknown);
        self.faults
    }

    fn take(&mut self, name: &'static str) -> (Table, Table) {
        self.known.push(name);
        let file = self.file.remove(name);
        let environment = self.environment.remove(name);
        (self.table(name, file), self.table(name, environment))
    }

    fn table(&mut self, path: &str, value: Option<Value>) -> Table {
        match value {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                let mend = format!("write [{path}] and its keys below it");
                self.faults.push(SettingFault::new(path, shown(path, &other), "must be a section", mend));
                Table::new()
            }
        }
    }

    fn refuse_secrets(&mut self, section: &str, file: &Table) {
        for key in file.keys().filter(|key| is_secret(key)) {
            let variable = format!("AURICLE__{}__{}", section.to_ascii_uppercase(), key.to_ascii_uppercase());
            let mend = format!("take it out of the file and set {variable}");
            self.faults.push(SettingFault::new(format!("{section}.{key}"), MASK, "secrets do not belong into the file", mend));
        }
    }

    fn read<T: DeserializeOwned>(&mut self, path: &str, file: Table, environment: Table) -> Option<T> {
        let known = field_names::of::<T>();
        let mut accepted = Table::new();
        let written = file.into_iter().map(|(key, value)| (key, vec![value]));
        let overriding = environment.into_iter().map(|(key, value)| (key, readings(value)));
        let faults_before = self.faults.len();
        for (key, readings) in written.chain(overriding) {
            let full = format!("{path}.{key}");
            if !known.contains(&key.as_str()) {
                self.faults.push(unknown_key(full, &key, known));
                continue;
            }
            let before = accepted.get(&key).and_then(Value::as_table);
            let readings = match readings.as_slice() {
                [Value::Table(part)] => vec![Value::Table(joined::<T>(&key, before, part))],
                _ => readings,
            };
            match first_accepted::<T>(&key, readings) {
                Ok(value) => {
                    accepted.insert(key, value);
                }
                Err(refused) => self.faults.push(wrong_type(full, &refused)),
            }
        }
        match T::deserialize(accepted) {
            Ok(section) => Some(section),
            Err(error) => {
                // After another fault the required key may well be the one that was refused.
                if self.faults.len() == faults_before {
                    self.faults.push(SettingFault::new(path, "(incomplete)", one_line(&error), "add the key"));
                }
                None
            }
        }
    }
}

/// A section within a section: its keys one over those that were there before, each as `T` takes it.
fn joined<T: DeserializeOwned>(section: &str, before: Option<&Table>, part: &Table) -> Table {
    let mut table = before.cloned().unwrap_or_default();
    for (key, value) in part {
        let accepted = readings(value.clone()).into_iter().find(|reading| {
            let alone = Table::from_iter([(key.clone(), reading.clone())]);
            first_accepted::<T>(section, vec![Value::Table(alone)]).is_ok()
        });
        // What nobody takes is refused with the whole.
        table.insert(key.clone(), accepted.unwrap_or_else(|| value.clone()));
    }
    table
}

struct Refused {
    value: Value,
    message: String,
}

/// The first reading of a value that `T` takes under `key`; when it takes none, what it said to the last.
fn first_accepted<T: DeserializeOwned>(key: &str, readings: Vec<Value>) -> Result<Value, Refused> {
    let mut refused = Refused { value: Value::Boolean(false), message: String::new() };
    for value in readings {
        let alone = Table::from_iter([(key.to_owned(), value.clone())]);
        match T::deserialize(alone) {
            Ok(_) => return Ok(value),
            // Serde looks for missing keys only once it has taken those that are there.
            Err(error) if error.message().starts_with("missing field") => return Ok(value),
            Err(error) => refused = Refused { value, message: one_line(&error) },
        }
    }
    Err(refused)
}

/// How the text of an environment variable can be meant: as itself, or as a TOML value (a number, a list).
fn readings(value: Value) -> Vec<Value> {
    let parsed = value.as_str().and_then(|text| format!("value = {text}").parse::<Table>().ok()?.remove("value"));
    std::iter::once(value).chain(parsed).collect()
}

fn unknown_key(full: String, key: &str, known: &[&'static str]) -> SettingFault {
    let mend = match suggest::nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known here: {}", known.join(", ")),
    };
    SettingFault::new(full, "(set)", "there is no such setting", mend)
}

fn wrong_type(full: String, refused: &Refused) -> SettingFault {
    let bound = if is_secret(&full) { "must be a text".to_owned() } else { refused.message.clone() };
    let value = shown(&full, &refused.value);
    SettingFault::new(full, value, bound, "see config/default.toml for its form")
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().lines().collect::<Vec<_>>().join(" ")
}

fn shown(key: &str, value: &Value) -> String {
    if is_secret(key) { MASK.to_owned() } else { value.to_string() }
}

fn is_secret(key: &str) -> bool {
    ["secret", "password", "token"].iter().any(|word| key.ends_with(word))
}

const MASK: &str = "(masked)";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Peer {
        url: String,
        #[serde(default)]
        port: u16,
    }

    fn peers(file: &str, environment: &str) -> (BTreeMap<String, Peer>, Vec<String>) {
        let mut reader = Reader::new(file.parse().unwrap(), environment.parse().unwrap());
        let peers = reader.named_sections("peers");
        (peers, reader.finish().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_required_key_may_come_from_either_source() {
        let (peers, faults) = peers("[peers.a]\nport = 1\n[peers.b]\nurl = 'x'", "[peers.a]\nurl = 'y'\n[peers.b]\nport = '2'");
        assert_eq!(faults, <[String; 0]>::default());
        let expected = [("a".to_owned(), Peer { url: "y".to_owned(), port: 1 }), ("b".to_owned(), Peer { url: "x".to_owned(), port: 2 })];
        assert_eq!(peers, BTreeMap::from(expected));
    }

    #[test]
    fn a_required_key_that_is_missing_is_named() {
        let (peers, faults) = peers("[peers.a]\nport = 1\n", "");
        assert!(peers.is_empty());
        assert_eq!(faults, ["peers.a = (incomplete): missing field `url`. add the key."]);
    }

    #[test]
    fn a_required_key_that_is_wrong_is_named_once() {
        let (_, faults) = peers("[peers.a]\nurl = 7\n", "");
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}
