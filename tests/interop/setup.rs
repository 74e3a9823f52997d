//! What `scripts/setup.sh` installs is there and does not run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::tools;

#[test]
fn no_service_is_started_while_it_is_installed_or_with_the_machine() {
    let machine = Machine::new();
    let output = machine.install(0);
    tools::assert_success("setup", &output);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a service may be started: 101\nsystemctl disable --quiet coturn.service\n");
    assert!(!machine.policy().exists(), "services are kept from starting for ever");
}

#[test]
fn the_policy_that_was_set_for_an_installation_goes_with_one_that_fails() {
    let machine = Machine::new();
    let output = machine.install(100);
    assert!(!output.status.success(), "{}", tools::text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a service may be started: 101\n");
    assert!(!machine.policy().exists(), "services are kept from starting for ever");
}

#[test]
fn a_policy_of_the_machines_own_stands() {
    let machine = Machine::new();
    write(&machine.policy(), "#!/bin/sh\nexit 104\n");
    let output = machine.install(0);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("a service may be started: 104\n"), "{}", tools::text(&output));
    assert_eq!(fs::read_to_string(machine.policy()).expect("it is there still"), "#!/bin/sh\nexit 104\n");
}

/// What of Debian an installation sees: a package with a service, whose start is asked for.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a temporary folder"));
        write(
            &machine.file("apt-get"),
            "#!/bin/sh\nstatus=0\n\"$POLICY\" coturn start || status=$?\necho \"a service may be started: $status\"\nexit \"$FAILS\"\n",
        );
        write(
            &machine.file("dpkg"),
            "#!/bin/sh\nprintf '%s\\n' /. /lib/systemd/system /lib/systemd/system/coturn.service /usr/bin/turnserver\n",
        );
        write(&machine.file("systemctl"), "#!/bin/sh\necho \"systemctl $*\"\n");
        machine
    }

    /// Installs, with an apt-get that ends so.
    fn install(&self, status: i32) -> Output {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").expect("a search path"));
        let mut command = Command::new("bash");
        command.args(["-c", "source scripts/setup.sh; policy=$POLICY; apt_install coturn"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("PATH", path).env("POLICY", self.policy()).env("FAILS", status.to_string());
        command.output().expect("bash is installed")
    }

    fn policy(&self) -> std::path::PathBuf {
        self.file("policy-rc.d")
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }
}

fn write(file: &Path, script: &str) {
    fs::write(file, script).expect("a script is written");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("it may be run");
}
