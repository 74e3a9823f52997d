//! `auricle admin`, as an operator runs it: the built program on a folder of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs `auricle admin …` on the store in `folder`.
fn admin(folder: &Path, arguments: &[&str]) -> Output {
    admin_with(folder, arguments, &[])
}

fn admin_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auricle"));
    command.env_clear().env("AURICLE__STORE__PATH", folder.join("data")).env("AURICLE__IDENTITY__PASSWORD_MEMORY_KIB", "19456");
    command.envs(environment.iter().copied()).current_dir(folder).arg("admin").args(arguments);
    command.output().expect("the program runs")
}

/// What it said, when it went well.
fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

const ORIGIN: &str = r#"{
  "users": [
    { "id": "64a1", "email": "nurse@planted.example", "name": "Planted Nurse", "role": "user",
      "password_hash": "$2b$04$abcdefghijklmnopqrstuu5LkjihgfedcbaABCDEFGHIJKLMNOPQR" },
    { "id": "64a2", "email": "nobody", "role": "admin" }
  ],
  "patients": [
    { "id": "64b1", "name": "Ada Planted", "email": "ada@planted.example", "phone": "+1 555 010 0199" },
    { "id": "64b2", "name": "", "email": "bad" }
  ],
  "calls": [
    { "id": "64c1", "direction": "outbound", "from": "+15550100100", "to": "+15550100199", "started_at": "2026-01-02T03:04:05Z",
      "transcript": [{ "at_ms": 10, "speaker": "caller", "text": "planted words", "heard_ms": null, "interrupted": false }] }
  ]
}"#;

/// An organisation with everything that the other system had.
fn imported() -> TempDir {
    let folder = folder();
    fs::write(folder.path().join("origin.json"), ORIGIN).expect("written");
    said(&admin(folder.path(), &["create-user", "--email", "chief@planted.example", "--role", "orgAdmin"]));
    said(&admin(folder.path(), &["import", "origin.json"]));
    folder
}

/// Every byte below a folder.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            bytes.extend(bytes_below(&entry.path()));
        } else {
            bytes.extend(fs::read(entry.path()).expect("a file"));
        }
    }
    bytes
}

#[test]
fn the_first_start_shows_one_password_and_a_user_is_added_with_another() {
    let folder = folder();
    let first = said(&admin(folder.path(), &["create-user", "--email", "chief@planted.example", "--role", "orgAdmin"]));
    assert!(first.contains("first administrator: admin@localhost.localdomain, one-time password, shown once: "), "{first}");
    assert!(first.lines().nth(1).is_some_and(|line| line.starts_with("one-time password, shown once: ")), "{first}");
    let second = said(&admin(folder.path(), &["create-user", "--email", "staff@planted.example", "--role", "staff"]));
    assert!(!second.contains("first administrator"));
    assert!(refused(&admin(folder.path(), &["create-user", "--email", "CHIEF@planted.example", "--role", "staff"])).contains("email"));
    assert!(refused(&admin(folder.path(), &["create-user", "--email", "x@y.example", "--role", "god"])).contains("superAdmin"));
    assert!(
        refused(&admin(folder.path(), &["create-user", "--email", "x@y.example", "--role", "staff", "--org", "org_none"]))
            .contains("org_none")
    );
    said(&admin(folder.path(), &["unlock", "--email", "chief@planted.example"]));
    assert!(refused(&admin(folder.path(), &["unlock", "--email", "none@planted.example"])).contains("no such user"));
}

#[test]
fn an_organisation_is_erased_once_its_name_was_said_twice_and_the_gateway_goes_on_without_it() {
    let folder = imported();
    assert!(refused(&admin(folder.path(), &["erase", "--org", "org_none", "--yes"])).contains("org_none"));
    // Nobody says the name again.
    assert!(refused(&admin(folder.path(), &["erase", "--org", "org_default"])).contains("nothing was done"));
    said(&admin(folder.path(), &["export", "before.jsonl"]));
    assert!(said(&admin(folder.path(), &["erase", "--org", "org_default", "--yes"])).contains("destroyed"));
    assert!(refused(&admin(folder.path(), &["export", "after.jsonl"])).contains("erased"));
    said(&admin(folder.path(), &["rotate-keys"]));
}

/// The audit log's entries of `auricle admin`: action, resource and how it went.
fn deeds(folder: &Path) -> Vec<String> {
    let mut segments: Vec<_> = fs::read_dir(folder.join("data/audit")).expect("a log").flatten().map(|entry| entry.path()).collect();
    segments.sort();
    let text: String = segments.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let entries =
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON").get("entry").cloned().expect("an entry"));
    let told = |entry: &serde_json::Value, name: &str| entry.get(name).and_then(|value| value.as_str()).unwrap_or("-").to_owned();
    entries
        .filter(|entry| told(entry, "actor_type") == "operator")
        .map(|entry| ["action", "resource", "org", "outcome", "reason"].map(|name| told(&entry, name)).join(" "))
        .collect()
}

#[test]
fn each_command_stands_in_the_audit_log_before_it_is_done_and_after() {
    let folder = imported();
    said(&admin(folder.path(), &["unlock", "--email", "chief@planted.example"]));
    said(&admin(folder.path(), &["export", "patients.jsonl"]));
    refused(&admin(folder.path(), &["export", "patients.jsonl"]));
    said(&admin(folder.path(), &["backup", "all.backup"]));
    said(&admin(folder.path(), &["rotate-keys"]));
    refused(&admin(folder.path(), &["erase", "--org", "org_default"]));
    said(&admin(folder.path(), &["erase", "--org", "org_default", "--yes"]));
    let expected = [
        ("create user", "success -"),
        ("import organisation", "success -"),
        ("unlock user", "success -"),
        ("export patient", "success -"),
        ("export patient", "failure file"),
        ("backup store", "success -"),
        ("rotate_key store", "success -"),
        ("erase organisation", "failure not_confirmed"),
        ("erase organisation", "success -"),
    ];
    let expected: Vec<String> =
        expected.iter().flat_map(|(deed, end)| [format!("{deed} org_default intended -"), format!("{deed} org_default {end}")]).collect();
    assert_eq!(deeds(folder.path()), expected);
    let log = bytes_below(&folder.path().join("data/audit"));
    assert!(!String::from_utf8_lossy(&log).contains("planted"));
}

#[test]
fn nothing_is_done_where_another_process_has_the_audit_log() {
    let folder = imported();
    let lock = fs::File::create(folder.path().join("data/audit/lock")).expect("the lock");
    lock.try_lock().expect("free");
    let said = refused(&admin(folder.path(), &["export", "patients.jsonl"]));
    assert!(said.contains("audit log") && !folder.path().join("patients.jsonl").exists(), "{said}");
}

#[test]
fn what_passes_is_imported_once_and_what_does_not_is_named() {
    let folder = folder();
    fs::write(folder.path().join("origin.json"), ORIGIN).expect("written");
    assert!(refused(&admin(folder.path(), &["import", "origin.json"])).contains("no organisation"));
    said(&admin(folder.path(), &["create-user", "--email", "chief@planted.example", "--role", "orgAdmin"]));
    let first = said(&admin(folder.path(), &["import", "origin.json"]));
    assert!(
        first.contains("users[1]: email must be an e-mail address")
            && first.contains("patients[1]: name must have 1 to 100 characters; email"),
        "{first}"
    );
    for line in [
        "users: 1 added, 0 there already, 1 refused",
        "patients: 1 added, 0 there already, 1 refused",
        "calls: 1 added, 0 there already, 0 refused",
    ] {
        assert!(first.contains(line), "{first}");
    }
    let second = said(&admin(folder.path(), &["import", "origin.json"]));
    for kind in ["users", "patients", "calls"] {
        assert!(second.contains(&format!("{kind}: 0 added, 1 there already")), "{second}");
    }
    let export = said(&admin(folder.path(), &["export", "out.jsonl"]));
    assert!(export.contains("1 patients"), "{export}");
    let exported: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out.jsonl")).expect("a file")).expect("a line of JSON");
    assert_eq!((&exported["name"], &exported["phone_e164"]), (&"Ada Planted".into(), &"+15550100199".into()));
}

#[test]
fn neither_store_nor_backup_shows_a_name_a_number_or_a_word_and_the_backup_brings_all_back() {
    let folder = imported();
    said(&admin(folder.path(), &["backup", "data/all.backup"]));
    let stored = bytes_below(&folder.path().join("data"));
    for planted in ["Planted", "planted.example", "5550100199", "555 010", "planted words"] {
        assert!(!stored.windows(planted.len()).any(|window| window == planted.as_bytes()), "{planted}");
    }
    let other = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("data/all.backup");
    let backup = backup.to_str().expect("a path");
    said(&admin(other.path(), &["restore", backup]));
    assert!(refused(&admin(other.path(), &["restore", backup])).contains("not empty"));
    // Without the master secret it opens for nobody.
    let without = refused(&admin(other.path(), &["export", "out.jsonl"]));
    assert!(without.contains("master key"), "{without}");
    fs::remove_file(other.path().join("data/master_secret")).expect("the secret that was made there");
    fs::remove_file(other.path().join("out.jsonl")).ok();
    fs::copy(folder.path().join("data/master_secret"), other.path().join("data/master_secret")).expect("copied");
    said(&admin(other.path(), &["export", "out.jsonl"]));
    assert!(fs::read_to_string(other.path().join("out.jsonl")).expect("a file").contains("Ada Planted"));
}

#[test]
fn after_a_rotation_the_former_master_secret_is_needed_no_more() {
    let folder = imported();
    let former = fs::read_to_string(folder.path().join("data/master_secret")).expect("the secret");
    let (former, current) = (former.trim(), "27182818284590452353602874713526e");
    let both = [("AURICLE__STORE__MASTER_SECRET", current), ("AURICLE__STORE__FORMER_MASTER_SECRET", former)];
    let rotated = said(&admin_with(folder.path(), &["rotate-keys"], &both));
    assert!(rotated.contains("keys wrapped anew: 2"), "{rotated}");
    said(&admin_with(folder.path(), &["export", "out.jsonl"], &both[..1]));
    assert!(fs::read_to_string(folder.path().join("out.jsonl")).expect("a file").contains("Ada Planted"));
    let formerly = [("AURICLE__STORE__MASTER_SECRET", former)];
    assert!(refused(&admin_with(folder.path(), &["export", "again.jsonl"], &formerly)).contains("master key"));
}
