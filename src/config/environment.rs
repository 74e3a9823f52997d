//! Settings from the environment: `AURICLE__HTTP__LISTEN` is `http.listen`, `AURICLE__AGENTS__DESK__URL` is
//! `agents.desk.url`. Names are lowered; values stay text until the setting's type is known.

use toml::{Table, Value};

/// The variables of ours as a table shaped like the file's; everything else is passed over.
pub(super) fn layer(variables: impl IntoIterator<Item = (String, String)>) -> Table {
    let mut layer = Table::new();
    for (name, value) in variables {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let path = path.to_ascii_lowercase();
        let parts: Vec<&str> = path.split("__").collect();
        place(&mut layer, &parts, value);
    }
    layer
}

fn place(table: &mut Table, path: &[&str], value: String) {
    match path {
        [] => {}
        [key] => {
            table.insert((*key).to_owned(), Value::String(value));
        }
        [section, rest @ ..] => {
            let inner = table.entry((*section).to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                place(inner, rest, value);
            }
        }
    }
}

const PREFIX: &str = "AURICLE__";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_underscores_part_section_and_key() {
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let layer = layer([of("AURICLE__AGENTS__DESK__API_KEY_ENV", "KEY"), of("HOME", "/root"), of("AURICLE__LOG__LEVEL", "warn")]);
        let expected: Table = "[agents.desk]\napi_key_env = 'KEY'\n[log]\nlevel = 'warn'".parse().unwrap();
        assert_eq!(layer, expected);
    }
}
