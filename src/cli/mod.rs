//! The command line: one table of commands, one exit code each way.
//!
//! Exit codes follow `sysexits.h` where one fits: 0 done, 64 the command line or the configuration is wrong, 69 a port
//! or file is not to be had, 1 what was expected did not happen.

mod admin;
mod agent_check;
mod call;
mod health;
mod serve;
mod simulator;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// A voice gateway that puts a streaming AI on the telephone.
#[derive(Debug, Parser)]
#[command(name = "auricle", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(ConfigFile),
    /// Check a configuration and say everything that is wrong with it.
    CheckConfig(ConfigFile),
    /// Run a streaming AI that is none, to test against.
    AgentSimulator(Box<simulator::Arguments>),
    /// Try somebody's agent: named checks, each with what was expected.
    AgentCheck(Box<agent_check::Arguments>),
    /// Call a SIP URI, play a recording, record the answer.
    Call(call::Arguments),
    /// Ask a running gateway whether it is well.
    Health(health::Arguments),
    /// Users, keys, backups and imports, without HTTP; the gateway has to be stopped for it.
    Admin(admin::Arguments),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// A TOML file over the embedded defaults, whose agents, numbers and simulator its own replace; the environment goes over both.
    #[arg(long, value_name = "FILE", env = "AURICLE_CONFIG")]
    config: Option<PathBuf>,
}

/// Runs the command that `arguments` name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be done about a terminal that is gone.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EX_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match arguments.command {
        Command::Serve(file) => with_config(&file, serve::run),
        Command::CheckConfig(file) => with_config(&file, |_| {
            say("the configuration is sound");
            ExitCode::SUCCESS
        }),
        Command::AgentSimulator(arguments) => simulator::run(*arguments),
        Command::AgentCheck(arguments) => agent_check::run(*arguments),
        Command::Call(arguments) => call::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Admin(arguments) => admin::run(arguments),
    }
}

fn with_config(file: &ConfigFile, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load(file.config.as_deref()) {
        Ok(config) => then(config),
        Err(errors) => fail(EX_USAGE, &errors),
    }
}

/// Writes a line to standard output.
fn say(line: &str) {
    use std::io::Write;
    // A closed pipe is the reader's wish.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes an error to standard error.
fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "auricle: {error}");
    ExitCode::from(code)
}

/// The command line or the configuration is wrong.
const EX_USAGE: u8 = 64;

/// Something that is needed cannot be had.
const EX_UNAVAILABLE: u8 = 69;
