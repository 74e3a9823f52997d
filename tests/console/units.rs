//! What is TypeScript is checked and tested by its own tools.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::tools;

#[test]
fn the_page_and_the_sdk_pass_their_own_tests_and_the_sdk_is_small() {
    if tools::find("npm").is_none() {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/console.sh");
    for part in ["check", "test"] {
        let output = tools::run(Command::new(&script).arg(part), Duration::from_secs(600));
        tools::assert_success(part, &output);
    }
}
