//! `auricle agent-check`: tries somebody's agent, and says what holds and what does not.

use std::path::PathBuf;
use std::process::ExitCode;

use media::units::SampleRate;

use super::{EX_UNAVAILABLE, EX_USAGE, fail, say};
use crate::agent::check::{self, Report, Speech};
use crate::agent::config::{self, AgentConfig, Protocol, WireFormat};

/// Which agent, and how it is spoken with.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where it listens: ws://… on a private network, or wss://….
    url: String,
    /// What it speaks, as in `agents.<name>.protocol`.
    #[arg(long, value_name = "NAME", value_parser = config::word::<Protocol>, default_value = "auricle")]
    protocol: Protocol,
    /// How audio is written; without it the first format that the protocol has.
    #[arg(long, value_name = "FORMAT", value_parser = config::word::<WireFormat>)]
    format: Option<WireFormat>,
    /// The model, where the protocol wants one.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Name of the environment variable with the key.
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
    /// PEM file with certificates trusted beside the public roots.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// What the caller says: 16 bit, mono, 8 to 48 kHz. Without it something that sounds like speech.
    #[arg(long, value_name = "WAV")]
    play: Option<PathBuf>,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> ExitCode {
    let speech = match arguments.play.as_ref().map(read_wav) {
        None => Speech::made_up(),
        Some(Some(speech)) => speech,
        Some(None) => return fail(EX_USAGE, &"--play wants a WAV file of 16 bit, mono, 8 to 48 kHz"),
    };
    let json = arguments.json;
    let config = arguments.into_config();
    let faults = config.faults();
    if !faults.is_empty() {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        return fail(EX_USAGE, &lines.join("\n"));
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(EX_UNAVAILABLE, &error),
    };
    match runtime.block_on(check::check(&config, &speech)) {
        Ok(report) => finish(&report, json),
        Err(error) => fail(EX_USAGE, &error),
    }
}

fn finish(report: &Report, json: bool) -> ExitCode {
    match (json, serde_json::to_string(report)) {
        (true, Ok(line)) => say(&line),
        (true, Err(error)) => return fail(1, &error),
        (false, _) => say(&report.to_string()),
    }
    match report.is_clean() {
        true => ExitCode::SUCCESS,
        false if report.failed() == ["connects"] => ExitCode::from(EX_UNAVAILABLE),
        false => ExitCode::from(1),
    }
}

impl Arguments {
    fn into_config(self) -> AgentConfig {
        let plain = AgentConfig { protocol: self.protocol, ..AgentConfig::at(self.url) };
        let format = self.format.unwrap_or_else(|| self.protocol.formats().first().copied().unwrap_or_default());
        AgentConfig { format, model: self.model, api_key_env: self.key_env, ca_file: self.ca_file, ..plain }
    }
}

fn read_wav(path: &PathBuf) -> Option<Speech> {
    let mut reader = hound::WavReader::open(path).ok()?;
    let spec = reader.spec();
    if spec.channels != 1 || spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
        return None;
    }
    let samples = reader.samples::<i16>().collect::<Result<_, _>>().ok()?;
    Some(Speech::new(samples, SampleRate::new(spec.sample_rate)?))
}
