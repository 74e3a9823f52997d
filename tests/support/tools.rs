//! Real tools, where they are installed. `scripts/setup.sh test` installs them.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Where `name` is installed; without it says aloud that the test is skipped.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// The Python with the packages of `tests/support/requirements.txt`.
pub(crate) fn python() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    let python = env::var_os("AURICLE_PYTHON").map_or(default, PathBuf::from);
    if python.is_file() {
        return Some(python);
    }
    skip("the Python packages are not installed (make test does it)");
    None
}

/// Says aloud, past the capture of test output, that something is not tested here.
pub(crate) fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _written = writeln!(std::io::stderr(), "skipped: {reason} ({test})");
}

/// Runs `command` to its end, and ends it when it takes longer than `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Output {
    let described = format!("{command:?}");
    let started = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{described}: {error}"));
    let pid = rustix::process::Pid::from_child(&child);
    let waiting = std::thread::spawn(move || child.wait_with_output());
    while !waiting.is_finished() {
        if started.elapsed() > limit {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = waiting.join().expect("waiting does not panic").unwrap_or_else(|error| panic!("{described}: {error}"));
    assert!(started.elapsed() <= limit, "{described} took longer than {limit:?}\n{}", text(&output));
    output
}

/// Both outputs of a tool, for messages.
pub(crate) fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Fails with all that the tool said unless it succeeded.
pub(crate) fn assert_success(what: &str, output: &Output) {
    let status: ExitStatus = output.status;
    assert!(status.success(), "{what}: {status}\n{}", text(output));
}
