//! What the command line says to bad input.

use std::fs;
use std::process::{Command, Output};

use crate::support::gateway::PROGRAM;

#[test]
fn a_configuration_is_refused_with_every_fault_at_once_and_exit_64() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("gateway.toml");
    fs::write(&file, "[calls]\nmax_duration_s = 1\n[rtp]\nport_min = 1001\n[sip]\nlisten_on = \"127.0.0.1:5060\"\n")
        .expect("the file is written");
    for command in ["check-config", "serve"] {
        let output = run(&[command, "--config", file.to_str().expect("a path of text")]);
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("sip.listen_on"), "{said}");
    }
    fs::write(&file, "[calls]\nmax_duration_s = 1\n[rtp]\nport_min = 1001\n").expect("the file is written");
    let output = run(&["check-config", "--config", file.to_str().expect("a path of text")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("calls.max_duration_s = 1") && said.contains("rtp.port_min = 1001"), "{said}");
}

#[test]
fn a_sound_configuration_and_the_embedded_one_pass() {
    assert_eq!(run(&["check-config"]).status.code(), Some(0));
    assert_eq!(run(&["check-config", "--config", "config/bench.toml"]).status.code(), Some(0));
}

#[test]
fn the_file_that_the_environment_names_is_read_where_no_other_is_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("gateway.toml");
    fs::write(&file, "[calls]\nmax_duration_s = 1\n").expect("the file is written");
    for command in ["check-config", "serve", "health"] {
        let output = Command::new(PROGRAM).arg(command).env("AURICLE_CONFIG", &file).output().expect("the built program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(64) && said.contains("calls.max_duration_s = 1"), "{command}: {output:?}");
    }
    let mut given = Command::new(PROGRAM);
    given.args(["check-config", "--config", "config/bench.toml"]).env("AURICLE_CONFIG", &file);
    assert_eq!(given.output().expect("the built program starts").status.code(), Some(0));
}

#[test]
fn a_command_that_does_not_exist_is_exit_64() {
    assert_eq!(run(&["dance"]).status.code(), Some(64));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().expect("the built program starts")
}
