//! The `auricle` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    auricle::cli::run(std::env::args_os())
}
